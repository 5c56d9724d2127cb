"""Small choices of which random projects are made: some of many, grants, windows, patterns."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from .resolver import CLIENT, STAFF, Document, action, instant, matching, permissions_of, product_of

ALL = "*"
WINDOW_EDGES = (
    "1970-01-01",
    "2026-11-20",
    "2026-11-21",
    "2026-11-21T12:00:00Z",
    "2026-11-21T14:00:00+02:00",
    "2026-11-21T12:00:00.000001Z",
    "2026-11-22T00:00:00Z",
    "2026-11-30",
    "2026-12-01T07:00:00-05:00",
    "2027-06-01T00:00:00.5Z",
    "9998-12-31",
)


@functools.cache
def numbers(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most)


def number(draw: st.DrawFn, least: int, most: int) -> int:
    """Draw a number; to share the strategies is what makes projects of some hundred choices affordable."""
    return draw(numbers(least, most))


def pick(draw: st.DrawFn, options: Sequence[Any]) -> Any:
    """Draw one of the options; the first is the simplest."""
    return options[number(draw, 0, len(options) - 1)]


def maybe(draw: st.DrawFn) -> bool:
    return number(draw, 0, 1) == 1


def sometimes(draw: st.DrawFn) -> bool:
    return number(draw, 0, 2) == 2


def rarely(draw: st.DrawFn) -> bool:
    return number(draw, 0, 7) == 7


def mostly(draw: st.DrawFn) -> bool:
    return not sometimes(draw)


def some_of(draw: st.DrawFn, names: Iterable[str], *, least: int = 0, most: int = 4) -> list[str]:
    """Draw some of the names, in any order, each once."""
    pool = sorted(names)
    count = number(draw, min(least, len(pool)), min(most, len(pool)))
    return [pool.pop(number(draw, 0, len(pool) - 1)) for _ in range(count)]


def several(draw: st.DrawFn, one: Callable[[], str], *, least: int = 0, most: int = 2) -> list[str]:
    """Draw one thing some times, the same perhaps more than once."""
    return [one() for _ in range(number(draw, least, most))]


def without_empty(document: Document, keep: tuple[str, ...] = ()) -> Document:
    """Return the document without fields that are none or empty, as people leave them out."""
    return {field: value for field, value in document.items() if field in keep or value not in (None, [], {})}


def entries(draw: st.DrawFn, field: str, names: Sequence[str] | Callable[[], str], most: int = 2) -> list[Any]:
    """Draw a list of entries, some of them with a time window."""
    if callable(names):
        drawn = several(draw, names, most=most)
    else:
        drawn = several(draw, lambda: str(pick(draw, names)), most=most) if names else []
    return [{field: name} | windows(draw) if maybe(draw) else name for name in drawn]


def windows(draw: st.DrawFn) -> Document:
    """Draw a time window whose `starts` is before its end, with either side left open at times."""
    sides = pick(draw, [[], ["expires"], ["expires"], ["starts"], ["starts", "expires"], ["starts", "expires"]])
    edges = {"starts": WINDOW_EDGES[:8], "expires": WINDOW_EDGES[2:]}
    window = {side: pick(draw, edges[side]) for side in sides}
    if len(window) == 2 and instant(window["starts"], "starts") >= instant(window["expires"], "expires"):
        del window["starts"]
    return window | ({"reason": "because: #1"} if rarely(draw) else {})


def pattern_in(
    draw: st.DrawFn, catalog: Document, audience: str = STAFF, product: str = "", *, everything: bool = False
) -> str:
    """Draw a pattern, at times an alias, that matches something: for clients something that clients may hold.

    A wildcard for everything is drawn only where that is asked for.
    """
    known = for_clients(catalog) if audience == CLIENT else sorted(permissions_of(catalog))
    within = [p for p in known if product_of(p) == product] or known
    aliases = {key: sorted(matching(catalog, key) & set(within)) for key in catalog.get("aliases", {})}
    if any(aliases.values()) and sometimes(draw):
        alias = pick(draw, [key for key, meant in aliases.items() if meant])
        name = pick(draw, aliases[alias]).split(".")[2]
        return str(alias.replace("*", name) if maybe(draw) else alias)
    permission = pick(draw, within)
    first, second, third = permission.split(".")
    general = ["*", "*.*", "*.*.*"] if everything else []
    forms = [
        permission,
        permission,
        f"{first}.*",
        f"{first}.{second}.*",
        f"{first}.*.{third}",
        f"*.*.{third}",
        f"*.{second}.*",
        f"{first}.*.*",
        *general,
    ]
    return str(pick(draw, forms))


def for_clients(catalog: Document) -> list[str]:
    return sorted(p for p in permissions_of(catalog) if CLIENT in action(catalog, p).get("audiences", [STAFF]))


def matching_all(catalog: Document, patterns: list[str]) -> set[str]:
    return {p for pattern in patterns for p in matching(catalog, pattern)}


def each(kind: str, home: Document, members: Document) -> list[Document]:
    """Return one document for each entry of a plural kind."""
    return [{"kind": kind} | home | {kind.lower(): {name: member}} for name, member in members.items()]
