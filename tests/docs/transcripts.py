"""Writes a page anew: its commands are run and its generated parts are made, so that it shows what is the case now."""

import os
import re
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.docs.pages import ROOT, Block, Page

SHOWN_PRESENT = "2026-12-01T09:00:00Z"
_GENERATED = re.compile(r"^(<!-- generated: ([a-z0-9-]+)[^\n]*-->\n)(.*?)^(<!-- end of generated -->)$", re.M | re.S)
_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_COMMIT = re.compile(r"(`[^`]+` \(|\brevision |\bdeployment \d+ \()[0-9a-f]{10}\b")
SHOWN_COMMIT = "4f2a9c81d0"
_FINGERPRINT = re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}")
SHOWN_FINGERPRINT = "SHA256:ScQP1bDPpEgB3ySwLMvVgWjGz2Jn3B5Jw4Q1vzd0lNk"
_YEAR = timedelta(days=365)
_EXITS = re.compile(r"console: exits (\d+)")


def rewrite_page(page: Page, folder: Path, parts: Mapping[str, Callable[[], str]]) -> str:
    """Returns the text of a page as it should be.

    Blocks with a file name are written below `folder` and commands run there, in the order of the page; `examples` is
    there too. The folder is a Git work tree, in which all that has been written is committed before a command runs.
    `parts` make the generated parts.
    """
    shutil.copytree(ROOT / "examples", folder / "examples")
    run_command("git init -q", folder, folder)
    rewritten: list[str] = []
    done = 0
    for block in page.blocks:
        rewritten.append(page.text[done : block.start])
        done = block.start + len(block.text)
        rewritten.append(_write_block(page, block, folder))
    text = "".join([*rewritten, page.text[done:]])
    return _GENERATED.sub(lambda match: f"{match[1]}{parts[match[2]]()}{match[4]}", text)


def _write_block(page: Page, block: Block, folder: Path) -> str:
    if block.language == "console":
        return _run_block(page, block, folder)
    if block.file is None:
        return block.text
    if block.file.startswith("examples/"):
        return (ROOT / block.file).read_text("utf-8")
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, "utf-8")
    return block.text


def _run_block(page: Page, block: Block, folder: Path) -> str:
    assert block.commands, f"{page}: a console block without a command"
    output, code = run_command(f"git add -A && git commit -qm '{page}' --allow-empty", folder, folder)
    assert code == 0, output
    expected = _EXITS.search(block.mark)
    shown = []
    for number, command in enumerate(block.commands, 1):
        output, code = run_command(command, folder, folder)
        due = int(expected[1]) if expected and number == len(block.commands) else 0
        assert code == due, f"{page}: `{command}` exits with {code}\n{output}"
        shown.append(f"$ {command}\n{output}")
    return "".join(shown)


def run_command(command: str, folder: Path, home: Path) -> tuple[str, int]:
    """Runs a shell command in a folder, and returns what it writes and its exit code."""
    environment = {
        "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "HOME": str(home),
        "COLUMNS": "100",
        "LOGNAME": "olga",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{
            f"GIT_{who}_{what}": "olga@brightdesk.example"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
    )
    output = _INSTANT.sub(_show_instant, done.stdout.decode().replace(str(folder), "…"))
    output = output.replace(f"{datetime.now(UTC):%Y-%m-%d}-", f"{SHOWN_PRESENT[:10]}-")  # ids of approvals
    output = output.replace(f" on {socket.gethostname()},", " on laptop,")
    output = _FINGERPRINT.sub(SHOWN_FINGERPRINT, _COMMIT.sub(rf"\g<1>{SHOWN_COMMIT}", output))
    return "".join(line.rstrip() + "\n" for line in output.splitlines()), done.returncode


def _show_instant(match: re.Match[str]) -> str:
    """Returns the instant that stands for the present in the documentation, or years from it, and any other as it is."""
    distance = datetime.fromisoformat(match[0]) - datetime.now(UTC)
    years = round(distance / _YEAR)
    is_present = abs(distance - years * _YEAR) < timedelta(minutes=10)
    shown = datetime.fromisoformat(SHOWN_PRESENT) + years * _YEAR
    return f"{shown:%Y-%m-%dT%H:%M:%SZ}" if is_present else match[0]
