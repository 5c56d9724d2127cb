"""Works out lines and columns: reads a file again and finds where symbolic places lie."""

from collections.abc import Callable, Iterable
from typing import Any

from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from hubcfg.core.places import Part, Place, Span
from hubcfg.parser.events import ORIGIN, CParser, read_events
from hubcfg.parser.strict import needs_strict


class _Wanted:
    """A node of the tree of wanted paths: what is wanted here, and what below."""

    __slots__ = ("below", "parts")

    def __init__(self) -> None:
        self.parts: list[Place] = []
        self.below: dict[str | int, _Wanted] = {}

    def add(self, place: Place) -> None:
        node = self
        for step in place.path:
            node = node.below.setdefault(step, _Wanted())
        node.parts.append(place)


def locate_places(text: str, places: Iterable[Place]) -> dict[Place, Span]:
    """Returns the span of each place in the file whose text is given.

    A path that the file does not have (it changed under us, or lies beyond a syntax error) gets the span of
    the nearest enclosing node that it does have, or the beginning of the file.
    """
    wanted: dict[int, _Wanted] = {}
    for place in places:
        wanted.setdefault(place.document, _Wanted()).add(place)
    if not needs_strict(text):
        try:
            # The events are used up one by one, which keeps large files small in memory.
            return _Locator(CParser(text).get_event, None, wanted).spans
        except (YAMLError, _NeedsAllEventsError):
            pass
    return _Locator(None, read_events(text).events, wanted).spans


class _NeedsAllEventsError(Exception):
    """Something is wanted below an alias, in a node that has gone by."""


class _FoundAllError(Exception):
    """Every place that is wanted has been found; the rest of the file does not matter."""


class _Locator:
    def __init__(
        self, get_event: Callable[[], Any] | None, events: list[Event] | None, wanted: dict[int, _Wanted]
    ) -> None:
        self.spans: dict[Place, Span] = {}
        self._events = events
        self._position = 0
        self._get = get_event or self._next
        self._anchors: dict[str, int] = {}
        self._document = -1
        self._left = sum(map(_count, wanted.values()))
        try:
            self._walk(wanted)
        except (StopIteration, _FoundAllError):
            pass  # the events end at a syntax error, or nothing more is wanted
        for node in wanted.values():
            self._settle(node, ORIGIN)

    def _next(self) -> Any:
        assert self._events is not None
        if self._position >= len(self._events):
            raise StopIteration
        event = self._events[self._position]
        self._position += 1
        return event

    def _walk(self, wanted: dict[int, _Wanted]) -> None:
        while True:
            event = self._get()
            kind = event.__class__
            if kind is StreamEndEvent:
                return
            if kind is DocumentStartEvent:
                self._document += 1
                self._anchors = {}
                self._visit(self._get(), wanted.get(self._document))
            elif kind is DocumentEndEvent:
                continue

    def _visit(self, event: Any, node: _Wanted | None) -> Any:
        """Reads one node, notes the spans wanted in it, and returns its end."""
        kind = event.__class__
        if node is None and self._events is None:
            return self._skip(event)
        if self._events is not None and getattr(event, "anchor", None) is not None and kind is not AliasEvent:
            self._anchors[event.anchor] = self._position
        if kind is AliasEvent and node is not None and node.below:
            if self._events is None:
                raise _NeedsAllEventsError
            if event.anchor in self._anchors:
                self._follow(event, node)
        if kind is MappingStartEvent:
            end = self._visit_map(event, node)
        elif kind is SequenceStartEvent:
            end = self._visit_list(event, node)
        else:
            end = event.end_mark
        if node is not None:
            self._note(node, (Part.VALUE,), event.start_mark, end)
            self._settle(node, event.start_mark, end)
        return end

    def _skip(self, event: Any) -> Any:
        """Passes over a node in which nothing is wanted, and returns its end."""
        kind = event.__class__
        if kind is not MappingStartEvent and kind is not SequenceStartEvent:
            return event.end_mark
        get, depth = self._get, 1
        end = event.end_mark
        # Names of the module take longer to look up, and most of a large file is passed over here.
        scalar, map_start, list_start, map_end, list_end = (
            ScalarEvent, MappingStartEvent, SequenceStartEvent, MappingEndEvent, SequenceEndEvent
        )  # fmt: skip
        while depth:
            event = get()
            kind = event.__class__
            if kind is scalar:
                end = event.end_mark
            elif kind is map_start or kind is list_start:
                depth += 1
            elif kind is map_end or kind is list_end:
                depth -= 1
                mark = event.end_mark
                # The end of a block is where the next thing begins; that of a flow collection is its bracket.
                if event.start_mark.index != mark.index:
                    end = mark
            else:
                end = event.end_mark
        return end

    def _visit_map(self, event: Any, node: _Wanted | None) -> Any:
        end = event.end_mark
        is_first = True
        left = dict(node.below) if node is not None else {}
        while True:
            key = self._get()
            if key.__class__ is MappingEndEvent:
                return key.end_mark if event.flow_style else end
            if node is not None and is_first:
                self._note(node, (Part.FIRST_KEY,), key.start_mark, key.end_mark)
            is_first = False
            child = left.pop(key.value, None) if key.__class__ is ScalarEvent else None
            if key.__class__ is not ScalarEvent:
                self._visit(key, None)
            if child is not None:
                self._note(child, (Part.KEY,), key.start_mark, key.end_mark)
            end = self._visit(self._get(), child)

    def _visit_list(self, event: Any, node: _Wanted | None) -> Any:
        end = event.end_mark
        index = 0
        while True:
            item = self._get()
            if item.__class__ is SequenceEndEvent:
                return item.end_mark if event.flow_style else end
            child = node.below.get(index) if node is not None else None
            end = self._visit(item, child)
            index += 1

    def _follow(self, alias: Any, node: _Wanted) -> None:
        """Finds what is wanted below an alias in the node that it stands for."""
        assert self._events is not None
        here, self._position = self._position, self._anchors[alias.anchor]
        own, node.parts = node.parts, []
        self._visit(self._events[self._position - 1], node)
        self._position, node.parts = here, own

    def _note(self, node: _Wanted, parts: tuple[Part, ...], start: Any, end: Any) -> None:
        for place in node.parts:
            if place.part in parts and place not in self.spans:
                self.spans[place] = _span(place.file, start, end)
                self._left -= 1
        if not self._left:
            raise _FoundAllError

    def _settle(self, node: _Wanted, start: Any, end: Any | None = None) -> None:
        """Gives what was wanted here but is not there the enclosing node's first line."""
        for place in node.parts:
            if place not in self.spans:
                self.spans[place] = _span(place.file, start, end or start)
                self._left -= 1
        for child in node.below.values():
            self._settle(child, start, end)


def _count(node: _Wanted) -> int:
    return len(node.parts) + sum(map(_count, node.below.values()))


def _span(file: str, start: Any, end: Any) -> Span:
    return Span(file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
