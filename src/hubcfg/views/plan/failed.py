"""What there is instead of a plan where errors stand against the whole project: the findings, in the plan's format."""

from collections.abc import Callable, Iterator, Sequence

from hubcfg import __version__
from hubcfg.core.finding import Finding
from hubcfg.core.rule import Severity
from hubcfg.views.counts import number
from hubcfg.views.findings import render_findings
from hubcfg.views.findings.text import count_line

MAX_LISTED = 50


def render_no_plan(
    format: str, findings: Sequence[Finding], read: Callable[[str], str | None], *, use_color: bool
) -> str:
    """Returns the findings: JSON for JSON, a comment for Markdown, a page for HTML, and text with the lines else."""
    if format == "markdown":
        return _comment(findings)
    if format == "html":
        return _page(findings)
    return render_findings("json" if format == "json" else "text", findings, read, use_color=use_color)


def _errors_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)


def _comment(findings: Sequence[Finding]) -> str:
    from hubcfg.views.plan.markdown import fit

    ordered = _errors_first(findings)
    shown = (fit(_lines(ordered, most)) for most in (MAX_LISTED, 20, 5, 1))
    return next((text for text in shown if text is not None), "\n".join(_lines(ordered, 0)))


def _lines(findings: Sequence[Finding], most: int) -> Iterator[str]:
    from hubcfg.views.inert import code, prose
    from hubcfg.views.plan.markdown import MARKER
    from hubcfg.views.plan.words import address

    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    yield MARKER
    yield f"**hubcfg plan: none, because of {number(errors, 'error')}**"
    yield ""
    for finding in findings[:most]:
        help = f". {prose(finding.help)}" if finding.help else ""
        where = code(address(finding), 300)
        yield f"- {finding.severity.value} {code(finding.name)} in {where}: {prose(finding.message)}{help}"
    if len(findings) > most:
        yield f"- and {len(findings) - most:,} more; `hubcfg validate` shows all of them"


def _page(findings: Sequence[Finding]) -> str:
    from hubcfg.views.findings.text import visible
    from hubcfg.views.page import make_environment
    from hubcfg.views.plan.html import TEMPLATES
    from hubcfg.views.plan.words import address

    environment = make_environment(TEMPLATES, style="plan.css")
    environment.filters["visible"] = visible
    environment.globals |= {"version": __version__, "address": address, "counted": count_line(findings)}
    return environment.get_template("failed.html.j2").render(findings=_errors_first(findings)).rstrip("\n")
