"""Findings for people: the source line, a marker under the exact words, advice, and a count at the end."""

import unicodedata
from collections.abc import Sequence

from hubcfg.core.finding import Finding, Related
from hubcfg.core.places import Span
from hubcfg.parser.lines import split_lines
from hubcfg.views.colors import paint
from hubcfg.views.counts import count_findings, join_words, number
from hubcfg.views.findings import Surroundings

_TAB = "    "
MAX_WIDTH = 110
SHOWN_RELATED = 3


def render_text(findings: Sequence[Finding], surroundings: Surroundings) -> str:
    """Returns the findings one after the other, and their count."""
    renderer = _Renderer(surroundings)
    blocks = [renderer.render(finding) for finding in findings]
    return "\n\n".join([*blocks, count_line(findings, use_color=surroundings.use_color)])


def count_line(findings: Sequence[Finding], *, use_color: bool = False) -> str:
    """Returns the count of findings as a sentence."""
    counts = count_findings(findings)
    words = [
        paint(number(count, severity, severity if severity == "info" else None), severity, use_color=use_color)
        for severity, count in counts.items()
        if count
    ]
    return join_words(words) if words else "no findings"


class _Renderer:
    def __init__(self, surroundings: Surroundings) -> None:
        self._read = surroundings.read
        self._known_line = surroundings.known_line
        self._use_color = surroundings.use_color
        self._lines: dict[str, list[str]] = {}

    def render(self, finding: Finding) -> str:
        """Returns one finding."""
        span = finding.place
        assert isinstance(span, Span)
        severity = finding.severity.value
        head = self._paint(f"{severity}[{finding.name}]", severity) + self._paint(
            f": {visible(finding.message)}", "bold"
        )
        gutter = " " * len(str(span.line or ""))
        rows = [head, f"{gutter}{self._paint('-->', 'line')} {_address(span)}"]
        rows += self._snippet(span, gutter, severity)
        for one in finding.related[:SHOWN_RELATED]:
            rows.append(self._remark(gutter, "note", _related(one)))
        if len(finding.related) > SHOWN_RELATED:
            rows.append(self._remark(gutter, "note", f"and {len(finding.related) - SHOWN_RELATED} more places"))
        if finding.help:
            rows.append(self._remark(gutter, "help", finding.help))
        return "\n".join(rows)

    def _snippet(self, span: Span, gutter: str, severity: str) -> list[str]:
        line = self._line(span)
        if line is None:
            return []
        end = span.end_column - 1 if span.end_line == span.line else len(line)
        shown, start, width = _clip(line, span.column - 1, max(end, span.column))
        bar = self._paint("|", "line")
        marker = " " * start + self._paint("^" * max(width, 1), severity)
        return [f"{gutter} {bar}", f"{self._paint(str(span.line), 'line')} {bar} {shown}", f"{gutter} {bar} {marker}"]

    def _remark(self, gutter: str, label: str, text: str) -> str:
        return f"{gutter} {self._paint('=', 'line')} {self._paint(label, 'bold')}: {visible(text)}"

    def _line(self, span: Span) -> str | None:
        if not span.line:
            return None
        if self._known_line is not None and (known := self._known_line(span)) is not None:
            return known
        if span.file not in self._lines:
            self._lines[span.file] = split_lines(self._read(span.file) or "")
        lines = self._lines[span.file]
        return lines[span.line - 1] if span.line <= len(lines) else None

    def _paint(self, text: str, color: str) -> str:
        return paint(text, color, use_color=self._use_color)


def _clip(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Returns the part of a line that is shown, and where the marker begins and how wide it is, in terminal cells."""
    prefix = ""
    if _width(line[:end]) > MAX_WIDTH:
        cut = max(0, min(start - 20, end - MAX_WIDTH // 2))
        line, start, end, prefix = line[cut:], start - cut, end - cut, "…"
    shown = prefix + visible(line)
    if _width(shown) > MAX_WIDTH + 20:
        shown = shown[: MAX_WIDTH + 20] + "…"
    before = _width(prefix) + _width(line[:start])
    return shown, before, min(_width(line[start:end]), MAX_WIDTH)


def visible(text: str) -> str:
    """Returns text that a terminal shows as it is: nothing in a file or its name may move the cursor or break a line."""
    if text.isprintable():
        return text
    return "".join(_TAB if character == "\t" else character if character.isprintable() else "�" for character in text)


def _width(text: str) -> int:
    if text.isascii() and "\t" not in text:
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if character == "\t":
        return len(_TAB)
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _address(span: Span) -> str:
    return visible(f"{span.file}:{span.line}:{span.column}" if span.line else span.file)


def _related(one: Related) -> str:
    assert isinstance(one.place, Span)
    return f"{one.message}: {_address(one.place)}"


RENDER = render_text
