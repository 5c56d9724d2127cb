"""The CI jobs that docs/findings.md shows do what the page says: their commands run, and write the reports that they name."""

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
import yaml

from hubcfg.cli.main import cli
from tests.docs.pages import ROOT, Page

GOOD = "kind: Users\norg: northwind\nusers:\n  olga@northwind.example: {role: owner}\n"
BAD = GOOD + "  kim@northwind.example: {role: membr}\n"


def snippet(path: str) -> Any:
    """The YAML of the block that is a file of this path."""
    (text,) = [block.text for block in Page(ROOT / "docs" / "findings.md").blocks if block.file == f"desk/{path}"]
    return yaml.load(text, yaml.BaseLoader)


def workflow_job() -> Any:
    return snippet(".github/workflows/access.yaml")["jobs"]["validate"]


def gitlab_job() -> Any:
    return snippet(".gitlab-ci.yml")["validate"]


def write_project(folder: Path, users: str) -> None:
    (folder / "hubcfg.yaml").write_text("hubcfg: 1\nproject: desk-access\nplatform: onestack\n")
    (folder / "org.yaml").write_text("kind: Org\nid: northwind\nproducts: {psa: active}\n")
    (folder / "users.yaml").write_text(users)


def run_script(lines: list[str], folder: Path) -> int:
    """Runs lines as a job does: in one shell that stops at the first failure; what installs hubcfg is left out."""
    lines = [line for line in lines if "install" not in line]
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    script = "\n".join(["set -eo pipefail", *lines])
    return subprocess.run(["bash", "-c", script], cwd=folder, env=os.environ | {"PATH": path}, check=False).returncode


@pytest.mark.parametrize(("users", "code"), [(GOOD, 0), (BAD, 1)])
def test_the_gitlab_job_writes_its_reports_and_fails_on_errors(users: str, code: int, tmp_path: Path) -> None:
    """Both reports are there and whole, whether the job passes or fails; they are kept in either case."""
    job = gitlab_job()
    write_project(tmp_path, users)
    assert run_script(job["script"], tmp_path) == code
    assert job["artifacts"]["when"] == "always"
    reports = job["artifacts"]["reports"]
    assert ElementTree.parse(tmp_path / reports["junit"]).getroot().tag == "testsuites"
    issues = json.loads((tmp_path / reports["codequality"]).read_text("utf-8"))
    assert any(issue["severity"] == "critical" for issue in issues) is (code == 1)


@pytest.mark.parametrize(("users", "code"), [(GOOD, 0), (BAD, 1)])
def test_the_github_steps_annotate_and_write_what_is_uploaded(users: str, code: int, tmp_path: Path) -> None:
    """The SARIF file is written and uploaded although the step before has failed, and the failure remains one."""
    steps = workflow_job()["steps"]
    write_project(tmp_path, users)
    runs = [step for step in steps if "hubcfg validate" in step.get("run", "")]
    assert [run_script([step["run"]], tmp_path) for step in runs] == [code] * len(runs)
    upload = steps[-1]
    assert json.loads((tmp_path / upload["with"]["sarif_file"]).read_text("utf-8"))["version"] == "2.1.0"
    assert all("!cancelled()" in step["if"] for step in (runs[-1], upload))


def test_jobs_have_the_history_and_no_more_rights_than_they_need() -> None:
    """The whole history is fetched, by which approvals are judged; the token is not left behind; actions are commits."""
    uses = [step["uses"] for step in workflow_job()["steps"] if "uses" in step]
    assert all(re.search(r"@[0-9a-f]{40}\Z", action) for action in uses)
    checkout = workflow_job()["steps"][0]
    assert checkout["with"] == {"fetch-depth": "0", "persist-credentials": "false"}
    assert gitlab_job()["variables"] == {"GIT_DEPTH": "0"}
    assert snippet(".github/workflows/access.yaml")["permissions"] == {}
    assert workflow_job()["permissions"] == {"contents": "read", "security-events": "write"}


def test_the_page_describes_every_form_that_validate_has() -> None:
    """Each choice of `--format` has a row in the table, or is text or JSON, which have sections of their own."""
    command = cli.get_command(click.Context(cli), "validate")
    assert command is not None
    (option,) = [one for one in command.params if one.name == "output"]
    page = Page(ROOT / "docs" / "findings.md")
    section = page.text.partition("## Findings in CI\n")[2].partition("\n## ")[0]
    choices = getattr(option.type, "choices", ())
    assert {f"| `{name}` |" in section for name in choices if name not in ("text", "json")} == {True}
