"""Canonical JSON is byte for byte that of RFC 8785, by either way of making it."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from hubcfg.core.canonical import canonical_json, canonical_object, canonical_without_numbers, digest

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)
NUMBERLESS = st.recursive(
    st.none() | st.booleans() | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20
)


@given(VALUES)
def test_agrees_with_the_reference_library(value: object) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # values are JSON by construction


@given(NUMBERLESS)
def test_the_short_way_agrees(value: object) -> None:
    assert canonical_without_numbers(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # JSON by construction


@given(st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), NUMBERLESS))
def test_an_object_made_of_parts_agrees(value: dict[str, object]) -> None:
    parts = {key: canonical_json(part) for key, part in value.items()}  # type: ignore[arg-type]  # JSON by construction
    assert canonical_object(parts) == rfc8785.dumps(value)  # type: ignore[arg-type]  # JSON by construction


def test_keys_are_sorted_by_utf16() -> None:
    """U+1F600 sorts before U+FB33, because its first UTF-16 unit is smaller."""
    assert canonical_json({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60])
def test_what_json_cannot_write_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical_json(value)


def test_digest_names_its_algorithm() -> None:
    assert digest([]) == "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
