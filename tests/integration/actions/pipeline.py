"""Runs a job of a GitLab template as GitLab's runner does: what it extends, its variables, one shell for its script."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.docs.pages import ROOT
from tests.integration.actions.composite import clean_environment

TEMPLATE = ROOT / "docs" / "hubcfg.gitlab-ci.yml"


def load() -> Any:
    """Returns the template."""
    return yaml.load(TEMPLATE.read_text("utf-8"), yaml.BaseLoader)


def job(name: str) -> dict[str, Any]:
    """Returns a job with what it extends: maps are merged, all else is replaced."""
    template = load()
    own = dict(template[name])
    if "extends" not in own:
        return own
    merged = job(own.pop("extends"))
    for key, value in own.items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    return merged


@dataclass(frozen=True)
class JobRan:
    """What came of a job."""

    code: int
    log: str


def run_job(name: str, folder: Path, variables: Mapping[str, str]) -> JobRan:
    """Runs a job in a clone; hubcfg is there already, so what installs it is left out."""
    one = job(name)
    lines = [line for line in one["before_script"] if "-m venv" not in line and "pip install" not in line]
    assert len(lines) == len(one["before_script"]) - 2
    given = {
        **clean_environment(),
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_PROJECT_DIR": str(folder),
        **load()["variables"],
        **one["variables"],
        "HUBCFG_HOME": sys.prefix,
        **variables,
    }
    script = "\n".join(["set -eo pipefail", *lines, *one["script"]])
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script],
        cwd=folder,
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return JobRan(done.returncode, done.stdout)
