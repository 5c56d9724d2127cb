"""The fast path: libyaml's events into plain values, for files that keep to the profile without any doubt."""

from collections.abc import Callable
from typing import Any

from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from hubcfg.parser.document import Value
from hubcfg.parser.scalars import FIRST_CHARACTERS, read_plain

MAX_DEPTH = 64

_KEY_CHARACTERS = FIRST_CHARACTERS | {"<"}


class NeedsCareError(Exception):
    """Something in the file needs the careful reader: an anchor, a tag, a duplicate key, a key that is not a string."""


def build_values(get_event: Callable[[], Any]) -> list[Value]:
    """Returns the values of the documents that the events describe.

    Raises NeedsCareError at the first thing that is not plainly allowed, and lets the parser's own errors through; the
    careful reader (`careful.py`) then says what is wrong. It is one loop without calls because it runs for each scalar
    of the project.
    """
    documents: list[Value] = []
    strings: dict[str, str] = {}
    share = strings.setdefault
    enclosing: list[tuple[dict[str, Value] | list[Value], str | None]] = []
    mapping: dict[str, Value] | None = None  # the open collection, if it is a map …
    sequence: list[Value] | None = None  # … or if it is a list; neither at the top of a document
    key: str | None = None
    value: Value
    while True:
        event = get_event()
        kind = event.__class__
        if kind is ScalarEvent:
            if event.tag is not None or event.anchor is not None:
                raise NeedsCareError
            text = event.value
            is_plain = event.implicit[0]
            if mapping is not None and key is None:
                if text in mapping:
                    raise NeedsCareError
                if is_plain and (not text or text[0] in _KEY_CHARACTERS) and not _is_text_key(text):
                    raise NeedsCareError
                key = share(text, text)
                continue
            is_special = is_plain and (not text or text[0] in FIRST_CHARACTERS)
            value = read_plain(text) if is_special else share(text, text)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if event.tag is not None or event.anchor is not None or len(enclosing) >= MAX_DEPTH:
                raise NeedsCareError
            if mapping is not None:
                if key is None:
                    raise NeedsCareError
                enclosing.append((mapping, key))
            elif sequence is not None:
                enclosing.append((sequence, None))
            else:
                enclosing.append(([], None))
            if kind is MappingStartEvent:
                mapping, sequence = {}, None
            else:
                mapping, sequence = None, []
            key = None
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            value = mapping if mapping is not None else sequence
            outer, key = enclosing.pop()
            if not enclosing:
                mapping = sequence = None
            elif key is not None:
                mapping, sequence = outer, None  # type: ignore[assignment]  # only maps have a pending key
            else:
                mapping, sequence = None, outer  # type: ignore[assignment]  # and only lists have none
        elif kind is DocumentStartEvent:
            if event.version is not None or event.tags is not None:
                raise NeedsCareError
            continue
        elif kind is StreamEndEvent:
            return documents
        elif kind is DocumentEndEvent or kind is StreamStartEvent:
            continue
        else:
            raise NeedsCareError
        if mapping is not None:
            mapping[key] = value  # type: ignore[index]  # a value follows its key
            key = None
        elif sequence is not None:
            sequence.append(value)
        else:
            documents.append(value)


def _is_text_key(text: str) -> bool:
    """Whether a plain key is text, and not the merge key."""
    return text != "<<" and read_plain(text) is text
