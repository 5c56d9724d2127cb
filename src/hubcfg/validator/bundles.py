"""Binds groups and Hub roles, an org's own and the shared ones, and finds circles of includes."""

from collections.abc import Callable, Iterable

from hubcfg.core.finding import Finding, find
from hubcfg.core.ids import fold_id
from hubcfg.core.places import KeyPath, Place
from hubcfg.platforms.grants import Group, Role, bind_group, bind_role
from hubcfg.validator.collect import Item, duplicate
from hubcfg.validator.rules import INCLUDE_CYCLE


def bind_groups(items: Iterable[Item], *, is_shared: bool) -> dict[str, Group]:
    """Returns the groups of the entries that fit their schema."""
    return {
        item.id: bind_group(item.document, ("groups", item.id), item.value, is_shared=is_shared)
        for item in items
        if item.value is not None
    }


def bind_roles(items: Iterable[Item], *, is_shared: bool) -> dict[str, Role]:
    """Returns the Hub roles of the entries that fit their schema."""
    return {
        item.id: bind_role(item.document, ("roles", item.id), item.value, is_shared=is_shared)
        for item in items
        if item.value is not None
    }


def find_clashes(
    noun: str, own: Iterable[Item], shared: Iterable[Item], builtin: Iterable[str], platform: str
) -> list[Finding]:
    """Returns the findings for an org's groups or roles that take the name of a shared or platform one, at the later place."""
    taken = {fold_id(item.id): item for item in shared}
    platform_ids = {fold_id(id): id for id in builtin}
    findings = []
    for item in own:
        folded = fold_id(item.id)
        if folded in platform_ids:
            where = f": it belongs to the platform `{platform}`"
            findings.append(duplicate(noun, item.id, item.place, None, where))
        elif folded in taken:
            other = taken[folded]
            first, later = (other, item) if _order(other.place) < _order(item.place) else (item, other)
            findings.append(duplicate(noun, later.id, later.place, first.place, ", visible to the same org"))
    return findings


def find_cycles(
    groups: dict[str, Group], find_place: Callable[[KeyPath], Place | None] | None = None
) -> tuple[list[Finding], set[str]]:
    """Returns a finding for each circle of includes, at the item that closes it, and the groups that lie in circles.

    `find_place`, for groups of which some may be built in, gives the place of a path in the project's files: then
    what closes the circle is its last item that stands in one.
    """
    findings: list[Finding] = []
    in_circles: set[str] = set()
    done: set[str] = set()
    for start in groups:
        # An explicit stack of (group, next include): chains of includes may be longer than Python's own stack.
        stack: list[list[object]] = [[start, 0]] if start not in done else []
        trail = {start: 0}
        while stack:
            name, position = str(stack[-1][0]), int(str(stack[-1][1]))
            includes = groups[name].includes
            if position >= len(includes):
                stack.pop()
                trail.pop(name, None)
                done.add(name)
                continue
            stack[-1][1] = position + 1
            target = includes[position].target
            if target in trail:
                circle = [str(frame[0]) for frame in stack[trail[target] :]]
                in_circles |= set(circle)
                shown = " → ".join(f"`{member}`" for member in [*circle, target])
                steps = [(str(frame[0]), int(str(frame[1])) - 1) for frame in stack[trail[target] :]]
                place = _closing_place(groups, steps, find_place)
                findings.append(
                    find(
                        INCLUDE_CYCLE,
                        f"groups include each other in a circle: {shown}",
                        place,
                        help="break the circle; put what they share into a group that both include",
                    )
                )
            elif target in groups and target not in done:
                trail[target] = len(stack)
                stack.append([target, 0])
    return findings, in_circles


def _closing_place(
    groups: dict[str, Group], steps: list[tuple[str, int]], find_place: Callable[[KeyPath], Place | None] | None
) -> Place:
    """Returns the place of the last of a circle's `includes` items that stands in a file of the project."""
    for name, position in reversed(steps):
        group = groups[name]
        path = (*group.path, "includes", position)
        place = Place(group.document.file, group.document.index, path) if find_place is None else find_place(path)
        if place is not None:
            return place
    return groups[steps[-1][0]].document.first_key()


def _order(place: Place) -> tuple[str, int]:
    return place.file, place.document
