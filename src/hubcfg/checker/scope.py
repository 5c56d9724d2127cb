"""What rules look at: one org with its access, or the project as a whole."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from hubcfg.core.instants import Instant
from hubcfg.core.places import KeyPath, Part, Place
from hubcfg.parser.document import Value
from hubcfg.platforms.grants import Audience, Grant, Grants, Group, Role
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.access import Holding, OrgAccess
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.validator.config import Config, Entry, Org, Project, Separation, User


class Listed(Struct, frozen=True):
    """One entry of a `permissions`, `groups`, `roles` or `includes` list: where it stands, relative to its owner.

    `field` is the list's name; `product` the product entry that the list belongs to, if any.
    """

    field: str
    index: int
    grant: Grant
    product: str | None = None

    @property
    def path(self) -> KeyPath:
        """The path of the whole item, relative to its owner."""
        head: KeyPath = () if self.product is None else ("products", self.product)
        return (*head, self.field, self.index)

    @property
    def target_path(self) -> KeyPath:
        """The path of the pattern or id itself, relative to its owner."""
        if not self.grant.is_object:
            return self.path
        return (*self.path, {"permissions": "permission", "roles": "role"}.get(self.field, "group"))


class OrgCheck:
    """One org with its access, for rules. Rules see only users whose access is known (`users`), unless they ask for all.

    `before` is the org as the base has it that changes are judged by; None where there is none.
    `separations` are the project's separations of duties, and those that only the base still has.
    """

    def __init__(
        self,
        project: Project,
        access: OrgAccess,
        before: Org | None = None,
        separations: tuple[Separation, ...] | None = None,
    ) -> None:
        self.project = project
        self.separations = project.separations if separations is None else separations
        self.access = access
        self.before = before
        self.org: Org = access.org
        self.instant: Instant = access.instant
        self.resolver = OrgResolver(access.org)
        # What several rules need to know of an entry, as long as they are at it.
        self.memo: dict[Entry, object] = {}

    @cached_property
    def active(self) -> Mask:
        """The permissions of the products that the org can use."""
        return self.resolver.within(self.org.active_products)

    @property
    def is_as_before(self) -> bool:
        """Whether the base has the very same org."""
        return self.before is self.org

    @cached_property
    def base_holders(self) -> dict[str, frozenset[str]] | None:
        """The users who hold each platform role in the base; None without a base."""
        return holders_by_role(self.before) if self.before is not None else None

    @cached_property
    def users(self) -> list[User]:
        """The users whose access is known: what their entries refer to is without error."""
        return [user for user in self.org.users.values() if user.id not in self.org.unsound]

    @cached_property
    def by_entry(self) -> dict[Entry, list[User]]:
        """The users whose access is known, by what their entries say; one check serves all who share an entry."""
        return _group_by_entry(self.users)

    @cached_property
    def all_by_entry(self) -> dict[Entry, list[User]]:
        """All users by what their entries say, for rules that need no more of an entry than what they judge."""
        return _group_by_entry(self.org.users.values())

    @cached_property
    def has_shared_bundles(self) -> bool:
        """Whether the org sees any group or Hub role of the project's shared documents."""
        org = self.org
        bundles: list[Group | Role] = [*org.groups.values(), *org.roles.values()]
        return any(one.is_shared and not is_of_platform(one) for one in bundles)

    def holding(self, entry: Entry) -> Holding:
        """Returns what the users with an entry hold."""
        return self.access.holdings[entry]

    def place(self, user: User, *path: str | int, part: Part = Part.VALUE) -> Place:
        """Returns the place of something in a user's entry."""
        return Place(user.document.file, user.document.index, (*user.path, *path), part)

    def user_key(self, user: User) -> Place:
        """Returns the place of the user's key."""
        return self.place(user, part=Part.KEY)

    def written_order(self, user: User) -> tuple[str, int, int]:
        """The order in which users stand in files: file, document, and position in it."""
        return user.document.file, user.document.index, list(_written_users(user)).index(user.id)

    def is_written(self, user: User, field: str) -> bool:
        """Whether the user's entry has one of the fields that are for staff, empty or not."""
        match field:
            case "authentication":
                return user.has_authentication
            case "clients":
                return user.clients is not None
            case "role":
                return user.entry.role is not None
        assert field == "products"
        return user.entry.products is not None

    def bundles(self) -> Iterator[Group | Role]:
        """Yields the groups and Hub roles that the org's own documents define."""
        yield from (group for group in self.org.groups.values() if not group.is_shared)
        yield from (role for role in self.org.roles.values() if not role.is_shared)


