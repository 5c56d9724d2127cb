"""How much a comment tells: from all there is down to what is sensitive, packed ever more densely."""

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")
ALL = 1 << 30


class Packing(IntEnum):
    """How what is sensitive is put: with all that changes, by users, by permissions of each org, by permissions at all."""

    NONE = 0
    USERS = 1
    PERMISSIONS = 2
    PROJECT = 3


class Level(Struct, frozen=True):
    """How much is told of what is not sensitive: users in a list, lines of a product, groups of an org, orgs, remarks of a kind."""

    users: int
    lines: int
    groups: int
    orgs: int
    remarks: int
    packing: Packing = Packing.NONE


LEVELS = (
    Level(users=ALL, lines=ALL, groups=ALL, orgs=ALL, remarks=50),
    Level(users=10, lines=8, groups=ALL, orgs=ALL, remarks=50),
    Level(users=5, lines=3, groups=50, orgs=100, remarks=20),
    Level(users=3, lines=0, groups=20, orgs=100, remarks=10),
    Level(users=3, lines=0, groups=0, orgs=20, remarks=5),
    Level(users=3, lines=0, groups=0, orgs=5, remarks=3, packing=Packing.USERS),
    *(
        Level(users, lines=0, groups=0, orgs=5, remarks=3, packing=Packing.PERMISSIONS)
        for users in (1_000, 300, 100, 30, 10, 3)
    ),
    *(Level(users, lines=0, groups=0, orgs=0, remarks=3, packing=Packing.PROJECT) for users in (10, 3)),
)
NOTES = {
    Packing.NONE: "Shortened to fit: of what is not sensitive, some is only counted",
    Packing.USERS: "Shortened to fit: what is not sensitive is only counted",
    Packing.PERMISSIONS: "Shortened to fit: every sensitive permission is here, but not the name of everybody",
    Packing.PROJECT: "Shortened to fit: every sensitive permission is here, but not by org, nor the name of everybody",
}


def cut_names(names: Iterable[T], most: int, show: Callable[[T], str] = str) -> list[str]:
    """Returns the first of some names, and how many more there are; only what is shown is made ready by `show`."""
    listed = list(names)
    shown = [show(name) for name in listed[:most]]
    return shown if len(listed) <= most else [*shown, f"… {len(listed) - most:,} more"]
