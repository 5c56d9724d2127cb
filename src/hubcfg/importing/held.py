"""What is to be imported of an org, wherever it comes from: its people, and all that is known of them."""

from collections.abc import Mapping

from msgspec import Struct, field

from hubcfg.core.instants import Instant
from hubcfg.platforms.grants import Audience

# `all`, or names; None where the source does not say.
Extent = str | tuple[str, ...]
# A grant by its pattern or id, with the instant that ends it.
Assigned = tuple[str, Instant | None]


class Lists(Struct, frozen=True):
    """What the lists of somebody's entry are to say, where a table says it itself."""

    permissions: tuple[Assigned, ...] = ()
    groups: tuple[Assigned, ...] = ()
    roles: tuple[Assigned, ...] = ()
    deny: tuple[str, ...] = ()
    products: tuple[str, ...] | None = None


class HeldPerson(Struct, frozen=True):
    """A user as the source has them.

    `permissions` are the effective ones, `until` the instants at which they end by themselves, `products` those that the
    user can open (None: not said), `lists` what stands in the entry where the source has entries instead of results.
    """

    id: str
    audience: Audience
    role: str | None = None
    name: str | None = None
    uid: str | None = None
    is_suspended: bool = False
    permissions: frozenset[str] = frozenset()
    until: tuple[tuple[str, Instant], ...] = ()
    products: frozenset[str] | None = None
    clients: Extent | None = None
    company: str | None = None
    manages: Extent | None = None
    obligations: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    sign_in: tuple[str, bool] | None = None
    lists: Lists | None = None


class HeldClient(Struct, frozen=True):
    """A client as the source has it."""

    name: str | None = None
    departments: tuple[str, ...] = ()


class HeldOrg(Struct, frozen=True):
    """An org as the source has it. `catalog` is id, version and digest of a bundle's; None where the source has none."""

    id: str
    platform: str | None
    people: Mapping[str, HeldPerson]
    manage: str = "exclusive"
    catalog: tuple[str, str | None, str] | None = None
    products: Mapping[str, str] | None = None
    clients: Mapping[str, HeldClient] = field(default_factory=dict)
