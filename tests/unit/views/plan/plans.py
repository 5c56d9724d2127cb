"""Plans made of two texts, as if a target held what the first compiles to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from hubcfg.core.instants import END, Instant, parse_instant
from hubcfg.emitter.bundle import build_bundles
from hubcfg.parser.parse import parse_text
from hubcfg.planner.bundles import Surroundings
from hubcfg.planner.change import AccessChange, OrgChange, PermissionChange, Presence, UserChange
from hubcfg.planner.guardrails import Limits, Roots
from hubcfg.planner.held import NOTHING_HELD, HeldOrg, OrgFiles
from hubcfg.planner.plan import OrgContext, OrgPlan, Origin, Plan, gather_comparison, plan_org
from hubcfg.planner.resolved import describe_catalog
from hubcfg.planner.verdict import Aspect, Difference, Totals, Witness, pick_witness
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.access import Access
from hubcfg.resolver.resolve import resolve_access
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import validate_documents

ROOTS = Roots(frozenset({"owner"}), frozenset({"owner"}))
ORIGIN = Origin(
    sources=f"sha256:{'1' * 64}",
    builtins=f"sha256:{'2' * 64}",
    result=f"sha256:{'3' * 64}",
    revision="4f2a9c81d0" * 4,
    base="`main` (0a1b2c3d4e)",
    target="production",
    serial=41,
    state=f"sha256:{'4' * 64}",
)


def at(text: str) -> Instant:
    """Returns an instant."""
    instant = parse_instant(text)
    assert instant is not None
    return instant


NOW = at("2026-12-01T09:00:00Z")


def access_of(text: str, platform: str = "onestack") -> Access:
    """Returns what a project of one file gives, whatever its approvals."""
    project, _ = read_project(parse_text("hubcfg.yaml", f"hubcfg: 1\nproject: hub\nplatform: {platform}\n"), ())
    assert project is not None
    config, findings = validate_documents(project, [parse_text("a.yaml", text)])
    assert not findings, findings
    return resolve_access(config, NOW)


def files_of(access: Access) -> dict[str, OrgFiles]:
    """Returns the bundles of each org."""
    return {id: {one.audience: one.content for one in build_bundles(org)} for id, org in access.orgs.items()}


def make_plan(before: Access | None, after: Access, strangers: Collection[str] = (), **others: Any) -> Plan:
    """Returns the plan that makes of a target with `before` one with `after`.

    hubcfg never deployed `strangers`; `others` are further fields of the plan.
    """
    wanted = files_of(after)
    held = {
        id: HeldOrg(files, files, frozenset(before.orgs[id].org.users) - set(strangers))
        for id, files in (files_of(before) if before is not None else {}).items()
        if before is not None
    }
    catalogs = {
        one.org.catalog.digest: describe_catalog(one.org.catalog)
        for access in (before, after)
        if access is not None
        for one in access.orgs.values()
    }
    sensitive = {name: marks for one in catalogs.values() for name, marks in one.sensitive.items()}
    orgs = []
    for id in sorted({*held, *wanted}):
        now = after.orgs[id].org if id in after.orgs else None
        past = before.orgs[id].org if before is not None and id in before.orgs else None
        onboarding = now.platform.onboarding if now is not None else {}
        around = Surroundings(catalogs, sensitive, onboarding)
        context = OrgContext(NOW, around, Limits(25, 50), ROOTS, now=now, past=past)
        plan = plan_org(id, held.get(id, NOTHING_HELD), wanted.get(id, {}), context)
        if plan.is_written or plan.is_new or plan.strangers:
            orgs.append(plan)
    origin = others.pop("origin", ORIGIN)
    if before is None:
        origin = replace(origin, serial=0)
    return Plan("hub", origin, gather_comparison(NOW, orgs), tuple(orgs), **others)


def gain(*names: str, sensitive: tuple[str, ...] = ()) -> PermissionChange:
    """Returns permissions that are gained for good."""
    return PermissionChange(
        tuple(sorted(names)), (), ((NOW, END),), is_gained=True, is_lost=False, sensitive=sensitive, obligations=(),
        is_from_catalog=False,
    )  # fmt: skip


def change_of(plain: Sequence[str], sensitive: Sequence[str]) -> AccessChange:
    """Returns the change of who gains some permissions."""
    found = [gain(*plain)] if plain else []
    found += [gain(*sensitive, sensitive=("deletion",))] if sensitive else []
    first = sensitive[0] if sensitive else plain[0]
    return AccessChange(
        Presence.KEPT,
        permissions=tuple(found),
        gain=Difference(Aspect.PERMISSION, NOW, first, is_sensitive=bool(sensitive)),
        totals=Totals(gained=len(plain) + len(sensitive), sensitive_gained=len(sensitive)),
    )


def plan_of(orgs: Mapping[str, Iterable[tuple[str, AccessChange]]], **others: Any) -> Plan:
    """Returns a plan of changes that need no project: the users of each org with what changes for them."""
    plans = []
    for id, users in orgs.items():
        changes = tuple(UserChange(user, user, access) for user, access in users)
        totals = Totals(users=len(changes))
        for one in changes:
            totals = totals.plus(one.access.totals)
        witnesses = (Witness(id, one.id, one.access.gain) for one in changes if one.access.gain is not None)
        change = OrgChange(id, Presence.KEPT, changes, (), pick_witness(witnesses), None, totals)
        plans.append(OrgPlan(id, {}, {Audience.STAFF: b"{}"}, frozenset(), change))
    return Plan("hub", others.pop("origin", ORIGIN), gather_comparison(NOW, plans), tuple(plans), **others)
