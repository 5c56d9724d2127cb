"""Compiles a project for commands that need its approvals judged, and says why where they can't be."""

import os

from hubcfg.checker.approvals.check import ApprovalReport
from hubcfg.checker.approvals.rules import NO_TRUSTED_BASE
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError
from hubcfg.core.instants import Instant
from hubcfg.core.rule import Severity
from hubcfg.pipeline import Compiled, compile_project
from hubcfg.validator.config import Config


def judge_project(settings: Settings, *, as_of: Instant, base: str | None) -> tuple[Compiled, Config, ApprovalReport]:
    """Returns a compiled project with its approvals judged; raises HubcfgError where they can't be."""
    root = settings.find_root()
    cache = settings.open_cache(root)
    compiled = compile_project(root, as_of=as_of, base=base, environment=os.environ, cache=cache)
    if compiled.config is None or compiled.approvals is None:
        raise _explain(compiled)
    return compiled, compiled.config, compiled.approvals


def _explain(compiled: Compiled) -> HubcfgError:
    errors = [one for one in compiled.findings if one.severity is Severity.ERROR]
    reasons = [one for one in errors if one.rule is NO_TRUSTED_BASE or compiled.config is None]
    if not reasons:
        return HubcfgError("approvals can't be judged, because of errors", help="mend them first: `hubcfg validate`")
    return HubcfgError(reasons[0].message, help=reasons[0].help)
