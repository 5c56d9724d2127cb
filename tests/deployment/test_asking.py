"""Nothing is deployed without a yes: from somebody at a terminal, or by `--auto-approve`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment.sites import Site, read_tree
from tests.unit.cli.running import Run
from tests.unit.cli.talking import talk

QUESTION = "Apply this to `local`? [y/N]:"


@pytest.fixture
def project(hubcfg: Run, tmp_path: Path) -> Path:
    """A project that was begun a moment ago."""
    root = tmp_path / "desk"
    assert hubcfg("init", str(root), "--org", "desk").code == 0
    return root


def _environment(root: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(root), "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100"}


def _talk(root: Path, *answers: tuple[str, str], options: tuple[str, ...] = ()) -> tuple[str, int]:
    return talk(["apply", "--bootstrap", *options], answers, root, _environment(root))


def test_yes_deploys(project: Path) -> None:
    """The plan is shown, the question asked, and the answer carried out."""
    shown, code = _talk(project, (QUESTION, "y"))
    assert code == 0, shown
    assert (
        shown.index("new org desk: wider") < shown.index(QUESTION) < shown.index("applied to `local` as deployment 1")
    )
    assert (project / "deploy/current").is_symlink()


@pytest.mark.parametrize("answer", ["n", "", "no"])
def test_anything_else_changes_nothing(project: Path, answer: str) -> None:
    """No, and no answer, mean no."""
    before = read_tree(project)
    shown, code = _talk(project, (QUESTION, answer))
    assert code == 1
    assert "not applied, because the answer was no; nothing was changed" in shown
    assert read_tree(project) == before


def test_where_nothing_changes_nobody_is_asked(project: Path) -> None:
    """A second apply has nothing to ask about."""
    _talk(project, (QUESTION, "y"))
    shown, code = _talk(project)
    assert code == 0
    assert "nothing to change" in shown


def test_what_changes_while_somebody_thinks_is_not_deployed(project: Path) -> None:
    """What was shown is what is deployed: an edit after the question makes the plan stale."""

    class Late(str):
        __slots__ = ()

        def encode(self, *_: object) -> bytes:  # type: ignore[override]  # answers are only ever encoded
            with (project / "users/staff.yaml").open("a") as file:
                file.write("# a late change\n")
            return b"y"

    shown, code = _talk(project, (QUESTION, Late("y")))
    assert code == 1, shown
    assert "stale-plan" in shown
    assert not (project / "deploy/current").exists()


def test_with_json_the_plan_is_shown_beside_it(project: Path) -> None:
    """Whoever is asked has seen what for."""
    shown, code = _talk(project, (QUESTION, "y"), options=("--format", "json"))
    assert code == 0
    assert shown.index("new org desk: wider") < shown.index(QUESTION) < shown.index('"format": "hubcfg.receipt/1"')


def test_without_a_terminal_it_refuses(site: Site) -> None:
    """Without `--auto-approve` nothing is even read; in JSON that is a document too."""
    before = site.state()
    for command in (["apply"], ["rollback", "1"]):
        outcome = site.command(*command, "--format", "json")
        assert outcome.code == 1
        assert outcome.json["error"]["message"] == "there is no terminal to ask on, so nothing was changed"
        assert "--auto-approve" in outcome.json["error"]["help"]
    assert site.state() == before


def test_an_interrupt_changes_nothing(project: Path) -> None:
    """Ctrl-C at the question: exit code 130, and nothing is there."""
    before = read_tree(project)
    shown, code = _talk(project, (QUESTION, "\x03"))
    assert code == 130
    assert "interrupted; nothing is half-written" in shown
    assert read_tree(project) == before


def test_an_interrupt_in_the_middle_leaves_old_or_new(project: Path) -> None:
    """SIGINT while it is under way, wherever that hits: the target is empty or whole, and another apply comes to the end."""
    command = [sys.executable, "-c", "from hubcfg.cli.main import main; main()"]
    environment = _environment(project)
    for wait in (0.25, 0.45):
        process = subprocess.Popen(
            [*command, "apply", "--bootstrap", "--auto-approve", "--format", "json"],
            cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        verified = subprocess.run(
            [*command, "history", "verify", "--format", "json"],
            cwd=project, env=environment, capture_output=True, check=False,
        )  # fmt: skip
        assert json.loads(verified.stdout)["intact"], verified.stdout
    done = subprocess.run(
        [*command, "apply", "--bootstrap", "--auto-approve"],
        cwd=project,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (project / "deploy/current/orgs/desk/staff.json").is_file()
