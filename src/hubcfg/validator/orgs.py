"""Binds one org: everything that its documents say, with references checked."""

from operator import attrgetter

from msgspec import Struct, field

from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.places import Part, Place
from hubcfg.parser.document import Document, Value, as_map, as_strings
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Group, Role
from hubcfg.platforms.platform import Platform, bind_authentication
from hubcfg.validator.bundles import bind_groups, bind_roles, find_clashes, find_cycles
from hubcfg.validator.collect import Collected, Item, Owner
from hubcfg.validator.config import Assertion, Client, Entry, Org, Team, User
from hubcfg.validator.entries import EntryBinder
from hubcfg.validator.references import Lost, Names, ReferenceChecker, check_team, check_user
from hubcfg.validator.roster import LazyUsers, OrgRoster, RosterMismatchError
from hubcfg.validator.rules import (
    DUPLICATE_ID,
    UNKNOWN_CLIENT,
    UNKNOWN_GROUP,
    UNKNOWN_PLATFORM_ROLE,
    UNKNOWN_ROLE,
    UNKNOWN_USER,
)
from hubcfg.validator.slips import Slip
from hubcfg.validator.twin import BindUser
from hubcfg.validator.windows import check_entry_windows


class Shared(Struct):
    """The groups and Hub roles that all orgs of a platform see, the platform's own groups among them."""

    groups: dict[str, Group] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    group_items: dict[str, Item] = field(default_factory=dict)
    role_items: dict[str, Item] = field(default_factory=dict)
    unsound_groups: set[str] = field(default_factory=set)
    unsound_roles: set[str] = field(default_factory=set)


def bind_shared(collected: Collected, platform: Platform, catalog: Catalog) -> tuple[Shared, list[Finding]]:
    """Binds the shared documents of a platform, judged by the platform's own catalog."""
    owner = Owner(False, platform.id)
    shared = Shared(group_items=collected.entries("Groups", owner), role_items=collected.entries("Roles", owner))
    findings = find_clashes("group", shared.group_items.values(), (), platform.groups, platform.id)
    own = bind_groups(shared.group_items.values(), is_shared=True)
    shared.groups = own | platform.groups
    shared.roles = bind_roles(shared.role_items.values(), is_shared=True)
    binder = _BundleBinder(collected, catalog, platform, shared.groups, shared.roles)
    binder.groups.unusable |= {id for id, item in shared.group_items.items() if item.value is None}
    binder.roles.unusable |= {id for id, item in shared.role_items.items() if item.value is None}
    findings += binder.check(own, shared.roles)
    shared.unsound_groups, shared.unsound_roles = binder.groups.unusable, binder.roles.unusable
    return shared, findings


def bind_org(
    collected: Collected,
    item: Item,
    platform: Platform,
    catalog: Catalog,
    shared: Shared,
    binder: EntryBinder,
    roster: OrgRoster | None = None,
) -> tuple[Org, list[Finding], BindUser]:
    """Binds an org whose platform and catalog are known; `binder` may have bound some of its users for another tree.

    What is returned last binds one more user. Raises RosterMismatchError where the users of the `roster`, which are not among
    what was collected, may not be all right.
    """
    org = begin_org(item, platform, catalog)
    org.documents = collected.documents.get(Owner(True, item.id), {})
    if roster is not None:
        org.documents = _join_documents(org.documents, roster.documents)
    org_binder = _OrgBinder(collected, org, shared, binder, roster)
    return org, org_binder.findings, org_binder.bind()


def _join_documents(collected: dict[str, list[Document]], of_users: list[Document]) -> dict[str, list[Document]]:
    """Returns the documents by kind, in the order that they have where all of them have been collected."""
    order = attrgetter("file", "index")
    joined = collected | {"Users": sorted([*collected.get("Users", ()), *of_users], key=order)}
    return dict(sorted(joined.items(), key=lambda item: order(item[1][0]) if item[1] else ("", 0)))


def begin_org(item: Item, platform: Platform, catalog: Catalog) -> Org:
    """Returns what the Org document itself says."""
    raw = item.value
    assert raw is not None
    return Org(
        id=item.id,
        name=str(raw.get("name", item.id)),
        document=item.document,
        platform=platform,
        catalog=catalog,
        manage=str(raw.get("manage", "exclusive")),
        products={product: str(state) for product, state in as_map(raw.get("products")).items()},
        authentication=bind_authentication(raw.get("authentication")),
    )


