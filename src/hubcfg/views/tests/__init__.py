"""What `hubcfg test` says: which assertions hold, and of the others what was expected, what is the case and why."""

from msgspec import Struct

from hubcfg.core.places import Span
from hubcfg.views.counts import number

FORMAT = "hubcfg.tests/1"


class Failure(Struct, frozen=True):
    """One expectation that is not met: `why` explains what is the case, where that can be explained."""

    expected: str
    actual: str
    why: str | None = None


class Outcome(Struct, frozen=True):
    """What came of one test; it passed where nothing failed."""

    org: str | None
    name: str
    user: str | None
    span: Span
    as_of: str | None
    failures: tuple[Failure, ...]

    @property
    def has_passed(self) -> bool:
        """Whether every expectation is met."""
        return not self.failures


def count_outcomes(outcomes: list[Outcome]) -> dict[str, int]:
    """Returns how many tests passed and failed."""
    passed = sum(outcome.has_passed for outcome in outcomes)
    return {"passed": passed, "failed": len(outcomes) - passed}


def count_words(outcomes: list[Outcome]) -> str:
    """Returns the count as a sentence."""
    counts = count_outcomes(outcomes)
    if not outcomes:
        return "there are no tests"
    passed = f"{number(counts['passed'], 'test')} passed"
    return f"{number(counts['failed'], 'test')} failed, {counts['passed']:,} passed" if counts["failed"] else passed


def render_outcomes(format: str, outcomes: list[Outcome], as_of: str, *, width: int, use_color: bool) -> str:
    """Returns the outcomes as text or JSON."""
    if format == "json":
        from hubcfg.views.tests.json import render_json

        return render_json(outcomes, as_of)
    from hubcfg.views.tests.text import render_text

    return render_text(outcomes, width, use_color)
