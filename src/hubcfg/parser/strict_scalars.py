"""Scalars of a strict YAML parse: plain, quoted and block, each as its value with the cursor behind it."""

import re

from hubcfg.parser.strict_reader import BREAK, GLUED_COMMENT, NB, NS, NS_FLOW, Reader

_INDICATORS = r"\-?:,\[\]{}#&*!|>'\"%@`"


def _plain(safe: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a plain scalar's first line and of a following one, made of `safe` characters."""
    char = rf"(?:(?![:#]){safe}|(?<={NS})#|:(?={safe}))"
    first = rf"(?:(?![{_INDICATORS}]){NS}|[-?:](?={safe}))"
    return re.compile(rf"{first}(?:[ \t]*+{char})*+"), re.compile(rf"{char}(?:[ \t]*+{char})*+")


_PLAIN = {False: _plain(NS), True: _plain(NS_FLOW)}
_DOUBLE = re.compile(r'[^"\\\r\n]++')
_SINGLE = re.compile(r"(?:[^'\r\n]|'')++")
_ESCAPE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0abt\tnvfre \"/\\N_LP])")
_ESCAPED = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_HEADER = re.compile(rf"[|>](?:([1-9]?)([-+]?)|([-+])([1-9]))(?:[ \t]++(?:#{NB}*+)?)?{BREAK}")
_HEADER_WITH_COMMENT = re.compile(r"[|>][-+1-9]{0,2}#")
_BLOCK_LINE = re.compile(rf"( *+)({NB}*+)({BREAK})?")
_TAB_IN_INDENT = re.compile(r" *+\t")
_UNICODE_END = 0x110000
_SURROGATES = range(0xD800, 0xE000)


def read_plain_line(reader: Reader, in_flow: bool) -> str:
    """Read the first line of a plain scalar; fail where none can begin."""
    match = _PLAIN[in_flow][0].match(reader.text, reader.pos)
    if match is None:
        char = reader.text[reader.pos]
        if char in "-?:":
            reader.fail(f"`{char}` is not allowed here")
        if char in "\r\n":
            reader.fail("a value is missing")
        if char == "#":
            reader.fail(GLUED_COMMENT)
        reader.fail(f"a plain value cannot begin with `{char}`")
    reader.pos = match.end()
    return match[0]


def read_plain_rest(reader: Reader, first: str, indent: int, in_flow: bool) -> str:
    """Read the further lines of a plain scalar and return all of it, folded."""
    parts = [first]
    following = _PLAIN[in_flow][1]
    while True:
        before = reader.pos
        empty = reader.fold(indent)
        match = None if empty is None else following.match(reader.text, reader.pos)
        if match is None or empty is None:
            reader.pos = before
            return "".join(parts)
        parts += ("\n" * empty or " ", match[0])
        reader.pos = match.end()


def read_quoted(reader: Reader, indent: int) -> str:
    """Read the single or double quoted scalar at the cursor; its further lines are indented by at least `indent`."""
    start = reader.pos
    reader.pos += 1
    return _read_double(reader, start, indent) if reader.text[start] == '"' else _read_single(reader, start, indent)


def _read_single(reader: Reader, start: int, indent: int) -> str:
    parts: list[str] = []
    while True:
        chunk = ""
        if match := _SINGLE.match(reader.text, reader.pos):
            chunk = match[0].replace("''", "'")
            reader.pos = match.end()
        if reader.text.startswith("'", reader.pos):
            reader.pos += 1
            parts.append(chunk)
            return "".join(parts)
        parts += (chunk.rstrip(" \t"), "\n" * _fold_quoted(reader, start, indent) or " ")


def _read_double(reader: Reader, start: int, indent: int) -> str:
    parts: list[str] = []
    while True:
        chunk = ""
        if match := _DOUBLE.match(reader.text, reader.pos):
            chunk = match[0]
            reader.pos = match.end()
        char = reader.text[reader.pos : reader.pos + 1]
        if char == '"':
            reader.pos += 1
            parts.append(chunk)
            return "".join(parts)
        if char != "\\":
            parts += (chunk.rstrip(" \t"), "\n" * _fold_quoted(reader, start, indent) or " ")
            continue
        reader.pos += 1
        if reader.text[reader.pos : reader.pos + 1] in ("\r", "\n"):
            parts += (chunk, "\n" * _fold_quoted(reader, start, indent))
        else:
            parts += (chunk, _read_escape(reader))


