"""A comparison for people: who gains and loses what, people with the same change together; the verdict at the end."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from hubcfg.core.instants import Instant, format_instant
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Place
from hubcfg.planner.change import (
    AccessChange,
    CatalogChange,
    Changed,
    OrgChange,
    PermissionChange,
    Presence,
    ProductChange,
    UserChange,
)
from hubcfg.planner.state import Extent
from hubcfg.planner.verdict import Verdict
from hubcfg.platforms.grants import Audience
from hubcfg.views.colors import paint
from hubcfg.views.counts import join_words, number
from hubcfg.views.diff import Report, Side
from hubcfg.views.diff.words import (
    describe_extent,
    describe_extents,
    describe_sign_in,
    describe_times,
    describe_totals,
    describe_user,
    describe_witness,
    sign_of,
)
from hubcfg.views.held import wrap

T = TypeVar("T")

# What is shown before the rest is only counted; JSON and `-v` leave nothing out.
SHOWN_USERS, SHOWN_GROUPS, SHOWN_LINES, SHOWN_ERRORS, SHOWN_UNKNOWN = 10, 50, 8, 5, 10
_LABEL = 10
_COLORS = {"+": "good", "-": "bad", "±": "warning"}
_VERDICT_COLORS = {
    Verdict.EQUIVALENT: "good",
    Verdict.NARROWER: "good",
    Verdict.WIDER: "warning",
    Verdict.MIXED: "warning",
}


def render_text(report: Report, *, width: int, use_color: bool, is_verbose: bool) -> str:
    """Returns the comparison as text of some width."""
    return "\n".join(_Text(report, width, use_color, is_verbose).render())


class _Text:
    def __init__(self, report: Report, width: int, use_color: bool, is_verbose: bool) -> None:
        self._report = report
        self._comparison = report.comparison
        self._now: Instant = report.comparison.instant
        self._width = width
        self._use_color = use_color
        self._is_verbose = is_verbose

    def render(self) -> list[str]:
        """Returns the lines."""
        before, after = self._report.before, self._report.after
        head = f"from {before.label} to {after.label}, as of {format_instant(self._now)}"
        rows = wrap(head, self._width, "", 2)
        for org in self._comparison.orgs:
            if not org.is_empty or org.catalog is not None:
                rows += ["", *self._org(org)]
        if self._comparison.is_empty:
            known = "" if self._report.is_known else " whose access is known"
            rows += ["", f"nothing changes for anybody{known}"]
        return [*rows, "", *self._unknown(), *self._end()]

    # Orgs

    def _org(self, org: OrgChange) -> Iterator[str]:
        presence = {Presence.ADDED: "new ", Presence.REMOVED: "removed "}.get(org.presence, "")
        yield self._paint(f"{presence}org {org.id}: ", "bold") + self._paint(
            org.verdict.value, _VERDICT_COLORS[org.verdict]
        )
        for text in self._org_facts(org):
            yield from wrap(text, self._width, "  ", 4)
        groups = org.groups()
        shown = groups if self._is_verbose else groups[:SHOWN_GROUPS]
        for change, users in shown:
            yield ""
            yield from self._group(change, users)
        if len(shown) < len(groups):
            rest = sum(len(users) for _, users in groups[len(shown) :])
            yield ""
            yield f"  … and {number(rest, 'more user')}; `-v` and `--format json` show all"

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
                    yield f"{verb} {number(len(names), 'client')}: {', '.join(self._cut(names))}"
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
            yield from self._bold(wrap(f"{presence}: {names[0]}" if presence else names[0], self._width, "  ", 4))
        else:
            head = f"{number(len(names), f'{presence} user' if presence else 'user')}:"
            yield from self._bold(wrap(f"{head} {', '.join(self._cut(names))}", self._width, "  ", 4))
        yield from self._facts(change)
        yield from self._permissions(change.permissions)
        for product in change.products if change.presence is not Presence.REMOVED else ():
            yield from self._product(product)
        for duty in change.obligations:
            for verb, permissions in (("needed now", duty.imposed), ("no longer needed", duty.lifted)):
                if permissions:
                    color = "bad" if verb == "needed now" else "warning"
                    text = f"{duty.obligation} {verb} for {', '.join(self._cut(permissions))}"
                    yield from (self._paint(line, color) for line in wrap(text, self._width, "    ", 6))

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
        return wrap(text, self._width, f"    {label:<{_LABEL}}", 6)

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
                if len(chosen) > SHOWN_LINES and not self._is_verbose:
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
        lines = wrap(f"{sign} {text}{f'  ({marks})' if marks else ''}", self._width, "    ", 8)
        return [self._paint(line, "sensitive" if is_sensitive else _COLORS[sign]) for line in lines]

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

    # The end

    def _unknown(self) -> Iterator[str]:
        """Yields what keeps the comparison from being complete."""
        for side in (self._report.before, self._report.after):
            yield from self._errors(side)
        unknown = sorted({user for _, user in self._comparison.unknown})
        if unknown:
            shown = ", ".join(unknown[:SHOWN_UNKNOWN])
            more = f" and {len(unknown) - SHOWN_UNKNOWN:,} more" if len(unknown) > SHOWN_UNKNOWN else ""
            text = f"not compared, because the access is not known: {shown}{more}"
            yield from (self._paint(line, "error") for line in wrap(text, self._width, "", 2))

    def _errors(self, side: Side) -> Iterator[str]:
        if not side.errors:
            return
        head = f"{side.label} has {number(len(side.errors), 'error')}, so what people hold there is not all known:"
        yield from (self._paint(line, "error") for line in wrap(head, self._width, "", 2))
        for finding in side.errors[:SHOWN_ERRORS]:
            file = finding.place.file
            number_of = (
                f", document {finding.place.document + 1}"
                if isinstance(finding.place, Place) and finding.place.document
                else ""
            )
            yield from wrap(f"{file}{number_of}: {finding.message}", self._width, "  ", 4)
        if len(side.errors) > SHOWN_ERRORS:
            yield f"  … and {number(len(side.errors) - SHOWN_ERRORS, 'more error')}"

    def _end(self) -> Iterator[str]:
        comparison = self._comparison
        yield from wrap(describe_totals(comparison.totals), self._width, "", 2)
        witnesses = [
            describe_witness(witness, self._now, is_gain=is_gain)
            for witness, is_gain in ((comparison.gain, True), (comparison.loss, False))
            if witness is not None
        ]
        verdict, limit = comparison.verdict, "" if self._report.is_known else ", as far as is known"
        text = f"verdict: {verdict.value}{limit}{': ' if witnesses else ''}{'; '.join(witnesses)}"
        yield from (self._paint(line, _VERDICT_COLORS[verdict]) for line in wrap(text, self._width, "", 2))
        if self._report.condition is not None:
            said = "is met, so this fails" if self._report.is_met else "is not met"
            if not self._report.is_met and not self._report.is_known:
                said = "is not met as far as is known, which proves nothing, so this fails"
            text = f"--fail-on {self._report.condition.value}: the condition {said}"
            color = "error" if self._report.is_refused else "good"
            yield from (self._paint(line, color) for line in wrap(text, self._width, "", 2))

    def _bold(self, lines: list[str]) -> list[str]:
        return [self._paint(line, "bold") for line in lines]

    def _cut(self, names: Iterable[str]) -> list[str]:
        listed = list(names)
        if self._is_verbose or len(listed) <= SHOWN_USERS:
            return listed
        return [*listed[:SHOWN_USERS], f"… and {len(listed) - SHOWN_USERS:,} more"]

    def _paint(self, text: str, color: str) -> str:
        return paint(text, color, use_color=self._use_color)


def _sides(change: Changed[T]) -> tuple[T, T]:
    return change.before, change.after
