"""Approvals: what needs one, who may give it, and what is missing (docs/approvals.md)."""
