"""Writes a page anew: its commands are run and its generated parts are made, so that it shows what is the case now."""

import os
import re
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.docs.pages import ROOT, Block, Page

_GENERATED = re.compile(r"^(<!-- generated: ([a-z0-9-]+)[^\n]*-->\n)(.*?)^(<!-- end of generated -->)$", re.M | re.S)
_EXITS = re.compile(r"console: exits (\d+)")


def rewrite_page(page: Page, folder: Path, parts: Mapping[str, Callable[[], str]]) -> str:
    """Returns the text of a page as it should be.

    Blocks with a file name are written below `folder` and commands run there, in the order of the page; `examples` is
    there too. `parts` make the generated parts.
    """
    (folder / "examples").symlink_to(ROOT / "examples")
    rewritten: list[str] = []
    done = 0
    for block in page.blocks:
        rewritten.append(page.text[done : block.start])
        done = block.start + len(block.text)
        if block.file is not None:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
        rewritten.append(_run_block(page, block, folder) if block.language == "console" else block.text)
    text = "".join([*rewritten, page.text[done:]])
    return _GENERATED.sub(lambda match: f"{match[1]}{parts[match[2]]()}{match[4]}", text)


def _run_block(page: Page, block: Block, folder: Path) -> str:
    assert block.commands, f"{page}: a console block without a command"
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
        "LC_ALL": "C.UTF-8",
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
    output = done.stdout.decode().replace(str(folder), "…")
    return "".join(line.rstrip() + "\n" for line in output.splitlines()), done.returncode
