"""Saved plans: what apply reads of one, and what it refuses."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from hubcfg.core.errors import HubcfgError
from hubcfg.core.instants import Instant
from hubcfg.planner.change import Comparison
from hubcfg.planner.plan import Origin, Plan
from hubcfg.planner.saved import read_origin
from hubcfg.views.plan import render_plan
from tests.unit.views.plan.plans import ORIGIN

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def saved(origin: Origin) -> str:
    plan = Plan("hub", origin, Comparison(Instant(0), ()))
    return render_plan("json", plan, width=80, use_color=False, is_verbose=False)


@given(
    st.builds(
        Origin, TEXTS, TEXTS, TEXTS, st.none() | TEXTS, TEXTS, st.none() | TEXTS, st.integers(0, 2**60), TEXTS,
        st.none() | TEXTS,
    )
)  # fmt: skip
def test_an_origin_is_read_back_as_it_was(origin: Origin) -> None:
    """Whatever stands in it."""
    assert read_origin(saved(origin)) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        '{"format": "hubcfg.diff/1"}',
        '{"format": ["hubcfg.plan/1"]}',
        "\x00",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    """With advice how to make one."""
    with pytest.raises(HubcfgError, match="is no saved plan") as caught:
        read_origin(text)
    assert caught.value.help is not None
    assert "hubcfg plan --out" in caught.value.help


def test_a_plan_of_another_format_is_told_apart() -> None:
    """A newer version may have written it."""
    with pytest.raises(HubcfgError, match=r"the format `hubcfg\.plan/2`, and this version reads `hubcfg\.plan/1`"):
        read_origin(json.dumps({"format": "hubcfg.plan/2", "origin": asdict(ORIGIN)}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "does not say what it was made from"),
        ({}, "does not say what it was made from"),
        ({**asdict(ORIGIN), "more": 1}, "does not say what it was made from"),
        ({**asdict(ORIGIN), "serial": True}, "`origin.serial`"),
        ({**asdict(ORIGIN), "serial": -1}, "`origin.serial`"),
        ({**asdict(ORIGIN), "serial": "41"}, "`origin.serial`"),
        ({**asdict(ORIGIN), "state": None}, "`origin.state`"),
        ({**asdict(ORIGIN), "target": 7}, "`origin.target`"),
    ],
)
def test_a_damaged_plan_is_refused(change: Any, message: str) -> None:
    """An origin has all fields and no others, each of its type."""
    with pytest.raises(HubcfgError, match=message):
        read_origin(json.dumps({**json.loads(saved(ORIGIN)), "origin": change}))


def test_a_plan_against_a_revision_is_read_back() -> None:
    """It has no target."""
    origin = replace(ORIGIN, target=None, serial=0, against="`main` (0a1b2c3d4e)", revision=None)
    assert read_origin(saved(origin)) == origin
