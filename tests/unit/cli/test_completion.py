"""`hubcfg completion`: the script works in a real shell, and completing imports no more than it needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hubcfg.cli.main import COMMANDS
from tests.unit.cli.running import Run

COMMAND_NAMES = sorted(path.stem.replace("_", "-") for path in COMMANDS.glob("*.py") if path.stem != "__init__")


def complete(*words: str) -> list[str]:
    """Asks the program as the script for bash does."""
    done = subprocess.run(
        [sys.executable, "-m", "hubcfg"],
        env=os.environ | _asking(words),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return [line.removeprefix("plain,") for line in done.stdout.splitlines()]


def _asking(words: tuple[str, ...]) -> dict[str, str]:
    line = "\n".join(("hubcfg", *words))
    return {"COMP_WORDS": line, "COMP_CWORD": str(len(words)), "_HUBCFG_COMPLETE": "bash_complete"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(hubcfg: Run, shell: str) -> None:
    """The script asks the program through its variable, and nothing else is printed."""
    outcome = hubcfg("completion", shell)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"_HUBCFG_COMPLETE={shell}_complete" in outcome.out


def test_another_shell_is_wrong_usage(hubcfg: Run) -> None:
    """The message lists the shells that there are."""
    outcome = hubcfg("completion", "tcsh")
    assert outcome.code == 2
    assert "'bash', 'zsh', 'fish'" in outcome.err


def test_bash_completes_with_the_script(hubcfg: Run, tmp_path: Path) -> None:
    """A real bash that has read the script offers the commands that begin with what was typed."""
    bash = shutil.which("bash")
    assert bash is not None
    (tmp_path / "hubcfg").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hubcfg "$@"\n')
    (tmp_path / "hubcfg").chmod(0o755)
    script = hubcfg("completion", "bash").out + (
        '\nCOMP_WORDS=(hubcfg "$1")\nCOMP_CWORD=1\n_hubcfg_completion hubcfg\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        [bash, "--norc", "--noprofile", "-c", script, "bash", "co"],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["compile", "completion"], "")


def test_all_commands_are_offered() -> None:
    """After `hubcfg` come the commands; after a dash the options."""
    assert complete("") == COMMAND_NAMES
    assert {"-C", "--color", "--version"} <= set(complete("-"))


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("rules", "unknown-pl"), ["unknown-platform", "unknown-platform-role"]),
        (("platforms", "show", "onestack"), ["onestack", "onestack-four-roles"]),
        (("catalog", "s"), ["search"]),
        (("schema", "hubcfg.plat"), ["hubcfg.platform/1", "hubcfg.platforms/1"]),
        (("schema", "us"), ["Users"]),
        (("init", "--platform", "m"), ["msp-panel"]),
        (("validate", "--format", "js"), ["json"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_arguments_are_completed(words: tuple[str, ...], offered: list[str]) -> None:
    """Names that hubcfg knows are offered where they may stand."""
    assert complete(*words) == offered


def test_completing_a_command_imports_none() -> None:
    """A shell asks at every press of the key: the names come from the files, not from the modules."""
    probe = "import sys, hubcfg.cli.main as m\ntry: m.main([])\nexcept SystemExit: pass\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        env=os.environ | _asking(("c",)),
        capture_output=True,
        text=True,
        check=True,
    )
    offered, modules = done.stdout.rsplit("\n", 2)[0], done.stdout.split("\n")[-2].split()
    assert "plain,catalog" in offered
    assert [name for name in modules if name.startswith("hubcfg.cli.commands.")] == []
    assert "yaml" not in modules
    assert "jsonschema" not in modules
