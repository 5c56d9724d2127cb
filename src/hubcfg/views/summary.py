"""One line about a project: what was looked at."""

from hubcfg.checker.approvals.check import ApprovalReport
from hubcfg.validator.config import Config
from hubcfg.views.counts import join_words, number


def summarize_project(config: Config | None, approvals: ApprovalReport | None, files: int) -> str:
    """Returns how many files, orgs and users a project has, and what its approvals were judged by."""
    if config is None:
        return number(files, "file")
    users = sum(len(org.users) for org in config.orgs.values())
    parts = [number(len(config.orgs), "org"), number(users, "user"), number(files, "file")]
    judged = f"; approvals judged by {approvals.base.label}" if approvals is not None else ""
    return f"{config.project.id}: {join_words(parts)}{judged}"
