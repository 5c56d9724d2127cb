"""One line about a project: what was looked at."""

from hubcfg.pipeline import Compiled
from hubcfg.views.counts import join_words, number


def summarize_project(compiled: Compiled) -> str:
    """Returns how many files, orgs and users a project has."""
    config = compiled.config
    if config is None:
        return ""
    users = sum(len(org.users) for org in config.orgs.values())
    parts = [number(len(config.orgs), "org"), number(users, "user"), number(len(compiled.sources), "file")]
    return f"{config.project.id}: {join_words(parts)}"
