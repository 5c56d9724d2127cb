"""The HTML plan in a real browser: on phones, in the dark, without scripts, on paper; axe-core finds nothing to object to."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hubcfg.views.plan import render_plan
from tests.npm import npm_package
from tests.unit.views.plan.golden import FINDINGS, golden_plan

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
READERS = ("desktop", "phone", "small phone", "dark", "dark phone")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a browser without a network makes of the golden plan."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.fail(
            "this test needs Chromium, which is not installed (Debian: apt-get install chromium)", pytrace=False
        )
    node = shutil.which("node")
    if node is None:
        pytest.fail(
            "this test needs Node.js, which is not installed (Debian: apt-get install nodejs npm)", pytrace=False
        )
    page = tmp_path_factory.mktemp("browser") / "plan.html"
    page.write_text(
        render_plan("html", golden_plan(), FINDINGS, width=80, use_color=False, is_verbose=False), encoding="utf-8"
    )
    script = Path(__file__).with_name("browse.cjs")
    command = [node, script, page, browser, npm_package("playwright-core"), npm_package("axe-core")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("reader", READERS)
def test_nothing_is_wider_than_the_screen(seen: Any, reader: str) -> None:
    """Nobody scrolls sideways, whether parts are folded or open."""
    screen, *widths = seen["readers"][reader]["width"]
    assert len(widths) == 2
    assert max(widths) <= screen


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("state", ["folded", "unfolded"])
def test_axe_core_finds_nothing_to_object_to(seen: Any, reader: str, state: str) -> None:
    """All its rules, contrast among them, on light and dark, large and small."""
    judged = seen["readers"][reader][state]
    assert judged["violations"] == []
    assert judged["passes"] > 20


def test_the_page_asks_for_nothing_and_breaks_no_rule_of_its_own(seen: Any) -> None:
    """No request but for the file, no message on the console (which its policy would write), and no reason ran as a script."""
    assert set(seen["requests"]) == {"file"}
    assert seen["messages"] == []
    assert {one["title"] for one in seen["readers"].values()} == {"Plan: hub, 2026-12-01"}


def test_it_is_read_without_scripts(seen: Any) -> None:
    """There are shields before what is sensitive, and folds open."""
    assert seen["shields"] > 50
    assert (seen["before"], seen["after"]) == (False, True)


def test_paper_shows_what_is_folded(seen: Any) -> None:
    """Printing leaves nothing out."""
    assert len(seen["printed"]) > 10
    assert all(seen["printed"])
