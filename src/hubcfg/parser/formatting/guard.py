"""Compares a text with its canonical form: what they say, and what their comments stand above or beside."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from yaml.cyaml import CSafeLoader
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from hubcfg.parser.comments import MARKER
from hubcfg.parser.formatting.errors import UnformattableSource
from hubcfg.parser.formatting.reader import MAX_DEPTH, not_yaml
from hubcfg.parser.formatting.syntax import Alias, Collection, Entry, Node, Remark, Scalar, Source
from hubcfg.parser.scalars import read_plain
from hubcfg.parser.strict import needs_strict, strict_events

# Where a node stands: the keys (with how often each came before in its map) and list positions that lead to it.
Path = tuple[Any, ...]


def read_meaning(text: str) -> list[Any]:
    """Returns what a text says, for comparison: its documents that are not empty, fields in an order of their own.

    Numbers and the like count as they are written; so do anchors, and aliases with the place of their anchor.
    Raises UnformattableSource where the text is not YAML.
    """
    try:
        events = list(strict_events(text) if needs_strict(text) else _fast_events(text))
    except (YAMLError, UnicodeEncodeError) as error:
        raise not_yaml(error) from error
    rest = iter(events)
    documents = []
    for event in rest:
        if isinstance(event, DocumentStartEvent):
            meaning = _Meaning(rest).read(next(rest), ())
            if meaning != _NOTHING:
                documents.append(meaning)
    return documents


_NOTHING = ("null", "", None)


def _fast_events(text: str) -> Iterator[Any]:
    parser = CSafeLoader(text)
    while not isinstance(event := parser.get_event(), StreamEndEvent):
        yield event


class _Meaning:
    def __init__(self, events: Any) -> None:
        self._events = events
        self._anchors: dict[str, Path] = {}
        self._depth = 0

    def read(self, event: Any, path: Path) -> tuple[Any, ...]:
        self._depth += 1
        if self._depth > MAX_DEPTH + 1:
            raise UnformattableSource(f"line {event.start_mark.line + 1}: nested more than {MAX_DEPTH} levels deep")
        meaning = self._read(event, path)
        self._depth -= 1
        return meaning

    def _read(self, event: Any, path: Path) -> tuple[Any, ...]:
        if isinstance(event, AliasEvent):
            return ("alias", event.anchor, self._anchors.get(event.anchor or ""))
        if event.anchor is not None:
            self._anchors[event.anchor] = path
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, SequenceStartEvent):
            items: list[Any] = []
            for item in self._events:
                if isinstance(item, SequenceEndEvent):
                    break
                items.append(self.read(item, (*path, len(items))))
            return ("list", tuple(items), event.anchor)
        assert isinstance(event, MappingStartEvent)
        pairs: list[Any] = []
        seen: Counter[str] = Counter()
        for item in self._events:
            if isinstance(item, MappingEndEvent):
                break
            key = self.read(item, (*path, "key"))
            name = repr(key)
            pairs.append((name, seen[name], self.read(next(self._events), (*path, name, seen[name]))))
            seen[name] += 1
        return ("map", tuple(sorted(pairs, key=lambda pair: pair[:2])), event.anchor)

    def _scalar(self, event: ScalarEvent) -> tuple[Any, ...]:
        value = read_plain(event.value) if event.implicit[0] else event.value
        if value is None:
            return ("null", "", event.anchor)
        return (type(value).__name__, event.value, event.anchor)


def read_attachments(source: Source) -> "Counter[tuple[Any, ...]]":
    """Returns the comments of a source, each with what it stands above or beside."""
    found: Counter[tuple[Any, ...]] = Counter()
    for number, page in enumerate(source.pages):
        if page.header:
            found["header", number, _texts(page.header)] += 1
        root = page.root.node if page.root is not None else None
        foot = page.foot + root.foot if isinstance(root, Collection) else page.foot
        if foot:
            found["foot", number, _texts(foot)] += 1
        if page.root is not None:
            walk = _Walk()
            walk.visit(page.root, (number,))
            found.update(walk.attachments())
    return found


def _texts(remarks: list[Remark]) -> tuple[str, ...]:
    return tuple(text for remark in remarks for text in remark.texts)


class _Walk:
    """Notes where the nodes of a document begin, then what stands on the line of each comment."""

    def __init__(self) -> None:
        self._marks: list[tuple[int, int, Path]] = []
        self._item_marks: list[tuple[int, Path]] = []
        self._above: list[tuple[Any, ...]] = []
        self._beside: list[tuple[Path, Remark]] = []
        self._within: list[tuple[Path, Collection, Remark]] = []

    def visit(self, entry: Entry, path: Path) -> None:
        self._above += [
            ("above", path, _texts(entry.lead)),
            ("gap", path, _texts(entry.gap)),
            ("under", path, _texts(entry.under)),
        ]
        self._beside += [
            ((*path, side), remark) for side, remark in (("head", entry.head), ("tail", entry.tail)) if remark
        ]
        if entry.key is not None:
            self._mark(entry.key, (*path, "key"))
        self._mark(entry.node, (*path, "value"))
        if isinstance(entry.value, Collection):
            self._enter(entry.value, path)

    def _enter(self, node: Collection, path: Path) -> None:
        if node.owner.home is not None:  # the foot of a root is that of its document
            self._above.append(("end", path, _texts(node.foot)))
        self._within += [(path, node, remark) for remark in node.remarks]
        if node.is_block and node.owner.is_item:
            self._item_marks.append((node.line, path))
        seen: Counter[str] = Counter()
        for number, entry in enumerate(node.entries):
            name = _name(entry.key) if node.is_map else str(number)
            self.visit(entry, (*path, name, seen[name]))
            seen[name] += 1

    def _mark(self, node: Node, path: Path) -> None:
        if not (isinstance(node, Collection) and node.is_block) and not (isinstance(node, Scalar) and node.is_nothing):
            self._marks.append((node.start, node.line, path))

    def attachments(self) -> list[tuple[Any, ...]]:
        lines: dict[int, set[Path]] = {}
        for _, line, path in self._marks:
            lines.setdefault(line, set()).add(path)
        items: dict[int, set[Path]] = {}
        for line, path in self._item_marks:
            items.setdefault(line, set()).add(path)
        found = [above for above in self._above if above[-1]]
        for path, remark in self._beside:
            begun = items.get(remark.line, set()) if MARKER in remark.text else set()
            found.append(("beside", path, frozenset(lines.get(remark.line, ())), frozenset(begun), remark.texts))
        for path, node, remark in self._within:
            if remark.stands_alone:
                place = min((mark for mark in self._marks if remark.start < mark[0] < node.end), default=(0, 0, ()))[2]
                found.append(("above", path, place, remark.texts))
            else:
                found.append(("within", path, frozenset(lines.get(remark.line, ())), remark.texts))
        return found


def _name(key: Node | None) -> str:
    if isinstance(key, Alias):
        return "*" + key.name
    return repr(key.value) if isinstance(key, Scalar) else ""
