"""Instants are whole microseconds, and only what RFC 3339 and the language allow is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcfg.core.instants import DAY, Instant, format_instant, parse_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-02T00:00:00+00:00", DAY),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31", None),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("9998-12-31T23:59:59Z", 253370764799000000),
        ("2024-02-29", 1709164800000000),
    ],
)
def test_parse_instant(text: str, instant: int | None) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "", "tomorrow", "2026", "2026-12", "2026-13-01", "2026-02-30", "2023-02-29", "26-12-31", "2026-1-1", "9999-01-01",
        "2026-12-31 18:00:00Z", "2026-12-31T18:00:00", "2026-12-31t18:00:00Z", "2026-12-31T18:00:00z", "2026-12-31T18:00Z",
        "2026-12-31T24:00:00Z", "2026-12-31T18:60:00Z", "2026-12-31T18:00:60Z", "2026-12-31T18:00:00-00:00",
        "2026-12-31T18:00:00+24:00", "2026-12-31T18:00:00.1234567Z", "2026-12-31T18:00:00.Z", "2026-12-31\n", " 2026-12-31",
        "２０２６-12-31",
    ],
)  # fmt: skip
def test_not_an_instant(text: str) -> None:
    assert parse_instant(text) is None


def test_the_end_of_a_day_is_the_beginning_of_the_next() -> None:
    assert parse_instant("2026-12-31", end_of_day=True) == parse_instant("2027-01-01")
    assert parse_instant("2026-12-31T00:00:00Z", end_of_day=True) == parse_instant("2026-12-31")


@given(st.integers(0, 253370764799999999))
def test_every_instant_reads_back(instant: int) -> None:
    """What is written with a fraction only where there is one reads back as the same instant."""
    written = format_instant(Instant(instant))
    assert parse_instant(written) == instant
    assert ("." in written) == bool(instant % 1_000_000)
