"""What `hubcfg diff` says: who gains and loses what between two revisions, and the verdict."""

from msgspec import Struct

from hubcfg.core.finding import Finding
from hubcfg.planner.change import Comparison, Condition, meets

FORMAT = "hubcfg.diff/1"


class Side(Struct, frozen=True):
    """One of the two revisions: how it is called, its commit (None for the work tree), and its errors.

    `errors` are those for which what people hold may not be all known.
    """

    label: str
    commit: str | None
    errors: tuple[Finding, ...]


class Report(Struct, frozen=True):
    """A comparison with what it was made from; `condition` is what must not be the case, if anything."""

    before: Side
    after: Side
    comparison: Comparison
    condition: Condition | None

    @property
    def is_known(self) -> bool:
        """Whether everything that both sides say is known."""
        return not (self.before.errors or self.after.errors or any(self.comparison.unknown))

    @property
    def is_met(self) -> bool:
        """Whether the condition holds."""
        return self.condition is not None and meets(self.comparison, self.condition)

    @property
    def is_refused(self) -> bool:
        """Whether the run fails: the condition holds, or may hold for all that is known."""
        return self.is_met or not self.is_known


def render_report(format: str, report: Report, *, width: int, use_color: bool, is_verbose: bool) -> str:
    """Returns the report as text or JSON; `is_verbose` text leaves nothing out."""
    if format == "json":
        from hubcfg.views.diff.json import render_json

        return render_json(report)
    from hubcfg.views.diff.text import render_text

    return render_text(report, width=width, use_color=use_color, is_verbose=is_verbose)
