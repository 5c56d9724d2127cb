"""What planning an org takes beside its files: catalogs, guardrails, who is root, and what is approved."""

from collections.abc import Iterable

from hubcfg.checker.check import Verified
from hubcfg.core.instants import Instant
from hubcfg.planner.bundles import Surroundings, parse_files
from hubcfg.planner.covering import Covering, find_covering
from hubcfg.planner.guardrails import Guardrail, Limits, Roots, Trip
from hubcfg.planner.held import HeldOrg
from hubcfg.planner.plan import OrgContext, OrgPlan
from hubcfg.planner.resolved import describe_catalog
from hubcfg.platforms.builtin import builtin_names
from hubcfg.platforms.platform import Platform, Transfer
from hubcfg.validator.collect import Collected
from hubcfg.validator.config import Config, Project
from hubcfg.validator.definitions import Definitions


class ContextFinder:
    """Finds what is needed to plan an org beside its files."""

    def __init__(self, verified: Verified, config: Config, limits: Limits, instant: Instant) -> None:
        self._report = verified.approvals
        self._config = config
        self._limits = limits
        self._instant = instant

    def find(self, id: str, held: HeldOrg) -> OrgContext:
        """Returns the context of an org, also of one that the project has no more."""
        base = self._report.base.config
        now, past = self._config.orgs.get(id), base.orgs.get(id)
        catalogs = list(dict.fromkeys(one.catalog for one in (now, past) if one is not None))
        if not catalogs:
            catalogs = [*self._config.catalogs.values(), *base.catalogs.values()]
        states = [describe_catalog(one) for one in catalogs]
        sensitive: dict[str, tuple[str, ...]] = {}
        for state in states:
            for name, marks in state.sensitive.items():
                sensitive[name] = tuple(sorted({*sensitive.get(name, ()), *marks}))
        digests = {one.digest: state for one, state in zip(catalogs, states, strict=True)}
        platform = now.platform if now is not None else self._find_platform(id, held)
        onboarding = now.platform.onboarding if now is not None else {}
        approved = [
            (str(change.value.get("role")), str(change.value.get("to")))
            for one, change in self._report.coverage.changes("owner")
            if one.approval.org == id
        ]
        return OrgContext(
            self._instant,
            Surroundings(digests, sensitive, onboarding),
            self._limits,
            _roots_of(platform),
            approved,
            now,
            past if past is not now else None,
        )

    def _find_platform(self, id: str, held: HeldOrg) -> Platform | None:
        """Returns the platform of an org that the project has no more, as its bundles name it."""
        bundles = parse_files(held.deployed or held.live, id)
        name = next((str(one.head.get("platform")) for one in bundles.values()), "")
        known = self._report.base.config.platforms | self._config.platforms
        if name in known or name not in builtin_names():
            return known.get(name)
        return Definitions(Collected()).platform(name)


def _roots_of(platform: Platform | None) -> Roots:
    roles = platform.roles.values() if platform is not None else ()
    return Roots(
        frozenset(role.id for role in roles if role.root),
        frozenset(role.id for role in roles if role.transfer is not Transfer.FREE),
    )


def limits_of(project: Project) -> Limits:
    """Returns the guardrails that a project sets."""
    return Limits(project.max_removed_users_percent, project.max_revoked_percent)


def check_project(config: Config) -> tuple[Trip, ...]:
    """Returns the guardrail that a project without any org trips."""
    if config.orgs:
        return ()
    return (
        Trip(
            Guardrail.EMPTY_PROJECT, None, "the project has no org at all, so everybody would be removed",
            "is this the whole checkout? If the project is to end, `--allow empty-project` lets this one deployment do it",
        ),
    )  # fmt: skip


def cover_plan(verified: Verified, config: Config, plans: Iterable[OrgPlan]) -> tuple[Covering, ...]:
    """Returns the approvals that cover what is sensitive in the plans of orgs."""
    return tuple(
        covering
        for plan in plans
        if plan.id in config.orgs
        for covering in find_covering(verified.approvals, config.orgs[plan.id], plan.change)
    )
