"""Resolution (docs/resolution.md) once more, over plain dicts and sets of strings, to be checked by eye.

Nothing here is fast, and nothing here is shared with the compiler: an error would have to be made twice to stay hidden.
The input is taken to be valid; what the compiler refuses has no meaning here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Document = dict[str, Any]
READ_ONLY, STAFF, CLIENT = "read-only", "staff", "client"


@dataclass(frozen=True, slots=True)
class World:
    """All that one org sees: its own documents, those shared by its platform's orgs, its platform and catalog."""

    org: Document
    platform: Document
    catalog: Document
    groups: Document
    roles: Document
    clients: Document
    teams: Document
    users: Document


def resolve(
    documents: list[Document], t: datetime, default_platform: str | None = None
) -> dict[str, dict[str, Document]]:
    """Return for each org and user what a bundle says of them at instant `t`, with `permissions` as a plain set."""
    worlds = see_worlds(documents, default_platform)
    return {org: {user: resolve_user(world, user, t) for user in world.users} for org, world in worlds.items()}


def resolve_user(world: World, name: str, t: datetime) -> Document:
    user = world.users[name]
    role = role_of(world, user)
    permissions, products = effective(world, user, t)
    answer: Document = {"audience": audience_of(user), "permissions": permissions, "products": sorted(products)}
    answer["scope"] = scope(world, user, role)
    for field in ("role", "uid", "suspended"):
        if user.get(field):
            answer[field] = user[field]
    obligations = {
        duty: sorted(p for p in permissions if owes(action(world.catalog, p).get("sensitive", []), on))
        for duty, on in role.get("obligations", {}).items()
    }
    optional = {
        "obligations": {duty: owed for duty, owed in obligations.items() if owed},
        "until": until(world, user, t),
        "manages": manages(world, name, role),
        "authentication": authentication(world, user),
    }
    return answer | {field: value for field, value in optional.items() if value}


def owes(categories: list[str], on: str | list[str]) -> bool:
    return bool(categories) if on == "sensitive" else bool(set(categories) & set(on))


# Effective permissions: steps 1 to 6


def effective(world: World, user: Document, t: datetime | None) -> tuple[set[str], set[str]]:
    """Return the effective permissions and the products; `t` of None takes every time window as counting."""
    if user.get("suspended"):
        return set(), set()
    role = role_of(world, user)

    def match(pattern: str) -> set[str]:
        every = matching(world.catalog, pattern)
        return {p for p in every if audience_of(user) in action(world.catalog, p).get("audiences", [STAFF])}

    def area(allowance: Document) -> set[str]:
        return union(match, allowance.get("allow", [])) - union(match, allowance.get("except", []))

    # 1. Products
    active = active_products(world)
    # 2. Grants, and 3. deny
    granted = union(match, patterns(world, user, t))
    denied = union(match, user.get("deny", []))
    for product, entry in user.get("products", {}).items():
        granted |= within(product, union(match, patterns(world, entry, t)))
        denied |= within(product, union(match, entry.get("deny", [])))
    # 4. Read-only roles
    baseline, kept = area(role.get("baseline", {})), granted - denied
    if role["access"] == READ_ONLY:
        baseline = {p for p in baseline if is_read(world, p)}
        kept = union(lambda p: {p} if is_read(world, p) else reads_beside(world, p, match), granted) - denied
    # 5. Product access
    if role["products"] == "all":
        access = active
    elif "products" in user:
        access = set(user["products"])
    else:
        access = {product_of(p) for p in granted - denied}
    access = access | set(world.platform.get("always_active", [])) | set(role.get("implied_products", []))
    # 6. Effective
    ceiling = area(role["ceiling"])
    permissions = {p for p in baseline | kept if p in ceiling and product_of(p) in access & active}
    if audience_of(user) == CLIENT:
        return permissions, {product_of(p) for p in permissions}
    return permissions, access & active


def active_products(world: World) -> set[str]:
    if not world.platform.get("subscriptions", True):
        return set(world.catalog["products"])
    subscribed = {name for name, status in world.org.get("products", {}).items() if status in ("active", "trial")}
    return subscribed | set(world.platform.get("always_active", []))


def patterns(world: World, holder: Document, t: datetime | None) -> Iterator[str]:
    """Yield the patterns at the end of every counting chain from a user, product entry, role or group."""
    for entry in holder.get("permissions", []):
        if counts(entry, t):
            yield named(entry, "permission")
    for entry in holder.get("groups", []) + holder.get("includes", []):
        if counts(entry, t):
            yield from patterns(world, world.groups[named(entry, "group")], t)
    for entry in holder.get("roles", []):
        if counts(entry, t):
            yield from patterns(world, world.roles[named(entry, "role")], t)


def reads_beside(world: World, permission: str, match: Any) -> set[str]:
    product, resource, _ = permission.split(".")
    return {p for p in match(f"{product}.{resource}.*") if is_read(world, p)}


# Scope, management, authentication, time


def scope(world: World, user: Document, role: Document) -> Document:
    if audience_of(user) == CLIENT:
        return {"company": user["company"]}
    if role["scope"] == "all" or not world.platform.get("clients", {}).get("assigned"):
        return {"clients": "all"}
    if role["scope"] == "none":
        return {"clients": []}
    assigned = user.get("clients", [])
    return {"clients": sorted(world.clients if assigned == "all" else set(assigned))}


def manages(world: World, name: str, role: Document) -> str | list[str] | None:
    if world.users[name].get("suspended"):
        return None
    if role.get("manages") == "led-teams":
        led = [team for team in world.teams.values() if name in team.get("leads", [])]
        return sorted({member for team in led for member in team.get("members", [])} - {name})
    return "all" if role.get("manages") == "all" else None


