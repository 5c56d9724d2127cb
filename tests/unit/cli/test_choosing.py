"""The answers to `Approve which?`: numbers and ranges of a list."""

import pytest

from hubcfg.cli.choosing import read_numbers, write_numbers
from hubcfg.core.errors import UsageError


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ("1", [1]),
        (" 3 , 1", [1, 3]),
        ("1,3-5", [1, 3, 4, 5]),
        ("2-2 2", [2]),
        ("all", [1, 2, 3, 4, 5]),
        ("`ALL`", [1, 2, 3, 4, 5]),
    ],
)
def test_an_answer_is_numbers(answer: str, numbers: list[int]) -> None:
    """Commas and spaces separate, a hyphen makes a range, `all` is everything."""
    assert read_numbers(answer, range(1, 6)) == numbers


@pytest.mark.parametrize(
    "answer", ["", ",", "x", "1-", "-1", "6", "1-6", "1-99999999999999999", "9" * 30, "²", "1.5", "2-1"]
)
def test_another_answer_is_refused(answer: str) -> None:
    """What is no number of the list is never guessed at, however large."""
    with pytest.raises(UsageError):
        read_numbers(answer, range(1, 6))


@pytest.mark.parametrize(("numbers", "text"), [([], ""), ([4], "4"), ([1, 2], "1-2"), ([1, 3, 4, 5, 9], "1, 3-5, 9")])
def test_numbers_are_written_as_ranges(numbers: list[int], text: str) -> None:
    """Runs of numbers are shortened, so that a hundred of them can be read."""
    assert write_numbers(numbers) == text
