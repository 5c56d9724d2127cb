"""What is compared: the access of an org's people as plain values, wherever it comes from."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, field

from hubcfg.core.instants import Instant
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask

# How somebody signs in: the method, and whether with a second factor.
SignIn: TypeAlias = tuple[str, bool]


class Extent(Struct, frozen=True):
    """Some clients or users: `is_all` means those to come as well; `company` is the one that a client's own user belongs to."""

    names: frozenset[str] = frozenset()
    is_all: bool = False
    company: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it is nobody."""
        return not self.names and not self.is_all and self.company is None

    def covers(self, other: "Extent") -> bool:
        """Whether all of `other` lies within. The company of a client's user lies in no other extent than itself."""
        if self == other or other.is_empty:
            return True
        if self.company is not None or other.company is not None:
            return False
        return self.is_all or (not other.is_all and other.names <= self.names)


NOBODY = Extent()


class Phase(Struct, frozen=True):
    """What somebody holds, and which products are open, from `instant` on until the next phase."""

    instant: Instant
    permissions: Mask
    products: frozenset[str]


class Profile(Struct, frozen=True, eq=False):
    """What people have in common who hold the same; work on it is done once.

    `phases` begins at the instant that is looked at, and is never empty. `obligations` are the permissions that each
    obligation comes with, held or not.
    """

    role: str | None
    is_suspended: bool
    phases: tuple[Phase, ...]
    obligations: Mapping[str, Mask] = field(default_factory=dict)


class Person(Struct, frozen=True):
    """One user of an org."""

    id: str
    audience: Audience
    uid: str | None
    profile: Profile
    scope: Extent
    manages: Extent
    sign_in: SignIn | None


class ClientState(Struct, frozen=True):
    """A client of an org as bundles describe it."""

    name: str
    departments: tuple[str, ...]


class CatalogState(Struct, frozen=True):
    """The catalog of an org: `names` are its permissions, sorted, in the order of the bits of masks; `sensitive` those with marks."""

    id: str
    version: str | None
    names: tuple[str, ...]
    sensitive: Mapping[str, tuple[str, ...]]


class OrgState(Struct, frozen=True, eq=False):
    """One org. People who are known to be the same on both sides may be left out; of `unknown` ones the access is not known."""

    id: str
    platform: str
    manage: str
    catalog: CatalogState
    products: Mapping[str, str]
    onboarding: Mapping[str, str]
    clients: Mapping[str, ClientState]
    people: Mapping[str, Person]
    unknown: frozenset[str] = frozenset()
