"""Plans: what a deployment would change, by org and as a whole, and what stands in its way (docs/deployment.md, "Plan")."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from hubcfg.core.canonical import digest
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.planner.bundles import Bundle, StateReader, Surroundings, parse_files, read_manage
from hubcfg.planner.change import Comparison, OrgChange
from hubcfg.planner.compare import compare_org
from hubcfg.planner.covering import Covering
from hubcfg.planner.due import Due
from hubcfg.planner.guardrails import Limits, Roots, Trip, check_losses, check_roots, count_losses
from hubcfg.planner.held import HeldOrg, OrgFiles
from hubcfg.planner.ownership import find_strangers, keep_only, keep_strangers, without_others
from hubcfg.planner.resolved import find_phases
from hubcfg.planner.state import OrgState, Phase, Profile
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.validator.config import Entry, Org


class Origin(Struct, frozen=True):
    """What a plan was made from; apply goes on only from the very same.

    `sources`, `builtins` and `result` are digests of the project's files, of hubcfg's own definitions and of the bundles;
    `state` is one of what the target held, after the deployment `serial`. For a plan against a revision `target` is None,
    `against` how that revision is called, and `state` the digest of its bundles.
    """

    sources: str
    builtins: str
    result: str
    revision: str | None
    base: str
    target: str | None
    serial: int
    state: str
    against: str | None = None


class OrgPlan(Struct, frozen=True):
    """What is to become of one org: its files before and after, and what that means.

    `strangers` are people whom hubcfg never deployed and leaves alone. An org whose files change in a way that is nobody's
    access has an empty `change`. An org `is_new` where
    hubcfg never deployed it, also if all of it happens to be there already; it `is_unrecorded` where what is there is right,
    but is not what hubcfg knows to have left there.
    """

    id: str
    before: OrgFiles
    after: OrgFiles
    ever: frozenset[str]
    change: OrgChange
    strangers: tuple[str, ...] = ()
    trips: tuple[Trip, ...] = ()
    is_new: bool = False
    is_unrecorded: bool = False

    @property
    def is_deployed(self) -> bool:
        """Whether a deployment has anything to do for it, be it only to write down that it is as it is to be."""
        return self.is_written or self.is_new or self.is_unrecorded

    @property
    def is_written(self) -> bool:
        """Whether the target has to change for it."""
        return dict(self.before) != dict(self.after)


class Interruption(Struct, frozen=True):
    """A deployment to the target that began and did not end; the next apply takes up from there."""

    serial: int
    who: str
    when: str
    orgs: tuple[str, ...]


class Plan(Struct, frozen=True):
    """What a deployment would do. `orgs` are those that change, and those with people who are left alone.

    `trips` are the guardrails that hold it back, `left_out` the orgs that errors of their own leave as they are, `hidden` the
    files that `.hubcfgignore` has hidden since the base.
    """

    project: str
    origin: Origin
    comparison: Comparison
    orgs: tuple[OrgPlan, ...] = ()
    trips: tuple[Trip, ...] = ()
    left_out: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    approvals: tuple[Covering, ...] = ()
    due: tuple[Due, ...] = ()
    hidden: tuple[str, ...] = ()
    interruption: Interruption | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the target is already as it is to be."""
        return self.comparison.is_empty and not any(org.is_written for org in self.orgs)

    @property
    def has_work(self) -> bool:
        """Whether there is anything to deploy: what changes, or what is to be hubcfg's from now on."""
        return any(org.is_deployed for org in self.orgs)

    @property
    def all_trips(self) -> list[Trip]:
        """The guardrails that are tripped: those of the whole, then of each org."""
        return [*self.trips, *(trip for org in self.orgs for trip in org.trips)]


class OrgContext(Struct, frozen=True):
    """What is needed to plan one org, beside its files: how strict to be, who is root, what is approved, and the base's org."""

    instant: Instant
    around: Surroundings
    limits: Limits
    roots: Roots
    approved_owners: Collection[tuple[str, str]] = ()
    now: Org | None = None
    past: Org | None = None


