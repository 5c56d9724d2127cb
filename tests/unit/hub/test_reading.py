"""JSON, conditions and tokens are read so that nothing can be meant in two ways, and nothing can be guessed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubcfg.core.canonical import canonical_json
from hubcfg.hub.conditions import is_unchanged, read_tags, require_match, require_write_condition
from hubcfg.hub.problems import RefusalError
from hubcfg.hub.strict_json import MAX_DEPTH, parse_strict
from hubcfg.hub.tokens import RateLimiter, Tokens
from tests.reference.projects import examples

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=examples(100), deadline=None)
def test_every_json_value_is_read(value: object) -> None:
    """Whatever can be written as JSON is read back, escaped or not."""
    assert parse_strict(json.dumps(value).encode()) == value
    assert parse_strict(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ud8e0-1.N\x00é', max_size=40).map(str.encode))
@settings(max_examples=examples(300), deadline=None)
def test_whatever_is_sent_is_read_or_refused(content: bytes) -> None:
    """No bytes give anything but a value that can be written again, or a reason."""
    try:
        value = parse_strict(content)
    except ValueError:
        return
    assert parse_strict(canonical_json(value)) == value


def test_depth_is_bounded() -> None:
    """So many levels are read, and not one more."""
    assert parse_strict(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    with pytest.raises(ValueError, match="nested deeper"):
        parse_strict(b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2))


@pytest.mark.parametrize("text", ["", "a", '"a', 'a"', '"a" "b"', 'w/"a"', "**", '"a", *', '"a\x00"', '"a b"'])
def test_what_lists_no_etags_is_refused(text: str) -> None:
    """ETags are quoted, and stand between commas."""
    with pytest.raises(RefusalError) as refused:
        read_tags("If-Match", text)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("text", "tags"),
    [("*", None), (" * ", None), ('"a"', {'"a"'}), ('"a","b,c"', {'"a"', '"b,c"'}), ('W/"a" , ""', {'W/"a"', '""'})],
)
def test_lists_of_etags_are_read(text: str, tags: set[str] | None) -> None:
    """Commas within quotes part nothing; weak ones are kept apart from strong ones; `*` is any."""
    assert read_tags("If-Match", text) == tags


def test_conditions_hold_or_are_refused() -> None:
    """Each combination of what is there and what the writer says of it ends in one way."""
    require_write_condition(None, None, "*")
    require_write_condition('"a"', '"a"', None)
    require_write_condition('"a"', '"a"', '"b"')
    require_match(None, None)
    assert is_unchanged('"a"', '"b", W/"a"')
    assert not is_unchanged('"a"', None)
    cases = [(None, None, None, 428), (None, '"a"', None, 412), ('"a"', None, "*", 412), ('"a"', '"a"', '"a"', 412)]
    for current, if_match, if_none_match, status in cases:
        with pytest.raises(RefusalError) as refused:
            require_write_condition(current, if_match, if_none_match)
        assert refused.value.status == status


def test_tokens_are_found_by_what_they_are() -> None:
    """Only the very token is found, with the right that it has; nothing that is kept shows it."""
    tokens = Tokens(["write-it"], ["read-it"])
    writer, reader = tokens.find("Bearer write-it"), tokens.find("bearer  read-it ")
    assert writer is not None
    assert reader is not None
    assert (writer.may_write, reader.may_write) == (True, False)
    assert writer.id != reader.id
    for text in (
        None,
        "",
        "Bearer",
        "Bearer ",
        "write-it",
        "Basic write-it",
        "Bearer write-i",
        "Bearer write-it x",
        "Bearer \u0100",
    ):
        assert tokens.find(text) is None, text
    assert "write-it" not in repr(writer) + str(vars(tokens))


@given(st.integers(1, 500), st.lists(st.floats(0, 30), max_size=40))
@settings(max_examples=examples(100), deadline=None)
def test_who_waits_as_told_may(per_minute: int, pauses: list[float]) -> None:
    """However requests come, no minute sees more than twice the rate, and after the seconds that were told one may."""
    now = [1000.0]
    limiter = RateLimiter(per_minute, lambda: now[0])
    allowed: list[float] = []
    for pause in [*pauses, *[0.0] * (per_minute + 1)]:
        now[0] += pause
        wait = limiter.take("k")
        if wait == 0:
            allowed.append(now[0])
            continue
        assert wait == int(wait) >= 1
        now[0] += wait
        assert limiter.take("k") == 0
        allowed.append(now[0])
    assert all(sum(start <= one < start + 60 for one in allowed) <= 2 * per_minute for start in allowed)


def test_buckets_are_apart_and_zero_means_any_number() -> None:
    """One token's requests do not count for another's."""
    limiter = RateLimiter(1, lambda: 0.0)
    assert [limiter.take("a"), limiter.take("b"), limiter.take("a")] == [0, 0, 61]
    assert not any(RateLimiter(0).take("a") for _ in range(1000))