def _read_escape(reader: Reader) -> str:
    """Read what follows a backslash and return the character that it stands for."""
    match = _ESCAPE.match(reader.text, reader.pos)
    if match is None:
        reader.fail("this escape does not exist", reader.pos - 1)
    code = match[1] or match[2] or match[3]
    if code is None:
        reader.pos = match.end()
        return _ESCAPED[match[4]]
    number = int(code, 16)
    if number >= _UNICODE_END or number in _SURROGATES:
        reader.fail("this escape stands for no character", reader.pos - 1)
    reader.pos = match.end()
    return chr(number)


def _fold_quoted(reader: Reader, start: int, indent: int) -> int:
    """Step over a line break in a quoted scalar and return how many empty lines follow; fail where it cannot go on."""
    empty = reader.fold(indent)
    if empty is None:
        reader.separate()
        if reader.pos == reader.end:
            reader.fail("the quotation mark is never closed", start)
        reader.fail("a line of a quoted value must be indented more than what holds it", since=start)
    return empty


def read_block_scalar(reader: Reader, indent: int) -> str:
    """Read the literal or folded scalar at the cursor, held by a node at `indent`; the cursor ends on a fresh line."""
    header = _HEADER.match(reader.text, reader.pos)
    if header is None:
        if glued := _HEADER_WITH_COMMENT.match(reader.text, reader.pos):
            reader.fail(GLUED_COMMENT, glued.end() - 1)
        reader.fail("a block scalar's header is `|` or `>`, an indentation from 1 to 9 and a `+` or `-`")
    is_folded = reader.text[reader.pos] == ">"
    chomping = header[2] or header[3] or ""
    width = int(header[1] or header[4] or 0)
    reader.pos = header.end()
    column = max(indent, 0) + width if width else _detect_column(reader, indent)
    value, empty = _read_block_lines(reader, column, is_folded)
    if chomping == "+":
        value += "\n" * (empty + bool(value))
    elif value and not chomping:
        value += "\n"
    if tab := _TAB_IN_INDENT.match(reader.text, reader.pos):
        reader.separate()
        if reader.indent >= 0:
            reader.fail("a tab cannot indent", tab.end() - 1)
    return value


def _detect_column(reader: Reader, indent: int) -> int:
    """Return the column of a block scalar's text: that of its first line that is more than spaces."""
    pos = reader.pos
    widest, place = 0, pos
    while True:
        match = _BLOCK_LINE.match(reader.text, pos)
        assert match is not None
        spaces = len(match[1])
        if match[2] or match[3] is None:
            break
        if spaces > widest:
            widest, place = spaces, match.end(1)
        pos = match.end()
    if spaces <= indent or not match[2]:
        return max(widest, indent + 1)
    if widest > spaces:
        reader.fail("an empty line has more spaces than the first line of text", place)
    return spaces


def _read_block_lines(reader: Reader, column: int, is_folded: bool) -> tuple[str, int]:
    """Return the text of a block scalar without its last line break, and the number of empty lines after it."""
    parts: list[str] = []
    empty = 0
    was_plain = False
    while reader.pos < reader.end:
        match = _BLOCK_LINE.match(reader.text, reader.pos)
        assert match is not None
        spaces = len(match[1])
        if not match[2] and spaces <= column and match[3]:
            empty += 1
        elif spaces < column or (column == 0 and (reader.at_marker("---") or reader.at_marker("..."))):
            break
        else:
            if match[3] is None:
                reader.fail("", match.end())
            line = reader.text[reader.pos + column : match.end(2)]
            is_plain = is_folded and line[0] not in " \t"
            if not parts:
                parts.append("\n" * empty)
            elif is_plain and was_plain:
                parts.append("\n" * empty or " ")
            else:
                parts.append("\n" * (empty + 1))
            parts.append(line)
            empty, was_plain = 0, is_plain
        reader.pos = match.end()
    return "".join(parts), empty
