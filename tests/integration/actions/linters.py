"""Asks actionlint, shellcheck and zizmor about workflows and actions."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT
from tests.integration.actions.composite import PROGRAMS, clean_environment

ZIZMOR_CONFIG = ROOT / ".github" / "zizmor.yml"


def ask_actionlint(folder: Path, workflows: Mapping[str, str]) -> str:
    """Returns what actionlint says of workflows, with shellcheck for their scripts; nothing where they are sound."""
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.fail(
            "this test needs shellcheck, which is not installed (Debian: apt-get install shellcheck)", pytrace=False
        )
    files = _write(folder, workflows)
    return _run("actionlint", "-no-color", "-pyflakes=", f"-shellcheck={shellcheck}", *map(str, files))


def ask_zizmor(folder: Path, files: Mapping[str, str]) -> str:
    """Returns what zizmor says of workflows and actions by their paths, code smells included; nothing where they are sound."""
    paths = _write(folder, files)
    options = ("--offline", "--quiet", "--no-progress", "--persona", "pedantic", "--strict-collection")
    return _run("zizmor", *options, "--config", str(ZIZMOR_CONFIG), *map(str, paths))


def as_workflow(action: str) -> str:
    """Returns a workflow with the steps and inputs of a composite action: actionlint knows no actions."""
    value: Any = yaml.safe_load(action)
    inputs = {name: {"type": "string", "description": one["description"]} for name, one in value["inputs"].items()}
    steps = value["runs"]["steps"]
    job = {"runs-on": "ubuntu-24.04", "steps": steps}
    return yaml.safe_dump({"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"run": job}}, sort_keys=False)


def _write(folder: Path, files: Mapping[str, str]) -> list[Path]:
    paths = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        paths.append(path)
    return paths


def _run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(PROGRAMS / program), *arguments], capture_output=True, text=True, check=False, env=clean_environment()
    )
    return "" if done.returncode == 0 else f"{program} exits with {done.returncode}\n{done.stdout}{done.stderr}"
