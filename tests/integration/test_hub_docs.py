"""docs/hub.md is true: its session prints what it shows, and its table names all that there is."""

import os
import re
import subprocess
from pathlib import Path

from hubcfg.hub.routes import OPERATIONS
from tests.docs.pages import ROOT, Page
from tests.integration.hub_process import TOKEN, start_hub

PAGE = Page(ROOT / "docs" / "hub.md")
_STEP = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.M)


def test_the_session_prints_what_it_shows(tmp_path: Path, bless: bool) -> None:
    """Each command, run by one shell against a fresh hub, prints what stands below it."""
    hub = start_hub(tmp_path / "hub.sqlite")
    text = PAGE.text
    define = ""
    for block in (one for one in PAGE.blocks if one.language == "shell-session"):
        shown = ""
        for command, _ in _STEP.findall(block.text):
            script = f"{define}\n{command}".replace(":8365", f":{hub.port}")
            environment = os.environ | {"HUB_TOKEN": TOKEN}
            done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), command
            define = command if command.startswith("hub()") else define
            shown += f"$ {command}\n{done.stdout}" + ("" if not done.stdout or done.stdout.endswith("\n") else "\n")
        text = text.replace(block.text, shown)
    if bless and text != PAGE.text:
        PAGE.path.write_text(text, "utf-8")
    assert text == PAGE.path.read_text("utf-8"), "`pytest tests/integration/test_hub_docs.py --bless` rewrites the page"
    assert hub.stop() == 0


def test_the_table_names_every_operation() -> None:
    """Each method and path that the server has stands in the page, and the table has no other."""
    listed = set()
    for cell in re.findall(r"^\| (`(?:GET|PUT|POST|DELETE)[^|]*) \|", PAGE.text, re.M):
        for methods, path in re.findall(r"((?:`?(?:GET|PUT|POST|DELETE)`?(?:, )?)+) (/[^`]+)`", cell):
            listed |= {(method, path) for method in re.findall(r"[A-Z]+", methods)}
    served = {(one.method, one.path) for one in OPERATIONS if not one.path.startswith("/api/")}
    assert listed == served
    for one in OPERATIONS:
        if one.path.startswith("/api/"):
            assert f"{one.path.replace('{id}', ':id')}`" in PAGE.text


def test_statements_and_limits_are_those_of_the_code() -> None:
    """The sizes that the page names are those that are kept to."""
    limits = {operation.limit for operation in OPERATIONS}
    assert limits == {1 << 20, 64 << 20}
    assert "more than 1 MiB (64 MiB" in PAGE.text
