"""Checks what an org's groups, roles, users, teams and tests refer to."""

from collections.abc import Iterable

from hubcfg.core.finding import Finding
from hubcfg.core.nearest import did_you_mean
from hubcfg.core.places import KeyPath, Part
from hubcfg.core.rule import Rule
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Audience, Grants, Group, Role
from hubcfg.platforms.platform import Platform
from hubcfg.validator.config import Assertion, Entry, ProductEntry, Team, User
from hubcfg.validator.patterns import PatternChecker
from hubcfg.validator.rules import UNKNOWN_PRODUCT
from hubcfg.validator.slips import Slip
from hubcfg.validator.windows import is_instant, not_an_instant


class Names:
    """The names of one kind that may be referred to.

    `unusable` are defined but in error, or may be defined in a file that could not be read: a reference to one is no
    finding of its own, but whatever relies on it is not known. `lost` is None for what one document defines that could be read.
    """

    def __init__(
        self, rule: Rule, noun: str, known: Iterable[str], lost: "Lost | None" = None, *, where: str = ""
    ) -> None:
        self.rule = rule
        self.noun = noun
        self._where = where and f" {where}"
        self.known = set(known)
        self.unusable: set[str] = set()
        self._lost = lost

    def check(self, name: str, path: KeyPath, part: Part = Part.VALUE) -> tuple[Slip | None, bool]:
        """Returns what is wrong with a reference, and whether it can be relied on."""
        if name in self.known:
            return None, name not in self.unusable
        if name in self.unusable or (self._lost is not None and self._lost.is_lost(name)):
            return None, False
        message = f"there is no {self.noun} `{name}`{self._where}"
        return Slip(path, self.rule, message, did_you_mean(name, self.known), part), False


class Lost:
    """Knows which names may be defined in files that could not be read."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def is_lost(self, name: str) -> bool:
        """Whether the name occurs in a file that could not be read to its end."""
        return any(name in text for text in self._texts)


class ReferenceChecker:
    """Checks references within one org, or within the shared documents of one platform."""

    def __init__(self, catalog: Catalog, platform: str, groups: Names, roles: Names) -> None:
        self.patterns = PatternChecker(catalog)
        self.products = Names(UNKNOWN_PRODUCT, "product", catalog.products, where=f"in the catalog `{catalog.id}`")
        self.groups, self.roles = groups, roles
        self._platform = platform

    def check_group(self, group: Group) -> tuple[list[Slip], bool]:
        """Returns what is wrong with a group's references, and whether the group can be relied on."""
        slips, is_sound = self._check_names(self.groups, group.includes, ("includes",))
        slips += self._check_patterns(group.permissions, ("permissions",))
        return slips, is_sound and not slips

    def check_role(self, role: Role) -> tuple[list[Slip], bool]:
        """Returns what is wrong with a Hub role's references, and whether the role can be relied on."""
        slips, is_sound = self._check_names(self.groups, role.groups, ("groups",))
        slips += self._check_patterns(role.permissions, ("permissions",))
        return slips, is_sound and not slips

    def check_entry(self, entry: Entry, platform_roles: Names) -> tuple[list[Slip], bool]:
        """Returns what is wrong with an entry's references, and whether what it gives is known."""
        slips, is_sound = self._check_access(entry, ())
        if entry.role is not None:
            slip, is_known = platform_roles.check(entry.role, ("role",))
            slips += [slip] if slip else []
            is_sound &= is_known
        for product in entry.products or ():
            path: KeyPath = ("products", product.product)
            slip, _ = self.products.check(product.product, path, Part.KEY)
            more, more_sound = self._check_access(product, path)
            slips += ([slip] if slip else []) + more
            is_sound &= more_sound
        return slips, is_sound and not slips

    def check_assertion(self, assertion: Assertion, users: Names, clients: Names) -> list[Slip]:
        """Returns what is wrong with a test's references."""
        base: KeyPath = ("tests", assertion.index)
        slip, _ = users.check(assertion.user, (*base, "user"))
        slips = [slip] if slip else []
        slips += self.patterns.check_all(assertion.can, (*base, "can"))
        slips += self.patterns.check_all(assertion.cannot, (*base, "cannot"))
        if assertion.as_of is not None and not is_instant(assertion.as_of):
            slips.append(not_an_instant(assertion.as_of, (*base, "as_of")))
        for index, product in enumerate(assertion.products or ()):
            slip, _ = self.products.check(product, (*base, "products", index))
            slips += [slip] if slip else []
        scope = assertion.scope or {}
        listed = scope.get("clients")
        for index, client in enumerate(listed if isinstance(listed, tuple) else ()):
            slip, _ = clients.check(client, (*base, "scope", "clients", index))
            slips += [slip] if slip else []
        if isinstance(company := scope.get("company"), str):
            slip, _ = clients.check(company, (*base, "scope", "company"))
            slips += [slip] if slip else []
        return slips

    def _check_access(self, access: Entry | ProductEntry, path: KeyPath) -> tuple[list[Slip], bool]:
        slips, has_groups = self._check_names(self.groups, access.groups, (*path, "groups"))
        role_slips, has_roles = self._check_names(self.roles, access.roles, (*path, "roles"))
        slips += role_slips + self._check_patterns(access.permissions, (*path, "permissions"))
        slips += self.patterns.check_all(access.deny, (*path, "deny"))
        return slips, has_groups and has_roles

    def _check_names(self, names: Names, grants: Grants, path: KeyPath) -> tuple[list[Slip], bool]:
        slips: list[Slip] = []
        is_sound = True
        for index, grant in enumerate(grants):
            key = names.noun.rsplit(" ", 1)[-1]
            slip, is_known = names.check(grant.target, grant_path(grant.is_object, path, index, key))
            slips += [slip] if slip else []
            is_sound &= is_known
        return slips, is_sound

    def _check_patterns(self, grants: Grants, path: KeyPath) -> list[Slip]:
        return [
            slip
            for index, grant in enumerate(grants)
            if (slip := self.patterns.check(grant.target, grant_path(grant.is_object, path, index, "permission")))
        ]


def grant_path(is_object: bool, path: KeyPath, index: int, key: str) -> KeyPath:
    """Returns the path of a grant's target: the item, or in the object form the value of its `key`."""
    return (*path, index, key) if is_object else (*path, index)


def check_team(team: Team, users: Names) -> list[Slip]:
    """Returns what is wrong with a team's references."""
    slips = []
    for field, listed in (("leads", team.leads), ("members", team.members)):
        for index, user in enumerate(listed):
            slip, _ = users.check(user, ("teams", team.id, field, index))
            slips += [slip] if slip else []
    return slips


def check_user(user: User, platform: Platform, clients: Names, departments: set[str]) -> list[Finding]:
    """Returns what is wrong with the clients that a user's entry names.

    Departments have a rule of their own, and so has a field that the platform or the audience does not have.
    """
    slips = []
    is_client = user.entry.audience is Audience.CLIENT
    if user.company is not None and is_client and platform.client_users and user.company not in departments:
        slips.append(clients.check(user.company, ("company",))[0])
    has_clients = isinstance(user.clients, tuple) and not is_client and platform.assigns_clients
    for index, client in enumerate(user.clients or () if has_clients else ()):
        if client not in departments:
            slips.append(clients.check(client, ("clients", index))[0])
    return [slip.at(user.document, user.path) for slip in slips if slip]