class _BundleBinder:
    """Checks groups and roles, and spreads what is unsound to whatever includes it."""

    def __init__(
        self,
        collected: Collected,
        catalog: Catalog,
        platform: Platform,
        groups: dict[str, Group],
        roles: dict[str, Role],
    ) -> None:
        self.lost = Lost(collected.broken_texts)
        self.groups = Names(UNKNOWN_GROUP, "group", groups, self.lost)
        self.roles = Names(UNKNOWN_ROLE, "Hub role", roles, self.lost)
        self.checker = ReferenceChecker(catalog, platform.id, self.groups, self.roles)
        self._all_groups = groups

    def check(self, groups: dict[str, Group], roles: dict[str, Role]) -> list[Finding]:
        """Checks the given groups and roles; what is wrong with the others is known already."""
        findings, circles = find_cycles(groups)
        self.groups.unusable |= circles
        for group in groups.values():
            slips, is_sound = self.checker.check_group(group)
            findings += self._report(slips, group)
            if not is_sound:
                self.groups.unusable.add(group.id)
        self._spread()
        for role in roles.values():
            slips, is_sound = self.checker.check_role(role)
            findings += self._report(slips, role)
            if not is_sound:
                self.roles.unusable.add(role.id)
        return findings

    def _spread(self) -> None:
        including: dict[str, list[str]] = {}
        for group in self._all_groups.values():
            for grant in group.includes:
                including.setdefault(grant.target, []).append(group.id)
        pending = list(self.groups.unusable)
        while pending:
            for outer in including.get(pending.pop(), ()):
                if outer not in self.groups.unusable:
                    self.groups.unusable.add(outer)
                    pending.append(outer)

    def _report(self, slips: list[Slip], bundle: Group | Role) -> list[Finding]:
        raw = bundle.document.value
        for step in bundle.path:
            raw = raw[step] if isinstance(raw, dict) and isinstance(step, str) else None
        windows = check_entry_windows(raw) if isinstance(raw, dict) else []
        if windows:
            (self.groups if isinstance(bundle, Group) else self.roles).unusable.add(bundle.id)
        return [slip.at(bundle.document, bundle.path) for slip in [*slips, *windows]]


