"""Edits change the words that they name, and a list that loses an item stays a list."""

import pytest

from hubcfg.core.finding import Edit, EditAction
from hubcfg.core.places import Span
from hubcfg.parser.editing import apply_edits


def edit(line: int, column: int, end: int, text: str | None) -> Edit:
    span = Span("a.yaml", line, column, line, end)
    return Edit(span, EditAction.REMOVE_ITEM if text is None else EditAction.REPLACE, text or "")


@pytest.mark.parametrize(
    ("text", "edits", "expected"),
    [
        ("a: [*, b]\n", [edit(1, 5, 6, '"*"')], 'a: ["*", b]\n'),
        ("a: [b, b, c]\n", [edit(1, 8, 9, None)], "a: [b, c]\n"),
        ("a: [c, b, b]\n", [edit(1, 11, 12, None)], "a: [c, b]\n"),
        ("a:\n  - b\n  - b\nc: d\n", [edit(3, 5, 6, None)], "a:\n  - b\nc: d\n"),
        ("a:\r\n  - b\r\n  - b", [edit(3, 5, 6, None)], "a:\r\n  - b\r\n"),
        ("a:\n  - b\n  - b  # why\n", [edit(3, 5, 6, None)], "a:\n  - b\n  - b  # why\n"),
        ("é: [x, y]\n", [edit(1, 5, 6, "long"), edit(1, 8, 9, "z")], "é: [long, z]\n"),
        ("a: [x]\n", [edit(1, 5, 6, "y"), edit(1, 5, 6, "z")], "a: [y]\n"),
    ],
)
def test_apply_edits(text: str, edits: list[Edit], expected: str) -> None:
    assert apply_edits(text, edits) == expected
