"""Random role models: catalogs, platforms, and the groups and roles built on them."""

from hypothesis import strategies as st

from .choices import (
    ALL,
    entries,
    for_clients,
    matching_all,
    maybe,
    mostly,
    patterns_in,
    rarely,
    some_of,
    sometimes,
    without_empty,
)
from .resolver import CLIENT, STAFF, Document, action, permissions_of

PRODUCTS = ("psa", "crm", "hub", "e-mail")
RESOURCES = ("tickets", "time_entries", "Contacts")
ACTIONS = ("read", "view", "create", "delete")
CATEGORIES = ("deletion", "financial", "privileged")


# Catalogs


@st.composite
def catalogs(draw: st.DrawFn, *, marks: bool) -> Document:
    """Draw a small catalog with aliases for some of its permissions."""
    products = {}
    for product in draw(st.lists(st.sampled_from(PRODUCTS), min_size=2, max_size=4, unique=True)):
        names = draw(st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3, unique=True))
        products[product] = {"name": product, "resources": {name: draw(resources(marks=marks)) for name in names}}
    catalog: Document = {"kind": "Catalog", "id": "own", "name": "Own", "version": "1", "products": products}
    if marks:
        catalog["sensitive_categories"] = {"privileged": "Reaches into machines"}
    known = sorted(permissions_of(catalog))
    product, resource, _ = draw(st.sampled_from(known)).split(".")
    catalog["aliases"] = {
        "old.name": draw(st.sampled_from(known)),
        f"{product}.Old.name": draw(st.sampled_from(known)),
        f"{product}.former.*": f"{product}.{resource}.*",
    }
    return catalog


@st.composite
def resources(draw: st.DrawFn, *, marks: bool = False) -> Document:
    """Draw one resource of a catalog."""
    return {"actions": {name: draw(actions(marks=marks)) for name in draw(some_of(ACTIONS, least=1))}}


@st.composite
def actions(draw: st.DrawFn, *, marks: bool = False) -> Document:
    """Draw one action's properties, some of them left to their defaults."""
    drawn = {
        "access": draw(st.sampled_from([None, "read", "read", "write"])),
        "audiences": draw(st.sampled_from([None, [STAFF], [STAFF, CLIENT], [STAFF, CLIENT], [CLIENT]])),
        "deprecated": True if rarely(draw) else None,
        "sensitive": draw(some_of(CATEGORIES)) if marks and maybe(draw) else None,
    }
    return {field: value for field, value in drawn.items() if value is not None}


# Platforms


@st.composite
def platforms(draw: st.DrawFn, *, catalog: Document, marks: bool) -> Document:
    """Draw a platform with roles of every combination of what a role can say."""
    subscriptions, teams = (draw(st.sampled_from([None, True, False])) for _ in range(2))
    client_users = draw(st.sampled_from([True, None, True, False]))
    assigned = draw(st.sampled_from([None, False, True, True]))
    platform: Document = {
        "kind": "Platform",
        "id": "own",
        "name": "Own",
        "catalog": catalog["id"],
        "subscriptions": subscriptions,
        "always_active": draw(some_of(catalog["products"], most=1)),
        "client_users": client_users,
        "teams": teams,
        "authentication": {"methods": ["sso", "local"], "mfa": "required"} if sometimes(draw) else None,
        "client_access": draw(areas(catalog=catalog, marks=marks)) if client_users and maybe(draw) else None,
        "roles": {},
        "groups": {},
    }
    platform = without_empty(platform, keep=("roles", "groups"))
    if client_users or maybe(draw):
        platform["clients"] = without_empty({"assigned": assigned, "departments": draw(st.sampled_from([None, True]))})
    for name in ("owner", "member", "viewer", "helper")[: draw(st.integers(2, 4))]:
        platform["roles"][name] = draw(platform_roles(name=name, catalog=catalog, platform=platform, marks=marks))
    groups, _ = draw(bundles(platform=platform, catalog=catalog, groups={}, prefix="built-in", most=2))
    platform["groups"] = groups
    return platform


