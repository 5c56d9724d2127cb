"""One line about a project: what was looked at."""

from hubcfg.views.counts import join_words, number


def summarize_project(project: str | None, orgs: int, users: int, files: int, base: str | None) -> str:
    """Returns how many files, orgs and users a project has, and what its approvals were judged by."""
    if project is None:
        return number(files, "file")
    parts = [number(orgs, "org"), number(users, "user"), number(files, "file")]
    judged = f"; approvals judged by {base}" if base is not None else ""
    return f"{project}: {join_words(parts)}{judged}"
