"""A comparison for people: who gains and loses what, people with the same change together; the verdict at the end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from hubcfg.core.instants import Instant
from hubcfg.core.nearest import shorten
from hubcfg.planner.change import (
    AccessChange,
    CatalogChange,
    Changed,
    Comparison,
    OrgChange,
    PermissionChange,
    Presence,
    ProductChange,
    UserChange,
)
from hubcfg.planner.state import Extent
from hubcfg.planner.verdict import Verdict
from hubcfg.platforms.grants import Audience
from hubcfg.views.changes.words import (
    describe_extent,
    describe_extents,
    describe_sign_in,
    describe_times,
    describe_totals,
    describe_user,
    describe_witnesses,
    sign_of,
)
from hubcfg.views.colors import paint
from hubcfg.views.counts import join_words, number
from hubcfg.views.findings.text import visible
from hubcfg.views.held import fold_names, wrap

T = TypeVar("T")

# What is shown before the rest is only counted; JSON and `-v` leave nothing out.
SHOWN_USERS, SHOWN_GROUPS, SHOWN_LINES = 10, 50, 8
_LABEL = 10
_COLORS = {"+": "good", "-": "bad", "±": "warning"}
VERDICT_COLORS = {
    Verdict.EQUIVALENT: "good",
    Verdict.NARROWER: "good",
    Verdict.WIDER: "warning",
    Verdict.MIXED: "warning",
}


@dataclass(frozen=True, slots=True)
class Style:
    """How text about changes looks. With a `shield` it stands before what is sensitive, and none of that is only counted."""

    width: int
    use_color: bool
    is_verbose: bool
    shield: str = ""

    def paint(self, text: str, color: str) -> str:
        """Returns text in a colour."""
        return paint(text, color, use_color=self.use_color)

    def wrap(self, text: str, head: str = "", hang: int = 2) -> list[str]:
        """Returns a text as lines, in which nothing moves the cursor."""
        return wrap(visible(text), self.width, head, hang)

    def painted(self, text: str, color: str, head: str = "", hang: int = 2) -> Iterator[str]:
        """Yields a text as lines in a colour."""
        return (self.paint(line, color) for line in self.wrap(text, head, hang))

    def cut(self, names: Iterable[str]) -> list[str]:
        """Returns the first of some names, and how many more there are."""
        listed = list(names)
        if self.is_verbose or len(listed) <= SHOWN_USERS:
            return listed
        return [*listed[:SHOWN_USERS], f"… and {len(listed) - SHOWN_USERS:,} more"]


class ChangesText:
    """Writes the changes of orgs as lines."""

    def __init__(self, now: Instant, style: Style) -> None:
        self._now = now
        self._style = style
        self._is_verbose = style.is_verbose

    # Orgs

    def org(self, org: OrgChange, facts: Iterable[str] = ()) -> Iterator[str]:
        """Yields the lines about an org; `facts` come first."""
        presence = {Presence.ADDED: "new ", Presence.REMOVED: "removed "}.get(org.presence, "")
        yield self._style.paint(f"{presence}org {visible(org.id)}: ", "bold") + self._style.paint(
            org.verdict.value, VERDICT_COLORS[org.verdict]
        )
        for text in (*facts, *self._org_facts(org)):
            yield from self._style.wrap(text, "  ", 4)
        groups = org.groups()
        count = len(groups) if self._is_verbose else SHOWN_GROUPS
        if self._style.shield:
            count = max(count, sum(gives_sensitive(change) for change, _ in groups))
        for change, users in groups[:count]:
            yield ""
            yield from self._group(change, users)
        if rest := groups[count:]:
            users_left = sum(len(users) for _, users in rest)
            yield ""
            yield f"  … and {number(users_left, 'more user')}; `-v` and `--format json` show all"
            yield from self._lost_by(rest)

    def _lost_by(self, rest: list[tuple[AccessChange, list[UserChange]]]) -> Iterator[str]:
        """Yields what is sensitive of what users lose who are only counted."""
        lost = sorted(
            {name for change, _ in rest for one in change.permissions if one.sensitive for name in one.permissions}
        )
        for text in fold_names(lost) if self._style.shield else ():
            yield from self._line("-", text, "", True)

    def _org_facts(self, org: OrgChange) -> Iterator[str]:
        if org.platform is not None:
            yield f"platform {org.platform.before} → {org.platform.after}"
        if org.manage is not None:
            yield f"manage: {org.manage.before} → {org.manage.after}"
        if org.presence is Presence.KEPT:
            for product, change in org.products:
                yield f"product {product}: {change.before or 'not subscribed'} → {change.after or 'not subscribed'}"
            for verb, names in (("+", org.clients.added), ("-", org.clients.removed), ("~", org.clients.changed)):
                if names:
                    yield f"{verb} {number(len(names), 'client')}: {', '.join(self._style.cut(names))}"
        if org.catalog is not None:
            yield self._catalog(org.catalog)

    def _catalog(self, change: CatalogChange) -> str:
        before, after = (f"{one.id} {one.version or ''}".strip() for one in (change.before, change.after))
        parts = [f"catalog {before} → {after}" if before != after else f"catalog {after}"]
        for text, names in (
            ("new", change.added),
            ("gone", change.removed),
            ("newly sensitive", change.newly_sensitive),
            ("no longer sensitive", change.no_longer_sensitive),
        ):
            if names:
                parts.append(f"{number(len(names), 'permission')} {text}: {shorten(names, 3)}")
        return "; ".join(parts)

    # People

    def _group(self, change: AccessChange, users: list[UserChange]) -> Iterator[str]:
        presence = {Presence.ADDED: "new", Presence.REMOVED: "removed"}.get(change.presence)
        names = [describe_user(user) for user in users]
        if len(names) == 1:
            yield from self._bold(self._style.wrap(f"{presence}: {names[0]}" if presence else names[0], "  ", 4))
        else:
            head = f"{number(len(names), f'{presence} user' if presence else 'user')}:"
            shown = names if self._style.shield and gives_sensitive(change) else self._style.cut(names)
            yield from self._bold(self._style.wrap(f"{head} {', '.join(shown)}", "  ", 4))
        yield from self._facts(change)
        yield from self._permissions(change.permissions)
        for product in change.products if change.presence is not Presence.REMOVED else ():
            yield from self._product(product)
        if change.widened and self._style.shield:
            for text in fold_names(change.widened):
                yield from self._line("+", text, "held before, now more widely", True)
        for duty in change.obligations:
            for verb, permissions in (("needed now", duty.imposed), ("no longer needed", duty.lifted)):
                if permissions:
                    color = "bad" if verb == "needed now" else "warning"
                    text = f"{duty.obligation} {verb} for {', '.join(self._style.cut(permissions))}"
                    yield from (self._style.paint(line, color) for line in self._style.wrap(text, "    ", 6))

    def _facts(self, change: AccessChange) -> Iterator[str]:
        if change.role is not None:
            yield from self._fact("role", change.presence, *(one or "none" for one in _sides(change.role)))
        if change.audience is not None and Audience.CLIENT in _sides(change.audience):
            words = ["" if one is None else f"{one.value} user" for one in _sides(change.audience)]
            yield from self._fact("audience", change.presence, *words)
        if change.suspended is not None:
            yield from self._fact("suspended", Presence.ADDED, "", "yes" if change.suspended.after else "no more")
        if change.scope is not None:
            yield from self._extents("scope", change.presence, change.scope, "all clients", "no clients")
        if change.manages is not None:
            yield from self._extents("manages", change.presence, change.manages, "everybody", "nobody")
        if change.sign_in is not None:
            words = [describe_sign_in(one) for one in _sides(change.sign_in)]
            yield from self._fact("signs in", change.presence, *words)

    def _extents(
        self, label: str, presence: Presence, change: Changed[Extent], everything: str, nothing: str
    ) -> list[str]:
        if presence is Presence.KEPT:
            return self._fact(label, Presence.ADDED, "", describe_extents(change, everything, nothing))
        words = [describe_extent(one, everything, nothing) for one in _sides(change)]
        return self._fact(label, presence, *words)

    def _fact(self, label: str, presence: Presence, before: str, after: str) -> list[str]:
        """Returns a fact about users: both sides, or of who is on one side only that one."""
        text = {Presence.ADDED: after, Presence.REMOVED: before}.get(presence, f"{before} → {after}")
        return self._style.wrap(text, f"    {label:<{_LABEL}}", 6)

    def _permissions(self, changes: Iterable[PermissionChange]) -> Iterator[str]:
        """Yields the lines of permissions, one a resource; where a product has many, they are counted instead."""
        products: dict[str, dict[tuple[str, str, str, bool], list[str]]] = {}
        for change in changes:
            for name in change.permissions:
                product, resource, action = name.split(".")
                key = (resource, sign_of(change), self._marks(change), bool(change.sensitive))
                products.setdefault(product, {}).setdefault(key, []).append(action)
        for product, lines in sorted(products.items()):
            for is_sensitive in (False, True):
                chosen = {key: actions for key, actions in sorted(lines.items()) if key[3] == is_sensitive}
                is_whole = self._is_verbose or (is_sensitive and bool(self._style.shield))
                if len(chosen) > SHOWN_LINES and not is_whole:
                    yield from self._counted(product, chosen)
                    continue
                for (resource, sign, marks, _), actions in chosen.items():
                    yield from self._line(
                        sign, f"{product}.{resource}: {' '.join(sorted(actions))}", marks, is_sensitive
                    )

    def _counted(self, product: str, lines: dict[tuple[str, str, str, bool], list[str]]) -> Iterator[str]:
        counts: dict[tuple[str, str, bool], int] = {}
        for (_, sign, marks, is_sensitive), actions in lines.items():
            counts[sign, marks, is_sensitive] = counts.get((sign, marks, is_sensitive), 0) + len(actions)
        for (sign, marks, is_sensitive), count in counts.items():
            yield from self._line(sign, f"{product}: {number(count, 'permission')}", marks, is_sensitive)

    def _line(self, sign: str, text: str, marks: str, is_sensitive: bool) -> list[str]:
        shield = f"{self._style.shield} " if is_sensitive and self._style.shield else ""
        lines = self._style.wrap(f"{sign} {shield}{text}{f'  ({marks})' if marks else ''}", "    ", 8)
        return [self._style.paint(line, "sensitive" if is_sensitive else _COLORS[sign]) for line in lines]

    def _marks(self, change: PermissionChange) -> str:
        parts = [describe_times(change.before, change.after, self._now)]
        parts.append(f"sensitive: {', '.join(change.sensitive)}" if change.sensitive else "")
        parts.append(f"needs {join_words(list(change.obligations))}" if change.obligations and change.is_gained else "")
        parts.append("by the new catalog" if change.is_from_catalog else "")
        return "; ".join(part for part in parts if part)

    def _product(self, change: ProductChange) -> list[str]:
        sign = "+" if change.is_first else "-" if not change.after else "±"
        times = describe_times(change.before, change.after, self._now)
        starts = f"first access: {change.onboarding}" if change.onboarding else ""
        return self._line(sign, f"product {change.product}", "; ".join(filter(None, (times, starts))), False)

    def _bold(self, lines: list[str]) -> list[str]:
        return [self._style.paint(line, "bold") for line in lines]

    # The end

    def end(self, comparison: Comparison, limit: str = "") -> Iterator[str]:
        """Yields the totals and the verdict with its witnesses; `limit` is what it is restricted by."""
        yield from self._style.wrap(describe_totals(comparison.totals), "", 2)
        verdict, witnesses = comparison.verdict, describe_witnesses(comparison, self._now)
        text = f"verdict: {verdict.value}{limit}{': ' if witnesses else ''}{'; '.join(witnesses)}"
        yield from self._style.painted(text, VERDICT_COLORS[verdict])


def gives_sensitive(change: AccessChange) -> bool:
    """Whether something sensitive is gained, or held more widely."""
    return bool(change.totals.sensitive_gained or change.totals.sensitive_widened)


def _sides(change: Changed[T]) -> tuple[T, T]:
    return change.before, change.after
