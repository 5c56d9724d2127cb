"""Files are read as YAML 1.2 says where libyaml is wrong about it, and as libyaml reads them where it is right."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from yaml.cyaml import CParser

from hubcfg.parser.strict import needs_strict, strict_events

CASES = Path(__file__).parents[2] / "cases" / "yaml"

# What texts are drawn from: each indicator, alone and where it means something, between words, spaces and line breaks.
PIECES = (
    *("a", "b", "0", "-1", " ", " ", "  ", "\n", "\n", "\n  ", "\n\n", "\t", "\\", ".", "@", "`", "%"),
    *("a: ", "b:\n  ", "- ", "\n- ", "\n  - ", "? ", ": ", ":", "-", "?", "---\n", "--- ", "\n...\n", "#", " # c\n"),
    *("[", "]", "{", "}", ", ", ",", "[a, b]", "{a: b}", "[a,\n  b]", "[[", "]]"),
    *(
        '"',
        "'",
        '"a b"',
        '"a\n  b"',
        "'a'",
        "'a\n b'",
        '"\\n"',
        "&x ",
        "*x",
        "*x : ",
        "!t ",
        "! ",
        "|",
        ">",
        "|-\n  ",
        ">\n ",
    ),
)

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-1000, 1000),
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60),
        st.text("ab ':,-[]{}#&*!|>?%@\"\n", max_size=30),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("ab :-'#", max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


def load_cases(name: str) -> list[Any]:
    cases = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["name"]) for case in cases]


def render(event: Any) -> str:
    """Returns an event as a sign for its kind and style, behind its anchor and tag and before its value."""
    if isinstance(event, yaml.AliasEvent):
        return f"*{event.anchor}"
    if isinstance(event, yaml.DocumentStartEvent):
        return "---" if event.explicit else "doc"
    if isinstance(event, yaml.DocumentEndEvent):
        return "..." if event.explicit else "end"
    if isinstance(event, yaml.CollectionEndEvent):
        return "/map" if isinstance(event, yaml.MappingEndEvent) else "/seq"
    properties = (f"&{event.anchor} " if event.anchor else "") + (f"!<{event.tag}> " if event.tag else "")
    if isinstance(event, yaml.ScalarEvent):
        return f"{properties}{event.style or '='}{event.value}"
    if isinstance(event, yaml.MappingStartEvent):
        return properties + ("{" if event.flow_style else "map")
    return properties + ("[" if event.flow_style else "seq")


def render_all(events: Iterable[yaml.Event]) -> list[str]:
    return [render(event) for event in events if not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent)]


def places(events: Iterable[yaml.Event]) -> list[tuple[int, int, int]]:
    """Returns where each node with something written begins."""
    return [
        (event.start_mark.index, event.start_mark.line, event.start_mark.column)
        for event in events
        if isinstance(event, yaml.NodeEvent) and getattr(event, "value", event) != ""
    ]


def libyaml_events(text: str) -> Iterator[yaml.Event]:
    parser = CParser(text)
    event = None
    while not isinstance(event, yaml.StreamEndEvent):
        event = parser.get_event()
        yield event


def strict_outcome(text: str) -> list[str] | None:
    """Returns the rendered events, or None for an error that tells a problem and a place in the text."""
    try:
        return render_all(strict_events(text))
    except yaml.MarkedYAMLError as error:
        refusal = error
    assert refusal.problem
    assert refusal.problem_mark is not None
    assert 0 <= refusal.problem_mark.index <= len(text) + 1
    return None


def libyaml_outcome(text: str) -> list[str] | None:
    try:
        return render_all(libyaml_events(text))
    except yaml.YAMLError:
        return None


@pytest.mark.parametrize("case", load_cases("libyaml_rejects"))
def test_reads_what_only_libyaml_rejects(case: dict[str, Any]) -> None:
    assert libyaml_outcome(case["yaml"]) is None
    assert render_all(strict_events(case["yaml"])) == case["events"]


@pytest.mark.parametrize("case", load_cases("libyaml_reads_otherwise"))
def test_reads_as_yaml_1_2_what_libyaml_reads_otherwise(case: dict[str, Any]) -> None:
    assert libyaml_outcome(case["yaml"]) not in (None, case["events"])
    assert needs_strict(case["yaml"])
    assert render_all(strict_events(case["yaml"])) == case["events"]


@pytest.mark.parametrize("case", load_cases("libyaml_accepts"))
def test_rejects_what_only_libyaml_accepts(case: dict[str, Any]) -> None:
    assert libyaml_outcome(case["yaml"]) is not None
    assert needs_strict(case["yaml"])
    assert describe_error(case["yaml"]) == (case["at"], case["error"])


@pytest.mark.parametrize("case", load_cases("invalid"))
def test_says_where_a_text_is_invalid(case: dict[str, Any]) -> None:
    assert libyaml_outcome(case["yaml"]) is None
    assert describe_error(case["yaml"]) == (case["at"], case["error"])


@pytest.mark.parametrize("case", load_cases("both_agree"))
def test_lets_pass_what_libyaml_reads_rightly(case: dict[str, Any]) -> None:
    assert not needs_strict(case["yaml"])
    assert render_all(libyaml_events(case["yaml"])) == case["events"]
    assert render_all(strict_events(case["yaml"])) == case["events"]
    assert places(strict_events(case["yaml"])) == places(libyaml_events(case["yaml"]))


def describe_error(text: str) -> tuple[str, str]:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        list(strict_events(text))
    mark = caught.value.problem_mark
    return f"{mark.line + 1}:{mark.column + 1}", caught.value.problem


def test_delivers_what_precedes_an_error() -> None:
    """The events of the documents before the broken one, and of its own beginning, come before the error."""
    events = strict_events("kind: Org\n---\nroles: [technician\n")
    seen: list[yaml.Event] = []
    with pytest.raises(yaml.MarkedYAMLError):
        seen.extend(events)
    first, second = ["doc", "map", "=kind", "=Org", "/map", "end"], ["---", "map", "=roles", "[", "=technician"]
    assert render_all(seen) == first + second


def test_marks_count_code_points() -> None:
    """A mark's index and column count characters, not bytes, and a byte order mark at the start counts for nothing."""
    text = "bü🙂ro: 'ä'\nx: é\n"
    assert places(strict_events(text)) == places(libyaml_events(text))
    assert places(strict_events("\ufeff" + text)) == places(strict_events(text))


