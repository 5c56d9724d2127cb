"""The lines of signers and revoked files: what they have in common, with columns for faults."""

import re
import unicodedata
from collections.abc import Iterator

from msgspec import Struct

from hubcfg.checker.signatures.faults import Fault, FaultKind, FileFault
from hubcfg.core.places import Span

_BLANKS = " \t"
_PRIVATE = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----", re.ASCII)
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}[ \t]*\Z")


class Line(Struct, frozen=True):
    """One line of a file, from 1, without its line break."""

    file: str
    number: int
    text: str

    def span(self, start: int, end: int) -> Span:
        """Returns the place of the words between two offsets in the line; at least one column wide."""
        return Span(self.file, self.number, start + 1, self.number, max(end, start + 1) + 1)

    def fault(self, start: int, end: int, kind: FaultKind, message: str, help: str | None = None) -> FileFault:
        """Returns a fault at the words between two offsets."""
        return FileFault(self.span(start, end), Fault(kind, message, help))

    def skip_blanks(self, at: int) -> int:
        """Returns the offset of the first character from `at` that is no space or tab."""
        while at < len(self.text) and self.text[at] in _BLANKS:
            at += 1
        return at

    def word_end(self, at: int) -> int:
        """Returns the offset where the word at `at` ends."""
        while at < len(self.text) and self.text[at] not in _BLANKS:
            at += 1
        return at


def read_lines(source: bytes, file: str) -> Iterator[Line | FileFault]:
    """Yields the lines that say something, or a fault in place of those that cannot be read.

    Blank lines and comments, whose first visible character is `#`, are left out.
    """
    is_private = False
    for number, raw in enumerate(source.split(b"\n"), 1):
        raw = raw.removesuffix(b"\r")
        head = raw.lstrip(b" \t")
        if not head or head.startswith(b"#"):
            continue
        if is_private and not head.startswith(b"-----"):
            if _BASE64_LINE.match(head):
                continue  # the rest of a private key is not repeated in messages
            is_private = False
        line = Line(file, number, raw.decode("utf-8", "replace"))
        fault = _find_line_fault(line, raw)
        if fault is not None and fault.fault.kind is FaultKind.PRIVATE_KEY:
            is_private = True
        elif is_private:
            is_private = False
            continue  # its last line
        yield fault or line


def _find_line_fault(line: Line, raw: bytes) -> FileFault | None:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        at = len(raw[: error.start].decode("utf-8"))
        return line.fault(at, at + 1, FaultKind.MALFORMED, "the line is not UTF-8 text", "save the file as UTF-8")
    if match := _PRIVATE.search(line.text):
        return line.fault(
            match.start(),
            match.end(),
            FaultKind.PRIVATE_KEY,
            "this is a private key, and whoever can read the repository can now sign with it",
            "take it out, write the line of the `.pub` file instead, and never use this key again",
        )
    for at, character in enumerate(line.text):
        if character != "\t" and unicodedata.category(character)[0] == "C":
            name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
            return line.fault(
                at,
                at + 1,
                FaultKind.MALFORMED,
                f"the line contains a character that cannot be seen ({name})",
                "take it out, so that the line is what it looks like",
            )
    return None