@st.composite
def areas(draw: st.DrawFn, *, catalog: Document, marks: bool, root: bool = False) -> Document:
    """Draw a baseline and a ceiling; where there are marks only a root's baseline reaches what is sensitive."""
    baseline, ceiling = (draw(allowances(catalog=catalog, wide=wide)) for wide in (root, True))
    beyond = {p for p in permissions_of(catalog) if marks and action(catalog, p).get("sensitive")}
    if root:
        beyond -= matching_all(catalog, baseline["allow"]) - matching_all(catalog, baseline.get("except", []))
    if beyond:
        ceiling["except"] = ceiling.get("except", []) + sorted(beyond - set(ceiling.get("except", [])))
    drawn = {"baseline": baseline, "ceiling": ceiling}
    return drawn if root or maybe(draw) else {"ceiling": ceiling}


@st.composite
def allowances(draw: st.DrawFn, *, catalog: Document, wide: bool) -> Document:
    """Draw `allow` and `except` lists."""
    several = st.lists(patterns_in(catalog), max_size=3, unique=True)
    allow = [ALL] if wide and mostly(draw) else draw(several)
    exclude = draw(st.lists(patterns_in(catalog), max_size=2, unique=True)) if maybe(draw) else []
    return without_empty({"allow": allow, "except": exclude}, keep=("allow",))


@st.composite
def platform_roles(draw: st.DrawFn, *, name: str, catalog: Document, platform: Document, marks: bool) -> Document:
    """Draw one platform role; the first is the root and approves, so that a catalog may have marks."""
    root = name == "owner" and (marks or maybe(draw))
    assigned = platform.get("clients", {}).get("assigned")
    led = [None, "led-teams", "led-teams"] if platform.get("teams") else [None]
    role = draw(areas(catalog=catalog, marks=marks, root=root)) | {
        "name": name.title(),
        "root": root or None,
        "access": draw(st.sampled_from(["full", "full", "read-only"])),
        "products": draw(st.sampled_from(["all", "granted", "granted", "granted"])),
        "implied_products": draw(some_of(catalog["products"], most=1)) if sometimes(draw) else None,
        "scope": draw(st.sampled_from(["assigned", "assigned", "all", "none"])) if assigned else "all",
        "approves": True if root else draw(st.sampled_from([None, True, *led])),
        "manages": draw(st.sampled_from(["all", "none", *led])),
        "transfer": draw(st.sampled_from([None, "free", "previous-holder", "forbidden"])),
        "obligations": draw(obligations()) if marks or maybe(draw) else None,
    }
    return without_empty(role)


@st.composite
def obligations(draw: st.DrawFn) -> Document:
    """Draw what a role owes for sensitive permissions."""
    built_in = ["sensitive", ["deletion"], ["financial", "deletion"]]
    return {duty: draw(st.sampled_from(built_in)) for duty in draw(some_of(("manager-approval", "note"), least=1))}


# Groups and roles


@st.composite
def bundles(
    draw: st.DrawFn, *, platform: Document, catalog: Document, groups: Document, prefix: str, most: int = 3
) -> tuple[Document, Document]:
    """Draw groups and roles that build on the groups that are visible already; each is for one audience."""
    own_groups: Document = {}
    own_roles: Document = {}
    for number in range(draw(st.integers(0, most))):
        audience = draw(audiences_of(platform, catalog))
        beneath = of_audience(groups | own_groups, audience)
        group = without_empty(
            {
                "name": "A group" if maybe(draw) else None,
                "audience": audience if audience == CLIENT or rarely(draw) else None,
                "includes": draw(entries("group", beneath)),
                "permissions": draw(entries("permission", patterns_in(catalog, audience))),
            }
        )
        own_groups[f"{prefix}-{number}"] = group
    for number in range(draw(st.integers(0, most))):
        audience = draw(audiences_of(platform, catalog))
        beneath = of_audience(groups | own_groups, audience)
        own_roles[f"{prefix}-{audience}-{number}"] = without_empty(
            {
                "groups": draw(entries("group", beneath)),
                "permissions": draw(entries("permission", patterns_in(catalog, audience))),
            }
        )
    return own_groups, own_roles


def audiences_of(platform: Document, catalog: Document) -> st.SearchStrategy[str]:
    """Return the audiences that groups can have: clients where there are client users with something to hold."""
    return st.sampled_from([STAFF, STAFF, CLIENT] if platform.get("client_users") and for_clients(catalog) else [STAFF])


def of_audience(groups: Document, audience: str) -> list[str]:
    return [name for name, group in groups.items() if group.get("audience", STAFF) == audience]
