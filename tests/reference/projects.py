"""Random valid projects for property tests: a catalog, a platform, orgs and people of their own."""

import copy
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st

from .choices import (
    ALL,
    each,
    entries,
    for_clients,
    maybe,
    mostly,
    pattern_in,
    pick,
    rarely,
    several,
    some_of,
    sometimes,
    without_empty,
)
from .models import bundles, catalogs, of_audience, platforms, resources
from .resolver import (
    CLIENT,
    STAFF,
    Document,
    World,
    active_products,
    audience_of,
    effective,
    matching,
    merge,
    named,
    permissions_of,
    product_of,
    see_worlds,
)

STAFF_IDS = ("ana@x.example", "Bo", "zoë@x.example", "dan+1@x.example")
CLIENT_IDS = ("pat@c.example", "quinn@c.example")
CLIENT_NAMES = ("contoso", "fabrikam", "0-globex")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
INSTANTS = tuple(NOON + tick + timedelta(days=days) for days in (0, 0, 10, 400) for tick in (-TICK, timedelta(0), TICK))


@dataclass(frozen=True, slots=True)
class Project:
    """A project as plain documents, with its `hubcfg.yaml` and the instant at which it is to be resolved."""

    documents: list[Document]
    settings: Document
    at: datetime

    @property
    def worlds(self) -> dict[str, World]:
        """What each org sees."""
        return see_worlds(self.documents, self.settings.get("platform"))


def examples(count: int) -> int:
    """Return how many examples to try: `count`, times the environment's `HUBCFG_TEST_BUDGET`."""
    return max(1, round(count * float(os.environ.get("HUBCFG_TEST_BUDGET", "1"))))


@st.composite
def projects(draw: st.DrawFn, *, marks: bool = False) -> Project:
    """Draw a project without findings at error level; with `marks` some is sensitive, none needs an approval.

    The documents are many and small, one entry each where a kind is plural, so that they shrink and spread well.
    """
    settings: Document = {"hubcfg": 1, "project": "random"}
    catalog = catalogs(draw, marks=marks)
    platform = platforms(draw, catalog=catalog, marks=marks)
    documents = [catalog]
    if sometimes(draw):
        settings["platform"] = platform["id"]
    home = {} if "platform" in settings and maybe(draw) else {"platform": platform["id"]}
    shared = bundles(draw, platform=platform, catalog=catalog, groups=platform["groups"], prefix="shared")
    documents += each("Groups", home, shared[0]) + each("Roles", home, shared[1])
    orgs = ["north", "south"][: 2 if sometimes(draw) else 1]
    populations = []
    for org in orgs:
        wider = extended_catalogs(draw, org, catalog) if sometimes(draw) else {}
        documents += [wider] if wider else []
        population, users = orgs_with_people(draw, org, home, merge(catalog, wider), platform, shared)
        documents += population
        populations.append(users)
    platform["roles"] = with_holder_limits(draw, platform["roles"], populations)
    documents += platform_documents(draw, platform)
    project = Project([without_empty(d, keep=("clients",)) for d in documents], settings, pick(draw, INSTANTS))
    for world in project.worlds.values():
        drop_ineffective_denies(world)
    return project


# Orgs and people


