"""A comparison for people: who gains and loses what, people with the same change together; the verdict at the end."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from hubcfg.core.instants import Instant
from hubcfg.planner.change import AccessChange, Comparison, OrgChange, Presence, UserChange
from hubcfg.planner.verdict import Verdict
from hubcfg.views.changes.facts import (
    PRESENCE,
    Line,
    count_lines,
    describe_product,
    facts_of_duties,
    facts_of_org,
    facts_of_users,
    gives_sensitive,
    lines_by_product,
)
from hubcfg.views.changes.words import describe_totals, describe_user, describe_witnesses
from hubcfg.views.colors import paint
from hubcfg.views.counts import number
from hubcfg.views.findings.text import visible
from hubcfg.views.held import fold_names, wrap

# What is shown before the rest is only counted; JSON and `-v` leave nothing out.
SHOWN_USERS, SHOWN_GROUPS, SHOWN_LINES = 10, 50, 8
# Of users who gain something sensitive, with a shield.
SHOWN_GAINERS = 1_000
_LABEL = 10
_COLORS = {"+": "good", "-": "bad", "±": "warning"}
VERDICT_COLORS = {
    Verdict.EQUIVALENT: "good",
    Verdict.NARROWER: "good",
    Verdict.WIDER: "warning",
    Verdict.MIXED: "warning",
}


class Style(Struct, frozen=True):
    """How text about changes looks. With a `shield` it stands before what is sensitive, and no permission of that is only counted."""

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

    def cut(self, names: Iterable[str], most: int = SHOWN_USERS) -> list[str]:
        """Returns the first of some names, and how many more there are."""
        listed = list(names)
        if self.is_verbose or len(listed) <= most:
            return listed
        return [*listed[:most], f"… and {len(listed) - most:,} more"]


class ChangesText:
    """Writes the changes of orgs as lines."""

    def __init__(self, now: Instant, style: Style) -> None:
        self._now = now
        self._style = style
        self._is_verbose = style.is_verbose

    # Orgs

    def org(self, org: OrgChange, facts: Iterable[str] = ()) -> Iterator[str]:
        """Yields the lines about an org; `facts` come first."""
        presence = PRESENCE.get(org.presence)
        head = f"{presence} org" if presence else "org"
        yield self._style.paint(f"{head} {visible(org.id)}: ", "bold") + self._style.paint(
            org.verdict.value, VERDICT_COLORS[org.verdict]
        )
        for text in (*facts, *facts_of_org(org, self._style.cut)):
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
            yield from self._line("-", text, "sensitive", True)

    # People

    def _group(self, change: AccessChange, users: list[UserChange]) -> Iterator[str]:
        presence = PRESENCE.get(change.presence)
        names = [describe_user(user) for user in users]
        if len(names) == 1:
            yield from self._bold(self._style.wrap(f"{presence}: {names[0]}" if presence else names[0], "  ", 4))
        else:
            head = f"{number(len(names), f'{presence} user' if presence else 'user')}:"
            most = SHOWN_GAINERS if self._style.shield and gives_sensitive(change) else SHOWN_USERS
            shown = self._style.cut(names, most)
            yield from self._bold(self._style.wrap(f"{head} {', '.join(shown)}", "  ", 4))
        for label, text in facts_of_users(change):
            yield from self._style.wrap(text, f"    {label:<{_LABEL}}", 6)
        yield from self._permissions(change)
        for product in change.products if change.presence is not Presence.REMOVED else ():
            sign, marks = describe_product(product, self._now)
            yield from self._line(sign, f"product {product.product}", marks, False)
        if change.widened and self._style.shield:
            for text in fold_names(change.widened):
                yield from self._line("+", text, "sensitive, held more widely than before", True)
        for obligation, is_imposed, permissions in facts_of_duties(change):
            verb, color = ("needed now", "bad") if is_imposed else ("no longer needed", "warning")
            text = f"{obligation} {verb} for {', '.join(self._style.cut(permissions))}"
            yield from self._style.painted(text, color, "    ", 6)

    def _permissions(self, change: AccessChange) -> Iterator[str]:
        """Yields the lines of permissions, one a resource; where a product has many, they are counted instead."""
        products = lines_by_product(change.permissions, self._now)
        if not self._style.shield:
            for product, lines in products.items():
                yield from self._of_product(product, lines, is_sensitive=False)
                yield from self._of_product(product, lines, is_sensitive=True)
            return
        for lines in products.values():
            chosen = [line for line in lines if line.sensitive]
            if change.presence is Presence.REMOVED and len(chosen) > 1 and not self._is_verbose:
                yield from self._line("-", "; ".join(map(_words_of, chosen)), "sensitive", True)
            else:
                yield from (row for line in chosen for row in self._whole(line))
        for product, lines in products.items():
            yield from self._of_product(product, lines, is_sensitive=False)

    def _of_product(self, product: str, lines: list[Line], *, is_sensitive: bool) -> Iterator[str]:
        chosen = [line for line in lines if bool(line.sensitive) is is_sensitive]
        if len(chosen) <= SHOWN_LINES or self._is_verbose:
            yield from (row for line in chosen for row in self._whole(line))
            return
        for line, count in count_lines(chosen).items():
            text = f"{product}: {number(count, 'permission')}"
            yield from self._line(line.sign, text, line.marks, is_sensitive)

    def _whole(self, line: Line) -> Iterator[str]:
        return self._line(line.sign, _words_of(line), line.marks, bool(line.sensitive))

    def _line(self, sign: str, text: str, marks: str, is_sensitive: bool) -> Iterator[str]:
        shield = f"{self._style.shield} " if is_sensitive and self._style.shield else ""
        color = "sensitive" if is_sensitive else _COLORS[sign]
        return self._style.painted(f"{sign} {shield}{text}{f'  ({marks})' if marks else ''}", color, "    ", 8)

    def _bold(self, lines: list[str]) -> list[str]:
        return [self._style.paint(line, "bold") for line in lines]

    # The end

    def end(self, comparison: Comparison, limit: str = "") -> Iterator[str]:
        """Yields the totals and the verdict with its witnesses; `limit` is what it is restricted by."""
        yield from self._style.wrap(describe_totals(comparison.totals), "", 2)
        verdict, witnesses = comparison.verdict, describe_witnesses(comparison, self._now)
        text = f"verdict: {verdict.value}{limit}{': ' if witnesses else ''}{'; '.join(witnesses)}"
        yield from self._style.painted(text, VERDICT_COLORS[verdict])


def _words_of(line: Line) -> str:
    return f"{line.resource}: {' '.join(line.actions)}"
