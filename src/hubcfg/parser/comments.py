"""Ignore comments: `# hubcfg: ignore[names] reason` at the end of a line (docs/findings.md, "Ignoring a finding")."""

import re
from typing import Any

from msgspec import Struct
from yaml.events import ScalarEvent

from hubcfg.core.places import Span
from hubcfg.parser.events import read_events
from hubcfg.parser.lines import split_lines

MARKER = "hubcfg:"
_COMMENT = re.compile(r"(?:^|(?<=\s))#\s*hubcfg:\s*ignore\b\s*(\[([^\]]*)\]?)?\s*(.*?)\s*$")


class IgnoreComment(Struct, frozen=True):
    """One ignore comment: the names it lists, its reason (empty where it gives none), and where it stands."""

    names: tuple[str, ...]
    reason: str
    span: Span


def find_ignore_comments(file: str, text: str) -> list[IgnoreComment]:
    """Returns the ignore comments of a file; text within a scalar that only looks like one is not a comment."""
    candidates = []
    for number, line in enumerate(split_lines(text), 1):
        if MARKER in line and (match := _COMMENT.search(line)):
            names = tuple(name.strip() for name in (match[2] or "").split(",") if name.strip())
            candidates.append(
                IgnoreComment(names, match[3], Span(file, number, match.start() + 1, number, match.end() + 1))
            )
    if not candidates:
        return []
    scalars = [event for event in read_events(text).events if event.__class__ is ScalarEvent]
    return [comment for comment in candidates if not any(_covers(scalar, comment.span) for scalar in scalars)]


def _covers(scalar: Any, span: Span) -> bool:
    start = (scalar.start_mark.line + 1, scalar.start_mark.column + 1)
    end = (scalar.end_mark.line + 1, scalar.end_mark.column + 1)
    return start <= (span.line, span.column) < end
