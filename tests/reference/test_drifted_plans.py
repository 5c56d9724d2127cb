"""Plans from states that nobody deployed: people and permissions changed by hand, people who are none of hubcfg's, and bytes that are no bundle."""

import contextlib
import copy
import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hubcfg.core.canonical import canonical_line
from hubcfg.core.instants import Instant, read_instant
from hubcfg.planner.bundles import BundleError
from hubcfg.planner.guardrails import Limits, Roots
from hubcfg.planner.held import HeldOrg, OrgFiles
from hubcfg.planner.plan import OrgContext, compare_files, plan_org
from hubcfg.platforms.grants import Audience

from .differences import Users, judge
from .projects import projects
from .resolver import Document
from .test_differences import resolve_project, variants
from .test_plans import around, ends, files_of
from .test_reference import tries

Bundle = dict[str, Any]
Bundles = dict[Audience, Bundle]
STRICT = Limits(0, 0)
PAIRS = variants() | variants(marks=True) | st.tuples(projects(), projects())
NEWCOMERS = ("mallory@x.example", "trent@x.example")
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        10**30,
        1.5,
        "",
        "all",
        "x",
        "\ud800",
        float("nan"),
        "2026-11-22T00:00:00Z",
        [],
        ["x"],
        [[]],
        [None],
        {},
        {"x": []},
        {"x": 1},
    ]
)


@st.composite
def drifts(draw: st.DrawFn, files: OrgFiles) -> tuple[OrgFiles, list[str]]:
    """Draw what somebody may have made of an org's files by hand: still bundles. Also return who was added."""
    bundles: Bundles = {audience: json.loads(content) for audience, content in files.items()}
    names = sorted({name for one in bundles.values() for names in one["permission_sets"].values() for name in names})
    added = []
    for _ in range(draw(st.integers(0, 4)) if bundles else 0):
        audience = draw(st.sampled_from(sorted(bundles, key=lambda one: one.value)))
        bundle = bundles[audience]
        users, sets = bundle["users"], bundle["permission_sets"]
        some = draw(st.lists(st.sampled_from([*names, "foreign.things.do"]), unique=True, max_size=4).map(sorted))
        change = draw(st.sampled_from(["add", "remove", "swap", "spoil", "edit", "head"]))
        if change == "add" and users:
            newcomer = draw(st.sampled_from(NEWCOMERS))
            if all(newcomer not in one["users"] for one in bundles.values()):
                like = copy.deepcopy(users[draw(st.sampled_from(sorted(users)))])
                like.pop("uid", None)
                users[newcomer] = like
                added.append(newcomer)
        elif change == "remove" and users:
            del users[draw(st.sampled_from(sorted(users)))]
        elif change == "swap" and users:
            user = users[draw(st.sampled_from(sorted(users)))]
            sets["other"] = some
            user["set"] = "other"
        elif change == "spoil" and sets:
            sets[draw(st.sampled_from(sorted(sets)))] = some
        elif change == "edit" and users:
            edit(draw, users[draw(st.sampled_from(sorted(users)))], some, sorted(users))
        elif change == "head":
            bundle["manage"] = draw(st.sampled_from(["listed", "exclusive"]))
    return {audience: canonical_line(bundle) for audience, bundle in bundles.items()}, added


def edit(draw: st.DrawFn, user: Bundle, names: list[str], ids: list[str]) -> None:
    """Change one thing that a user's entry says."""
    staff = "role" in user
    match draw(st.sampled_from(["until", "obligations", "manages", "scope", "uid", "products"])):
        case "until":
            user["until"] = dict.fromkeys(
                names, draw(st.sampled_from(["2026-11-21T12:00:00Z", "2027-11-21T12:00:00Z"]))
            )
        case "obligations":
            user["obligations"] = {"ask": names}
        case "manages" if staff:
            user["manages"] = draw(st.sampled_from(["all", ids[:2]]))
        case "scope" if staff:
            user["scope"] = {"clients": draw(st.sampled_from(["all", [], ["contoso"], ["contoso", "fabrikam"]]))}
        case "uid":
            user.pop("uid", None)
        case "products":
            user["products"] = draw(st.sampled_from([[], ["alpha"]]))
        case _:
            pass


def managed(files: OrgFiles, manage: str) -> OrgFiles:
    """Return the files of an org of which everybody, or only those listed, are managed."""
    return {audience: canonical_line({**json.loads(content), "manage": manage}) for audience, content in files.items()}


@st.composite
def cases(draw: st.DrawFn) -> list[tuple[str, HeldOrg, OrgFiles, OrgContext]]:
    """Draw for each org of two states what a target holds after the first and somebody's hand, and the second."""
    pair = draw(PAIRS)
    old, new = (resolve_project(one, pair[0]) for one in pair)
    before, after = files_of(old), files_of(new)
    context = OrgContext(old.instant, around(old, new), STRICT, Roots(frozenset({"owner"}), frozenset({"owner"})))
    found = []
    for id in sorted(before.keys() | after.keys()):
        manages = st.sampled_from(["listed", "exclusive"])
        deployed = managed(before.get(id, {}), draw(manages))
        wanted = managed(after.get(id, {}), draw(manages))
        live, _ = draw(drifts(deployed))
        ever = {user for content in deployed.values() for user in json.loads(content)["users"]}
        found.append((id, HeldOrg(live, deployed, frozenset(ever)), wanted, context))
    return found


