"""Runs a composite action's steps one after the other as GitHub's runner does: conditions, inputs, environment, outputs."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.docs.pages import ROOT
from tests.integration.actions.expressions import fill, holds, to_text

ACTION = ROOT / "action.yml"
PROGRAMS = Path(sysconfig.get_path("scripts"))
TOKEN = "ghs_for_this_run_only"


@dataclass
class Ran:
    """What came of a run: whether it failed, its log, its summary, and the other actions that it used with their inputs."""

    code: int = 0
    log: str = ""
    summary: str = ""
    steps: dict[str, str] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)

    def commands(self, kind: str) -> list[str]:
        """Returns the workflow commands of a kind that the runner would take: none while commands are stopped.

        The runner takes them after spaces too, and in their old form wherever in a line.
        """
        found, stopped = [], ""
        for line in self.log.splitlines():
            if stopped:
                stopped = "" if line == f"::{stopped}::" else stopped
            elif line.startswith("::stop-commands::"):
                stopped = line.removeprefix("::stop-commands::")
            elif line.lstrip().startswith((f"::{kind} ", f"::{kind}::")) or f"##[{kind}" in line:
                found.append(line)
        return found


@dataclass(frozen=True)
class Machine:
    """A runner: where it works, and what GitHub tells it. `is_installed` leaves out the installation: hubcfg is there."""

    workspace: Path
    temp: Path
    event_name: str
    event: Mapping[str, Any]
    variables: Mapping[str, str]
    is_installed: bool = True
    refusing: tuple[str, ...] = ()  # actions that fail

    def run(self, inputs: Mapping[str, str], environment: Mapping[str, str] | None = None) -> Ran:
        """Runs the action."""
        action = yaml.load(ACTION.read_text("utf-8"), yaml.BaseLoader)
        self.temp.mkdir(exist_ok=True)
        (self.temp / "event.json").write_text(json.dumps(self.event))
        github = {"token": TOKEN, "event": self.event, "event_name": self.event_name,
                  "base_ref": self.variables.get("GITHUB_BASE_REF", "")}  # fmt: skip
        assert set(inputs) <= set(action["inputs"]), "an input that the action does not have"
        given = {name: fill(one.get("default", ""), {"github": github}) for name, one in action["inputs"].items()}
        contexts: dict[str, Any] = {"github": github, "inputs": {**given, **inputs}, "steps": {}}
        ran = Ran()
        for number, step in enumerate(action["runs"]["steps"]):
            self._run_step(step, number, contexts, ran, environment or {})
        return ran

    def _run_step(
        self, step: Any, number: int, contexts: dict[str, Any], ran: Ran, environment: Mapping[str, str]
    ) -> None:
        if not holds(step.get("if"), contexts, has_failed=ran.code != 0):
            ran.steps[step["name"]] = "skipped"
            return
        if "uses" in step:
            code, outputs = self._use(step, contexts, ran)
        elif step["name"] == "Install hubcfg" and self.is_installed:
            code, outputs = 0, self._have_installed()
        else:
            code, outputs = self._run_script(step, number, contexts, ran, environment)
        outcome = "failure" if code else "success"
        ran.steps[step["name"]] = outcome
        if "id" in step:
            contexts["steps"][step["id"]] = {"outputs": outputs, "outcome": outcome}
        if code and step.get("continue-on-error") != "true":
            ran.code = ran.code or code

    def _use(self, step: Any, contexts: Mapping[str, Any], ran: Ran) -> tuple[int, dict[str, str]]:
        name = step["uses"].partition("@")[0]
        ran.used[name] = {key: fill(value, contexts) for key, value in step["with"].items()}
        outputs = {"python-path": sys.executable} if name == "actions/setup-python" else {}
        return int(name in self.refusing), outputs

    def _have_installed(self) -> dict[str, str]:
        work = self.temp / "work"
        work.mkdir(exist_ok=True)
        return {
            "hubcfg": str(PROGRAMS / "hubcfg"),
            "python": sys.executable,
            "work": str(work),
            "word": "a-word-that-nobody-knows",
        }

    def _run_script(
        self, step: Any, number: int, contexts: Mapping[str, Any], ran: Ran, environment: Mapping[str, str]
    ) -> tuple[int, dict[str, str]]:
        assert step["shell"] == "bash"
        script, output, summary = (self.temp / f"{number}.{one}" for one in ("sh", "output", "summary"))
        script.write_text(step["run"])
        output.touch()
        summary.touch()
        given = {
            **clean_environment(),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(self.temp),
            **self.variables,
            **environment,
            **{name: fill(to_text(value), contexts) for name, value in step.get("env", {}).items()},
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace,
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        ran.log += done.stdout
        ran.summary += summary.read_text("utf-8")
        assert len(summary.read_bytes()) <= 1024 * 1024, "a step's summary is at most 1 MiB"
        return done.returncode, dict(line.split("=", 1) for line in output.read_text("utf-8").splitlines())


def clean_environment() -> dict[str, str]:
    """Returns the environment of this process without what would tell hubcfg or Git about this machine."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("GITHUB_", "GITLAB_", "CI_", "GIT_", "HUBCFG_", "RUNNER_")) and name != "CI"}  # fmt: skip
    return kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "COLUMNS": "100"}
