"""One line about a project: what was looked at."""

from hubcfg.validator.config import Config
from hubcfg.views.counts import join_words, number


def summarize_project(config: Config | None, files: int) -> str:
    """Returns how many files, orgs and users a project has."""
    if config is None:
        return number(files, "file")
    users = sum(len(org.users) for org in config.orgs.values())
    parts = [number(len(config.orgs), "org"), number(users, "user"), number(files, "file")]
    return f"{config.project.id}: {join_words(parts)}"
