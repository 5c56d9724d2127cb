"""Makes the documents of an org that is imported: as few and as short as say the same."""

import re
from collections.abc import Iterable, Iterator
from itertools import count

from msgspec import Struct, field

from hubcfg.core.ids import find_user_id_fault, fold_id
from hubcfg.core.instants import DAY, END, Instant, format_instant
from hubcfg.importing.factor import Factoring, Given, NewGroup, Share
from hubcfg.importing.held import HeldOrg, HeldPerson, Lists
from hubcfg.importing.ids import is_id, make_id
from hubcfg.importing.needs import Need, NeedFinder, Words
from hubcfg.importing.teams import find_teams
from hubcfg.importing.wildcards import write_patterns
from hubcfg.parser.document import Value
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import Platform, Reach, Scope
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.resolver.windows import ALWAYS
from hubcfg.validator.config import Org

Page = dict[str, Value]

# A group of so many products at most is named after them.
MOST_PRODUCTS = 2


def make_org_page(held: HeldOrg, platform: Platform, catalog: Catalog | None, default: str | None) -> Page:
    """Returns the Org document; `catalog` is the platform's or the one that it names, `default` the project's platform."""
    page: Page = {"kind": "Org", "id": held.id}
    if platform.id != default:
        page["platform"] = platform.id
    if catalog is not None and catalog.id != platform.catalog:
        page["catalog"] = catalog.id
    if held.manage == "listed":
        page["manage"] = "listed"
    known = () if catalog is None else catalog.products
    products: dict[str, Value] = {
        id: state
        for id, state in sorted((held.products or {}).items())
        if id in known and id not in platform.always_active and state in ("active", "trial")
    }
    if products and platform.subscriptions:
        page["products"] = products
    return page


class Drafted(Struct):
    """The documents of an org by kind, and who could not be written, with the reasons. `holders` are those of new groups."""

    pages: dict[str, Page] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    holders: dict[str, int] = field(default_factory=dict)