def orgs_with_people(
    draw: st.DrawFn, org: str, home: Document, catalog: Document, platform: Document, shared: tuple[Document, Document]
) -> tuple[list[Document], list[Document]]:
    """Draw an org with its groups, roles, clients, people and teams; return its documents, and its users."""
    own = {"org": org}
    groups = platform["groups"] | shared[0]
    more_groups, more_roles = bundles(draw, platform=platform, catalog=catalog, groups=groups, prefix="own")
    place = Place(platform, catalog, groups | more_groups, shared[1] | more_roles, [], set())
    is_named = catalog["id"] != platform["catalog"] or maybe(draw)
    fields: Document = {
        "name": org.title(),
        "catalog": catalog["id"] if is_named else None,
        "manage": pick(draw, [None, "exclusive", "listed"]),
        "products": subscriptions(draw, platform, catalog),
        "authentication": {"methods": ["sso"]} if "authentication" in platform and sometimes(draw) else None,
    }
    document: Document = {"kind": "Org", "id": org} | home | without_empty(fields)
    world = World(document, platform, catalog, {}, {}, {}, {}, {})
    place.active.update(active_products(world))
    clients: Document = {}
    if "clients" in platform:
        for name in some_of(draw, CLIENT_NAMES, least=0 if sometimes(draw) else 1):
            departments = some_of(draw, ("hr", "it")) if platform["clients"].get("departments") else []
            clients[name] = without_empty({"name": f"{name} Ltd", "departments": departments})
    place.clients.extend(clients)
    rules: Document = document.get("authentication") or platform.get("authentication") or {}
    users = {name: staff_users(draw, place, rules.get("methods", [])) for name in some_of(draw, STAFF_IDS, least=1)}
    if platform.get("client_users") and clients:
        users |= {name: client_users(draw, place) for name in some_of(draw, CLIENT_IDS)}
    for number, name in enumerate(users):
        if rarely(draw):
            users[name]["uid"] = f"uid-{number}"
    documents = [document, *each("Groups", own, more_groups), *each("Roles", own, more_roles)]
    documents += each("Clients", own, clients) + each("Users", own, users)
    if platform.get("teams"):
        documents += each("Teams", own, teams(draw, platform, users))
    return documents, list(users.values())


@dataclass(frozen=True, slots=True)
class Place:
    """What the people of an org can be given."""

    platform: Document
    catalog: Document
    groups: Document
    roles: Document
    clients: list[str]
    active: set[str]

    def groups_for(self, audience: str) -> list[str]:
        return of_audience(self.groups, audience)

    def roles_for(self, audience: str) -> list[str]:
        return [name for name in self.roles if f"-{audience}-" in name]


def subscriptions(draw: st.DrawFn, platform: Document, catalog: Document) -> Document:
    """Draw the products that an org names, the always active ones aside."""
    if not platform.get("subscriptions", True):
        return {}
    nameable = [product for product in catalog["products"] if product not in platform.get("always_active", [])]
    statuses = ["active", "active", "trial", "not-subscribed", None]
    return without_empty({product: pick(draw, statuses) for product in nameable})


def staff_users(draw: st.DrawFn, place: Place, methods: list[str]) -> Document:
    """Draw somebody of the org's staff."""
    name, role = pick(draw, sorted(place.platform["roles"].items()))
    assigned = place.platform.get("clients", {}).get("assigned")
    has_all = all(role.get(area) == {"allow": [ALL]} for area in ("baseline", "ceiling"))
    direct: list[Any] = entries(draw, "permission", partial(pattern_in, draw, place.catalog))
    if has_all and role["access"] == "full" and role["products"] == "all" and maybe(draw):
        direct.append(ALL)

    def denied() -> str:
        """Draw a pattern to deny: often one permission of what is granted."""
        own = named(pick(draw, direct), "permission") if direct and maybe(draw) else ""
        inside = sorted(matching(place.catalog, own)) if own else []
        return str(pick(draw, inside)) if inside else pattern_in(draw, place.catalog, everything=True)

    user: Document = {
        "name": "Somebody" if maybe(draw) else None,
        "role": name,
        "roles": entries(draw, "role", place.roles_for(STAFF)),
        "groups": entries(draw, "group", place.groups_for(STAFF)),
        "permissions": direct,
        "deny": several(draw, denied) if maybe(draw) else [],
        "suspended": True if rarely(draw) else None,
        "clients": pick(draw, [None, "all", some_of(draw, place.clients), some_of(draw, place.clients)])
        if assigned
        else None,
    }
    if methods:
        forms: list[Document] = [{"method": "sso"}, {"method": "sso", "mfa": True}, {"method": "local", "mfa": True}]
        user["authentication"] = pick(draw, [None, *[form for form in forms if form["method"] in methods]])
    user = without_empty(user)
    if maybe(draw):
        user["products"] = {
            product: product_entries(draw, place, product) for product in some_of(draw, sorted(place.active))
        }
    return user


def product_entries(draw: st.DrawFn, place: Place, product: str) -> Document:
    """Draw what somebody has in one product, at times patterns of another, which then have no effect."""
    if sometimes(draw):
        return {}
    inside = partial(pattern_in, draw, place.catalog, product=product, everything=True)
    return without_empty(
        {
            "roles": entries(draw, "role", place.roles_for(STAFF), most=1),
            "groups": entries(draw, "group", place.groups_for(STAFF), most=1),
            "permissions": entries(draw, "permission", inside),
            "deny": several(draw, inside, most=1),
        }
    )


