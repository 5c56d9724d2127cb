"""The options of a signers line: `namespaces`, `valid-after` and `valid-before`, in OpenSSH's form.

Times without `Z` are local time to OpenSSH, so one file would mean different instants on different machines; here they
are UTC, as all times of hubcfg are.
"""

import re

from msgspec import Struct

from hubcfg.checker.signatures.faults import FaultKind, FileFault
from hubcfg.checker.signatures.lines import Line
from hubcfg.core.instants import Instant, parse_instant

_NAME = re.compile(r"[A-Za-z0-9-]*")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z?\Z", re.ASCII)
_KNOWN = (
    'the options are `namespaces="…"`, `valid-after="…"` and `valid-before="…"`, separated by commas without spaces'
)
_TIMES = "write a date as `20270131Z` or a time as `202701312359Z` or `20270131235959Z`, in UTC"


class Options(Struct, frozen=True):
    """The limits of a key: for which namespaces (patterns) it counts, and from when until when, both ends included."""

    namespaces: tuple[str, ...] | None = None
    valid_after: Instant | None = None
    valid_before: Instant | None = None


NO_OPTIONS = Options()


def parse_time(text: str) -> Instant | None:
    """Returns the instant that `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS` means in UTC, with or without `Z`."""
    match = _TIME.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = match.groups("00")
    instant = parse_instant(f"{year}-{month}-{day}T{hour}:{minute}:{second}Z")
    return instant or None  # OpenSSH takes the very first instant for no limit


def parse_options(line: Line, at: int) -> tuple[Options, int, list[FileFault]]:
    """Returns the options at an offset of a line, the offset after them, and their faults.

    The offset is -1 where the rest of the line cannot be told apart any more.
    """
    reader = _OptionReader(line, at)
    end = reader.read()
    return (
        Options(reader.namespaces, reader.times.get("valid-after"), reader.times.get("valid-before")),
        end,
        reader.faults,
    )


class _OptionReader:
    """Reads the options of one line, collecting faults."""

    def __init__(self, line: Line, at: int) -> None:
        self.line = line
        self.at = at
        self.faults: list[FileFault] = []
        self.namespaces: tuple[str, ...] | None = None
        self.times: dict[str, Instant] = {}
        self.seen: set[str] = set()

    def read(self) -> int:
        """Reads option after option and returns the offset behind the last, or -1."""
        text, begin = self.line.text, self.at
        while True:
            if not self._read_one():
                return -1
            if self.at == len(text) or text[self.at] in " \t":
                break
            if text[self.at] != ",":
                self._fault(self.at, self.line.word_end(self.at), "a comma is due between two options", _KNOWN)
                return -1
            self.at += 1
        after, before = self.times.get("valid-after"), self.times.get("valid-before")
        if after is not None and before is not None and before <= after:
            help = "give `valid-before` a later time; to retire a key keep its `valid-after` as it is"
            self._fault(begin, self.at, "`valid-before` is not later than `valid-after`", help)
        return self.at

    def _fault(self, start: int, end: int, message: str, help: str) -> None:
        self.faults.append(self.line.fault(start, end, FaultKind.OPTION, message, help))

    def _read_one(self) -> bool:
        """Reads one option and returns whether the rest of the line can still be told apart."""
        text, start = self.line.text, self.at
        match = _NAME.match(text, start)
        end = match.end() if match else start
        name = text[start:end].lower()
        self.at = end
        if text[end : end + 1] != "=":
            return self._refuse_flag(name, start)
        if text[end + 1 : end + 2] != '"':
            self.at = self.line.word_end(end)
            self._fault(start, self.at, f"the value of `{name[:40]}` is not in double quotes", _KNOWN)
            return False
        value = self._read_quoted(end + 1)
        if value is None:
            self._fault(end + 1, len(text), "the quote is never closed", _KNOWN)
            return False
        if name in self.seen:
            self._fault(start, self.at, f"`{name[:40]}` is given twice", "keep one of them")
        else:
            self.seen.add(name)
            self._take(name, value, start)
        return True

    def _refuse_flag(self, name: str, start: int) -> bool:
        text = self.line.text
        if not name:
            end = self.line.word_end(start)
            if start >= len(text) or text[start] in " \t,":
                self._fault(start, start + 1, "an option or the key is missing here", _KNOWN)
            else:
                self._fault(start, end, f"`{text[start:end][:80]}` is neither an option nor a key type", _KNOWN)
            return False
        if name == "cert-authority":
            self._fault(
                start,
                self.at,
                "`cert-authority` would let one key speak for whomever it certifies",
                "list each person's own public key instead",
            )
            return True
        self.at = _flag_end(text, self.at)
        self._fault(start, self.at, f"`{text[start : self.at][:80]}` is neither an option nor a key type", _KNOWN)
        return True

    def _read_quoted(self, at: int) -> str | None:
        """Reads a quoted value, in which `\\"` stands for a quote, and steps behind it; None if it never ends."""
        text = self.line.text
        value: list[str] = []
        at += 1
        while at < len(text) and text[at] != '"':
            if text.startswith('\\"', at):
                at += 1
            value.append(text[at])
            at += 1
        if at >= len(text):
            return None
        self.at = at + 1
        return "".join(value)

    def _take(self, name: str, value: str, start: int) -> None:
        if name == "namespaces":
            self._take_namespaces(value, start)
        elif name in ("valid-after", "valid-before"):
            instant = parse_time(value)
            if instant is None:
                self._fault(start, self.at, f"`{value[:40]}` is not a time", _TIMES)
            else:
                self.times[name] = instant
        else:
            self._fault(start, self.at, f"`{name[:40]}` is not an option of the signers file", _KNOWN)

    def _take_namespaces(self, value: str, start: int) -> None:
        names = tuple(value.split(","))
        for name in names:
            if not name or any(character.isspace() for character in name):
                message = "a namespace is empty or has a space in it"
                self._fault(start, self.at, message, "separate namespaces by one comma each, without spaces")
                return
            if name.startswith("!"):
                self._fault(start, self.at, f"`{name[:40]}` is a negation", "list the namespaces that the key is for")
                return
        self.namespaces = names


def _flag_end(text: str, at: int) -> int:
    while at < len(text) and text[at] not in " \t,":
        at += 1
    return at
