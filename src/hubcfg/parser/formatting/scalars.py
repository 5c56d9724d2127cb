"""Writes scalars: plain where they read back as the same text, else in double quotes."""

import re

from hubcfg.parser.formatting.syntax import Scalar, Style
from hubcfg.parser.scalars import read_plain

_INDICATORS = frozenset(",[]{}#&*!|>'\"%@`")
_SPECIAL_AT_START = frozenset("-?:")
_ENDS_PLAIN = re.compile(r": | #|:\Z")
_ENDS_PLAIN_IN_FLOW = re.compile(r"[][{},]|:\?")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def write_scalar(text: str, is_plain: bool, in_flow: bool) -> str:
    """Returns a scalar on one line: nulls, booleans and numbers as they are, text as `write_text` does."""
    if is_plain and (text == "<<" or not isinstance(read_plain(text), str)):
        return text
    return write_text(text, in_flow)


def write_text(text: str, in_flow: bool) -> str:
    """Returns the shortest way to write a string on one line."""
    return text if _may_be_plain(text, in_flow) else _quote(text)


def _may_be_plain(text: str, in_flow: bool) -> bool:
    # Whatever cannot be seen, a tab or a no-break space, is quoted and escaped.
    if not text or text != text.strip() or not text.isprintable():
        return False
    if text == "<<" or not isinstance(read_plain(text), str):
        return False
    if text[0] in _INDICATORS or text.startswith(("---", "...")):
        return False
    if text[0] in _SPECIAL_AT_START and (in_flow or text[1:2] in ("", " ")):
        return False
    return not (_ENDS_PLAIN.search(text) or (in_flow and _ENDS_PLAIN_IN_FLOW.search(text)))


def _quote(text: str) -> str:
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_HEADER = re.compile(r"([|>])([-+]?)([1-9]?)([-+]?)")


def write_lines(scalar: Scalar, column: int, home_column: int) -> list[str]:
    """Returns the lines of a scalar that takes several, those after the first indented to `column`.

    `home_column` is the column of the collection that the scalar stands in as it was read (-1 at the root).
    """
    if scalar.style is not Style.BLOCK:
        return fold_lines(scalar.raw.split("\n"), column)
    chomping, body = _read_block(scalar, home_column)
    while chomping != "+" and body and not body[-1]:
        body.pop()
    number = "2" if _hides_indentation(body) else ""
    return [scalar.raw[0] + number + chomping, *(" " * column + line if line else "" for line in body)]


def keeps_blank_lines(scalar: Scalar) -> bool:
    """Whether empty lines after the scalar are part of its value."""
    header = _HEADER.match(scalar.raw) if scalar.style is Style.BLOCK else None
    return header is not None and "+" in header[0]


def blank_text_lines(scalar: Scalar, home_column: int) -> list[int]:
    """Returns the numbers of the lines of a block scalar that look empty but are part of its value."""
    if scalar.style is not Style.BLOCK:
        return []
    chomping, body = _read_block(scalar, home_column)
    return [
        scalar.line + 1 + number
        for number, line in enumerate(body)
        if not line.strip() and (line or chomping == "+" or any(body[number:]))
    ]


def _read_block(scalar: Scalar, home_column: int) -> tuple[str, list[str]]:
    """Returns how a block scalar ends (`-`, `+` or neither) and its lines without indentation."""
    lines = scalar.raw.split("\n")
    if scalar.raw.endswith("\n"):
        lines.pop()
    header = _HEADER.match(lines[0])
    assert header is not None
    return header[2] or header[4], _unindent(lines[1:], max(home_column, 0) + int(header[3]) if header[3] else None)


def fold_lines(lines: list[str], column: int) -> list[str]:
    """Returns lines of text that YAML folds, those after the first indented to `column`.

    White space at the ends of such lines means nothing, unless it is escaped.
    """
    written = [_strip_end(lines[0])]
    for line in lines[1:]:
        stripped = _strip_end(line.lstrip(" \t"))
        written.append(" " * column + stripped if stripped else "")
    return written


def _strip_end(line: str) -> str:
    stripped = line.rstrip(" \t")
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    return line[: len(stripped) + 1] if backslashes % 2 and len(line) > len(stripped) else stripped


def _unindent(lines: list[str], indent: int | None) -> list[str]:
    if indent is None:
        first = next((line for line in lines if line.strip(" ")), None)
        indent = max(map(len, lines), default=0) if first is None else len(first) - len(first.lstrip(" "))
    return [line[indent:] for line in lines]


def _hides_indentation(body: list[str]) -> bool:
    """Whether the first line with text begins with a space, so that it can't tell how far the text is indented."""
    for line in body:
        if line.startswith(" "):
            return True
        if line:
            return False
    return False
