"""Small choices of which random projects are made: some of many, grants, windows, patterns."""

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
CLIENT_IDS = ("pat@c.example", "quinn@c.example")


def maybe(draw: st.DrawFn) -> bool:
    return bool(draw(st.booleans()))


def sometimes(draw: st.DrawFn) -> bool:
    return bool(draw(st.integers(0, 2)) == 2)


def rarely(draw: st.DrawFn) -> bool:
    return bool(draw(st.integers(0, 7)) == 7)


def mostly(draw: st.DrawFn) -> bool:
    return not sometimes(draw)


@st.composite
def some_of(draw: st.DrawFn, names: Any, *, least: int = 0, most: int | None = None) -> list[str]:
    """Draw some of the names, in any order."""
    pool = sorted(names)
    return draw(st.lists(st.sampled_from(pool), min_size=least, max_size=most, unique=True)) if pool else []


def without_empty(document: Document, keep: tuple[str, ...] = ()) -> Document:
    """Return the document without fields that are none or empty, as people leave them out."""
    return {field: value for field, value in document.items() if field in keep or value not in (None, [], {})}


@st.composite
def entries(draw: st.DrawFn, field: str, names: st.SearchStrategy[str] | list[str], most: int = 2) -> list[Any]:
    """Draw a list of entries, some of them with a time window."""
    if isinstance(names, list):
        if not names:
            return []
        names = st.sampled_from(sorted(names))
    drawn = []
    for name in draw(st.lists(names, min_size=draw(st.integers(0, most)), max_size=most)):
        window = draw(windows()) if maybe(draw) else None
        drawn.append(name if window is None else {field: name} | window)
    return drawn


@st.composite
def windows(draw: st.DrawFn) -> Document:
    """Draw a time window whose `starts` is before its end, with either side left open at times."""
    sides = draw(
        st.sampled_from([["expires"], ["expires"], ["starts"], ["starts", "expires"], ["starts", "expires"], []])
    )
    edges = {"starts": WINDOW_EDGES[:8], "expires": WINDOW_EDGES[2:]}
    window = {side: draw(st.sampled_from(edges[side])) for side in sides}
    if len(window) == 2 and instant(window["starts"], "starts") >= instant(window["expires"], "expires"):
        del window["starts"]
    return window | ({"reason": "because: #1"} if rarely(draw) else {})


@st.composite
def patterns_in(
    draw: st.DrawFn, catalog: Document, audience: str = STAFF, product: str = "", *, everything: bool = False
) -> str:
    """Draw a pattern, at times an alias, that matches something: for clients something that clients may hold.

    A wildcard for everything is drawn only where that is asked for.
    """
    known = for_clients(catalog) if audience == CLIENT else sorted(permissions_of(catalog))
    within = [p for p in known if product_of(p) == product] or known
    aliases = {key: sorted(matching(catalog, key) & set(within)) for key in catalog.get("aliases", {})}
    if any(aliases.values()) and rarely(draw):
        alias = draw(st.sampled_from([key for key, meant in aliases.items() if meant]))
        action_name = draw(st.sampled_from(aliases[alias])).split(".")[2]
        return alias.replace("*", action_name) if maybe(draw) else alias
    permission = draw(st.sampled_from(within))
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
    drawn: str = draw(st.sampled_from(forms))
    return drawn


def for_clients(catalog: Document) -> list[str]:
    return sorted(p for p in permissions_of(catalog) if CLIENT in action(catalog, p).get("audiences", [STAFF]))


def matching_all(catalog: Document, patterns: list[str]) -> set[str]:
    return {p for pattern in patterns for p in matching(catalog, pattern)}


def each(kind: str, home: Document, members: Document) -> list[Document]:
    """Return one document for each entry of a plural kind."""
    return [{"kind": kind} | home | {kind.lower(): {name: member}} for name, member in members.items()]