@tries(40)
@given(cases())
def test_what_was_changed_by_hand_is_put_right(drawn: list[tuple[str, HeldOrg, OrgFiles, OrgContext]]) -> None:
    """hubcfg's people come to hold what was compiled, and nobody else of them; others stay as they were where only listed people are managed."""
    for id, held, wanted, context in drawn:
        plan = plan_org(id, held, wanted, context)
        ours = people(wanted)
        heads = [json.loads(content)["manage"] for content in (wanted or held.deployed).values()]
        strangers = {
            user: one
            for user, one in people(held.live).items()
            if heads[:1] == ["listed"] and user not in held.ever and user not in ours
        }
        assert people(plan.after) == {**ours, **strangers}
        assert sorted(strangers) == list(plan.strangers)
        assert sets_are_named_by_what_they_are(wanted, plan.after)
        if not strangers:
            assert dict(plan.after) == dict(wanted)
        again = plan_org(id, HeldOrg(plan.after, plan.after, plan.ever), wanted, context)
        assert (again.is_written, again.change.is_empty, again.trips) == (False, True, ())


@tries(40)
@given(cases())
def test_its_verdict_is_that_of_what_everybody_may_do(drawn: list[tuple[str, HeldOrg, OrgFiles, OrgContext]]) -> None:
    """Held against single abilities, as somebody who enforces bundles reads them, at each instant at which something ends."""
    for id, held, wanted, context in drawn:
        plan = plan_org(id, held, wanted, context)
        now = context.instant
        instants = [now, *(end for end in [*ends(held.live), *ends(plan.after)] if end > now)]
        expected = judge([(users_at(held.live, one), users_at(plan.after, one)) for one in instants])
        assert plan.change.verdict.value == expected


@tries(40)
@given(cases())
def test_guardrails_count_what_goes(drawn: list[tuple[str, HeldOrg, OrgFiles, OrgContext]]) -> None:
    """Where nothing may go, whatever somebody loses trips, and nothing does where nobody of hubcfg's loses anything."""
    for id, held, wanted, context in drawn:
        plan = plan_org(id, held, wanted, context)
        old, new = users_at(held.live, context.instant), users_at(plan.after, context.instant)
        lost = {
            (user, name)
            for user, entry in old.items()
            if user not in plan.strangers
            for name in entry["permissions"]
            if name not in held_by_twin(user, entry, new)
        }
        assert any(trip.guardrail.value == "revoked" for trip in plan.trips) is bool(lost)


@tries(80)
@given(st.data())
def test_bytes_that_are_no_bundle_are_told_and_nothing_breaks(data: st.DataObject) -> None:
    """Whatever a value in a target was replaced by: a plan, or the one error that says that it can't be read."""
    for id, held, wanted, context in data.draw(cases()):
        live = {audience: spoil(data, json.loads(content)) for audience, content in held.live.items()}
        with contextlib.suppress(BundleError):
            plan = plan_org(id, HeldOrg(live, held.deployed, held.ever), wanted, context)
            assert people(plan.after).items() >= people(wanted).items()
            compare_files(id, held.deployed, live, context.instant, context.around)


def spoil(data: st.DataObject, bundle: Bundle) -> bytes:
    """Replace some value by an odd one."""
    place: Any = bundle
    while True:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return json.dumps(bundle).encode()
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or data.draw(st.integers(0, 3)) == 0:
            place[key] = data.draw(ODD)
            return json.dumps(bundle).encode()
        place = inner


def people(files: OrgFiles) -> dict[str, tuple[str, Bundle, list[str]]]:
    """Return who is in an org's files: the audience, what the entry says, and the permissions in full."""
    found = {}
    for audience, content in files.items():
        bundle = json.loads(content)
        for user, entry in bundle["users"].items():
            said = {key: value for key, value in entry.items() if key != "set"}
            found[user] = (audience.value, said, bundle["permission_sets"][entry["set"]])
    return found


def sets_are_named_by_what_they_are(wanted: OrgFiles, after: OrgFiles) -> bool:
    """Whether the compiled sets are what they were compiled to."""
    return all(
        json.loads(after[audience])["permission_sets"].get(id) == names
        for audience, content in wanted.items()
        for id, names in json.loads(content)["permission_sets"].items()
    )


def users_at(files: OrgFiles, instant: Instant) -> Users:
    """Return what everybody holds at an instant, as documents."""
    found: Users = {}
    for user, (audience, entry, names) in people(files).items():
        until: Mapping[str, str] = entry.get("until", {})
        held = [name for name in names if name not in until or instant < (read_instant(until[name]) or 0)]
        is_off = entry.get("suspended") is True
        document: Document = {**entry, "audience": audience, "permissions": [] if is_off else held}
        found[user] = document | {"products": [] if is_off else entry["products"]}
    return found


def held_by_twin(user: str, entry: Document, new: Users) -> list[str]:
    """Return what somebody holds afterwards: the one of the same uid, else of the same id unless that is another person."""
    uid = entry.get("uid")
    same = next((one for one in new.values() if uid is not None and one.get("uid") == uid), None)
    if same is None and user in new and not (uid is not None and new[user].get("uid") is not None):
        same = new[user]
    held: list[str] = [] if same is None else same["permissions"]
    return held
