"""What an access review consists of, as values; the forms of the report show them and work nothing out themselves."""

from enum import Enum

from msgspec import Struct

from hubcfg.checker.approvals.status import ApprovalStatus
from hubcfg.core.finding import Finding
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.access import Scope
from hubcfg.validator.config import Org, User
from hubcfg.views.held import Row

SOON_DAYS, AHEAD_DAYS = 30, 90


class Basis(Enum):
    """What allows somebody to hold something sensitive."""

    APPROVAL = "approval"
    ROLE_APPROVAL = "role-approval"
    CHANGE = "change"
    ROOT = "root"
    MISSING = "missing"


class Person(Struct, frozen=True, eq=False):
    """A user of an org. `profile` is the number of what the user holds, from 1; None for nothing, or for not known.

    `potential` is how many permissions a suspended user's entry would give, and how many of those are sensitive.
    """

    user: User
    scope: Scope
    profile: int | None
    is_known: bool
    held: int
    sensitive: int
    products: tuple[str, ...]
    manages: str | list[str]
    potential: tuple[int, int]

    @property
    def id(self) -> str:
        """The user's id."""
        return self.user.id

    @property
    def name(self) -> str | None:
        """The person's name."""
        return self.user.name

    @property
    def role(self) -> str | None:
        """The platform role; None for client users."""
        return self.user.entry.role

    @property
    def is_client(self) -> bool:
        """Whether it is a client's own user."""
        return self.user.entry.audience is Audience.CLIENT

    @property
    def is_suspended(self) -> bool:
        """Whether the entry is suspended."""
        return self.user.entry.suspended


class Profile(Struct, frozen=True, eq=False):
    """What some people of one role hold in the same way: listed once, however many they are. `number` counts from 1."""

    number: int
    rows: tuple[Row, ...]
    people: list[Person]


class Access(Struct, frozen=True, eq=False):
    """Permissions that the same profiles hold, each through the same ways: who can do them, and through what."""

    permissions: tuple[str, ...]
    holders: tuple[tuple[str, tuple[Profile, ...]], ...]

    @property
    def count(self) -> int:
        """How many people hold them."""
        return sum(len(profile.people) for _, profiles in self.holders for profile in profiles)


class SensitiveShare(Struct, frozen=True, eq=False):
    """Sensitive permissions that some people hold in the same way, on the same basis and by the same approvals."""

    rows: tuple[Row, ...]
    basis: Basis
    approvals: tuple[str, ...]
    approvers: tuple[str, ...]
    people: list[Person]


class Missing(Struct, frozen=True):
    """What somebody needs an approval for and has none: sensitive permissions held now or later, or a platform role."""

    user: str
    permissions: tuple[str, ...]
    role: str | None


class Given(Struct, frozen=True, eq=False):
    """An approval for the org, with its age in days (None where its date can't be read)."""

    status: ApprovalStatus
    age: int | None
    days_left: int | None


class Coming(Struct, frozen=True, eq=False):
    """What ends, or begins, for some people within the time that the report looks ahead.

    `because` is `window` (a grant's own) or `approval` (one that it rests on ends).
    """

    instant: str
    days: int
    begins: bool
    because: str
    permissions: tuple[str, ...]
    people: list[Person]


class Unused(Struct, frozen=True):
    """A group or Hub role of the project that nobody has; `org` is None for a shared one."""

    noun: str
    id: str
    file: str
    line: int | None
    org: str | None


class Suggestion(Struct, frozen=True, eq=False):
    """Direct grants that several people have in common, as patterns with the product entries that they stand in, if any.

    `bundle` is a group or Hub role (noun and id) that already gives exactly this. `is_temporary` says that each has an end.
    """

    patterns: tuple[tuple[str, str | None], ...]
    people: list[Person]
    bundle: tuple[str, str] | None
    is_temporary: bool


class OrgReview(Struct, frozen=True, eq=False):
    """The review of one org. `categories` are those of sensitive permissions, with their descriptions."""

    org: Org
    categories: dict[str, str]
    people: list[Person]
    profiles: list[Profile]
    accesses: list[Access]
    sensitive: list[SensitiveShare]
    missing: list[Missing]
    approvals: list[Given]
    coming: list[Coming]
    unused: list[Unused]
    suggestions: list[Suggestion]
    findings: list[Finding]

    @property
    def suspended(self) -> list[Person]:
        """The people whose entries are suspended."""
        return [one for one in self.people if one.is_suspended]

    @property
    def unknown(self) -> list[Person]:
        """The people whose access errors keep from being known."""
        return [one for one in self.people if not one.is_known]

    @property
    def idle(self) -> list[Person]:
        """The people who can sign in and hold nothing."""
        return [one for one in self.people if one.is_known and not one.is_suspended and not one.held]

    def ends_within(self, days: int) -> list[Coming]:
        """Returns what ends within some days."""
        return [one for one in self.coming if not one.begins and one.days < days]


class State(Struct, frozen=True):
    """What was looked at: the commit (None outside Git), and whether the files are exactly as it has them."""

    commit: str | None
    is_clean: bool


class Review(Struct, frozen=True, eq=False):
    """An access review. `base` is what approvals were judged by; `is_by_tree` says that it was the reviewed files themselves.

    `errors` are the findings that keep the project from being deployed as it stands; `findings` are those of the table
    Policy and hygiene in what orgs share, and `unused` what of that nobody has.
    """

    project: str
    version: str
    as_of: str
    state: State
    base: str
    is_by_tree: bool
    orgs: list[OrgReview]
    errors: list[Finding]
    findings: list[Finding]
    unused: list[Unused]
