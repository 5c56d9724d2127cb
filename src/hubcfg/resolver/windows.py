"""Permissions with time windows: for each window of time, the permissions that are granted in it."""

from collections.abc import Iterable
from typing import TypeAlias

from hubcfg.core.instants import BEGINNING, END, Instant
from hubcfg.platforms.masks import Mask

Window: TypeAlias = tuple[Instant, Instant]

# What is granted in each window; windows may overlap, and a permission may be in several.
Timed: TypeAlias = dict[Window, Mask]

ALWAYS: Window = (BEGINNING, END)


def intersect(outer: Window, inner: Window) -> Window | None:
    """Returns the time in which both windows hold, or None: a chain counts when each of its links does."""
    start, end = max(outer[0], inner[0]), min(outer[1], inner[1])
    return (start, end) if start < end else None


def add_timed(total: Timed, added: Timed, window: Window = ALWAYS, within: Mask = -1) -> None:
    """Adds what is granted in `added` to `total`, as far as `window` holds and `within` reaches."""
    for inner, mask in added.items():
        both = inner if window == ALWAYS else intersect(window, inner)
        if both is not None and mask & within:
            total[both] = total.get(both, 0) | (mask & within)


def union_at(timed: Timed, instant: Instant) -> Mask:
    """Returns what is granted at an instant."""
    mask = 0
    for (start, end), part in timed.items():
        if start <= instant < end:
            mask |= part
    return mask


def union_of(timed: Timed) -> Mask:
    """Returns what is granted at any time."""
    mask = 0
    for part in timed.values():
        mask |= part
    return mask


def boundaries_after(timeds: Iterable[Timed], instant: Instant) -> list[Instant]:
    """Returns the later instants at which what is granted may change, in order."""
    edges = {edge for timed in timeds for window in timed for edge in window}
    return sorted(edge for edge in edges if instant < edge < END)
