"""Findings as GitHub's workflow commands, which become annotations of a pull request's files.

GitHub shows ten of each severity for a step, and the log shows messages without their files: so errors come first, and
each message ends with its place.
"""

from collections.abc import Sequence

from hubcfg.core.finding import Finding
from hubcfg.core.places import Span
from hubcfg.core.rule import Severity
from hubcfg.views.findings import Surroundings
from hubcfg.views.findings._common import address, clean, is_fileless, remarks, repository_path, span_of

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render_github(findings: Sequence[Finding], surroundings: Surroundings) -> str:
    """Returns a line for each finding, the errors first; nothing where there are none."""
    ordered = sorted(findings, key=lambda finding: [*_COMMANDS].index(finding.severity))
    return "\n".join(_command(finding, surroundings.prefix) for finding in ordered)


def _command(finding: Finding, prefix: str) -> str:
    properties = {**_place(span_of(finding.place), prefix), "title": finding.name}
    shown = ",".join(f"{name}={_escape_property(str(value))}" for name, value in properties.items())
    place = f"at {address(finding.place, prefix)}"
    message = "\n".join([clean(finding.message), *remarks(finding, prefix), place])
    return f"::{_COMMANDS[finding.severity]} {shown}::{_escape(message)}"


def _place(span: Span, prefix: str) -> dict[str, str | int]:
    """Returns the properties of a place: both ends inclusive, and columns only within one line, as GitHub wants them."""
    if is_fileless(span):
        return {}
    place: dict[str, str | int] = {"file": repository_path(span, prefix)}
    if not span.line:
        return place
    end_line = span.end_line - 1 if span.end_column <= 1 and span.end_line > span.line else span.end_line
    if span.end_line != span.line:
        return {**place, "line": span.line, "endLine": end_line}
    end_column = max(span.column, span.end_column - 1)
    return {**place, "line": span.line, "col": span.column, "endLine": end_line, "endColumn": end_column}


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


RENDER = render_github
