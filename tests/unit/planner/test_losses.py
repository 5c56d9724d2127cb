"""How much of an org goes: who is gone is told by who a person is, and a limit is what was written."""

from collections.abc import Mapping

import pytest

from hubcfg.core.instants import Instant
from hubcfg.planner.bundles import Bundle, Object
from hubcfg.planner.guardrails import Limits, check_losses, count_losses
from hubcfg.platforms.grants import Audience

NOW = Instant(0)


def staff(users: Mapping[str, Object]) -> dict[Audience, Bundle]:
    return {Audience.STAFF: Bundle({}, {id: {"set": "s", **user} for id, user in users.items()}, {"s": ("a", "b")})}


def test_another_person_under_the_same_id_replaces_the_one_who_is_gone() -> None:
    """Where the uid is another, the person is: ten new people are no reason to overlook that ten have gone."""
    before: dict[str, Object] = {f"p{n}": {"uid": f"old{n}"} for n in range(10)}
    after: dict[str, Object] = {f"p{n}": {"uid": f"new{n}"} for n in range(10)}
    assert count_losses(staff(before), staff(after), NOW) == ((10, 10), (20, 20))


def test_two_people_do_not_both_become_one() -> None:
    """Whoever takes an id over by uid is not also the one who had it before without one."""
    before: dict[str, Object] = {**{f"a{n}": {} for n in range(5)}, **{f"b{n}": {"uid": str(n)} for n in range(5)}}
    after: dict[str, Object] = {f"a{n}": {"uid": str(n)} for n in range(5)}
    assert count_losses(staff(before), staff(after), NOW) == ((5, 10), (10, 20))


def test_a_uid_that_is_added_or_taken_away_makes_nobody_another_person() -> None:
    """An id goes on meaning the same person where one side does not say the uid."""
    plain: dict[str, Object] = {f"p{n}": {} for n in range(10)}
    with_uids: dict[str, Object] = {f"p{n}": {"uid": str(n)} for n in range(10)}
    assert count_losses(staff(plain), staff(with_uids), NOW) == ((0, 10), (0, 20))
    assert count_losses(staff(with_uids), staff(plain), NOW) == ((0, 10), (0, 20))


@pytest.mark.parametrize(("percent", "of", "allowed"), [(64.1, 1000, 641), (64.6, 500, 323), (0, 10, 0), (100, 10, 10)])
def test_exactly_the_limit_is_allowed(percent: float, of: int, allowed: int) -> None:
    """Also of a percentage that has no exact binary form."""
    limits = Limits(percent, percent)
    assert list(check_losses("acme", ((allowed, of), (allowed, of)), limits, of)) == []
    if allowed < of:
        more = (allowed + 1, of)
        tripped = [one.guardrail.value for one in check_losses("acme", (more, more), limits, of)]
        assert tripped == ["removed-users", "revoked"]
