"""Finds what groups have in common, and makes groups of that which the others include."""

import heapq
from collections.abc import Iterable
from itertools import combinations

from msgspec import Struct

from hubcfg.platforms.masks import Mask

# A group that others include is worth its lines from so many permissions on.
LEAST_CORE = 4
# Of more sets than this, only the largest are compared with one another.
MOST_COMPARED = 120


class Definition(Struct, frozen=True):
    """A set of permissions as the union of other sets, which are defined as well, and of its own permissions."""

    mask: Mask
    includes: tuple[Mask, ...]
    own: Mask


def find_cores(masks: Iterable[Mask]) -> list[Definition]:
    """Returns definitions of the sets and of what is worth to be a set beside them, so that few permissions are written.

    Greedy: whatever saves most is taken first. The result depends on the sets alone.
    """
    wanted = sorted(set(masks))
    left = {mask: mask for mask in wanted}
    includes: dict[Mask, list[Mask]] = {mask: [] for mask in wanted}
    queue = [(-_saving(core, left), core) for core in _candidates(wanted)]
    heapq.heapify(queue)
    while queue:
        before, core = heapq.heappop(queue)
        saving = _saving(core, left)
        if saving <= 0:
            continue
        if -before != saving and queue and -queue[0][0] > saving:
            heapq.heappush(queue, (-saving, core))
            continue
        if core not in left:
            left[core], includes[core] = core, []
        for mask in left:
            if mask != core and core & ~mask == 0 and (core & left[mask]).bit_count() > 1:
                left[mask] &= ~core
                includes[mask].append(core)
    return [
        Definition(mask, tuple(_without_needless(includes[mask], left[mask], mask)), left[mask])
        for mask in sorted(left, key=lambda mask: (mask.bit_count(), mask))
    ]


def _candidates(wanted: list[Mask]) -> set[Mask]:
    largest = sorted(wanted, key=lambda mask: (-mask.bit_count(), mask))[:MOST_COMPARED]
    found = {one & other for one, other in combinations(largest, 2)} | set(wanted)
    return {core for core in found if core.bit_count() >= LEAST_CORE}


def _saving(core: Mask, left: dict[Mask, Mask]) -> int:
    """Returns how many lines fewer there are with a core: those that it saves, less its own where it is new."""
    saved = sum(
        (core & rest).bit_count() - 1
        for mask, rest in left.items()
        if core & ~mask == 0 and core != mask and core & rest
    )
    return saved - (0 if core in left else core.bit_count() + 3)


def _without_needless(chosen: list[Mask], own: Mask, mask: Mask) -> list[Mask]:
    """Returns the cores without those that the others together make needless."""
    kept = list(chosen)
    for core in chosen:
        others = own
        for other in kept:
            others |= other if other != core else 0
        if others == mask:
            kept.remove(core)
    return kept
