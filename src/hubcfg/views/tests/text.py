"""Outcomes of tests for people: the failures first, then the count."""

from hubcfg.views.colors import paint
from hubcfg.views.held import wrap
from hubcfg.views.tests import Failure, Outcome, count_words


def render_text(outcomes: list[Outcome], width: int, use_color: bool) -> str:
    """Returns the failed tests and the count of all."""
    failed = [outcome for outcome in outcomes if not outcome.has_passed]
    blocks = ["\n".join(_outcome(outcome, width, use_color)) for outcome in failed]
    count = paint(count_words(outcomes), "bad" if failed else "good", use_color=use_color)
    return "\n\n".join([*blocks, count])


def _outcome(outcome: Outcome, width: int, use_color: bool) -> list[str]:
    span = outcome.span
    place = f"{span.file}:{span.line}" if span.line else span.file
    head = f"{place}: {outcome.name}"
    who = ", ".join(
        part
        for part in (outcome.user, outcome.org and f"org {outcome.org}", outcome.as_of and f"as of {outcome.as_of}")
        if part
    )
    rows = [paint("FAILED ", "error", use_color=use_color) + paint(head, "bold", use_color=use_color)]
    rows += wrap(who, width, "  ") if who else []
    for failure in outcome.failures:
        rows += _failure(failure, width, use_color)
    return rows


def _failure(failure: Failure, width: int, use_color: bool) -> list[str]:
    rows = []
    for label, text, color in (
        ("expected", failure.expected, "good"), ("but", failure.actual, "bad"), ("because", failure.why, "dim"),
    ):  # fmt: skip
        if text:
            first, *rest = wrap(text, width, " " * 13)
            rows += [f"  {paint(f'{label:>9}', color, use_color=use_color)}  {first[13:]}", *rest]
    return rows