def test_tells_plain_scalars_from_quoted_ones() -> None:
    """As in PyYAML, only a plain scalar without a tag may be something else than a string."""
    scalars = [e for e in strict_events("[1, '1', !t 1, ! 1]") if isinstance(e, yaml.ScalarEvent)]
    assert [(e.implicit, e.tag) for e in scalars] == [
        ((True, False), None),
        ((False, True), None),
        ((False, False), "!t"),
        ((True, False), "!"),
    ]


def test_reports_directives() -> None:
    """A document's start carries its version and tag handles, whatever version that is."""
    text = "%YAML 2.7\n%TAG !h! !hub-\n---\n!h!crm a\n"
    document, scalar = (e for e in strict_events(text) if isinstance(e, yaml.DocumentStartEvent | yaml.ScalarEvent))
    assert (document.version, document.tags, document.explicit) == ((2, 7), {"!h!": "!hub-"}, True)
    assert scalar.tag == "!hub-crm"


@pytest.mark.parametrize("piece", ["[", "{a: ", "- ", "? ", "[a, {b: ", '{"a":'])
def test_refuses_bottomless_nesting(piece: str) -> None:
    """Nesting that never ends is an error long before Python's stack is."""
    assert strict_outcome(piece * 5000) is None


def test_reads_any_depth_that_the_profile_allows() -> None:
    """64 levels are read, and the 65th is still delivered, for the profile to have its own word on it."""
    text = "".join("  " * level + "a:\n" for level in range(70))
    assert render_all(strict_events(text)).count("map") == 70


@pytest.mark.parametrize(
    "piece", ['"', " '", "[a,", "{} ", "&a\n", "*a ", " #", "|\n", "a: |\n", 'k: "a\n', "k: [a\n", "\n", "\\"]
)
def test_long_repetitions_cost_no_more_than_their_length(piece: str) -> None:
    """What repeats itself thousands of times is decided by the gate and read or refused at once."""
    text = piece * 20_000
    assert isinstance(needs_strict(text), bool)
    strict_outcome(text)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(value=values, style=st.sampled_from([None, "'", '"', "|", ">"]), flow=st.sampled_from([None, True, False]),
       width=st.sampled_from([20, 40, 100]), indent=st.sampled_from([2, 4]))  # fmt: skip
def test_agrees_with_libyaml_on_what_pyyaml_writes(
    value: Any, style: str | None, flow: bool | None, width: int, indent: int
) -> None:
    """On documents in every style that PyYAML can write, both parsers see the same nodes in the same places."""
    text = yaml.safe_dump(
        value, default_style=style, default_flow_style=flow, width=width, indent=indent, allow_unicode=True
    )
    assert render_all(strict_events(text)) == render_all(libyaml_events(text))
    assert places(strict_events(text)) == places(libyaml_events(text))


@settings(derandomize=True, max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_gate_lets_nothing_pass_that_libyaml_reads_wrongly(text: str) -> None:
    """Where the gate is silent and libyaml finds no fault, the strict parser reads the very same."""
    strict = strict_outcome(text)
    libyaml = libyaml_outcome(text)
    assert libyaml is None or needs_strict(text) or strict == libyaml


@settings(derandomize=True, max_examples=500, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    """No text makes the strict parser raise anything but its own error."""
    needs_strict(text)
    strict_outcome(text)


@settings(derandomize=True, max_examples=500, deadline=None)
@given(case=st.sampled_from([p.values[0] for p in load_cases("both_agree")]), seed=st.integers(0, 2**32))
def test_a_damaged_file_is_read_or_refused_with_a_place(case: dict[str, Any], seed: int) -> None:
    """A good file with slips in it raises nothing but the parser's own error, and the gate misses none of them."""
    chance = random.Random(seed)
    text = case["yaml"]
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text) + 1)
        text = text[:start] + chance.choice(("", *PIECES)) + text[start + chance.choice((0, 0, 1, 2, 5)) :]
    strict = strict_outcome(text)
    libyaml = libyaml_outcome(text)
    assert libyaml is None or needs_strict(text) or strict == libyaml


@given(st.lists(st.sampled_from([p for p in PIECES if "\\" not in p]), max_size=14).map("".join))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_line_ends_of_windows_change_nothing(text: str) -> None:
    """CR LF and CR end a line as LF does."""
    expected = strict_outcome(text)
    assert strict_outcome(text.replace("\n", "\r\n")) == expected
    assert strict_outcome(text.replace("\n", "\r")) == expected
    assert needs_strict(text.replace("\n", "\r\n")) == needs_strict(text)
