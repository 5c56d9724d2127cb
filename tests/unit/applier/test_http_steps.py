"""The order of writes takes first and gives afterwards, and never leaves anybody with more than before or after."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hubcfg.applier.rest.bounds import is_within, meet
from hubcfg.applier.rest.parts import OrgParts, Person, join_org, split_org
from hubcfg.applier.rest.steps import OrgSteps, order_steps
from hubcfg.platforms.grants import Audience
from tests.access_oracle import lies_within, spell_out
from tests.contracts.bundles import CLIENTS, PERMISSIONS, PRODUCTS, org_files
from tests.reference.projects import examples

STAFF, CLIENT = Audience.STAFF, Audience.CLIENT
USERS = ["ana@x.example", "bo@x.example", "lea@x.example", "mo@x.example"]
HEAD = {"platform": "opspilot365", "manage": "exclusive", "catalog": {}, "products": {}}
UIDS = st.sampled_from((None, None, "u-1", "u-2"))


def some_of(names: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True).map(sorted)


@st.composite
def entries(draw: st.DrawFn, audience: Audience) -> dict[str, Any]:
    """Draws a user's entry."""
    entry: dict[str, Any] = {"permissions": draw(some_of(PERMISSIONS)), "products": draw(some_of(PRODUCTS))}
    if audience is CLIENT:
        return entry | {"scope": {"company": draw(st.sampled_from(CLIENTS))}}
    entry |= {
        "role": draw(st.sampled_from(("owner", "read-only"))),
        "scope": {"clients": draw(st.just("all") | some_of(CLIENTS))},
    }
    if manages := draw(st.just("all") | some_of(USERS)):
        entry["manages"] = manages
    if draw(st.booleans()):
        entry["authentication"] = {"method": draw(st.sampled_from(("sso", "local"))), "mfa": draw(st.booleans())}
    return entry | ({"suspended": True} if draw(st.integers(0, 4)) == 0 else {})


@st.composite
def people(draw: st.DrawFn) -> Person:
    """Draws a user; uids repeat often enough to be one person's, or another's."""
    audience = draw(st.sampled_from((STAFF, STAFF, STAFF, CLIENT)))
    entry = draw(entries(audience))
    uid = draw(UIDS)
    return Person(audience, entry | ({"uid": uid} if uid else {}))


@st.composite
def changed(draw: st.DrawFn, person: Person) -> Person:
    """Draws what a user becomes: mostly something near to what there was."""
    if draw(st.integers(0, 3)) == 0:
        return draw(people())
    entry: dict[str, Any] = dict(person.entry)
    other = draw(entries(person.audience))
    for key in draw(st.lists(st.sampled_from(("permissions", "products", "scope", "manages", "suspended", "role")))):
        if key in other:
            entry[key] = other[key]
        elif key in ("manages", "suspended"):
            entry.pop(key, None)
    held = set(entry["permissions"])
    for key in ("until", "obligations"):
        entry.pop(key, None)
    if held:
        some = st.lists(st.sampled_from(sorted(held)), min_size=1, unique=True).map(sorted)
        if draw(st.booleans()):
            entry["until"] = dict.fromkeys(
                draw(some), draw(st.sampled_from(("2027-01-01T00:00:00Z", "2030-01-01T00:00:00Z")))
            )
        if draw(st.booleans()):
            entry["obligations"] = {"ticket": draw(some)}
    return Person(person.audience, entry)


@st.composite
def orgs(draw: st.DrawFn) -> tuple[OrgParts, OrgParts]:
    """Draws an org as it is and as it is to be."""
    before: dict[str, Person] = {}
    after: dict[str, Person] = {}
    for user in USERS:
        old = draw(st.none() | people())
        if old is not None:
            before[user] = old
        new = draw(st.none() | (people() if old is None else st.just(old) | changed(old)))
        if new is not None:
            after[user] = new
    return with_heads(draw, before), with_heads(draw, after)


def with_heads(draw: st.DrawFn, users: dict[str, Person]) -> OrgParts:
    head = {**HEAD, "manage": draw(st.sampled_from(("exclusive", "exclusive", "listed")))}
    wanted = {person.audience for person in users.values()} | ({STAFF} if draw(st.booleans()) else set())
    return OrgParts({audience: head for audience in Audience if audience in wanted}, users)


def entry_of(person: Person | None) -> Any:
    return None if person is None else person.entry


@settings(max_examples=examples(150), deadline=None)
@given(orgs())
def test_every_state_lies_within_the_old_or_the_new(pair: tuple[OrgParts, OrgParts]) -> None:
    """Each write leaves its user within what was or what is to be; first all that is taken, then all that is given."""
    before, after = pair
    steps = order_steps(before, after)
    state: dict[str, Person | None] = dict(before.people)
    stages = ["take"] * len(steps.revocations) + ["turn"] * (steps.turn is not None) + ["give"] * len(steps.grants)
    for stage, step in zip(stages, steps.all_users(), strict=True):
        assert state.get(step.user) == step.before != step.after
        state[step.user] = step.after
        old, new, now = (entry_of(one.get(step.user)) for one in (before.people, after.people, state))
        assert lies_within(now, old) or lies_within(now, new)
        if stage == "take":
            assert lies_within(now, old)
            assert is_bare(now, entry_of(step.before))
        elif stage == "give":
            assert lies_within(entry_of(step.before), now)
            assert now == new
    assert {user: person for user, person in state.items() if person is not None} == after.people


