"""A platform: its roles and what they may hold, and which features its orgs have (docs/platforms.md)."""

from enum import Enum

from msgspec import Struct

from hubcfg.parser.document import Document, Value, as_map, as_strings
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Group, bind_group
from hubcfg.platforms.masks import Mask


class Scope(Enum):
    """Which clients a role's holders work for."""

    ALL = "all"
    ASSIGNED = "assigned"
    NONE = "none"


class Reach(Enum):
    """Over whom a role approves or manages: nobody, the teams that its holder leads, or everybody."""

    NONE = "none"
    LED_TEAMS = "led-teams"
    ALL = "all"


class Transfer(Enum):
    """How a role may change hands."""

    FREE = "free"
    PREVIOUS_HOLDER = "previous-holder"
    FORBIDDEN = "forbidden"


class PatternSet(Struct, frozen=True):
    """The union of the `allow` patterns less that of the `exclude` ones (`except` in YAML)."""

    allow: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def match_set(catalog: Catalog, patterns: PatternSet) -> Mask:
    """Returns the permissions of a baseline or ceiling, of any audience."""
    allowed = excluded = 0
    for pattern in patterns.allow:
        allowed |= catalog.match(pattern)
    for pattern in patterns.exclude:
        excluded |= catalog.match(pattern)
    return allowed & ~excluded


class PlatformRole(Struct, frozen=True):
    """One role of a platform; the fields are those of the Platform document."""

    id: str
    name: str
    root: bool
    min_holders: int
    max_holders: int | None
    baseline: PatternSet
    ceiling: PatternSet
    is_read_only: bool
    has_all_products: bool
    implied_products: tuple[str, ...]
    scope: Scope
    approves: Reach
    assignment_needs_approval: bool
    transfer: Transfer
    obligations: tuple[tuple[str, tuple[str, ...] | None], ...]  # name → categories; None: whatever is sensitive
    manages: Reach


class Authentication(Struct, frozen=True):
    """The sign-in methods there are, and whether a second factor is required."""

    methods: tuple[str, ...]
    mfa_required: bool


class Platform(Struct, frozen=True):
    """A resolved Platform document."""

    id: str
    name: str
    catalog: str
    document: Document
    subscriptions: bool
    always_active: tuple[str, ...]
    client_users: bool
    client_baseline: PatternSet
    client_ceiling: PatternSet
    has_clients: bool
    has_departments: bool
    assigns_clients: bool
    has_teams: bool
    roles: dict[str, PlatformRole]
    changes: dict[str, tuple[str, ...]]
    groups: dict[str, Group]
    onboarding: dict[str, str]
    authentication: Authentication | None
    raw: dict[str, Value]


def bind_platform(document: Document) -> Platform:
    """Returns the platform that a resolved document, which has passed its schema, describes."""
    raw = document.value
    assert isinstance(raw, dict)
    clients = raw.get("clients")
    access = as_map(raw.get("client_access"))
    client_ceiling = access.get("ceiling")
    platform_id = str(raw["id"])
    return Platform(
        id=platform_id,
        name=str(raw.get("name", platform_id)),
        catalog=str(raw["catalog"]),
        document=document,
        subscriptions=raw.get("subscriptions", True) is True,
        always_active=as_strings(raw.get("always_active")),
        client_users=raw.get("client_users") is True,
        client_baseline=_pattern_set(access.get("baseline")),
        client_ceiling=PatternSet(("*",)) if client_ceiling is None else _pattern_set(client_ceiling),
        has_clients=clients is not None,
        has_departments=as_map(clients).get("departments") is True,
        assigns_clients=as_map(clients).get("assigned") is True,
        has_teams=raw.get("teams") is True,
        roles={role: _bind_role(role, as_map(value)) for role, value in as_map(raw.get("roles")).items()},
        changes=_bind_changes(raw.get("changes")),
        groups={
            group: bind_group(document, ("groups", group), as_map(value), is_shared=True)
            for group, value in as_map(raw.get("groups")).items()
        },
        onboarding={
            product: str(as_map(value)["onboarding"])
            for product, value in as_map(raw.get("products")).items()
            if "onboarding" in as_map(value)
        },
        authentication=bind_authentication(raw.get("authentication")),
        raw={key: value for key, value in raw.items() if key != "extends"},
    )


def _bind_role(role: str, raw: dict[str, Value]) -> PlatformRole:
    holders = as_map(raw.get("holders"))
    minimum, maximum = holders.get("min"), holders.get("max")
    return PlatformRole(
        id=role,
        name=str(raw.get("name", role)),
        root=raw.get("root") is True,
        min_holders=minimum if isinstance(minimum, int) else 0,
        max_holders=maximum if isinstance(maximum, int) else None,
        baseline=_pattern_set(raw.get("baseline")),
        ceiling=_pattern_set(raw.get("ceiling")),
        is_read_only=raw.get("access") == "read-only",
        has_all_products=raw.get("products") == "all",
        implied_products=as_strings(raw.get("implied_products")),
        scope=Scope(raw.get("scope")),
        approves=_reach(raw.get("approves", False)),
        assignment_needs_approval=raw.get("assignment_needs_approval") is True,
        transfer=Transfer(raw.get("transfer", "free")),
        obligations=tuple(
            (name, None if categories == "sensitive" else as_strings(categories))
            for name, categories in sorted(as_map(raw.get("obligations")).items())
        ),
        manages=_reach(raw.get("manages", "none")),
    )


def bind_authentication(raw: Value) -> Authentication | None:
    """Returns the sign-in rules of a platform or org; None where it has none."""
    if not isinstance(raw, dict):
        return None
    return Authentication(as_strings(raw.get("methods")), raw.get("mfa") == "required")


def _bind_changes(raw: Value) -> dict[str, tuple[str, ...]]:
    changes: dict[str, tuple[str, ...]] = {}
    for entry in raw if isinstance(raw, list) else []:
        change = as_map(entry)
        changes[str(change["change"])] = as_strings(change.get("by"))
    return changes


def _pattern_set(raw: Value) -> PatternSet:
    patterns = as_map(raw)
    return PatternSet(as_strings(patterns.get("allow")), as_strings(patterns.get("except")))


def _reach(raw: Value) -> Reach:
    if isinstance(raw, bool):
        return Reach.ALL if raw else Reach.NONE
    return Reach(raw)
