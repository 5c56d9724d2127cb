"""Makes orgs to import of a table: checks what its people refer to, and finds the products and clients that they need."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from hubcfg.core.finding import Finding
from hubcfg.core.ids import find_user_id_fault, fold_id
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.core.rule import Rule
from hubcfg.importing.held import Assigned, Extent, HeldClient, HeldOrg, HeldPerson, Lists
from hubcfg.importing.ids import is_id, make_id
from hubcfg.importing.table import Cell, Row, Table
from hubcfg.parser.locating import finding_order
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.resolver.windows import union_of
from hubcfg.validator.config import Org
from hubcfg.validator.patterns import PatternChecker
from hubcfg.validator.rules import (
    DUPLICATE_ID,
    UNKNOWN_GROUP,
    UNKNOWN_PLATFORM_ROLE,
    UNKNOWN_PRODUCT,
    UNKNOWN_ROLE,
)


class Starter(Protocol):
    """Gives an org as it is before its people: its platform and catalog, and the groups that there are."""

    def start(self, held: HeldOrg) -> Org:
        """Raises HubcfgError where there can be none such."""


def read_people(table: Table, starter: Starter, only: str | None = None) -> tuple[list[HeldOrg], list[Finding]]:
    """Returns the orgs of a table, or the one that is named, and all that is wrong with the table."""
    orgs = []
    for id, rows in sorted(table.orgs.items()):
        if not is_id(id):
            line = min(row.line for row in rows.values())
            near = make_id(id)
            table.fault(line, f"`{id}` can't be the id of an org", f"write `{near}`" if near else None)
        elif only in (None, id):
            org = starter.start(HeldOrg(id, None, {}))
            orgs.append(_OrgReader(table, org).read(rows))
    return orgs, sorted(table.findings, key=finding_order)


class _OrgReader:
    """Reads the people of one org; what is wrong goes to the table's findings."""

    def __init__(self, table: Table, org: Org) -> None:
        self._table = table
        self._org = org
        self._patterns = PatternChecker(org.catalog)
        self._resolver = OrgResolver(org)
        self._clients: dict[str, HeldClient] = {}
        self._used: Mask = 0
        self._named: set[str] = set()

    def read(self, rows: dict[str, Row]) -> HeldOrg:
        """Returns the org with its people."""
        seen: dict[str, Row] = {}
        people = {}
        for id, row in rows.items():
            other = seen.setdefault(fold_id(id), row)
            if other is not row:
                self._fault(row.line, f"`{id}` looks like `{other.user}` of line {other.line}", rule=DUPLICATE_ID)
            if (fault := find_user_id_fault(id)) is not None:
                self._fault(row.line, f"the user id `{id}` {fault}")
            people[id] = self._read_review(row) if self._table.is_review else self._read_person(row)
        products = (self._org.catalog.products_of(self._used) | self._named) - set(self._org.platform.always_active)
        active = dict.fromkeys(sorted(products), "active") if self._org.platform.subscriptions else {}
        return HeldOrg(self._org.id, self._org.platform.id, people, products=active or None, clients=self._clients)

    def _fault(self, line: int, message: str, help: str | None = None, rule: Rule = SCHEMA_VIOLATION) -> None:
        self._table.fault(line, message, help, rule)

    def _read_review(self, row: Row) -> HeldPerson:
        """Returns a person of an access review: what it says is what somebody holds in effect."""
        cells = row.lists.get("permissions", [])
        catalog = self._org.catalog
        for cell in cells:
            self._used |= catalog.match(cell.text) if cell.text in catalog.permissions else 0
        audience, company = self._audience(row), None
        clients: Extent | None = None
        scope = row.scalars.get("scope", "")
        if scope.startswith("the company "):
            audience, company = Audience.CLIENT, scope.removeprefix("the company ")
        elif scope == "all clients":
            clients = "all"
        elif scope not in ("", "no clients"):
            clients = tuple(sorted(scope.split(", ")))
        for client in [company] if company else clients if isinstance(clients, tuple) else ():
            self._add_client(client, row.line)
        return HeldPerson(
            id=row.user,
            audience=audience,
            role=row.scalars.get("role") or None,
            name=row.scalars.get("name") or None,
            uid=row.scalars.get("uid") or None,
            is_suspended=row.is_suspended,
            permissions=frozenset(cell.text for cell in cells),
            until=tuple(sorted({(cell.text, cell.end) for cell in cells if cell.end is not None})),
            clients=clients,
            company=company,
        )

    def _read_person(self, row: Row) -> HeldPerson:
        audience, role, company = (
            self._audience(row),
            row.scalars.get("role") or None,
            row.scalars.get("company") or None,
        )
        self._check_kind(row, audience, role, company)
        clients = tuple(row.texts("clients"))
        for client in [*([company] if company else []), *(one for one in clients if one != "all")]:
            self._add_client(client, row.line)
        lists = Lists(
            permissions=self._read_permissions(row.lists.get("permissions", ())),
            groups=tuple(self._read_groups(row.lists.get("groups", ()), audience)),
            roles=tuple(self._read_roles(row.lists.get("roles", ()))),
            deny=tuple(
                dict.fromkeys(text for text, _ in self._read_permissions(row.lists.get("deny", ()), is_deny=True))
            ),
            products=self._read_products(row),
        )
        return HeldPerson(
            id=row.user,
            audience=audience,
            role=role,
            name=row.scalars.get("name") or None,
            uid=row.scalars.get("uid") or None,
            is_suspended=row.is_suspended,
            clients="all" if "all" in clients else clients,
            company=company,
            lists=lists,
        )

    def _audience(self, row: Row) -> Audience:
        said = row.scalars.get("audience", "")
        if said not in ("", "staff", "client"):
            self._fault(row.line, f"`{said}` is no audience", "write `staff` or `client`")
        is_client = said == "client" or (not said and bool(row.scalars.get("company")))
        return Audience.CLIENT if is_client else Audience.STAFF

    def _check_kind(self, row: Row, audience: Audience, role: str | None, company: str | None) -> None:
        platform = self._org.platform
        if audience is Audience.CLIENT:
            if not platform.client_users:
                self._fault(row.line, f"the platform `{platform.id}` has no client users, so `{row.user}` can't be one")
            elif company is None:
                self._fault(row.line, f"`{row.user}` is a client user without a company", "fill in `company`")
            for column in ("role", "clients", "products"):
                if row.scalars.get(column) or row.lists.get(column):
                    self._fault(
                        row.line, f"`{row.user}` is a client user, who has no `{column}`", "leave the cell empty"
                    )
            return
        if company is not None:
            self._fault(
                row.line, f"`{row.user}` is staff, who have no `company`", "leave the cell empty, or write `client`"
            )
        if role is None:
            self._fault(
                row.line, f"`{row.user}` has no platform role", f"fill in `role`: {shorten(platform.roles, 10)}"
            )
        elif role not in platform.roles:
            advice = did_you_mean(role, platform.roles) or f"there are {shorten(platform.roles, 10)}"
            self._fault(row.line, f"the platform `{platform.id}` has no role `{role}`", advice, UNKNOWN_PLATFORM_ROLE)
        if row.lists.get("clients") and not platform.assigns_clients:
            self._fault(row.line, f"the platform `{platform.id}` assigns no clients to staff", "leave `clients` empty")

    def _add_client(self, client: str, line: int) -> None:
        if not self._org.platform.has_clients or client in self._clients:
            return
        if not self._table.is_review and (not is_id(client) or client == "all"):
            near = make_id(client)
            self._fault(line, f"`{client}` can't be the id of a client", f"write `{near}`" if near else None)
        self._clients[client] = HeldClient()

    def _read_permissions(self, cells: Iterable[Cell], *, is_deny: bool = False) -> tuple[Assigned, ...]:
        read: list[Assigned] = []
        for cell in cells:
            slip = self._patterns.check(cell.text, ())
            if slip is not None:
                self._fault(cell.line, slip.message, slip.help, slip.rule)
                continue
            if not is_deny and not cell.text.startswith("*"):
                self._used |= self._org.catalog.match(cell.text)
            read.append((cell.text, cell.end))
        return tuple(read)

    def _read_groups(self, cells: Iterable[Cell], audience: Audience) -> Iterator[Assigned]:
        fitting = {id for id, group in self._org.groups.items() if group.audience is audience}
        for cell in cells:
            if cell.text not in fitting:
                advice = did_you_mean(cell.text, fitting) or (
                    f"there are {shorten(sorted(fitting), 10)}" if fitting else None
                )
                message = (
                    f"there is no group `{cell.text}` for {'client users' if audience is Audience.CLIENT else 'staff'}"
                )
                self._fault(cell.line, message, advice, UNKNOWN_GROUP)
                continue
            self._used |= union_of(self._resolver.group_terms(cell.text)) & self._org.catalog.of_audience(audience)
            yield cell.text, cell.end

    def _read_roles(self, cells: Iterable[Cell]) -> Iterator[Assigned]:
        for cell in cells:
            if cell.text not in self._org.roles:
                platform_roles = self._org.platform.roles
                advice = (
                    f"`{cell.text}` is a platform role: it goes into `role`" if cell.text in platform_roles else None
                )
                help = advice or did_you_mean(cell.text, self._org.roles)
                self._fault(cell.line, f"there is no Hub role `{cell.text}`", help, UNKNOWN_ROLE)
                continue
            self._used |= union_of(self._resolver.role_terms(cell.text))
            yield cell.text, cell.end

    def _read_products(self, row: Row) -> tuple[str, ...] | None:
        products = row.texts("products")
        catalog, platform = self._org.catalog, self._org.platform
        for cell in row.lists.get("products", ()):
            if cell.text not in catalog.products:
                advice = did_you_mean(cell.text, catalog.products)
                self._fault(
                    cell.line, f"the catalog `{catalog.id}` has no product `{cell.text}`", advice, UNKNOWN_PRODUCT
                )
        self._named |= set(products) - set(platform.always_active)
        return tuple(sorted(products)) or None