def plan_org(id: str, held: HeldOrg, files: OrgFiles, context: OrgContext) -> OrgPlan:
    """Returns the plan of one org whose bundles are to be `files`; no files for an org that the project has no more.

    Raises BundleError where what the target holds cannot be understood.
    """
    live, wanted = parse_files(held.live, id), parse_files(files, id)
    ever = held.ever.union(*(bundle.users for bundle in wanted.values()))
    deployed = parse_files(held.deployed, id)
    sides = live, wanted, deployed or live
    strangers: dict[Audience, list[str]] = {}
    is_listed = read_manage(wanted or deployed) == "listed"
    if is_listed:
        # Guardrails count hubcfg's people alone: others neither stay nor go by it, and make nobody its owner.
        sides = keep_only(live, ever), wanted, keep_only(deployed or live, ever)
        strangers = find_strangers(live, wanted, held.ever)
        if strangers:
            files = keep_strangers(files, live, wanted, strangers)
            wanted = parse_files(files, id)
    change = _compare(id, live, wanted, context)
    losses = count_losses(sides[0], sides[1], context.instant)
    trips = (
        *check_losses(id, losses, context.limits, sum(len(bundle.users) for bundle in live.values())),
        *check_roots(id, sides[2], sides[1], context.roots, context.approved_owners),
    )
    is_written = dict(held.live) != dict(files)
    own = dict(files), dict(held.deployed)
    if is_listed:
        own = without_others(files, wanted, ever), without_others(held.deployed, deployed, ever)
    kept = tuple(sorted(user for users_of in strangers.values() for user in users_of))
    is_new = not held.ever and not held.deployed and bool(files)
    is_unrecorded = not is_written and own[0] != own[1]
    return OrgPlan(id, held.live, files, ever, change, kept, trips if is_written else (), is_new, is_unrecorded)


def compare_files(id: str, before: OrgFiles, after: OrgFiles, instant: Instant, around: Surroundings) -> OrgChange:
    """Returns the difference between two versions of an org's bundles; raises BundleError."""
    context = OrgContext(instant, around, Limits(100, 100), Roots(frozenset(), frozenset()))
    return _compare(id, parse_files(before, id), parse_files(after, id), context)


def _compare(
    id: str, before: Mapping[Audience, Bundle], after: Mapping[Audience, Bundle], context: OrgContext
) -> OrgChange:
    """Compares what two sets of bundles hold; people whose entries say the same on both sides are not looked at."""
    same = frozenset(
        user for audience, bundle in before.items() if audience in after for user in _find_same(bundle, after[audience])
    )
    past = _find_past(before, after, context)
    entries: dict[str, Entry] = {} if past is None else {user.id: user.entry for user in past.users.values()}
    apart = {entry: number for number, entry in enumerate(dict.fromkeys(entries.values()), 1)}
    old_reader = StateReader(
        id, before, context.instant, context.around, lambda user: apart.get(entries[user], 0) if user in entries else 0
    )
    old: OrgState | None = old_reader.read(same) if before else None
    new = StateReader(id, after, context.instant, context.around).read(same) if after else None
    if old is None and new is None:
        empty = StateReader(id, {}, context.instant, context.around).read(same)
        return compare_org(context.instant, empty, empty)
    if past is None or context.now is None:
        return compare_org(context.instant, old, new)
    resolver = OrgResolver(replace(past, catalog=context.now.catalog))

    def recast(profile: Profile) -> tuple[Phase, ...]:
        user = old_reader.example.get(profile)
        if user is None or user not in entries:
            return profile.phases
        return find_phases(resolver, resolver.resolve(entries[user], context.instant), context.instant)

    return compare_org(context.instant, old, new, recast)


def _find_same(before: Bundle, after: Bundle) -> Iterator[str]:
    """Yields the people of whom both bundles say the same: a set that was changed by hand still has its old name."""
    shared = {id for id, names in before.sets.items() if after.sets.get(id) == names}
    for user, entry in before.users.items():
        if after.users.get(user) == entry and entry["set"] in shared:
            yield user


def _find_past(before: Mapping[Audience, Bundle], after: Mapping[Audience, Bundle], context: OrgContext) -> Org | None:
    """Returns the base's org where the catalog is another now, and the bundles were made with the base's."""
    if context.past is None or context.now is None or not before or not after:
        return None
    digests = [next(iter(one.values())).head.get("catalog") for one in (before, after)]
    old, new = (one.get("digest") if isinstance(one, dict) else None for one in digests)
    if old == new or old != context.past.catalog.digest or new != context.now.catalog.digest:
        return None
    return context.past


def hash_files(files: OrgFiles) -> dict[Audience, str]:
    """Returns the hex SHA-256 of each of an org's files."""
    return {audience: hashlib.sha256(content).hexdigest() for audience, content in files.items()}


def digest_of_hashes(orgs: Mapping[str, Mapping[Audience, str]]) -> str:
    """Returns the digest of bundles: of the map from orgs and audiences to the hex SHA-256 of each file.

    Orgs without any file don't count.
    """
    return digest(
        {id: {audience.value: sha for audience, sha in files.items()} for id, files in sorted(orgs.items()) if files}
    )


def gather_comparison(instant: Instant, orgs: Iterable[OrgPlan]) -> Comparison:
    """Returns the comparison of all orgs of a plan, in the order of their ids."""
    return Comparison(instant, tuple(one.change for one in sorted(orgs, key=lambda one: one.id)))
