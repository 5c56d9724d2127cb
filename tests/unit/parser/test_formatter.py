"""The formatter keeps its laws: same values, same comments at the same things, a second time nothing changes."""

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hubcfg.parser.formatting import UnformattableSource, format_source
from hubcfg.parser.parse import parse_text
from tests.unit.parser.yaml_sources import SourceMaker

CASES = Path(__file__).parents[2] / "cases" / "fmt"
PIECES = (
    *(
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "# c",
        "{",
        "}",
        "[",
        "]",
        ",",
        ": ",
        "'",
        '"',
        "&x ",
        "*x",
        "|",
        "|+2",
    ),
    *(">", "? ", "!t ", "%YAML 1.2\n", "---\n", "...\n", " ", "\t", "\\", "\x85", "\u2028", "\ufeff", "\x00", "null"),
    *("<<: ", "\r", "kind: Users\n", "users:\n", "\ud800", "\U0001f600"),
)

seeds = st.integers(0, 2**32)


def load_cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(CASES.glob("*.yaml"))
        for case in yaml.safe_load(path.read_text("utf-8"))
    ]


def values_of(text: str) -> list[Any]:
    """Returns the documents that hubcfg's own parser reads, those that say nothing left out."""
    return [document.value for document in parse_text("x.yaml", text).documents if document.value is not None]


def has_findings(text: str) -> bool:
    """Whether the text breaks the profile in a way that leaves parts of its values to guessing (an empty key, say)."""
    return bool(parse_text("x.yaml", text).findings)


def format_or_none(text: str) -> str | None:
    try:
        return format_source(text)
    except UnformattableSource:
        return None


@pytest.mark.parametrize("case", load_cases())
def test_case(case: dict[str, str]) -> None:
    """Each input has the canonical form that its case expects, or is refused with the words that the case expects."""
    if "refused" in case:
        with pytest.raises(UnformattableSource, match=re.escape(case["refused"])):
            format_source(case["input"])
        return
    assert format_source(case["input"]) == case["expected"]
    assert format_source(case["expected"]) == case["expected"]


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_same_values(seed: int) -> None:
    """The canonical form of a file has the values that the file has."""
    text = SourceMaker(Random(seed)).make()
    formatted = format_or_none(text)
    if formatted is not None:
        assert values_of(formatted) == values_of(text)


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_formatting_again_changes_nothing(seed: int) -> None:
    """A canonical form is its own canonical form."""
    formatted = format_or_none(SourceMaker(Random(seed)).make())
    if formatted is not None:
        assert format_source(formatted) == formatted


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_words_and_comments_stay_in_order(seed: int) -> None:
    """Where no field has a place of its own, scalars and comments follow each other as they did."""
    text = SourceMaker(Random(seed), has_fields=False).make()
    formatted = format_or_none(text)
    if formatted is not None:
        assert re.findall(r"[cwk]\d+", formatted) == re.findall(r"[cwk]\d+", text)


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_comments_stay_beside_what_they_stand_beside(seed: int) -> None:
    """A comment at the end of a line has the same scalars on its line, wherever the line goes."""
    text = SourceMaker(Random(seed)).make()
    formatted = format_or_none(text)
    if formatted is not None:
        assert words_beside_comments(formatted) == words_beside_comments(text)


def words_beside_comments(text: str) -> dict[str, list[str]]:
    """Returns the words on the line of each comment; for one on a line of its own none, like beside a mere dash."""
    beside = {}
    for line in text.splitlines():
        if match := re.search(r"#\s?(?:hubcfg: ignore\[product-wildcard\] )?(c\d+)\s*$", line):
            beside[match[1]] = sorted(re.findall(r"[wk]\d+", line[: match.start()]))
    return beside


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_white_space_is_canonical(seed: int) -> None:
    """No line ends with a space, no two empty lines follow each other, and the text ends with one line break."""
    formatted = format_or_none(SourceMaker(Random(seed), has_long_scalars=False).make())
    if formatted:
        assert not re.search(r"[ \t]\n|\n\n\n|\r|\t|\A\n|\n\n\Z", formatted)
        assert formatted.endswith("\n")


def test_hardly_anything_is_refused() -> None:
    """Of sources with comments in the oddest places next to none lacks a canonical form."""
    results = [format_or_none(SourceMaker(Random(seed)).make()) for seed in range(400)]
    assert sum(result is None for result in results) <= 4


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_text_is_formatted_or_refused(text: str) -> None:
    """No text whatever makes the formatter fail in another way than by refusing it, and none loses its values."""
    formatted = format_or_none(text)
    if formatted is not None:
        assert values_of(formatted) == values_of(text) or has_findings(text)
        assert format_source(formatted) == formatted


@settings(max_examples=150, deadline=None)
@given(seeds, st.integers(0, 10_000), st.sampled_from(PIECES), st.integers(0, 3))
def test_damaged_sources_are_formatted_or_refused(seed: int, place: int, piece: str, cut: int) -> None:
    """A source with something put in or taken out is refused, or keeps its values."""
    text = SourceMaker(Random(seed)).make()
    place %= len(text) + 1
    text = text[:place] + piece + text[place + cut :]
    formatted = format_or_none(text)
    if formatted is not None:
        assert values_of(formatted) == values_of(text) or has_findings(text)


@given(st.text(st.characters(codec="utf-8"), max_size=20).filter("list".__ne__))
def test_any_string_survives(string: str) -> None:
    """A string reads back as itself from the form that it is given, as a key, an item and a field."""
    quoted = '"' + "".join(f"\\U{ord(character):08x}" for character in string) + '"'
    formatted = format_source(f"{quoted}: {quoted}\nlist: [{quoted}, {{key: {quoted}}}]\n")
    assert values_of(formatted) == [{string: string, "list": [string, {"key": string}]}]
