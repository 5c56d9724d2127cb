"""What there is to say about a change, piece by piece and without any form: each view gives the pieces its own.

Every function takes `quote`, which marks the users' words as the view's form marks them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from hubcfg.core.instants import Instant
from hubcfg.planner.change import (
    AccessChange,
    CatalogChange,
    Changed,
    OrgChange,
    PermissionChange,
    Presence,
    ProductChange,
)
from hubcfg.planner.state import Extent
from hubcfg.platforms.grants import Audience
from hubcfg.views.changes.words import (
    describe_extent,
    describe_extents,
    describe_sign_in,
    describe_times,
    sign_of,
)
from hubcfg.views.counts import join_words, number

T = TypeVar("T")
Quote: TypeAlias = Callable[[str], str]

PRESENCE = {Presence.ADDED: "new", Presence.REMOVED: "removed"}
_SHOWN_NAMES = 3


class Line(Struct, frozen=True):
    """Permissions of one resource that change in the same way: `+`, `-` or `±`, when, how sensitive, and what else there is to it."""

    sign: str
    resource: str
    actions: tuple[str, ...]
    times: str
    sensitive: tuple[str, ...]
    notes: str

    @property
    def marks(self) -> str:
        """All that is particular about them."""
        return join_marks(self.times, self.sensitive, self.notes)


def lines_by_product(changes: Iterable[PermissionChange], now: Instant) -> dict[str, list[Line]]:
    """Returns the lines of permissions by product, in the order of their resources."""
    products: dict[str, dict[Line, list[str]]] = {}
    for change in changes:
        times, notes = describe_times(change.before, change.after, now), _notes(change)
        for name in change.permissions:
            resource, _, action = name.rpartition(".")
            line = Line(sign_of(change), resource, (), times, change.sensitive, notes)
            products.setdefault(name.partition(".")[0], {}).setdefault(line, []).append(action)
    return {
        product: [
            replace(line, actions=tuple(sorted(lines[line])))
            for line in sorted(lines, key=lambda line: (line.resource, line.sign, line.marks))
        ]
        for product, lines in sorted(products.items())
    }


def count_lines(lines: Iterable[Line]) -> dict[Line, int]:
    """Returns how many permissions there are of lines that are equal but for the resource, each as a line of no resource."""
    counts: dict[Line, int] = {}
    for line in lines:
        key = replace(line, resource="", actions=())
        counts[key] = counts.get(key, 0) + len(line.actions)
    return counts


def join_marks(times: str, sensitive: tuple[str, ...], notes: str) -> str:
    """Returns what is particular about permissions in words."""
    return "; ".join(filter(None, (times, f"sensitive: {', '.join(sensitive)}" if sensitive else "", notes)))


def _notes(change: PermissionChange) -> str:
    needs = f"needs {join_words(list(change.obligations))}" if change.obligations and change.is_gained else ""
    return "; ".join(filter(None, (needs, "by the new catalog" if change.is_from_catalog else "")))


def describe_product(change: ProductChange, now: Instant) -> tuple[str, str]:
    """Returns the sign of a product that appears in or leaves the menu, and what is particular about it."""
    sign = "+" if change.is_first else "-" if not change.after else "±"
    times = describe_times(change.before, change.after, now)
    starts = f"first access: {change.onboarding}" if change.onboarding else ""
    return sign, "; ".join(filter(None, (times, starts)))


def facts_of_users(change: AccessChange, quote: Quote = str) -> Iterator[tuple[str, str]]:
    """Yields what changes in entries, each with a label: both sides, or of who is on one side only that one."""
    presence = change.presence
    if change.role is not None:
        before, after = ("none" if one is None else quote(one) for one in _sides(change.role))
        yield "role", _side(presence, before, after)
    if change.audience is not None and Audience.CLIENT in _sides(change.audience):
        before, after = ("" if one is None else f"{one.value} user" for one in _sides(change.audience))
        yield "audience", _side(presence, before, after)
    if change.suspended is not None:
        yield "suspended", "yes" if change.suspended.after else "no more"
    if change.scope is not None:
        yield "scope", _extent(presence, change.scope, "all clients", "no clients", quote)
    if change.manages is not None:
        yield "manages", _extent(presence, change.manages, "everybody", "nobody", quote)
    if change.sign_in is not None:
        before, after = (describe_sign_in(one) for one in _sides(change.sign_in))
        yield "signs in", _side(presence, before, after)


def facts_of_org(org: OrgChange, cut: Callable[[Iterable[str]], list[str]], quote: Quote = str) -> Iterator[str]:
    """Yields what changes in an org itself; `cut` shortens lists of names."""
    if org.platform is not None:
        yield f"platform {quote(org.platform.before)} → {quote(org.platform.after)}"
    if org.manage is not None:
        yield f"manage: {org.manage.before} → {org.manage.after}"
    if org.presence is Presence.KEPT:
        for product, change in org.products:
            yield f"product {quote(product)}: {change.before or 'not subscribed'} → {change.after or 'not subscribed'}"
        for verb, names in (("+", org.clients.added), ("-", org.clients.removed), ("~", org.clients.changed)):
            if names:
                yield f"{verb} {number(len(names), 'client')}: {', '.join(cut(map(quote, names)))}"
    if org.catalog is not None:
        yield _catalog(org.catalog, quote)


def _catalog(change: CatalogChange, quote: Quote) -> str:
    before, after = (quote(f"{one.id} {one.version or ''}".strip()) for one in (change.before, change.after))
    parts = [f"catalog {before} → {after}" if before != after else f"catalog {after}"]
    ticked: Quote = (lambda name: f"`{name}`") if quote is str else quote
    for text, names in (
        ("new", change.added),
        ("gone", change.removed),
        ("newly sensitive", change.newly_sensitive),
        ("no longer sensitive", change.no_longer_sensitive),
    ):
        if names:
            rest = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
            shown = ", ".join(map(ticked, names[:_SHOWN_NAMES]))
            parts.append(f"{number(len(names), 'permission')} {text}: {shown}{rest}")
    return "; ".join(parts)


def facts_of_duties(change: AccessChange) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    """Yields each obligation that is due now (True) or no longer (False), with the permissions that are held throughout."""
    for duty in change.obligations:
        for is_imposed, permissions in ((True, duty.imposed), (False, duty.lifted)):
            if permissions:
                yield duty.obligation, is_imposed, permissions


def gives_sensitive(change: AccessChange) -> bool:
    """Whether something sensitive is gained, or held more widely."""
    return bool(change.totals.sensitive_gained or change.totals.sensitive_widened)


def touches_sensitive(change: AccessChange) -> bool:
    """Whether something sensitive is gained, held more widely, or lost."""
    return gives_sensitive(change) or any(one.sensitive for one in change.permissions)


def _extent(presence: Presence, change: Changed[Extent], everything: str, nothing: str, quote: Quote) -> str:
    if presence is Presence.KEPT:
        return describe_extents(change, everything, nothing, quote)
    return _side(presence, *(describe_extent(one, everything, nothing, quote) for one in _sides(change)))


def _side(presence: Presence, before: str, after: str) -> str:
    return {Presence.ADDED: after, Presence.REMOVED: before}.get(presence, f"{before} → {after}")


def _sides(change: Changed[T]) -> tuple[T, T]:
    return change.before, change.after
