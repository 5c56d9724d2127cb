"""Explanations are true: on random projects they agree with what is resolved, and each cause is one."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hubcfg.core.instants import Instant
from hubcfg.parser.parse import parse_source, parse_sources
from hubcfg.parser.sources import DEFAULT_SOURCES, PROJECT_FILE, SourceFile, find_sources
from hubcfg.platforms.grants import Grant, Group, Role
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import PatternSet
from hubcfg.resolver.access import Holding, OrgAccess
from hubcfg.resolver.chains import Chain, GrantGraph, Link
from hubcfg.resolver.explain import Explainer, Hindrance, Obstacle
from hubcfg.resolver.resolve import OrgResolver, resolve_access
from hubcfg.validator.config import Entry, Org, ProductEntry, User
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import validate_documents
from tests.reference.files import write_project
from tests.reference.projects import Project, examples, projects

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PROJECTS = projects() | projects(marks=True)


def tries(count: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=examples(count), deadline=None, suppress_health_check=slow)


def orgs_of(project: Project) -> list[OrgAccess]:
    """Resolves the project's orgs with the real parser, validator and resolver."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        write_project(project, root, order=0)
        settings, _ = read_project(parse_source(SourceFile(PROJECT_FILE, (root / PROJECT_FILE).read_bytes)), ())
        assert settings is not None
        config, findings = validate_documents(settings, parse_sources(find_sources(root, DEFAULT_SOURCES, []).sources))
    assert not findings
    instant = Instant((project.at - EPOCH) // timedelta(microseconds=1))
    return list(resolve_access(config, instant).orgs.values())


def questions(project: Project) -> Iterator[tuple[Explainer, User, Holding, str, Mask]]:
    """Yields every user with every permission of the catalog."""
    for access in orgs_of(project):
        explainer = Explainer(access)
        for user in access.org.users.values():
            for name in access.org.catalog.names:
                yield explainer, user, access.holding(user), name, access.org.catalog.match(name)


# Hindrances


def mended(
    org: Org, entry: Entry, holding: Holding, instant: Instant, name: str, hindrances: tuple[Hindrance, ...]
) -> bool:
    """Whether the permission is held once each of the hindrances is taken out of the way."""
    product = name.split(".", 1)[0]
    for one in hindrances:
        match one.obstacle:
            case Obstacle.SUSPENDED:
                entry = replace(entry, suspended=False)
            case Obstacle.READ_ONLY:
                # Another role that writes, but gives nothing by itself.
                org = with_role(org, entry, lambda role: replace(role, is_read_only=False, baseline=PatternSet()))
            case Obstacle.CEILING if entry.role is None:
                org = replace(org, platform=replace(org.platform, client_ceiling=PatternSet(("*",))))
            case Obstacle.CEILING:
                org = with_role(org, entry, lambda role: replace(role, ceiling=PatternSet(("*",))))
            case Obstacle.NOT_GRANTED:
                entry = replace(entry, permissions=(*entry.permissions, Grant(name)))
            case Obstacle.NOT_YET:
                assert one.instant is not None
                instant = one.instant
            case Obstacle.ENDED:
                assert one.instant is not None
                instant = Instant(one.instant - 1)
            case Obstacle.NOT_SUBSCRIBED:
                org = replace(org, products=org.products | {product: "active"})
            case Obstacle.NO_PRODUCT_ENTRY:
                assert entry.products is not None
                entry = replace(entry, products=(*entry.products, ProductEntry(product, (), (), (), ())))
            case Obstacle.NO_ACCESS_IMPLIED if not one.denies:
                named = {*holding.products, product}
                entry = replace(entry, products=tuple(ProductEntry(each, (), (), (), ()) for each in named))
    return bool(
        OrgResolver(org).resolve(without_denies(entry, hindrances), instant).effective & org.catalog.match(name)
    )


def with_role(org: Org, entry: Entry, change: Callable) -> Org:
    """Returns the org with the platform role of an entry changed."""
    assert entry.role is not None
    roles = org.platform.roles | {entry.role: change(org.platform.roles[entry.role])}
    return replace(org, platform=replace(org.platform, roles=roles))


def without_denies(entry: Entry, hindrances: tuple[Hindrance, ...]) -> Entry:
    """Returns the entry without the denies that the hindrances name."""
    gone = {deny.path for one in hindrances for deny in one.denies}
    deny = tuple(one for index, one in enumerate(entry.deny) if ("deny", index) not in gone)
    products = entry.products and tuple(
        replace(
            product,
            deny=tuple(
                one
                for index, one in enumerate(product.deny)
                if ("products", product.product, "deny", index) not in gone
            ),
        )
        for product in entry.products
    )
    return replace(entry, deny=deny, products=products)


@tries(40)
@given(PROJECTS)
def test_what_hinders_is_exactly_what_must_go(project: Project) -> None:
    """There are hindrances where a permission is not held; without all of them it is, and with any one of them left it is not."""
    for explainer, user, holding, name, bit in questions(project):
        org, instant = explainer.access.org, explainer.access.instant
        hindrances = explainer.hindrances(holding, bit)
        assert bool(holding.effective & bit) == (not hindrances)
        assert explainer.explain(user, name).is_held == (not hindrances)
        if not hindrances:
            continue
        if any(one.obstacle is Obstacle.AUDIENCE for one in hindrances):
            granted = (*hindrances, Hindrance(Obstacle.NOT_GRANTED), Hindrance(Obstacle.CEILING))
            assert not mended(org, user.entry, holding, instant, name, granted)
            continue
        assert mended(org, user.entry, holding, instant, name, hindrances), (user.id, name, hindrances)
        for index in range(len(hindrances)):
            others = hindrances[:index] + hindrances[index + 1 :]
            assert not mended(org, user.entry, holding, instant, name, others), (user.id, name, hindrances, index)


# Chains


def every_chain(graph: GrantGraph, entry: Entry) -> list[Chain]:
    """Returns all chains of an entry, by following every link."""
    found = []
    ways: list[tuple[Link, ...]] = [(link,) for link in graph.roots(entry)]
    while ways:
        way = ways.pop()
        node = way[-1].leads_to
        if node is None:
            found.append(Chain(way))
        else:
            ways += [(*way, link) for link in graph.links(node)]
    return found


@tries(25)
@given(PROJECTS)
def test_the_chains_are_all_that_yield_the_permission(project: Project) -> None:
    """Every chain to a pattern that yields the permission is told once, the shortest first, with whether it counts."""
    for explainer, user, holding, name, bit in questions(project):
        org, instant = explainer.access.org, explainer.access.instant
        role, product = holding.rights.role, name.split(".", 1)[0]
        wanted = bit
        if role is not None and role.is_read_only and org.catalog.permissions[name].is_read:
            resource = org.catalog.match(name.rsplit(".", 1)[0] + ".*")
            wanted |= resource & ~org.catalog.read & holding.rights.audience
        yielding = [
            chain
            for chain in every_chain(GrantGraph(org), user.entry)
            if chain.product in (None, product) and org.catalog.match(chain.pattern) & wanted
        ]
        counting = [chain for chain in yielding if (window := chain.window) and window[0] <= instant < window[1]]
        told = explainer.explain(user, name, limit=1000)
        assert told.counting.total == len(told.counting.chains) == len(counting)
        assert told.waiting.total == len(told.waiting.chains) == len(yielding) - len(counting)
        for ways in (told.counting, told.waiting):
            lengths = [len(chain.links) for chain in ways.chains]
            assert lengths == sorted(lengths)
        assert {written(chain) for chain in told.counting.chains} == {written(chain) for chain in counting}
        few = explainer.explain(user, name, limit=1)
        assert few.counting.total == len(counting)
        assert few.counting.more == max(len(counting) - 1, 0)


def written(chain: Chain) -> tuple[object, ...]:
    return tuple((link.owner and link.owner.id, link.path) for link in chain.links)


@tries(25)
@given(PROJECTS, st.data())
def test_a_permission_goes_with_its_only_chain(project: Project, data: st.DataObject) -> None:
    """What comes neither from the baseline nor through a second chain is not held without any one link of its chain."""
    only = [
        (explainer.access, user, name, told.counting.chains[0])
        for explainer, user, _, name, _ in questions(project)
        if (told := explainer.explain(user, name)).is_held and told.counting.total == 1 and not told.in_baseline
    ]
    assume(only)
    access, user, name, chain = data.draw(st.sampled_from(only))
    link = data.draw(st.sampled_from(chain.links))
    org, entry = without_link(access.org, user.entry, link)
    assert not OrgResolver(org).resolve(entry, access.instant).effective & org.catalog.match(name)


def without_link(org: Org, entry: Entry, link: Link) -> tuple[Org, Entry]:
    """Returns org and entry without one entry of a list."""
    index = next(step for step in reversed(link.path) if isinstance(step, int))

    def cut(owner: Entry | ProductEntry | Group | Role) -> dict[str, tuple[Grant, ...]]:
        grants = getattr(owner, link.field)
        return {link.field: grants[:index] + grants[index + 1 :]}

    if isinstance(link.owner, Group):
        return replace(org, groups=org.groups | {link.owner.id: replace(link.owner, **cut(link.owner))}), entry
    if isinstance(link.owner, Role):
        return replace(org, roles=org.roles | {link.owner.id: replace(link.owner, **cut(link.owner))}), entry
    if link.product is None:
        return org, replace(entry, **cut(entry))
    assert entry.products is not None
    products = [replace(one, **cut(one)) if one.product == link.product else one for one in entry.products]
    return org, replace(entry, products=tuple(products))


# Origins


@tries(25)
@given(PROJECTS)
def test_origins_say_direct_and_inherited_as_the_chains_do(project: Project) -> None:
    """A permission is direct where a chain of one link gives it, inherited where a longer one or the baseline does."""
    for explainer, user, holding, name, bit in questions(project):
        if not holding.effective & bit:
            continue
        told, origins = explainer.explain(user, name, limit=1000), explainer.origins(holding)
        chains = () if holding.denied & bit else told.counting.chains
        is_direct = any(source.mask & bit for source in origins.direct)
        is_inherited = any(source.mask & bit for source in origins.inherited)
        assert is_direct == any(chain.is_direct for chain in chains)
        assert is_inherited == (told.in_baseline or any(not chain.is_direct for chain in chains))
        for sources in (origins.direct, origins.inherited):
            shortest = [len(one.chain.links) for one in sources if one.chain is not None and one.mask & bit]
            assert len(shortest) <= 1
            same = [len(chain.links) for chain in chains if chain.is_direct == (sources is origins.direct)]
            assert not shortest or shortest[0] == min(same)
