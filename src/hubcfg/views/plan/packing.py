"""What of a plan is sensitive, in as little space as it can be said: never less of it, only packed more densely."""

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from hubcfg.planner.change import AccessChange, UserChange
from hubcfg.views.changes.words import sign_of
from hubcfg.views.held import fold_names

# A sign (`±` also for what is held more widely) and a permission.
Item: TypeAlias = tuple[str, str]
# Users with the same change.
Group: TypeAlias = tuple[AccessChange, list[UserChange]]
WIDER = "held more widely"


class Pack(Struct, frozen=True):
    """Users and what they all gain (`+`), lose (`-`), both at different times (`±`), or hold more widely, that is sensitive."""

    users: tuple[str, ...]
    items: tuple[Item, ...]

    @property
    def is_gain(self) -> bool:
        """Whether something is gained, or held more widely."""
        return any(sign != "-" for sign, _ in self.items)

    def folded(self) -> list[Item]:
        """Returns the items with the permissions of each resource together, gains first."""
        signs = sorted({sign for sign, _ in self.items}, key=lambda sign: (sign == "-", sign))
        return [(sign, text) for sign in signs for text in fold_names(name for of, name in self.items if of == sign)]


def sensitive_items(change: AccessChange) -> tuple[Item, ...]:
    """Returns what is sensitive of a change."""
    items = [(sign_of(one), name) for one in change.permissions if one.sensitive for name in one.permissions]
    return tuple(sorted([*items, *((WIDER, name) for name in change.widened)]))


def pack_by_users(groups: Iterable[Group]) -> list[Pack]:
    """Returns users together of whom all the same is sensitive; the fewest users first, who stand out."""
    return _ordered(Pack(tuple(users), items) for items, users in _users_by_items(groups).items())


def pack_by_permissions(groups: Iterable[Group]) -> list[Pack]:
    """Returns each permission once with all users, those together that the very same users have."""
    sets = list(_users_by_items(groups).items())
    where: dict[Item, list[int]] = {}
    for number, (items, _) in enumerate(sets):
        for item in items:
            where.setdefault(item, []).append(number)
    together: dict[tuple[int, ...], list[Item]] = {}
    for item, numbers in where.items():
        together.setdefault(tuple(numbers), []).append(item)
    return _ordered(
        Pack(tuple(sorted(user for number in numbers for user in sets[number][1])), tuple(sorted(items)))
        for numbers, items in together.items()
    )


def _users_by_items(groups: Iterable[Group]) -> dict[tuple[Item, ...], list[str]]:
    found: dict[tuple[Item, ...], list[str]] = {}
    for change, users in groups:
        if items := sensitive_items(change):
            found.setdefault(items, []).extend(user.id for user in users)
    return found


def _ordered(packs: Iterable[Pack]) -> list[Pack]:
    return sorted(packs, key=lambda pack: (not pack.is_gain, len(pack.users), pack.items))