def client_users(draw: st.DrawFn, place: Place) -> Document:
    """Draw somebody of a client of the org."""
    allowed = for_clients(place.catalog)
    patterns = partial(pattern_in, draw, place.catalog, CLIENT)
    return without_empty(
        {
            "audience": CLIENT,
            "company": pick(draw, sorted(place.clients)),
            "roles": entries(draw, "role", place.roles_for(CLIENT)),
            "groups": entries(draw, "group", place.groups_for(CLIENT)),
            "permissions": entries(draw, "permission", patterns if allowed else []),
            "deny": several(draw, patterns, most=1) if allowed and sometimes(draw) else [],
            "suspended": True if rarely(draw) else None,
        }
    )


def teams(draw: st.DrawFn, platform: Document, users: Document) -> Document:
    """Draw teams of staff, led by those whose role leads."""
    staff = [name for name, user in users.items() if audience_of(user) == STAFF]
    ranks = {name: platform["roles"][users[name]["role"]] for name in staff}
    fit = [name for name, role in ranks.items() if role.get("manages", "none") != "none" or role.get("approves")]
    return {
        team: {"leads": some_of(draw, fit, least=min(1, len(fit))), "members": some_of(draw, staff, least=1)}
        for team in some_of(draw, ("tier1", "tier2"), least=1)
    }


def drop_ineffective_denies(world: World) -> None:
    """Take out every deny of something that somebody holds all the same, time windows aside, until none is left."""
    for user in world.users.values():
        places = [("", user), *user.get("products", {}).items()]
        while True:
            before = copy.deepcopy(places)
            permissions, _ = effective(world, user, None)
            for product, place in places:
                spared = {p for p in permissions if product in ("", product_of(p))}
                if "deny" in place:
                    place["deny"] = [deny for deny in place["deny"] if not matching(world.catalog, deny) & spared]
            if places == before:
                break


# How it is written


def with_holder_limits(draw: st.DrawFn, roles: Document, populations: list[list[Document]]) -> Document:
    """Draw limits of the holders of a role that the people of all orgs keep."""
    limited = {}
    for name, role in roles.items():
        held = [[user for user in users if user.get("role") == name] for users in populations]
        working = [[user for user in holders if not user.get("suspended")] for holders in held]
        limits = {"min": min(map(len, working)), "max": max(1, *map(len, held))}
        chosen = some_of(draw, limits)
        limited[name] = role | ({"holders": {side: limits[side] for side in chosen}} if chosen else {})
    return limited


def platform_documents(draw: st.DrawFn, platform: Document) -> list[Document]:
    """Draw how the platform is written: in one document, or as a patch over another that it extends."""
    if mostly(draw):
        return [platform]
    name, role = pick(draw, sorted(platform["roles"].items()))
    other = role | {"access": "full", "products": "all", "scope": "all", "ceiling": {"allow": [ALL]}, "manages": "none"}
    base_roles = platform["roles"] | {name: other, "extra": other | {"name": "Extra"}}
    base = platform | {"id": "base", "roles": base_roles, "always_active": []}
    patch_role = {
        field: role.get(field)
        for field in ("access", "products", "scope", "ceiling", "manages")
        if role.get(field) != other.get(field)
    }
    if "ceiling" in patch_role:
        patch_role["ceiling"] = {"allow": role["ceiling"]["allow"], "except": role["ceiling"].get("except", [])}
    patch: Document = {
        "kind": "Platform",
        "id": platform["id"],
        "extends": "base",
        "roles": {name: patch_role, "extra": None},
    }
    patch["always_active"] = platform.get("always_active", [])
    return [base, patch]


def extended_catalogs(draw: st.DrawFn, org: str, catalog: Document) -> Document:
    """Draw an org's catalog that extends another: a resource comes, and one permission changes."""
    product, resource, name = pick(draw, sorted(permissions_of(catalog))).split(".")
    changed = {"access": pick(draw, ["read", "write"]), "audiences": [STAFF, CLIENT]}
    parts = {resource: {"actions": {name: changed}}, "added": resources(draw)}
    extended = {"kind": "Catalog", "id": f"wider-{org}", "extends": catalog["id"]}
    return extended | {"products": {product: {"resources": parts}}}
