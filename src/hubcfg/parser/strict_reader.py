"""The text under a strict YAML parse: a cursor, its marks and errors, and the white space between tokens.

The productions in brackets are those of the YAML 1.2.2 specification.
"""

import re
from bisect import bisect_right
from typing import NoReturn

import yaml

#: Deepest nesting that is read; above the 64 of the profile, so that its own finding comes first.
MAX_DEPTH = 100
#: Longest implicit key, in characters [7.4.2].
MAX_KEY = 1024
GLUED_COMMENT = "a space is missing before this `#`"

_BOM = "\ufeff"
BREAK = r"(?:\r\n|\r|\n)"
_ODD = r"\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff"
#: A printable character within a line (nb-char), and one that is not white space (ns-char).
NB = rf"[^\x00-\x08\x0a-\x1f{_ODD}]"
NS = rf"[^\x00-\x20{_ODD}]"
#: An ns-char that is no flow indicator, and one that is none of "#" and ":" either.
NS_FLOW = rf"[^\x00-\x20,\[\]{{}}{_ODD}]"
_COMMENT = rf"(?<![^ \t\r\n\ufeff])#{NB}*+"

_SEPARATION = re.compile(rf"((?:[ \t]*+(?:{_COMMENT})?{BREAK})*+)( *+)([ \t]*+)")
_LINE_STARTS = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
_NEVER_ALLOWED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_PRINTABLE = re.compile(rf"{NB}|[\r\n]")
_MARKER = re.compile(r"(?:---|\.\.\.)(?=[ \t\r\n])")
_DOCUMENT_EDGE = re.compile(rf"{_MARKER.pattern}|{_BOM}")
_LINE_END = re.compile(rf"[ \t]*+{BREAK}")
_NEXT_LINE = re.compile(rf"( *+)([ \t]*+)({BREAK})?")


class StrictError(yaml.MarkedYAMLError):
    """Invalid YAML, with the problem and its place."""


class Reader:
    """A cursor over one stream and the events read from it so far.

    After `separate`, `indent` is the number of spaces before the content of the current line, or -1 where the
    content of the document ends; `has_tabs` tells whether a tab stands among the white space just skipped.
    """

    __slots__ = ("_starts", "depth", "end", "events", "has_tabs", "indent", "pos", "text")

    def __init__(self, text: str) -> None:
        text = text.removeprefix(_BOM)
        # An unterminated last line counts as a line: it matters only to block scalars.
        self.text = text if text.endswith(("\n", "\r")) else text + "\n"
        self.end = len(self.text)
        self.pos = 0
        self.indent = 0
        self.has_tabs = False
        self.depth = 0
        self.events: list[yaml.events.Event] = []
        self._starts = [0, *(match.start() for match in _LINE_STARTS.finditer(self.text))]
        if forbidden := _NEVER_ALLOWED.search(self.text):
            self.fail("", forbidden.start())

    def mark(self, index: int | None = None) -> yaml.Mark:
        """Return the mark of `index` (default: of the cursor)."""
        index = self.pos if index is None else index
        line = bisect_right(self._starts, index) - 1
        return yaml.Mark("<unicode string>", index, line, index - self._starts[line], None, 0)

    def line(self, index: int) -> int:
        """Return the number of the line that holds `index`."""
        return bisect_right(self._starts, index) - 1

    def column(self, index: int) -> int:
        """Return the column of `index`."""
        return index - self._starts[self.line(index)]

    def fail(self, problem: str, index: int | None = None, since: int | None = None) -> NoReturn:
        """Raise a `StrictError` about `index` (default: the cursor) within what began at `since`."""
        index = self.pos if index is None else index
        if index < self.end and not _PRINTABLE.match(self.text, index):
            problem = f"the character U+{ord(self.text[index]):04X} is not allowed here"
        raise StrictError(None, None if since is None else self.mark(since), problem, self.mark(index))

    def enter(self) -> None:
        """Count one more open collection; fail beyond the depth that is read."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"collections are nested more than {MAX_DEPTH} deep")

    def skip_bom(self) -> bool:
        """Step over a byte order mark at the start of a line, which has no column; tell whether there was one."""
        if not self.text.startswith(_BOM, self.pos) or self.column(self.pos) != 0:
            return False
        self._starts[self.line(self.pos)] = self.pos + 1
        self.pos += 1
        return True

    def at_marker(self, marker: str) -> bool:
        """Tell whether the line at the cursor begins with this document marker."""
        match = _MARKER.match(self.text, self.pos)
        return match is not None and match[0] == marker and self.column(self.pos) == 0

    def skip_white(self) -> None:
        """Step over spaces and tabs."""
        while self.text[self.pos] in " \t":
            self.pos += 1

    def separate(self) -> bool:
        """Skip white space, comments and line breaks; tell whether the cursor now stands on a fresh line.

        The line is fresh as well where the cursor began at the start of one. See `Reader` for what it notes.
        """
        fresh = self.column(self.pos) == 0
        match = _SEPARATION.match(self.text, self.pos)
        assert match is not None
        self.pos = match.end()
        self.has_tabs = bool(match[3])
        self.indent = len(match[2])
        fresh = fresh or bool(match[1])
        if self.pos == self.end or (fresh and self.pos == match.end(1) and _DOCUMENT_EDGE.match(self.text, self.pos)):
            self.indent = -1
        return fresh

    def finish_line(self) -> None:
        """Step from the end of a node to the next content; only a comment may stand in between [s-l-comments]."""
        if not self.separate() and self.indent >= 0:
            if self.text[self.pos] == ":":
                self.fail("a mapping is not allowed here")
            if self.text[self.pos] == "#":
                self.fail(GLUED_COMMENT)
            self.fail("a value must be followed by the end of its line or by ` #`")

    def fold(self, indent: int) -> int | None:
        """Step over the line break within a flow scalar and return how many empty lines follow it [s-flow-folded].

        None, with the cursor unmoved, where the scalar does not go on: the next line is indented by less than
        `indent`, begins with a document marker, or there is none.
        """
        match = _LINE_END.match(self.text, self.pos)
        if match is None:
            return None
        empty = 0
        while True:
            start = match.end()
            match = _NEXT_LINE.match(self.text, start)
            assert match is not None
            if match.end() == self.end and match[3] is None:
                return None
            if len(match[1]) < indent and (match[3] is None or match[2]):
                return None
            if match[3] is None:
                break
            empty += 1
        if match.end() == start and _MARKER.match(self.text, start):
            return None
        self.pos = match.end()
        return empty
