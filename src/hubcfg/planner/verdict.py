"""Verdicts: whether a change gives or takes access, with what shows it (docs/diff.md, "The verdict")."""

from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from hubcfg.core.instants import Instant


class Verdict(Enum):
    """How what is held after a change compares with what was held before, at every instant from now on."""

    EQUIVALENT = "equivalent"
    NARROWER = "narrower"
    WIDER = "wider"
    MIXED = "mixed"


def judge(*, gains: bool, losses: bool) -> Verdict:
    """Returns the verdict on a change by which something is gained, or lost, or both."""
    if gains:
        return Verdict.MIXED if losses else Verdict.WIDER
    return Verdict.NARROWER if losses else Verdict.EQUIVALENT


class Aspect(Enum):
    """In what respect somebody gains or loses; the most telling first."""

    PERMISSION = "permission"
    SCOPE = "scope"
    OBLIGATION = "obligation"
    MANAGEMENT = "management"
    PRODUCT = "product"


_ORDER = {aspect: number for number, aspect in enumerate(Aspect)}


class Difference(Struct, frozen=True):
    """One thing that somebody gains or loses from `instant` on.

    `permission` is the one that is concerned, if any; `name` the product, client, obligation or user.
    """

    aspect: Aspect
    instant: Instant
    permission: str | None = None
    name: str | None = None
    is_sensitive: bool = False

    @property
    def rank(self) -> tuple[bool, int, Instant, str]:
        """The most telling has the lowest rank."""
        return not self.is_sensitive, _ORDER[self.aspect], self.instant, self.permission or self.name or ""


class Witness(Struct, frozen=True):
    """Who gains or loses what: the proof of a verdict."""

    org: str
    user: str
    difference: Difference


def pick_difference(found: Iterable[Difference]) -> Difference | None:
    """Returns the most telling difference, if there is any."""
    return min(found, key=lambda one: one.rank, default=None)


def pick_witness(found: Iterable[Witness | None]) -> Witness | None:
    """Returns the most telling witness, if there is any."""
    there = [one for one in found if one is not None]
    return min(there, key=lambda one: (one.difference.rank, one.org, one.user), default=None)


class Totals(Struct, frozen=True):
    """Counts: users with any change (of an org or a project), and pairs of a user and a permission.

    `gained` and `lost` are held at some instant on one side only; `widened` are sensitive ones held on both sides, but
    afterwards for more clients or with fewer obligations.
    """

    users: int = 0
    gained: int = 0
    lost: int = 0
    sensitive_gained: int = 0
    sensitive_widened: int = 0

    def plus(self, other: "Totals") -> "Totals":
        """Returns the sum with another."""
        return Totals(
            self.users + other.users,
            self.gained + other.gained,
            self.lost + other.lost,
            self.sensitive_gained + other.sensitive_gained,
            self.sensitive_widened + other.sensitive_widened,
        )


NO_TOTALS = Totals()