def authentication(world: World, user: Document) -> Document | None:
    """Return how a staff user signs in; where everybody must have a second factor, everybody has one."""
    if "authentication" not in world.platform or audience_of(user) == CLIENT:
        return None
    own = user.get("authentication", {"method": "sso"})
    return {
        "method": own["method"],
        "mfa": own.get("mfa", False) or world.platform["authentication"]["mfa"] == "required",
    }


def until(world: World, user: Document, t: datetime) -> dict[str, datetime]:
    """Return when permissions end by themselves, looking again whenever a window opens or closes."""
    now, _ = effective(world, user, t)
    ends: dict[str, datetime] = {}
    for later in sorted(edge for edge in edges([world.groups, world.roles, world.users]) if edge > t):
        for lost in now - effective(world, user, later)[0]:
            ends.setdefault(lost, later)
    return ends


def edges(part: Any) -> set[datetime]:
    """Return the instants at which a window in this part of the documents opens or closes."""
    if isinstance(part, list):
        return {edge for item in part for edge in edges(item)}
    if isinstance(part, dict):
        own = {instant(part[field], field) for field in ("starts", "expires") if isinstance(part.get(field), str)}
        return own | edges(list(part.values()))
    return set()


def counts(entry: str | Document, t: datetime | None) -> bool:
    if isinstance(entry, str) or t is None:
        return True
    started = "starts" not in entry or instant(entry["starts"], "starts") <= t
    return started and ("expires" not in entry or t < instant(entry["expires"], "expires"))


def instant(text: str, field: str) -> datetime:
    """Return the instant; a date `starts` at its beginning and `expires` at its end, in UTC."""
    if "T" in text:
        return datetime.fromisoformat(text).astimezone(UTC)
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=field == "expires")


# Patterns and the catalog


def matching(catalog: Document, pattern: str) -> set[str]:
    """Return the permissions of the catalog that a pattern matches, for whatever audience."""
    wanted = unalias(catalog.get("aliases", {}), pattern).split(".")
    wanted += ["*"] * (3 - len(wanted))
    return {
        p for p in permissions_of(catalog) if all(w in ("*", own) for w, own in zip(wanted, p.split("."), strict=True))
    }


def unalias(aliases: dict[str, str], pattern: str) -> str:
    if pattern in aliases:
        return aliases[pattern]
    first_two, _, last = pattern.rpartition(".")
    target = aliases.get(f"{first_two}.*")
    return pattern if target is None else target.removesuffix("*") + last


def permissions_of(catalog: Document) -> set[str]:
    return {
        f"{product}.{resource}.{name}"
        for product, in_product in catalog["products"].items()
        for resource, in_resource in in_product["resources"].items()
        for name in in_resource["actions"]
    }


def action(catalog: Document, permission: str) -> Document:
    product, resource, name = permission.split(".")
    found: Document = catalog["products"][product]["resources"][resource]["actions"][name]
    return found


def is_read(world: World, permission: str) -> bool:
    return bool(action(world.catalog, permission).get("access", "write") == "read")


def product_of(permission: str) -> str:
    return permission.split(".")[0]


def within(product: str, permissions: set[str]) -> set[str]:
    return {p for p in permissions if product_of(p) == product}


def union(each: Any, over: Any) -> set[str]:
    return {found for one in over for found in each(one)}


def named(entry: str | Document, field: str) -> str:
    name: str = entry if isinstance(entry, str) else entry[field]
    return name


# Documents


def audience_of(user: Document) -> str:
    audience: str = user.get("audience", STAFF)
    return audience


def role_of(world: World, user: Document) -> Document:
    """Return the platform role; a client user has what the platform allows its clients, in every active product."""
    if audience_of(user) == CLIENT:
        usual: Document = {"baseline": {"allow": []}, "ceiling": {"allow": ["*"]}, "access": "full", "products": "all"}
        return {**usual, **world.platform.get("client_access", {})}
    role: Document = world.platform["roles"][user["role"]]
    return role


def see_worlds(documents: list[Document], default_platform: str | None = None) -> dict[str, World]:
    """Return what each org sees."""

    def of_kind(kind: str) -> list[Document]:
        return [document for document in documents if document["kind"] == kind]

    def extended(kind: str, name: Any) -> Document:
        (own,) = [document for document in of_kind(kind) if document["id"] == name]
        if "extends" not in own:
            return own
        patch = {field: value for field, value in own.items() if field != "extends"}
        merged: Document = merge(extended(kind, own["extends"]), patch)
        return merged

    worlds = {}
    for org in of_kind("Org"):
        platform_id = org.get("platform", default_platform)
        platform = extended("Platform", platform_id)

        def visible(kind: str, org_id: str = org["id"], platform_id: Any = platform_id) -> Document:
            seen: Document = {}
            for document in of_kind(kind):
                shared = "org" not in document and document.get("platform", default_platform) == platform_id
                if shared or document.get("org") == org_id:
                    seen |= document[kind.lower()]
            return seen

        worlds[org["id"]] = World(
            org=org,
            platform=platform,
            catalog=extended("Catalog", org.get("catalog", platform["catalog"])),
            groups=platform.get("groups", {}) | visible("Groups"),
            roles=visible("Roles"),
            clients=visible("Clients"),
            teams=visible("Teams"),
            users=visible("Users"),
        )
    return worlds


def merge(base: Any, patch: Any) -> Any:
    """Return the JSON merge patch (RFC 7396) of `patch` over `base`."""
    if not isinstance(patch, dict):
        return patch
    kept = base if isinstance(base, dict) else {}
    merged = kept | {field: merge(kept.get(field), value) for field, value in patch.items()}
    return {field: value for field, value in merged.items() if patch.get(field, 0) is not None}