class ProjectCheck(Struct, frozen=True):
    """The project as a whole, for rules about what its orgs share.

    `facts` are what rules have gathered from each org, by the rules' names. Where orgs are checked in other processes that is all
    there is to know of what belongs to one org: the orgs here then are without users and groups of their own.
    """

    config: Config
    orgs: list[OrgCheck] = field(default_factory=list)
    facts: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def shared_bundles(self) -> Iterator[Group | Role]:
        """Yields the groups and Hub roles that the project's shared documents define; not those of its platforms."""
        for groups in self.config.shared_groups.values():
            yield from (group for group in groups if not is_of_platform(group))
        for roles in self.config.shared_roles.values():
            yield from roles

    @property
    def instant(self) -> Instant:
        """The instant of the run."""
        return self.orgs[0].instant if self.orgs else Instant(0)


def holders_by_role(org: Org) -> dict[str, frozenset[str]]:
    """Returns the staff users who hold each platform role of an org: what `OrgCheck.base_holders` is of the base."""
    holders: dict[str, set[str]] = {role: set() for role in org.platform.roles}
    for user in org.users.values():
        if user.entry.audience is Audience.STAFF and user.entry.role in holders:
            holders[user.entry.role].add(user.id)
    return {role: frozenset(ids) for role, ids in holders.items()}


def is_of_platform(bundle: Group | Role) -> bool:
    """Whether a group is a platform's own, built in or defined in a Platform document."""
    raw = bundle.document.value
    return isinstance(raw, dict) and raw.get("kind") == "Platform"


def listed_grants(owner: Entry | Group | Role) -> list[Listed]:
    """Returns each entry of each list of a user's entry, a group or a role, product entries among them."""
    # Lists, and most of them empty: this is asked for each distinct entry by many rules.
    if isinstance(owner, Group):
        return [*_listed("includes", owner.includes), *_listed("permissions", owner.permissions)]
    listed = _listed("roles", owner.roles) if isinstance(owner, Entry) else []
    if owner.groups:
        listed += _listed("groups", owner.groups)
    if owner.permissions:
        listed += _listed("permissions", owner.permissions)
    if isinstance(owner, Entry):
        for product in owner.products or ():
            if product.roles or product.groups or product.permissions:
                listed += _listed("roles", product.roles, product.product)
                listed += _listed("groups", product.groups, product.product)
                listed += _listed("permissions", product.permissions, product.product)
    return listed


def listed_denies(entry: Entry) -> Iterator[tuple[KeyPath, str, str | None]]:
    """Yields each deny of an entry: its relative path, the pattern, and the product that it is restricted to, if any."""
    for index, pattern in enumerate(entry.deny):
        yield ("deny", index), pattern, None
    for product in entry.products or ():
        for index, pattern in enumerate(product.deny):
            yield ("products", product.product, "deny", index), pattern, product.product


def bundle_place(bundle: Group | Role, *path: str | int, part: Part = Part.VALUE) -> Place:
    """Returns the place of something in a group or Hub role."""
    return Place(bundle.document.file, bundle.document.index, (*bundle.path, *path), part)


def _group_by_entry(users: Iterable[User]) -> dict[Entry, list[User]]:
    found: dict[Entry, list[User]] = {}
    for user in users:
        found.setdefault(user.entry, []).append(user)
    return found


def _written_users(user: User) -> dict[str, Value]:
    raw = user.document.value
    users = raw.get("users") if isinstance(raw, dict) else None
    return users if isinstance(users, dict) else {}


def _listed(field: str, grants: Grants, product: str | None = None) -> list[Listed]:
    return [Listed(field, index, grant, product) for index, grant in enumerate(grants)]
