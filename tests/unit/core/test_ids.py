"""Ids that look alike are told, and user ids have no characters that nobody sees."""

import pytest

from hubcfg.core.ids import find_user_id_fault, fold_id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana@x.example", "ana@x.example"),
        ("ﬁona", "fiona"),
        ("ａｎａ", "ana"),
        ("STRASSE", "straße"),
        ("é", "É"),
    ],
)
def test_alike(one: str, other: str) -> None:
    assert fold_id(one) == fold_id(other)


@pytest.mark.parametrize(("one", "other"), [("ana", "anna"), ("a.na", "ana"), ("é", "e")])
def test_not_alike(one: str, other: str) -> None:
    assert fold_id(one) != fold_id(other)


@pytest.mark.parametrize(
    "user", ["ana@northwind.example", "a", "x" * 254, "josé@x.example", "用户@例子.example", "o'brien@x", "..."]
)
def test_allowed(user: str) -> None:
    assert find_user_id_fault(user) is None


@pytest.mark.parametrize(
    "user",
    [
        "",
        "x" * 255,
        ".",
        "..",
        "a/b",
        "a\\b",
        "a b",
        "a\tb",
        "a\nb",
        "a\u00a0b",
        "a\u200bb",
        "a\u202eb",
        "e\u0301",
        "\ufeffa",
        "\ue000",
    ],
)
def test_refused(user: str) -> None:
    assert find_user_id_fault(user) is not None