class Drafter:
    """Makes the documents of one org, whose platform, catalog and products `org` has; they have no people yet."""

    def __init__(self, org: Org, held: HeldOrg, needs: NeedFinder, words: Words, *, wildcards: bool) -> None:
        self._org = org
        self._held = held
        self._needs = needs
        self._words = words
        self._wildcards = wildcards
        self._drafted = Drafted()
        self._clients = self._pick_clients()
        self._ids: dict[Mask, str] = {}
        self._uids: set[str] = set()

    def draft(self) -> Drafted:
        """Returns the documents that there is something to say in."""
        people = dict(self._pick_people())
        needs = {id: self._needs.find(person) for id, person in people.items()}
        shares = {
            id: Share(person.audience, person.role, needs[id].pieces, may_deny=person.lists is None)
            for id, person in people.items()
        }
        factoring = Factoring(shares.values(), self._known_groups())
        self._name_groups(factoring.groups)
        entries = {id: self._write_user(person, needs[id], factoring.give(shares[id])) for id, person in people.items()}
        order = {role: place for place, role in enumerate(self._org.platform.roles)}
        # Who holds the same stands together.
        places = {
            id: (order.get(person.role or "", len(order)), str(entries[id].get("groups")))
            for id, person in people.items()
        }
        ids = sorted(people, key=lambda id: (places[id][0], _natural(places[id][1]), id))
        groups = sorted(factoring.groups, key=lambda group: _natural(self._ids[group.mask]))
        self._add("Groups", {self._ids[group.mask]: self._write_group(group) for group in groups})
        self._add("Clients", self._clients)
        self._add("Users", {id: entries[id] for id in ids})
        if self._org.platform.has_teams:
            self._add("Teams", find_teams(dict(self._managed(people.values())), people))
        return self._drafted

    def _add(self, kind: str, entries: dict[str, Value]) -> None:
        if entries:
            self._drafted.pages[kind] = {"kind": kind, "org": self._org.id, kind.lower(): entries}

    def _pick_clients(self) -> dict[str, Value]:
        if not self._org.platform.has_clients:
            return {}
        clients: dict[str, Value] = {}
        for id, client in sorted(self._held.clients.items()):
            if not is_id(id) or id == "all":
                continue
            departments = (
                [one for one in client.departments if is_id(one)] if self._org.platform.has_departments else []
            )
            said: dict[str, Value] = {} if client.name in (None, id) else {"name": client.name}
            clients[id] = said | ({"departments": list(departments)} if departments else {})
        return clients

    def _pick_people(self) -> Iterator[tuple[str, HeldPerson]]:
        """Yields the people who can be written; of the others the reasons are kept."""
        seen: dict[str, str] = {}
        for id, person in sorted(self._held.people.items()):
            fault = self._find_fault(person) or (
                f"its id looks like that of {seen[fold_id(id)]}" if fold_id(id) in seen else None
            )
            if fault is not None:
                self._drafted.left_out[id] = fault
            else:
                seen[fold_id(id)] = id
                yield id, person

    def _find_fault(self, person: HeldPerson) -> str | None:
        platform = self._org.platform
        fault = find_user_id_fault(person.id)
        if fault is not None:
            return f"its id {fault}"
        if person.audience is Audience.CLIENT:
            if not platform.client_users:
                return f"the platform {platform.id} has no client users"
            return None if person.company in self._clients else "it belongs to no client that there is"
        if person.role not in platform.roles:
            return f"the platform {platform.id} has no such role"
        return None

    def _known_groups(self) -> dict[Audience, dict[str, Mask]]:
        """Returns the groups that there are already, as far as time does not matter in them."""
        resolver = OrgResolver(self._org)
        known: dict[Audience, dict[str, Mask]] = {audience: {} for audience in Audience}
        for group in self._org.groups.values():
            terms = resolver.group_terms(group.id)
            if terms.keys() == {ALWAYS}:
                known[group.audience][group.id] = terms[ALWAYS] & self._org.catalog.of_audience(group.audience)
        return known

    def _name_groups(self, groups: list[NewGroup]) -> None:
        """Gives each new group an id: after the role of those who have it and its products, where these are few."""
        taken = set(self._org.groups)
        for group in sorted(groups, key=lambda one: (-one.holders, -one.mask.bit_count(), one.mask)):
            whose = (
                "client" if group.audience is Audience.CLIENT else group.roles[0] if len(group.roles) == 1 else "staff"
            )
            base = make_id(whose if group.holders else f"{whose}-base")
            products = sorted({text.partition(".")[0] for text in self._words.texts(group.mask)})
            names = [name for name in map(make_id, products) if name]
            named = make_id("-".join([base, *names])) if 0 < len(names) <= MOST_PRODUCTS else f"{base}-1"
            id = named if named not in taken else next(
                f"{base}-{number}" for number in count(1) if f"{base}-{number}" not in taken
            )  # fmt: skip
            taken.add(id)
            self._ids[group.mask] = id
            self._drafted.holders[id] = group.holders

    def _write_group(self, group: NewGroup) -> Page:
        page: Page = {}
        if group.audience is Audience.CLIENT:
            page["audience"] = "client"
        if group.includes:
            page["includes"] = list[Value](sorted(self._ids[mask] for mask in group.includes))
        if group.own:
            page["permissions"] = list[Value](self._patterns(group.own))
        return page

    def _patterns(self, mask: Mask) -> list[str]:
        if not self._wildcards:
            return self._words.texts(mask)
        catalog = self._org.catalog
        return write_patterns(catalog, mask & catalog.all) + self._words.texts(mask & ~catalog.all)

    def _write_user(self, person: HeldPerson, need: Need, given: Given) -> Page:
        lists = person.lists or Lists()
        entry: Page = {} if person.name is None else {"name": person.name}
        if person.uid is not None and person.uid not in self._uids:
            self._uids.add(person.uid)
            entry["uid"] = person.uid
        if person.audience is Audience.CLIENT:
            entry |= {"audience": "client", "company": person.company}
        else:
            entry["role"] = person.role
        groups = [
            *lists.groups,
            *((self._ids.get(key, str(key)) if isinstance(key, int) else key, end) for key, end in given.groups),
        ]
        permissions = [(text, end) for mask, end in given.direct for text in self._patterns(mask)]
        fields: Page = {
            "roles": _grants("role", lists.roles),
            "groups": _grants("group", groups),
            "permissions": _grants("permission", permissions),
            "deny": [*lists.deny, *self._words.texts(given.deny)],
        }
        entry |= {field: value for field, value in fields.items() if value}
        if need.products is not None:
            entry["products"] = {product: {} for product in need.products}
        role = self._org.platform.roles.get(person.role or "")
        if role is not None and role.scope is Scope.ASSIGNED and self._org.platform.assigns_clients and person.clients:
            clients = person.clients
            entry["clients"] = clients if isinstance(clients, str) else [one for one in clients if one in self._clients]
        sign_in = self._write_sign_in(person)
        if sign_in:
            entry["authentication"] = sign_in
        if person.is_suspended:
            entry["suspended"] = True
        return entry

    def _write_sign_in(self, person: HeldPerson) -> Page | None:
        """Returns how a person signs in, where it is not what goes without saying."""
        rules = self._org.platform.authentication
        if rules is None or person.sign_in is None or person.audience is Audience.CLIENT:
            return None
        method, mfa = person.sign_in
        if method not in rules.methods:
            return None
        if method == "sso" and (mfa or not rules.mfa_required):
            return {"method": method, "mfa": True} if mfa and not rules.mfa_required else None
        return {"method": method, "mfa": True} if mfa else {"method": method}

    def _managed(self, people: Iterable[HeldPerson]) -> Iterator[tuple[str, tuple[str, ...]]]:
        for person in people:
            role = self._org.platform.roles.get(person.role or "")
            leads = role is not None and role.manages is Reach.LED_TEAMS and not person.is_suspended
            if leads and isinstance(person.manages, tuple):
                yield person.id, person.manages


def _natural(id: str) -> list[tuple[int, str]]:
    """Returns a key by which `member-2` comes before `member-10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", id)]


def _grants(field: str, grants: Iterable[tuple[str, Instant | None]]) -> list[Value]:
    """Returns a list of grants, those that end in the object form; of the same two the one that lasts."""
    lasting = {text for text, end in grants if end in (None, END)}
    written: dict[str, Value] = {}
    for text, end in grants:
        if end in (None, END):
            written[text] = text
        elif text not in lasting:
            written[f"{text} {end}"] = {field: text, "expires": write_end(end)}
    return list(written.values())


def write_end(end: Instant) -> str:
    """Returns an end as `expires` has it: as a day where it is the end of one."""
    is_day = end % DAY == 0 and end >= DAY
    return format_instant(Instant(end - DAY))[:10] if is_day else format_instant(end)
