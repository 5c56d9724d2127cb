"""The text of a check: short where all is well, what stands against it first, never too long, and nothing of it alive."""

import re
from typing import Any

import cmarkgfm
from cmarkgfm.cmark import Options

from hubcfg.ci.sticky import mark_for
from hubcfg.ci.summary import COMMENT_CHARACTERS, Check, render_check, render_comment, render_fenced
from hubcfg.core.finding import Finding
from hubcfg.core.places import Span
from hubcfg.parser.rules import INVALID_YAML
from hubcfg.views.plan import markdown
from hubcfg.views.plan.failed import render_no_plan

PLAN = f"{mark_for('.')}\n**hubcfg plan: wider** · 2 permissions gained"


def error(number: int = 1, message: str = "`x` is wrong", help: str | None = None) -> dict[str, Any]:
    return {
        "name": "some-error",
        "severity": "error",
        "message": message,
        "file": "a.yaml",
        "line": number,
        "help": help,
    }


def findings(*found: dict[str, Any], warnings: int = 0) -> dict[str, Any]:
    return {"findings": list(found), "counts": {"error": len(found), "warning": warnings, "info": 0}}


def test_a_good_change_is_its_plan() -> None:
    """Nothing stands before the plan, and its mark is not repeated."""
    text = render_comment(Check(findings(), plan=PLAN, foot="<sub>commit abc</sub>"))
    assert text == "**hubcfg plan: wider** · 2 permissions gained\n\n<sub>commit abc</sub>\n"


def test_the_mark_is_the_plan_s_own() -> None:
    """What `hubcfg plan` writes as its first line is the mark of a project at the top of its repository."""
    assert mark_for(".") == markdown.MARKER


def test_without_a_plan_there_is_one_sentence() -> None:
    """Where nothing was compared, the summary says that all is well, and how much is to be looked at."""
    tests = {"tests": [], "counts": {"passed": 3, "failed": 0}}
    text = render_check(Check(findings(warnings=1), tests))
    assert text == "**hubcfg:** no errors, 3 tests passed.\n\nBeside the lines that they are about: 1 warning.\n"


def test_what_is_no_plan_is_not_shown() -> None:
    """What does not begin as a plan does may be anything, and is no Markdown of ours."""
    text = render_comment(Check(findings(error()), plan="error[some-error]: <img src=x> @everybody"))
    assert "No plan: errors keep it from being known" in text
    assert "img" not in text


def test_errors_are_told_once() -> None:
    """Where errors forbid a plan, `hubcfg plan` lists them as well, and tests fail because of them."""
    broken = Finding(INVALID_YAML, "`x` is wrong", Span("a.yaml", 1, 1, 1, 2))
    plan = render_no_plan("markdown", [broken], lambda _file: None, use_color=False)
    failed = [
        {"name": "a test", "passed": False, "file": "a.yaml", "line": line, "failures": []} for line in (1, None, 5)
    ]
    tests = {"tests": failed, "counts": {"passed": 0, "failed": 3}}
    text = render_comment(Check(findings(error()), tests, plan))
    assert text.count("is wrong") == 1
    assert text.startswith("**hubcfg: 1 error and 1 test failed.")
    assert "`a.yaml:5`" in text
    assert "a plan: none" not in text


def test_errors_that_only_the_plan_knows_are_shown() -> None:
    """A plan that fails where validation passed says why itself."""
    plan = (
        f"{mark_for('.')}\n**hubcfg plan: none, because of 1 error**\n\n- error `no-trusted-base` in `hubcfg.yaml`: x"
    )
    assert "no-trusted-base" in render_comment(Check(findings(), plan=plan))


def test_errors_give_way_to_the_plan_from_behind() -> None:
    """Of many errors the first ones stay, the rest is counted, and the plan is whole."""
    found = [error(number, f"`{'x' * 300}` is wrong", "y" * 300) for number in range(1, 60)]
    plan = f"{mark_for('.')}\n" + "🛡 `a`\n" * 8_500
    check = Check(findings(*found), plan=plan)
    text = render_comment(check)
    assert len(text.encode("utf-16-le")) // 2 <= COMMENT_CHARACTERS
    assert text.count("🛡") == 8_500
    assert "`a.yaml:1`" in text
    assert "more, in the run's summary" in text
    assert render_check(check).count("**some-error**") == 59


def test_the_longest_plan_leaves_room_for_what_stands_against_it() -> None:
    """A plan of the most that `hubcfg plan` writes stands whole beside a headline and the count of errors."""
    plan = f"{mark_for('.')}\n{'x' * (markdown.MAX_CHARACTERS - 30)}"
    found = findings(*[error(number, "y" * 300) for number in range(40)])
    text = render_comment(Check(found, plan=plan, title="t" * 100, behind=7, foot="f" * 400))
    assert "x" * (markdown.MAX_CHARACTERS - 30) in text
    assert "40 errors" in text
    assert "`a.yaml:1`" in text


def test_a_run_that_broke_off_says_so() -> None:
    """A failure of the run is no finding, and no good news."""
    text = render_check(Check({"findings": [], "counts": {}, "error": {"message": "`git` is missing", "help": None}}))
    assert text == "**The check did not come to an end:** `git` is missing\n"


def test_nothing_that_an_author_writes_is_alive() -> None:
    """No HTML, no mention, no image, no second line: not in messages, help, paths or names of tests."""
    evil = "`a` </details>\n## @admins ![x](http://evil.example) ``` ~~~"
    finding = {**error(1, evil, evil), "file": "x](http://evil.example)`</a>.yaml"}
    test = {
        "name": evil,
        "passed": False,
        "file": evil,
        "line": 1,
        "failures": [{"expected": evil, "actual": evil, "why": evil}],
    }
    tests = {"tests": [test], "counts": {"passed": 0, "failed": 1}}
    text = render_comment(
        Check(findings(finding), tests, title=evil, link=lambda file, _line: f"https://good.example/{len(file)}")
    )
    page = str(cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE))
    assert set(re.findall(r"<(/?\w+)", page)) <= {
        "h3",
        "/h3",
        "p",
        "/p",
        "strong",
        "/strong",
        "ul",
        "/ul",
        "li",
        "/li",
        "code",
        "/code",
        "br",
        "a",
        "/a",
    }
    assert set(re.findall(r'href="(.*?)"', page)) == {
        f"https://good.example/{len(one)}" for one in (evil, finding["file"])
    }
    assert page.count("<h3>") == 1
    assert "@admins" in page
    assert "@admins" not in re.sub(r"<code>.*?</code>", "", page, flags=re.S)


def test_a_fence_is_longer_than_any_in_it() -> None:
    """What a command prints can't end the block that it stands in, and is cut where a summary would be too long."""
    text = render_fenced("Drift", "a\n````\n# b\n")
    assert text == "### Drift\n\n`````text\na\n````\n# b\n`````\n"
    assert len(render_fenced("Drift", "x" * 2_000_000)) < 300_000
