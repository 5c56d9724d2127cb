"""Applies the edits that findings carry to the text of a file, and leaves all else as it is."""

import re
from collections.abc import Iterable, Sequence

from hubcfg.core.finding import Edit, EditAction
from hubcfg.core.places import Span

_LINE = re.compile("[^\r\n]*(?:\r\n|\r|\n|\\Z)")
_ONLY_ITEM = re.compile(r"[ \t]*-[ \t]+\Z")


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Returns the text with the edits made.

    Of edits that overlap only the first is made; the others are for another round. An item whose line carries a comment is
    not removed, because the comment would go with it.
    """
    parts: list[str] = []
    position = 0
    for start, end, replacement in plan_replacements(text, edits):
        if start >= position:
            parts += [text[position:start], replacement]
            position = end
    return "".join([*parts, text[position:]])


def plan_replacements(
    text: str, edits: Iterable[Edit], starts: Sequence[int] | None = None
) -> list[tuple[int, int, str]]:
    """Returns what edits come to in a text: from which character to which becomes what, in their order.

    Edits that cannot be made are left out. `starts` are the `line_starts` of the text, where they are known already.
    """
    starts = starts or line_starts(text)
    changes: set[tuple[int, int, str]] = set()
    for edit in edits:
        assert isinstance(edit.place, Span)
        start = starts[edit.place.line - 1] + edit.place.column - 1
        end = starts[edit.place.end_line - 1] + edit.place.end_column - 1
        if edit.action is EditAction.REPLACE:
            changes.add((start, end, edit.text))
        elif (around := _item_range(text, start, end)) is not None:
            changes.add((*around, ""))
    return sorted(changes)


def _item_range(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Returns the characters to remove so that a list loses the item at `start` to `end` and stays a list."""
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    if _ONLY_ITEM.match(text[line_start:start]):
        rest = re.compile(r"[ \t]*(\r\n|\r|\n|\Z)").match(text, end)
        return (line_start, rest.end()) if rest else None
    after = re.compile(r"[ \t]*,[ \t]*").match(text, end)
    if after:
        return start, after.end()
    before = re.compile(r",[ \t]*\Z").search(text[line_start:start])
    return (line_start + before.start(), end) if before else None


def line_starts(text: str) -> list[int]:
    """Returns the character that each line begins with, and the end of the text."""
    starts = [0]
    for match in _LINE.finditer(text):
        if match.end() > starts[-1]:
            starts.append(match.end())
    return starts
