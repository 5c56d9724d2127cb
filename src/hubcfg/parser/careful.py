"""The careful path: reads a file with anchors, slips or forbidden things, says what is wrong, and saves what it can."""

import re
from typing import Any

from msgspec import Struct
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from hubcfg.core.finding import Edit, EditAction, Finding, Fix, Related, find
from hubcfg.core.places import KeyPath, Span
from hubcfg.parser.builder import MAX_DEPTH
from hubcfg.parser.diagnosis import diagnose
from hubcfg.parser.document import Value
from hubcfg.parser.events import read_events
from hubcfg.parser.hidden import HIDDEN
from hubcfg.parser.lines import split_lines
from hubcfg.parser.rules import DUPLICATE_KEY, FORBIDDEN_YAML, INVALID_YAML, SCHEMA_VIOLATION, UNQUOTED_WILDCARD
from hubcfg.parser.scalars import read_plain

MAX_ALIASED_NODES = 100_000

# The fields whose values, or whose lists' items, are patterns: where a `*` without quotes is a slip, not an alias.
PATTERN_FIELDS = frozenset(
    {"permissions", "permission", "deny", "can", "cannot", "allow", "except", "between", "replaced_by", "aliases"}
)

_TAG = re.compile(r"(?:&\S+[ \t]+)?(!(?:<[^>]*>|[^\s,\[\]{}]*))")


class CarefulReading(Struct, frozen=True):
    """The documents that could be read, by index, and what is wrong.

    `broken_text` is the text from the first document on that could not be read, None where all could.
    """

    documents: list[tuple[int, Value]]
    findings: list[Finding]
    broken_text: str | None


def read_carefully(file: str, text: str) -> CarefulReading:
    """Reads the text of `file` under the profile (docs/language.md, "YAML profile"), with a finding for each thing wrong."""
    findings = list(_find_hidden_characters(file, text))
    stream = read_events(text)
    reader = _Reader(file, text, stream.events, stream.star)
    try:
        reader.read()
    except StopIteration:
        pass
    findings += reader.findings
    if stream.error is not None:
        findings.append(diagnose(file, text, stream.error))
    is_whole = (stream.error is None or stream.is_complete) and not reader.is_damaged
    return CarefulReading(reader.documents, findings, None if is_whole else reader.text_after_good_documents())


def _find_hidden_characters(file: str, text: str) -> list[Finding]:
    if text.isascii():
        return []
    findings = []
    for number, line in enumerate(split_lines(text), 1):
        for match in HIDDEN.finditer(line):
            column = match.start() + 1
            findings.append(
                find(
                    FORBIDDEN_YAML,
                    f"the invisible character U+{ord(match[0]):04X} makes this line look different from what it is",
                    Span(file, number, column, number, column + 1),
                    help="delete the character; in a quoted string that must have it write an escape such as "
                    f"`\\u{ord(match[0]):04x}`",
                )
            )
    return findings


class _Anchor(Struct):
    value: Value = None
    size: int = 0
    height: int = 0
    is_open: bool = True


class _DamagedDocumentError(Exception):
    """The document cannot be used; its remaining events are skipped."""


