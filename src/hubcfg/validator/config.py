"""What the validator returns: a project's configuration as typed values, references resolved."""

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from hubcfg.core.rule import Severity
from hubcfg.parser.document import Document
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Audience, Grants, Group, Role
from hubcfg.platforms.platform import Authentication, Platform


class ProductEntry(Struct, frozen=True):
    """A user's access to one product; its grants and denies count within that product alone."""

    product: str
    roles: Grants
    groups: Grants
    permissions: Grants
    deny: tuple[str, ...]


class Entry(Struct, frozen=True, eq=False):
    """What a user's entry says about access. Users who say the same share one Entry, so all work on it is done once.

    `products` is None where the entry has no `products` map, which is not the same as an empty one.
    """

    audience: Audience
    role: str | None
    roles: Grants
    groups: Grants
    permissions: Grants
    deny: tuple[str, ...]
    products: tuple[ProductEntry, ...] | None
    suspended: bool


class User(Struct, frozen=True, eq=False):
    """A user of an org. `clients` is None where none are given; `all` is the word itself.

    `has_authentication` tells whether the entry has that field, which may be empty.
    """

    id: str
    document: Document
    entry: Entry
    name: str | None
    uid: str | None
    company: str | None
    clients: tuple[str, ...] | str | None
    method: str | None
    mfa: bool | None
    has_authentication: bool

    @property
    def path(self) -> tuple[str, str]:
        """The path of the user's entry in its document."""
        return ("users", self.id)


class Client(Struct, frozen=True):
    """A client of an org, with its departments sorted."""

    id: str
    document: Document
    name: str
    departments: tuple[str, ...]


class Team(Struct, frozen=True):
    """A team of an org."""

    id: str
    document: Document
    leads: tuple[str, ...]
    members: tuple[str, ...]


class Assertion(Struct, frozen=True):
    """One entry of a Tests document, at `index` of its list."""

    document: Document
    index: int
    name: str
    user: str
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    as_of: str | None
    products: tuple[str, ...] | None
    scope: dict[str, object] | None


class Org(Struct, eq=False):
    """An org with all that its documents say; nothing changes it once the validator has returned.

    `unsound` are the users whose access is not known because what they refer to is itself in error; `is_partial` says
    that users or documents of the org could not be used at all.
    """

    id: str
    name: str
    document: Document
    platform: Platform
    catalog: Catalog
    manage: str
    products: dict[str, str]
    authentication: Authentication | None
    groups: dict[str, Group] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    assertions: list[Assertion] = field(default_factory=list)
    documents: dict[str, list[Document]] = field(default_factory=dict)
    unsound: set[str] = field(default_factory=set)
    is_partial: bool = False

    @property
    def active_products(self) -> frozenset[str]:
        """The products that the org can use (docs/resolution.md, "Products")."""
        if not self.platform.subscriptions:
            return frozenset(self.catalog.products)
        subscribed = {product for product, state in self.products.items() if state in ("active", "trial")}
        return frozenset(subscribed | set(self.platform.always_active))

    def department_owners(self) -> dict[str, list[str]]:
        """Returns each way to name a department, `hr` or `contoso/hr`, with the clients that it may be of.

        What is a client's own id is no way to name a department.
        """
        owners: dict[str, list[str]] = {}
        for client in self.clients.values() if self.platform.has_departments else ():
            for department in dict.fromkeys(client.departments):
                for name in (department, f"{client.id}/{department}"):
                    if name not in self.clients:
                        owners.setdefault(name, []).append(client.id)
        return owners


class Separation(Struct, frozen=True):
    """Two sides of which nobody may hold something of each; at `index` of the project's list."""

    index: int
    name: str
    sides: tuple[tuple[str, ...], tuple[str, ...]]
    exempt_roles: tuple[str, ...] | None


class OutputScope(Enum):
    """Whether an output is rendered once for each org or once for the project."""

    ORG = "org"
    PROJECT = "project"


class Output(Struct, frozen=True):
    """An extra file, rendered from a template; at `index` of the project's list."""

    index: int
    template: str
    path: str
    per: OutputScope


class ApprovalSettings(Struct, frozen=True):
    """The project's settings for approvals."""

    signers: str | None = None
    revoked: str | None = None
    max_age_days: int = 365
    allow_self_approval: bool = False


class Target(Struct, frozen=True):
    """A target as hubcfg.yaml names it; which options mean something depends on its type."""

    name: str
    type: str
    options: dict[str, object]


class Project(Struct, frozen=True):
    """What hubcfg.yaml says."""

    id: str
    document: Document
    platform: str | None
    sources: tuple[str, ...] | None
    approvals: ApprovalSettings
    ignored: frozenset[str]
    severities: dict[str, Severity]
    separations: tuple[Separation, ...]
    targets: tuple[Target, ...]
    outputs: tuple[Output, ...]
    max_removed_users_percent: float = 25
    max_revoked_percent: float = 50

    @property
    def output_folders(self) -> list[str]:
        """The folders of directory targets, relative to the root: what is in them is deployed, and not part of the project."""
        return [
            str(target.options["path"])
            for target in self.targets
            if target.type == "directory" and "path" in target.options
        ]


class Config(Struct, frozen=True):
    """A project, bound: its orgs by id, the platforms and catalogs that they use, its approvals, and the Platform and
    Catalog documents that it defines, by kind and id, as parsed.

    `is_partial` says that some file or document could not be used, so that what is missing may stand there. `files` are the
    paths of all source files.
    """

    project: Project
    orgs: dict[str, Org]
    platforms: dict[str, Platform]
    catalogs: dict[str, Catalog]
    shared_groups: dict[str, list[Group]]
    shared_roles: dict[str, list[Role]]
    approvals: tuple[Document, ...]
    definitions: dict[str, dict[str, Document]]
    is_partial: bool
    files: frozenset[str] = frozenset()
