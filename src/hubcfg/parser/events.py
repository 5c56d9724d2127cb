"""The YAML events of a text: libyaml's where it is right about YAML 1.2, the strict parser's where it is not."""

from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import Struct
from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.events import Event, StreamEndEvent

# libyaml's parser, ten times faster than Python's own. Only its events are used, never what it loads.
CParser: Any = yaml.CSafeLoader

# Where there is no better place: the beginning of the file.
ORIGIN: Any = Mark("", 0, 0, 0, None, None)  # type: ignore[arg-type]  # libyaml's marks have no buffer either

# How many unquoted wildcards one reading of a file finds; each costs another start of the parser.
MAX_WILDCARDS = 100


class EventStream(Struct, frozen=True):
    """The events of a text up to its first error; `is_complete` says that they go to its end in spite of the error.

    Where an unquoted `*` kept the text from being read, it is read with `star`, a character that the text does not
    contain, in its place: all positions stay as they are, and what follows is still checked.
    """

    events: list[Event]
    error: MarkedYAMLError | None
    star: str
    is_complete: bool = False


def iterate_events(text: str) -> Iterator[Event]:
    """Yields libyaml's events, holding only one at a time; raises its error."""
    parser = CParser(text)
    while True:
        event = parser.get_event()
        yield event
        if event.__class__ is StreamEndEvent:
            return


def read_events(text: str) -> EventStream:
    """Returns the events of a text that libyaml may not like, as far as they go."""
    from hubcfg.parser.strict import needs_strict, strict_events

    star = next(character for character in map(chr, range(0xE000, 0xF8FF)) if character not in text)
    must_be_strict = needs_strict(text)
    for _ in range(MAX_WILDCARDS):
        events, error = _collect(iterate_events(text))
        if error is None and not must_be_strict:
            return EventStream(events, None, star)
        position = _alias_error(error)
        if position is None:
            break
        text = text[:position] + star + text[position + 1 :]
    strict, strict_error = _collect(strict_events(text))
    if strict_error is None:
        return EventStream(strict, None, star)
    if error is None:
        # Not YAML 1.2, but libyaml makes sense of it: an error all the same, and the rest of the file is still checked.
        return EventStream(events, strict_error, star, is_complete=True)
    return EventStream(events, error, star)


def _collect(source: Iterator[Event]) -> tuple[list[Event], MarkedYAMLError | None]:
    events: list[Event] = []
    try:
        events.extend(source)
    except MarkedYAMLError as error:
        return events, error
    except YAMLError as error:  # libyaml's reader knows a position but has no mark for it
        return events, MarkedYAMLError(None, None, str(error).split("\n", 1)[0], ORIGIN)
    return events, None


def _alias_error(error: MarkedYAMLError | None) -> int | None:
    """Returns the index of the `*` that libyaml could not take for an alias, if that is the error."""
    if error is not None and error.context == "while scanning an alias" and error.context_mark is not None:
        return int(error.context_mark.index)
    return None
