"""The HTML report in a real browser: on a phone, in the dark, without scripts, on paper; axe-core finds nothing to object to."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.npm import npm_package
from tests.unit.views.report.test_report import GOLDEN, NAMES, review_of, write

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
READERS = ("desktop", "phone", "dark", "dark phone", "without scripts")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a browser without a network makes of the report on the golden project."""
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
    folder = tmp_path_factory.mktemp("browser")
    shutil.copytree(GOLDEN / "project", folder / "project")
    page = folder / "review.html"
    page.write_bytes(write(review_of(folder / "project"), "html").encode())
    script = Path(__file__).with_name("browse.cjs")
    command = [node, script, page, browser, npm_package("playwright-core"), npm_package("axe-core")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("reader", READERS)
def test_nothing_is_wider_than_the_screen(seen: Any, reader: str) -> None:
    """Nobody scrolls sideways, whether entries are folded or open."""
    screen, *widths = seen["readers"][reader]["width"]
    assert len(widths) == 2
    assert max(widths) <= screen


@pytest.mark.parametrize("reader", [reader for reader in READERS if reader != "without scripts"])
@pytest.mark.parametrize("state", ["folded", "unfolded"])
def test_axe_core_finds_nothing_to_object_to(seen: Any, reader: str, state: str) -> None:
    """All its rules, contrast among them, on light and dark, large and small."""
    judged = seen["readers"][reader][state]
    assert judged["violations"] == []
    assert judged["passes"] > 30


def test_only_reading_needs_no_scripts(seen: Any) -> None:
    """The search is there with scripts, and not in the way without."""
    assert {reader: seen["readers"][reader]["hasSearch"] for reader in READERS} == {
        reader: reader != "without scripts" for reader in READERS
    }


def test_the_page_asks_for_nothing_and_breaks_no_rule_of_its_own(seen: Any) -> None:
    """No request but for the file, no message on the console (which its policy would write), and no name ran as a script."""
    assert set(seen["requests"]) == {"file"}
    assert seen["messages"] == []
    assert {one["title"] for one in seen["readers"].values()} == {"Access review: northwind-review, 2026-12-01"}
    assert "owned" in NAMES[0]


def test_search_finds_people_and_permissions(seen: Any) -> None:
    """By name, by permission, by pattern; what does not match is out of sight, and comes back."""
    kim, deleting, money, nothing, everything = seen["searches"].values()
    assert kim["people"] == ["kim@northwind.example"]
    assert "Approvals" not in kim["heads"]
    assert kim["asides"] == []
    assert {"Sensitive permissions", "What each may do", "Who may do what"} <= set(deleting["heads"])
    assert {"Sensitive permissions", "Who may do what"} <= set(money["heads"])
    assert "What changes soon" not in money["heads"]
    assert (nothing["found"], nothing["heads"]) == ("0 entries", [])
    assert everything["found"] == ""
    assert len(everything["people"]) == 12
    assert len(everything["asides"]) == 2


def test_a_link_opens_what_it_leads_to(seen: Any) -> None:
    """From a person to what that person may do, though that is folded."""
    assert seen["profiles"] == 0
    assert seen["followed"] == [seen["hash"]]


def test_paper_shows_what_is_folded(seen: Any) -> None:
    """Printing, without scripts, leaves nothing out that each may do, and has no search or contents."""
    assert len(seen["printed"]) > 5
    assert all(seen["printed"])
    assert seen["printedTools"] == []