class _OrgBinder:
    def __init__(
        self, collected: Collected, org: Org, shared: Shared, binder: EntryBinder, roster: OrgRoster | None
    ) -> None:
        self.findings: list[Finding] = []
        self._entries = binder
        self._roster = roster
        self._collected = collected
        self._org = org
        self._shared = shared
        self._owner = Owner(True, org.id)

    def bind(self) -> BindUser:
        """Fills the org and `findings`; returns what binds one more user of it."""
        org, platform = self._org, self._org.platform
        group_items, role_items = self._items("Groups"), self._items("Roles")
        shared_groups = self._shared.group_items
        self.findings += find_clashes(
            "group", group_items.values(), shared_groups.values(), platform.groups, platform.id
        )
        self.findings += find_clashes("role", role_items.values(), self._shared.role_items.values(), (), platform.id)
        own_groups = bind_groups(group_items.values(), is_shared=False)
        own_roles = bind_roles(role_items.values(), is_shared=False)
        org.groups = own_groups | self._shared.groups
        org.roles = own_roles | self._shared.roles
        bundles = _BundleBinder(self._collected, org.catalog, platform, org.groups, org.roles)
        bundles.groups.unusable |= self._shared.unsound_groups | _broken(group_items)
        bundles.roles.unusable |= self._shared.unsound_roles | _broken(role_items)
        if self._roster is None or not self._roster.is_trusted:
            self.findings += bundles.check(own_groups, own_roles)
        self._bind_clients()
        bind_user = self._bind_users(bundles)
        self._bind_teams(bundles.lost)
        self._bind_assertions(bundles)
        self._check_products(bundles.checker)
        org.is_partial = self._collected.is_partial or bool(_broken(self._items("Users")))
        return bind_user

    def _items(self, kind: str) -> dict[str, Item]:
        return self._collected.entries(kind, self._owner)

    def _bind_clients(self) -> None:
        for id, item in self._items("Clients").items():
            if item.value is not None:
                name, departments = item.value.get("name"), item.value.get("departments")
                self._org.clients[id] = Client(
                    id, item.document, str(name) if name is not None else id, tuple(sorted(as_strings(departments)))
                )

    def _bind_users(self, bundles: _BundleBinder) -> BindUser:
        org, binder = self._org, self._entries
        verdicts: dict[Entry, tuple[list[Slip], bool]] = {}
        where = f"on the platform `{org.platform.id}`"
        roles = Names(UNKNOWN_PLATFORM_ROLE, "role", org.platform.roles, where=where)
        clients = self._clients(bundles.lost)
        departments = set(org.department_owners())

        def judge(user: User) -> tuple[list[Finding], bool]:
            entry = user.entry
            verdict = verdicts.get(entry)
            if verdict is None:
                slips, is_sound = bundles.checker.check_entry(entry, roles)
                windows = binder.slips[entry]
                verdict = verdicts[entry] = (slips + windows, is_sound and not windows)
            findings = [slip.at(user.document, user.path) for slip in verdict[0]]
            if user.company is not None or user.clients is not None:
                findings += check_user(user, org.platform, clients, departments)
            return findings, verdict[1]

        def bind_one(document: Document, id: str) -> User | None:
            value = as_map(as_map(document.value).get("users")).get(id)
            if not isinstance(value, dict):
                return None
            user = binder.bind(Item(id, document, value, "users"))
            findings, is_sound = judge(user)
            return user if is_sound and not findings else None

        uids: dict[str, User] = {}
        users: dict[str, User] = {}
        roster = self._roster
        if roster is not None and not roster.is_trusted:
            users |= roster.users
            if any(judge(user) != ([], True) for user in roster.kinds):
                raise RosterMismatchError
        for item in self._items("Users").values():
            if item.value is None:
                continue
            user = binder.bind(item)
            if roster is not None:
                roster.claim(user)
            users[user.id] = user
            findings, is_sound = judge(user)
            if findings:
                self.findings += findings
            if not is_sound:
                org.unsound.add(user.id)
            if user.uid is not None and uids.setdefault(user.uid, user) is not user:
                self._report_uid(user, uids[user.uid])
        if roster is not None and roster.is_trusted:
            org.users = LazyUsers(sorted([*roster.ids, *users]), lambda: _sort_users(roster.users | users))
        else:
            org.users = _sort_users(users)
        return bind_one

    def _report_uid(self, user: User, first: User) -> None:
        related = (Related(f"`{first.id}` has it", _place(first.document, *first.path, "uid")),)
        self.findings.append(
            find(
                DUPLICATE_ID,
                f"the uid `{user.uid}` belongs to `{first.id}` already",
                _place(user.document, *user.path, "uid"),
                help="a uid names one person; look it up at the identity provider",
                related=related,
            )
        )

    def _clients(self, lost: Lost) -> Names:
        names = Names(UNKNOWN_CLIENT, "client", self._org.clients, lost)
        names.unusable |= _broken(self._items("Clients"))
        return names

    def _users(self, lost: Lost) -> Names:
        names = Names(UNKNOWN_USER, "user", self._org.users, lost, where=f"in the org `{self._org.id}`")
        names.unusable |= _broken(self._items("Users"))
        return names

    def _bind_teams(self, lost: Lost) -> None:
        if not self._org.platform.has_teams:
            return  # the documents themselves are out of place
        users = self._users(lost)
        for id, item in self._items("Teams").items():
            if item.value is not None:
                team = Team(
                    id, item.document, as_strings(item.value.get("leads")), as_strings(item.value.get("members"))
                )
                self._org.teams[id] = team
                self.findings += [slip.at(item.document, ()) for slip in check_team(team, users)]

    def _bind_assertions(self, bundles: _BundleBinder) -> None:
        users, clients = self._users(bundles.lost), self._clients(bundles.lost)
        clients.unusable |= set(self._org.department_owners())  # they have a rule of their own
        for document in self._org.documents.get("Tests", []):
            raw = document.value
            tests = raw.get("tests") if isinstance(raw, dict) else None
            for index, value in enumerate(tests if isinstance(tests, list) else ()):
                assertion = _bind_assertion(document, index, value)
                if assertion is not None:
                    self._org.assertions.append(assertion)
                    slips = bundles.checker.check_assertion(assertion, users, clients)
                    self.findings += [slip.at(document, ()) for slip in slips]

    def _check_products(self, checker: ReferenceChecker) -> None:
        org = self._org
        if not org.platform.subscriptions:
            return
        for product in org.products:
            slip, _ = checker.products.check(product, ("products", product), Part.KEY)
            if slip:
                self.findings.append(slip.at(org.document, ()))


def _sort_users(users: dict[str, User]) -> dict[str, User]:
    return {id: users[id] for id in sorted(users)}


def _bind_assertion(document: Document, index: int, raw: Value) -> Assertion | None:
    value = as_map(raw)
    if not isinstance(value.get("user"), str) or not isinstance(value.get("name"), str):
        return None
    products, scope, as_of = value.get("products"), value.get("scope"), value.get("as_of")
    bound_scope: dict[str, object] = {
        key: tuple(map(str, part)) if isinstance(part, list) else part for key, part in as_map(scope).items()
    }
    return Assertion(
        document,
        index,
        str(value["name"]),
        str(value["user"]),
        as_strings(value.get("can")),
        as_strings(value.get("cannot")),
        as_of if isinstance(as_of, str) else None,
        as_strings(products) if isinstance(products, list) else None,
        bound_scope if isinstance(scope, dict) else None,
    )


def _broken(items: dict[str, Item]) -> set[str]:
    return {id for id, item in items.items() if item.value is None}


def _place(document: Document, *path: str | int) -> Place:
    return document.place(*path)
