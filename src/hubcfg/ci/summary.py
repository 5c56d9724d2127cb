"""Writes what a check came to as Markdown: errors and failed tests first, then the plan, for a job's summary and a comment."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from hubcfg.ci.sticky import mark_for
from hubcfg.parser.sources import PROJECT_FILE
from hubcfg.views.counts import join_words, number
from hubcfg.views.inert import code, prose

# GitHub takes 65,536 characters, counted as UTF-16 does, and 262,144 bytes; the mark comes before. A job's summary may have 1 MiB.
COMMENT_CHARACTERS, COMMENT_BYTES = 65_400, 262_000
SHOWN_PROBLEMS, MAX_PROBLEMS, MAX_FENCED = 20, 150, 200_000
_LONGEST = 600
_NO_PLAN = "**hubcfg plan: none, because of "

Link = Callable[[str, int | None], str | None]


def no_link(_file: str, _line: int | None) -> None:
    """Links to no place."""


class Check(Struct, frozen=True):
    """What a check came to.

    `findings` and `tests` are the documents that `hubcfg validate` and `hubcfg test` print as JSON, `plan` what `hubcfg plan`
    printed as Markdown, empty where it was not asked. `behind` counts the commits that have landed on the target since the
    change was merged with it for this run; the plan knows nothing of them. `link` gives the address of a line.
    """

    findings: Mapping[str, Any]
    tests: Mapping[str, Any] = field(default_factory=dict)
    plan: str = ""
    title: str = ""
    behind: int = 0
    foot: str = ""
    link: Link = no_link


def render_check(check: Check) -> str:
    """Returns all of it, for the summary of a job."""
    problems = [*_problems(check)]
    shown, rest = problems[:MAX_PROBLEMS], len(problems) - MAX_PROBLEMS
    more = [f"- and {rest:,} more, in the step's log"] if rest > 0 else []
    return _join(check, [*shown, *more], _read_plan(check))


def render_comment(check: Check) -> str:
    """Returns as much as a comment holds. The plan comes whole; of errors and failed tests the later ones give way to it."""
    problems, plan = [*_problems(check)], _read_plan(check)
    for shown in range(min(len(problems), SHOWN_PROBLEMS), -1, -1):
        rest = len(problems) - shown
        more = [f"- and {rest:,} more, in the run's summary"] if rest else []
        text = _join(check, [*problems[:shown], *more], plan)
        if _fits(text):
            return text
    return _join(check, problems[:SHOWN_PROBLEMS], "The plan does not fit beside this. It is in the run's summary.")


def render_fenced(title: str, text: str) -> str:
    """Returns what a command printed, cut where a job's summary would be too long, so that nothing of it means anything."""
    shown = text if len(text) <= MAX_FENCED else f"{text[:MAX_FENCED]}\n… and more, in the step's log"
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"### {title}\n\n{fence}text\n{shown.rstrip()}\n{fence}\n"


def _fits(text: str) -> bool:
    return len(text.encode("utf-16-le")) // 2 <= COMMENT_CHARACTERS and len(text.encode()) <= COMMENT_BYTES


def _read_plan(check: Check) -> str:
    """Returns the plan without its mark; nothing where errors forbid one and stand above already."""
    mark, _, plan = check.plan.partition("\n")
    if mark != mark_for(".") or (_errors(check) and plan.startswith(_NO_PLAN)):
        return ""
    return plan.strip()


def _join(check: Check, problems: Sequence[str], plan: str) -> str:
    parts = [
        f"### {code(check.title)}" if check.title else "",
        _headline(check),
        "\n".join(problems),
        plan or _no_plan(check, bool(problems)),
        _behind(check.behind),
        "" if plan else _remainder(check),
        check.foot,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headline(check: Check) -> str:
    """Returns the first sentence, which is there only where something stands against the change."""
    error = check.findings.get("error")
    if error:
        return f"**The check did not come to an end:** {prose(error['message'], _LONGEST)}"
    errors, failed = len(_errors(check)), len(_failed_tests(check))
    parts = [number(errors, "error")] * bool(errors) + [f"{number(failed, 'test')} failed"] * bool(failed)
    return f"**hubcfg: {join_words(parts)}. This can't be merged as it is.**" if parts else ""


def _no_plan(check: Check, has_problems: bool) -> str:
    """Returns what stands in the place of a plan."""
    if check.plan:
        return "No plan: errors keep it from being known who would hold what."
    if has_problems or "error" in check.findings:
        return ""
    passed = check.tests.get("counts", {}).get("passed", 0)
    return f"**hubcfg:** no errors, {number(passed, 'test')} passed." if passed else "**hubcfg:** no errors."


def _behind(count: int) -> str:
    if not count:
        return ""
    return f"> {number(count, 'commit')} landed on the target meanwhile: update the branch to see what both come to together."


def _remainder(check: Check) -> str:
    counts = check.findings.get("counts", {})
    names = {"warning": "warnings", "info": "infos"}
    parts = [number(counts[name], name, plural) for name, plural in names.items() if counts.get(name)]
    return f"Beside the lines that they are about: {join_words(parts)}." if parts else ""


def _problems(check: Check) -> Iterator[str]:
    """Yields a line for each error and each failed test."""
    for finding in _errors(check):
        place = _place(check, finding["file"], finding["line"])
        help = f"<br>{prose(finding['help'], _LONGEST)}" if finding["help"] else ""
        yield f"- **{finding['name']}** at {place}: {prose(finding['message'], _LONGEST)}{help}"
    for test in _failed_tests(check):
        said = "; ".join(_failure(one) for one in test["failures"][:3])
        yield f"- **failed test** at {_place(check, test['file'], test['line'])}: {prose(test['name'])}: {said}"


def _errors(check: Check) -> list[Any]:
    return [finding for finding in check.findings.get("findings", []) if finding["severity"] == "error"]


def _failed_tests(check: Check) -> list[Any]:
    """Returns the tests that failed, but for those that failed because there is an error where they stand."""
    known = {(error["file"], line) for error in _errors(check) for line in (error["line"], None)}
    failed = [test for test in check.tests.get("tests", []) if not test["passed"]]
    return [test for test in failed if (test["file"], test["line"]) not in known]


def _failure(failure: Mapping[str, str]) -> str:
    parts = [("expected ", failure["expected"]), ("but ", failure["actual"]), ("because ", failure["why"])]
    return ", ".join(f"{label}{prose(text)}" for label, text in parts if text)


def _place(check: Check, file: str, line: int | None) -> str:
    file = PROJECT_FILE if file in ("", ".") else file  # about the project as a whole
    shown = code(f"{file}:{line}" if line else file)
    address = check.link(file, line)
    return f"[{shown}]({address})" if address else shown