class _Reader:
    """Builds values from events; keeps the path, the anchors and what is wrong."""

    def __init__(self, file: str, text: str, events: list[Event], star: str) -> None:
        self.findings: list[Finding] = []
        self.documents: list[tuple[int, Value]] = []
        self.is_damaged = False
        self._file = file
        self._text = text
        self._good_lines = 0
        self._end: Any = None  # where the last collection ended
        self._events = iter(events)
        self._star = star
        self._anchors: dict[str, _Anchor] = {}
        self._aliased = 0
        self._path: list[str | int] = []

    def read(self) -> None:
        """Reads the documents; raises StopIteration where the events end before the stream does."""
        index = -1
        for event in self._events:
            if event.__class__ is not DocumentStartEvent:
                continue
            index += 1
            self._check_directives(event)
            self._anchors, self._aliased, self._path = {}, 0, []
            try:
                value, _, _ = self._read_node(next(self._events), 1)
                end: Any = next(self._events)  # a document that a syntax error cuts short has none, and is not used
                self.documents.append((index, value))
                if not self.is_damaged:
                    self._good_lines = end.start_mark.line
            except _DamagedDocumentError:
                self.is_damaged = True  # the loop skips to the next document

    def text_after_good_documents(self) -> str:
        """Returns the lines from the first document on that could not be read."""
        return "\n".join(split_lines(self._text)[self._good_lines :])

    def _check_directives(self, event: Any) -> None:
        if event.version is not None and event.version != (1, 2):
            written = ".".join(map(str, event.version))
            self._forbid(
                event, f"`%YAML {written}` is not the YAML that hubcfg reads", "remove the line, or write `%YAML 1.2`"
            )
        if event.tags:
            self._forbid(event, "`%TAG` is forbidden", "remove the line; hubcfg has no use for tags")

    def _read_node(self, event: Any, depth: int) -> tuple[Value, int, int]:
        """Returns a node's value, its size in nodes and its height, aliases unfolded."""
        kind = event.__class__
        if kind is AliasEvent:
            return self._read_alias(event, depth)
        anchor = None
        if event.anchor is not None:
            anchor = self._anchors[event.anchor] = _Anchor()
        if event.tag is not None:
            message = f"the tag `{_tag_text(event.tag)}` is forbidden"
            advice = "remove it; hubcfg's values have no other types"
            self.findings.append(find(FORBIDDEN_YAML, message, self._tag_span(event), help=advice))
        if kind is ScalarEvent:
            value, size, height = self._read_scalar(event), 1, 0
        else:
            if depth > MAX_DEPTH:
                self._forbid(event, f"nested more than {MAX_DEPTH} levels deep", "flatten it")
                raise _DamagedDocumentError
            value, size, height = self._read_map(depth) if kind is MappingStartEvent else self._read_list(depth)
        if anchor is not None:
            anchor.value, anchor.size, anchor.height, anchor.is_open = value, size, height, False
        return value, size, height

    def _read_scalar(self, event: Any) -> Value:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if self._star in text:
            text = text.replace(self._star, "*")
            self._report_wildcard(event, text)
            return text
        return read_plain(text)

    def _read_list(self, depth: int) -> tuple[Value, int, int]:
        items: list[Value] = []
        size, height = 1, 0
        for event in self._events:
            if event.__class__ is SequenceEndEvent:
                self._end = event.end_mark
                return items, size, height + 1
            self._path.append(len(items))
            value, item_size, item_height = self._read_node(event, depth + 1)
            self._path.pop()
            items.append(value)
            size += item_size
            height = max(height, item_height)
        raise StopIteration

    def _read_map(self, depth: int) -> tuple[Value, int, int]:
        entries: dict[str, Value] = {}
        first_places: dict[str, Span] = {}
        merged: dict[str, Value] = {}
        size, height = 1, 0
        for event in self._events:
            if event.__class__ is MappingEndEvent:
                self._end = event.end_mark
                return merged | entries, size, height + 1
            key = self._read_key(event, depth)
            if key is not None and key in entries:
                self._report_duplicate(key, event, first_places[key])
            self._path.append(key if key is not None else "")
            value, value_size, value_height = self._read_node(next(self._events), depth + 1)
            self._path.pop()
            size += 1 + value_size
            height = max(height, value_height)
            if key is not None and key not in entries:
                entries[key] = value
                first_places[key] = self._span(event)
            elif key is None and isinstance(value, dict) and _is_merge_key(event):
                merged = value  # reported; read as it is meant, so that nothing is missed that it would bring in
        raise StopIteration

    def _read_key(self, event: Any, depth: int) -> str | None:
        """Returns a key's text, or None for a key that the profile forbids (its entry is read, but left out)."""
        if event.__class__ is ScalarEvent:
            if _is_merge_key(event):
                self._forbid(
                    event, "the merge key `<<` is forbidden", "write the fields out, or define a group and name it"
                )
                return None
            key, _, _ = self._read_node(event, depth)
        elif event.__class__ is AliasEvent:
            key, _, _ = self._read_alias(event, depth)
        else:
            self._read_node(event, depth + 1)
            span, end = self._span(event), self._end
            message = "a key that is itself a map or list is forbidden"
            advice = "keys are plain text; quote the key if it begins with `[`, `{` or `?`"
            place = Span(self._file, span.line, span.column, end.line + 1, end.column + 1)
            self.findings.append(find(FORBIDDEN_YAML, message, place, help=advice))
            return None
        if isinstance(key, str):
            return key
        if isinstance(key, (dict, list)):
            self._forbid(event, "a key that is itself a map or list is forbidden", "keys are plain text")
            return None
        written = getattr(event, "value", "")
        advice = f'write it in quotes: `"{written}":`' if written else "write a key before the `:`"
        self.findings.append(
            find(SCHEMA_VIOLATION, f"the key {_describe(key, written)} is not text", self._span(event), help=advice)
        )
        return str(written)

    def _read_alias(self, event: Any, depth: int) -> tuple[Value, int, int]:
        name = event.anchor
        anchor = self._anchors.get(name)
        if anchor is None:
            self._report_wildcard(event, "*" + name)
            return "*" + name, 1, 0
        if anchor.is_open:
            self._forbid(
                event, f"`*{name}` stands inside its own anchor", "an alias can't contain itself; write the value out"
            )
            return None, 1, 0
        self._aliased += anchor.size
        if self._aliased > MAX_ALIASED_NODES:
            self._forbid(
                event,
                f"the aliases of this document unfold to more than {MAX_ALIASED_NODES:,} values",
                "write the values out, or define a group and name it",
            )
            raise _DamagedDocumentError
        if anchor.height and depth - 1 + anchor.height > MAX_DEPTH:
            self._forbid(event, f"nested more than {MAX_DEPTH} levels deep, the alias unfolded", "flatten it")
            raise _DamagedDocumentError
        return anchor.value, anchor.size, anchor.height

    def _report_wildcard(self, event: Event, text: str) -> None:
        span = self._span(event)
        if _takes_patterns(self._path):
            quoted = f'"{text}"'
            fix = Fix(f"quote it: {quoted}", (Edit(span, EditAction.REPLACE, quoted),))
            self.findings.append(
                find(
                    UNQUOTED_WILDCARD,
                    f"`{text}` begins with `*`, which YAML takes for an alias",
                    span,
                    help=f"write it in quotes: `{quoted}`",
                    fix=fix,
                )
            )
            return
        self.findings.append(
            find(
                INVALID_YAML,
                f"`{text}` refers to an anchor that this document does not have",
                span,
                help=f'write it in quotes if it is text: `"{text}"`',
            )
        )

    def _report_duplicate(self, key: str, event: Event, first: Span) -> None:
        self.findings.append(
            find(
                DUPLICATE_KEY,
                f"the key `{key}` stands twice in this map",
                self._span(event),
                help="merge the two entries, or rename the wrong one",
                related=(Related("it stands here first", first),),
            )
        )

    def _forbid(self, event: Event, message: str, help: str) -> None:
        self.findings.append(find(FORBIDDEN_YAML, message, self._span(event), help=help))

    def _tag_span(self, event: Any) -> Span:
        """Returns the place of a node's tag, which may come after its anchor; the node's where they are on other lines."""
        whole = self._span(event)
        line = split_lines(self._text)[whole.line - 1]
        match = _TAG.match(line, whole.column - 1)
        if match is None:
            return whole
        return Span(self._file, whole.line, match.start(1) + 1, whole.line, match.end(1) + 1)

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self._file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _takes_patterns(path: list[str | int] | KeyPath) -> bool:
    names = [step for step in path if isinstance(step, str)]
    return bool(names) and (names[-1] in PATTERN_FIELDS or "aliases" in names[:-1])


def _is_merge_key(event: Any) -> bool:
    return event.__class__ is ScalarEvent and event.implicit[0] and event.value == "<<"


def _describe(key: Value, written: str) -> str:
    if key is None:
        return f"`{written}` (null)" if written else "before this `:` is empty and"
    kind = {bool: "a boolean", int: "a number", float: "a number"}[type(key)]
    return f"`{written}` ({kind})"


def _tag_text(tag: str) -> str:
    prefix = "tag:yaml.org,2002:"
    return "!!" + tag.removeprefix(prefix) if tag.startswith(prefix) else tag