def is_bare(now: Any, before: Any) -> bool:
    return now is None or lies_within(now, before)


@settings(max_examples=examples(80), deadline=None)
@given(orgs())
def test_heads_are_there_for_their_users(pair: tuple[OrgParts, OrgParts]) -> None:
    """Nobody is written to a head that is not there, and no head goes while somebody has it; who stays is not written."""
    before, after = pair
    steps = order_steps(before, after)
    written = [step.user for step in steps.all_users()]
    same = {user for user, person in before.people.items() if after.people.get(user) == person}
    assert not same & set(written)
    assert all(written.count(user) <= 2 for user in written)
    state = dict(before.people)
    for step in steps.revocations:
        state[step.user] = step.after
        assert step.after is None or step.after.audience in before.heads
    for head in steps.heads:
        if head.after is None:
            assert all(person is None or person.audience is not head.audience for person in state.values())
    for step in (*([steps.turn] if steps.turn else []), *steps.grants):
        assert step.after is not None
        assert step.after.audience in after.heads
    assert steps.turn is None or not steps.heads


@settings(max_examples=examples(150), deadline=None)
@given(people().flatmap(lambda one: st.tuples(st.just(one), changed(one))))
def test_meet_is_the_widest_within_both(pair: tuple[Person, Person]) -> None:
    """What lies between two states lies within both, and holds all that both have."""
    old, new = pair
    between = meet(old, new)
    both = spell_out(old.entry).keys() & spell_out(new.entry).keys()
    if between is None:
        companies = old.entry["scope"].get("company"), new.entry["scope"].get("company")
        assert companies[0] != companies[1] or old.entry.get("uid") != new.entry.get("uid")
        return
    assert is_within(between, old)
    assert is_within(between, new)
    assert lies_within(between.entry, old.entry)
    assert lies_within(between.entry, new.entry)
    if not old.entry.get("suspended") and not new.entry.get("suspended"):
        assert both <= spell_out(between.entry).keys()


@settings(max_examples=examples(80), deadline=None)
@given(people(), people())
def test_within_holds_only_where_it_does(one: Person, other: Person) -> None:
    """What is called within another state lies there, looked at one access at a time."""
    assert is_within(one, one)
    if is_within(one, other):
        assert lies_within(one.entry, other.entry)


def person(**entry: Any) -> Person:
    return Person(STAFF, {"role": "technician", "permissions": [], "products": [], "scope": {"clients": []}} | entry)


def order(before: dict[str, Person], after: dict[str, Person], **head: Any) -> OrgSteps:
    return order_steps(OrgParts({STAFF: HEAD}, before), OrgParts({STAFF: HEAD | head}, after))


def test_who_only_loses_is_written_once_and_first() -> None:
    """Who only loses gets the new state at once, before anybody gets more."""
    much, little = person(permissions=list(PERMISSIONS[:2])), person(permissions=list(PERMISSIONS[:1]))
    steps = order({"ana": little, "bo": much}, {"ana": much, "bo": little})
    assert [(step.user, step.after) for step in steps.revocations] == [("bo", little)]
    assert [(step.user, step.after) for step in steps.grants] == [("ana", much)]
    assert steps.turn is None


def test_one_who_gains_and_loses_stays_whole() -> None:
    """Where a single user gains and loses, one write does both; of several all but one pass through what both states have."""
    one, other = person(permissions=list(PERMISSIONS[:2])), person(permissions=list(PERMISSIONS[1:3]))
    alone = order({"ana": one}, {"ana": other})
    assert alone.turn is not None
    assert (alone.revocations, alone.grants) == ((), ())
    several = order({"ana": one, "bo": one}, {"ana": other, "bo": other})
    assert [step.user for step in several.revocations] == ["ana"]
    assert entry_of(several.revocations[0].after)["permissions"] == [PERMISSIONS[1]]
    assert several.turn is not None
    assert several.turn.user == "bo"
    with_head = order({"ana": one}, {"ana": other}, manage="listed")
    assert with_head.turn is None
    assert [len(with_head.revocations), len(with_head.heads), len(with_head.grants)] == [1, 1, 1]


def test_role_in_between_is_that_of_who_holds_less() -> None:
    """A demotion that comes with a wider scope shows the lower role at once."""
    high = person(role="administrator", permissions=list(PERMISSIONS), scope={"clients": ["contoso"]})
    low = person(permissions=list(PERMISSIONS[:1]), scope={"clients": "all"})
    for old, new in ((high, low), (low, high)):
        between = meet(old, new)
        assert between is not None
        assert between.entry["role"] == "technician"
        assert between.entry["scope"] == {"clients": ["contoso"]}


def test_another_person_under_the_same_id_inherits_nothing() -> None:
    """Somebody else with the id of a user who goes is written after that one is gone, whatever both may."""
    steps = order({"ana": person(uid="u-1")}, {"ana": person(uid="u-2")})
    assert [step.after for step in steps.revocations] == [None]
    assert [step.before for step in steps.grants] == [None]


@settings(max_examples=examples(50), deadline=None)
@given(org_files("northwind"))
def test_bundles_come_apart_and_together(files: Any) -> None:
    """A bundle in parts is the same bytes when it is put together."""
    assert join_org("northwind", split_org("northwind", files)) == files
