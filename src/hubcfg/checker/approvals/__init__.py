"""Approvals: what needs one, and what is missing one (docs/approvals.md)."""

from hubcfg.checker.approvals.outstanding import check_approvals
from hubcfg.checker.approvals.rules import RULES as APPROVAL_RULES

__all__ = ["APPROVAL_RULES", "check_approvals"]
