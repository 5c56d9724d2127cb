"""Plans hold to laws on random pairs of states: what is applied reads back, nothing is left to do, and every plan can be turned round."""

import json

from hypothesis import given
from hypothesis import strategies as st

from hubcfg.core.instants import Instant, read_instant
from hubcfg.emitter.bundle import build_bundles
from hubcfg.planner.bundles import Surroundings
from hubcfg.planner.change import OrgChange, UserChange
from hubcfg.planner.guardrails import Limits, Roots
from hubcfg.planner.held import NOTHING_HELD, HeldOrg, OrgFiles
from hubcfg.planner.plan import OrgContext, OrgPlan, plan_org
from hubcfg.planner.resolved import describe_catalog
from hubcfg.resolver.access import Access

from .projects import Project, projects
from .test_differences import TURNED, resolve_project, variants
from .test_reference import tries

FREE = Limits(100, 100)
Held = tuple[str, str]


def files_of(access: Access) -> dict[str, OrgFiles]:
    return {id: {bundle.audience: bundle.content for bundle in build_bundles(org)} for id, org in access.orgs.items()}


def around(*sides: Access) -> Surroundings:
    catalogs = [org.org.catalog for access in sides for org in access.orgs.values()]
    states = {one.digest: describe_catalog(one) for one in catalogs}
    marks = {name: one for state in states.values() for name, one in state.sensitive.items()}
    return Surroundings(states, marks)


def plan(id: str, held: HeldOrg, files: OrgFiles, instant: Instant, known: Surroundings) -> OrgPlan:
    return plan_org(id, held, files, OrgContext(instant, known, FREE, Roots(frozenset(), frozenset())))


def held(files: OrgFiles) -> HeldOrg:
    users = {id for content in files.values() for id in json.loads(content)["users"]}
    return HeldOrg(files, files, frozenset(users)) if files else NOTHING_HELD


def plans(pair: tuple[Project, Project]) -> list[tuple[OrgPlan, OrgPlan, OrgFiles, OrgFiles, Instant]]:
    """Return for each org the plan from the first state to the second, and back, with the files of both."""
    old, new = (resolve_project(one, pair[0]) for one in pair)
    before, after = files_of(old), files_of(new)
    known, now = around(old, new), old.instant
    found = []
    for id in sorted(before.keys() | after.keys()):
        one, other = before.get(id, {}), after.get(id, {})
        there, back = plan(id, held(one), other, now, known), plan(id, held(other), one, now, known)
        found.append((there, back, one, other, now))
    return found


PAIRS = variants() | variants(marks=True) | st.tuples(projects(), projects())


@tries(60)
@given(PAIRS)
def test_what_is_applied_reads_back_and_leaves_nothing_to_do(pair: tuple[Project, Project]) -> None:
    """The files after a plan are those that were compiled, and planning the same once more finds no difference."""
    old, new = (resolve_project(one, pair[0]) for one in pair)
    known = around(old, new)
    for there, _, _, files, now in plans(pair):
        assert dict(there.after) == dict(files)
        again = plan(there.id, HeldOrg(there.after, there.after, there.ever), files, now, known)
        assert again.change.is_empty
        assert not again.is_written


@tries(60)
@given(PAIRS)
def test_the_way_back_is_the_exact_inverse(pair: tuple[Project, Project]) -> None:
    """Whoever gains on the way there loses the very same on the way back; the verdict is turned round."""
    for there, back, *_ in plans(pair):
        assert back.change.verdict is TURNED[there.change.verdict]
        assert (back.change.totals.gained, back.change.totals.lost) == (
            there.change.totals.lost,
            there.change.totals.gained,
        )
        assert gains(back.change, is_back=True) == losses(there.change)
        assert losses(back.change, is_back=True) == gains(there.change)


@tries(60)
@given(PAIRS)
def test_a_plan_says_who_gains_and_loses_what_at_any_instant(pair: tuple[Project, Project]) -> None:
    """Held against the bundles read by hand: at the present instant and at each one at which something ends."""
    for there, _, before, after, now in plans(pair):
        instants = [now, *(end for end in [*ends(before), *ends(after)] if end > now)]
        gained: set[Held] = set()
        lost: set[Held] = set()
        for instant in instants:
            old, new = (
                renamed(holds(files, instant), there.change, side) for side, files in enumerate((before, after))
            )
            gained |= new - old
            lost |= old - new
        assert gains(there.change) == gained
        assert losses(there.change) == lost


def gains(change: OrgChange, *, is_back: bool = False) -> set[Held]:
    return {
        (key(user, is_back=is_back), name)
        for user in change.users
        for one in user.access.permissions
        if one.is_gained
        for name in one.permissions
    }


def losses(change: OrgChange, *, is_back: bool = False) -> set[Held]:
    return {
        (key(user, is_back=is_back), name)
        for user in change.users
        for one in user.access.permissions
        if one.is_lost
        for name in one.permissions
    }


def key(user: UserChange, *, is_back: bool = False) -> str:
    """Return one name for a person, whichever way round a rename is read; two people of one id have two."""
    if user.is_other_person:
        return f"{user.id} {'later' if (user.after is None) is is_back else 'earlier'}"
    return "/".join(sorted({one for one in (user.before, user.after) if one is not None}))


def renamed(held_by: set[Held], change: OrgChange, side: int) -> set[Held]:
    """Return the same with one name for each person who was renamed or is another one."""
    names = {
        (user.before, user.after)[side]: key(user) for user in change.users if user.is_rename or user.is_other_person
    }
    return {(names.get(id, id), name) for id, name in held_by}


def holds(files: OrgFiles, instant: Instant) -> set[Held]:
    """Return who holds what at an instant, as somebody who enforces a bundle reads it."""
    found = set()
    for content in files.values():
        bundle = json.loads(content)
        for id, user in bundle["users"].items():
            until = user.get("until", {})
            found |= {
                (id, name)
                for name in bundle["permission_sets"][user["set"]]
                if name not in until or instant < (read_instant(until[name]) or 0)
            }
    return found


def ends(files: OrgFiles) -> list[Instant]:
    return [
        instant
        for content in files.values()
        for user in json.loads(content)["users"].values()
        for text in user.get("until", {}).values()
        if (instant := read_instant(text)) is not None
    ]
