"""What there is instead of a plan where errors stand against the whole project: the findings, in the plan's format."""

from collections.abc import Callable, Sequence

from hubcfg.core.finding import Finding
from hubcfg.views.findings import render_findings


def render_no_plan(
    format: str, findings: Sequence[Finding], read: Callable[[str], str | None], *, use_color: bool
) -> str:
    """Returns the findings: JSON for JSON, and text for people in all other formats."""
    shown = "json" if format == "json" else "text"
    return render_findings(shown, findings, read, use_color=use_color and format == "text")
