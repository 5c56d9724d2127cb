"""A comparison of revisions for people: what changes, what is not known, and the verdict."""

from collections.abc import Iterator

from hubcfg.core.instants import format_instant
from hubcfg.core.places import Place
from hubcfg.views.changes.text import ChangesText, Style
from hubcfg.views.counts import number
from hubcfg.views.diff import Report, Side
from hubcfg.views.held import wrap

SHOWN_ERRORS, SHOWN_UNKNOWN = 5, 10


def render_text(report: Report, *, width: int, use_color: bool, is_verbose: bool) -> str:
    """Returns the comparison as text of some width."""
    return "\n".join(_Text(report, Style(width, use_color, is_verbose)).render())


class _Text:
    def __init__(self, report: Report, style: Style) -> None:
        self._report = report
        self._comparison = report.comparison
        self._style = style
        self._width = style.width
        self._changes = ChangesText(report.comparison.instant, style)

    def render(self) -> list[str]:
        """Returns the lines."""
        before, after = self._report.before, self._report.after
        head = f"from {before.label} to {after.label}, as of {format_instant(self._comparison.instant)}"
        rows = wrap(head, self._width, "", 2)
        for org in self._comparison.orgs:
            if not org.is_empty or org.catalog is not None:
                rows += ["", *self._changes.org(org)]
        if self._comparison.is_empty:
            known = "" if self._report.is_known else " whose access is known"
            rows += ["", f"nothing changes for anybody{known}"]
        return [*rows, "", *self._unknown(), *self._end()]

    def _unknown(self) -> Iterator[str]:
        """Yields what keeps the comparison from being complete."""
        for side in (self._report.before, self._report.after):
            yield from self._errors(side)
        unknown = sorted({user for _, user in self._comparison.unknown})
        if unknown:
            shown = ", ".join(unknown[:SHOWN_UNKNOWN])
            more = f" and {len(unknown) - SHOWN_UNKNOWN:,} more" if len(unknown) > SHOWN_UNKNOWN else ""
            text = f"not compared, because the access is not known: {shown}{more}"
            yield from self._style.painted(text, "error")

    def _errors(self, side: Side) -> Iterator[str]:
        if not side.errors:
            return
        head = f"{side.label} has {number(len(side.errors), 'error')}, so what people hold there is not all known:"
        yield from self._style.painted(head, "error")
        for finding in side.errors[:SHOWN_ERRORS]:
            file = finding.place.file
            number_of = (
                f", document {finding.place.document + 1}"
                if isinstance(finding.place, Place) and finding.place.document
                else ""
            )
            yield from wrap(f"{file}{number_of}: {finding.message}", self._width, "  ", 4)
        if len(side.errors) > SHOWN_ERRORS:
            yield f"  … and {number(len(side.errors) - SHOWN_ERRORS, 'more error')}"

    def _end(self) -> Iterator[str]:
        limit = "" if self._report.is_known else ", as far as is known"
        yield from self._changes.end(self._comparison, limit)
        if self._report.condition is not None:
            said = "is met, so this fails" if self._report.is_met else "is not met"
            if not self._report.is_met and not self._report.is_known:
                said = "is not met as far as is known, which proves nothing, so this fails"
            text = f"--fail-on {self._report.condition.value}: the condition {said}"
            yield from self._style.painted(text, "error" if self._report.is_refused else "good")
