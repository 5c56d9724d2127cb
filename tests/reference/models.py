"""Random role models: catalogs, platforms, and the groups and roles built on them."""

from functools import partial

from hypothesis import strategies as st

from .choices import (
    ALL,
    entries,
    for_clients,
    matching_all,
    maybe,
    mostly,
    number,
    pattern_in,
    pick,
    rarely,
    several,
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


def catalogs(draw: st.DrawFn, *, marks: bool) -> Document:
    """Draw a small catalog with aliases for some of its permissions."""
    products = {}
    for product in some_of(draw, PRODUCTS, least=2):
        names = some_of(draw, RESOURCES, least=1)
        products[product] = {"name": product, "resources": {name: resources(draw, marks=marks) for name in names}}
    catalog: Document = {"kind": "Catalog", "id": "own", "name": "Own", "version": "1", "products": products}
    if marks:
        catalog["sensitive_categories"] = {"privileged": "Reaches into machines"}
    known = sorted(permissions_of(catalog))
    product, resource, _ = pick(draw, known).split(".")
    catalog["aliases"] = {
        "old.name": pick(draw, known),
        f"{product}.Old.name": pick(draw, known),
        f"{product}.former.*": f"{product}.{resource}.*",
    }
    return catalog


def resources(draw: st.DrawFn, *, marks: bool = False) -> Document:
    """Draw one resource of a catalog."""
    return {"actions": {name: actions(draw, marks=marks) for name in some_of(draw, ACTIONS, least=1)}}


def actions(draw: st.DrawFn, *, marks: bool = False) -> Document:
    """Draw one action's properties, some of them left to their defaults."""
    drawn = {
        "access": pick(draw, [None, "read", "read", "write"]),
        "audiences": pick(draw, [None, [STAFF], [STAFF, CLIENT], [STAFF, CLIENT], [CLIENT]]),
        "deprecated": True if rarely(draw) else None,
        "sensitive": some_of(draw, CATEGORIES) if marks and maybe(draw) else None,
    }
    return {field: value for field, value in drawn.items() if value is not None}


# Platforms


def platforms(draw: st.DrawFn, *, catalog: Document, marks: bool) -> Document:
    """Draw a platform with roles of every combination of what a role can say."""
    subscriptions, teams = (pick(draw, [None, True, False]) for _ in range(2))
    client_users = pick(draw, [True, None, True, False])
    assigned = pick(draw, [None, False, True, True])
    platform: Document = {
        "kind": "Platform",
        "id": "own",
        "name": "Own",
        "catalog": catalog["id"],
        "subscriptions": subscriptions,
        "always_active": some_of(draw, catalog["products"], most=1),
        "client_users": client_users,
        "teams": teams,
        "authentication": {"methods": ["sso", "local"], "mfa": "required"} if sometimes(draw) else None,
        "client_access": areas(draw, catalog=catalog, marks=marks) if client_users and (marks or maybe(draw)) else None,
        "roles": {},
        "groups": {},
    }
    platform = without_empty(platform, keep=("roles", "groups"))
    if client_users or maybe(draw):
        platform["clients"] = without_empty({"assigned": assigned, "departments": pick(draw, [None, True])})
    for name in ("owner", "member", "viewer", "helper")[: number(draw, 2, 4)]:
        platform["roles"][name] = platform_roles(draw, name=name, catalog=catalog, platform=platform, marks=marks)
    groups, _ = bundles(draw, platform=platform, catalog=catalog, groups={}, prefix="built-in")
    platform["groups"] = groups
    return platform


def areas(draw: st.DrawFn, *, catalog: Document, marks: bool, root: bool = False) -> Document:
    """Draw a baseline and a ceiling; where there are marks only a root's baseline reaches what is sensitive."""
    baseline, ceiling = (allowances(draw, catalog=catalog, wide=wide) for wide in (root, True))
    beyond = {p for p in permissions_of(catalog) if marks and action(catalog, p).get("sensitive")}
    if root:
        beyond -= matching_all(catalog, baseline["allow"]) - matching_all(catalog, baseline.get("except", []))
    if beyond:
        ceiling["except"] = ceiling.get("except", []) + sorted(beyond - set(ceiling.get("except", [])))
    drawn = {"baseline": baseline, "ceiling": ceiling}
    return drawn if root or maybe(draw) else {"ceiling": ceiling}


def allowances(draw: st.DrawFn, *, catalog: Document, wide: bool) -> Document:
    """Draw `allow` and `except` lists."""
    one = partial(pattern_in, draw, catalog)
    allow = [ALL] if wide and mostly(draw) else several(draw, one, most=3)
    exclude = several(draw, one) if maybe(draw) else []
    return without_empty({"allow": allow, "except": exclude}, keep=("allow",))


def platform_roles(draw: st.DrawFn, *, name: str, catalog: Document, platform: Document, marks: bool) -> Document:
    """Draw one platform role; the first is the root and approves, so that a catalog may have marks."""
    root = name == "owner" and (marks or maybe(draw))
    assigned = platform.get("clients", {}).get("assigned")
    led = [None, "led-teams", "led-teams"] if platform.get("teams") else [None]
    role = areas(draw, catalog=catalog, marks=marks, root=root) | {
        "name": name.title(),
        "root": root or None,
        "access": pick(draw, ["full", "read-only"]),
        "products": pick(draw, ["all", "granted", "granted", "granted"]),
        "implied_products": some_of(draw, catalog["products"], most=1) if sometimes(draw) else None,
        "scope": pick(draw, ["assigned", "assigned", "all", "none"]) if assigned else "all",
        "approves": True if root else pick(draw, [None, True, *led]),
        "manages": pick(draw, ["all", "none", *led]),
        "transfer": pick(draw, [None, "free", "previous-holder", "forbidden"]),
        "obligations": obligations(draw) if marks or maybe(draw) else None,
    }
    return without_empty(role)


def obligations(draw: st.DrawFn) -> Document:
    """Draw what a role owes for sensitive permissions."""
    built_in = ["sensitive", ["deletion"], ["financial", "deletion"]]
    return {duty: pick(draw, built_in) for duty in some_of(draw, ("manager-approval", "note"), least=1)}


# Groups and roles


def bundles(
    draw: st.DrawFn, *, platform: Document, catalog: Document, groups: Document, prefix: str, most: int = 3
) -> tuple[Document, Document]:
    """Draw groups and roles that build on the groups that are visible already; each is for one audience."""
    own_groups: Document = {}
    own_roles: Document = {}
    audiences = [STAFF, STAFF, CLIENT] if platform.get("client_users") and for_clients(catalog) else [STAFF]
    for place in range(number(draw, 0, most)):
        audience = pick(draw, audiences)
        group = {
            "name": "A group" if maybe(draw) else None,
            "audience": audience if audience == CLIENT or rarely(draw) else None,
            "includes": entries(draw, "group", of_audience(groups | own_groups, audience)),
            "permissions": entries(draw, "permission", partial(pattern_in, draw, catalog, audience)),
        }
        own_groups[f"{prefix}-{place}"] = without_empty(group)
    for place in range(number(draw, 0, most)):
        audience = pick(draw, audiences)
        role = {
            "groups": entries(draw, "group", of_audience(groups | own_groups, audience)),
            "permissions": entries(draw, "permission", partial(pattern_in, draw, catalog, audience)),
        }
        own_roles[f"{prefix}-{audience}-{place}"] = without_empty(role)
    return own_groups, own_roles


def of_audience(groups: Document, audience: str) -> list[str]:
    return [name for name, group in groups.items() if group.get("audience", STAFF) == audience]
