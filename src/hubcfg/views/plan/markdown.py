"""A plan as a comment on a pull request: one line that says it all, then folded details, and never more than hosts take.

Where it would be too long, the routine is counted and what is sensitive packed; that goes last of all (docs/plan.md, "Comments").
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from hubcfg.core.finding import Finding
from hubcfg.planner.change import OrgChange
from hubcfg.planner.plan import OrgPlan, Plan
from hubcfg.planner.verdict import NO_TOTALS, Totals
from hubcfg.views.changes.facts import PRESENCE, gives_sensitive, touches_sensitive
from hubcfg.views.changes.words import describe_witnesses
from hubcfg.views.counts import number
from hubcfg.views.inert import code, prose, tagged
from hubcfg.views.plan.comment_org import item_words, render_org, render_pack
from hubcfg.views.plan.comment_remarks import Remarks
from hubcfg.views.plan.level import LEVELS, NOTES, Level, Packing, cut_names
from hubcfg.views.plan.packing import Item, Pack, pack_by_permissions, sensitive_items
from hubcfg.views.plan.words import SHIELD, describe_nothing, ordered_orgs

# By this line a comment is found again, so that there is one that is brought up to date.
MARKER = "<!-- hubcfg plan -->"
# GitHub takes 65,536 characters and 262,144 bytes.
MAX_CHARACTERS, MAX_BYTES = 65_000, 260_000
SHOWN_AT_ONCE = 5
_WHERE = "`hubcfg plan` as `html` or with `-v` shows all of it."


def render_markdown(plan: Plan, findings: Sequence[Finding]) -> str:
    """Returns the comment; it begins with MARKER."""
    for level in LEVELS:
        text = _fit(_Comment(plan, findings, level).render())
        if text is not None:
            return text
    packs = pack_by_permissions(org.change for org in plan.orgs)
    count = len(packs)
    while True:
        count //= 2
        text = _fit(_Comment(plan, findings, LEVELS[-1], packs, count).render())
        if text is not None:
            return text


def _fit(lines: Iterable[str]) -> str | None:
    """Returns the lines as one text, or None where they are too long; then not all of them are made."""
    kept = []
    characters = size = 0
    for line in lines:
        kept.append(line)
        characters += len(line.encode("utf-16-le")) // 2 + 1
        size += len(line.encode()) + 1
        if characters > MAX_CHARACTERS or size > MAX_BYTES:
            return None
    return "\n".join(kept)


class _Comment:
    """A comment at some level; with `packs`, only the first `count` of what is sensitive."""

    def __init__(
        self,
        plan: Plan,
        findings: Sequence[Finding],
        level: Level,
        packs: list[Pack] | None = None,
        count: int | None = None,
    ) -> None:
        self._plan = plan
        self._level = level
        self._now = plan.comparison.instant
        self._packs = packs
        self._count = count
        self._remarks = Remarks(plan, findings, level.remarks)
        self._is_one = sum(not org.change.is_empty for org in plan.orgs) == 1

    def render(self) -> Iterator[str]:
        """Yields the lines."""
        plan, warnings, others = self._plan, [*self._remarks.warnings()], [*self._remarks.others()]
        yield MARKER
        if plan.is_empty and not plan.has_work and not warnings:
            yield f"**hubcfg plan:** {prose(describe_nothing(plan))}"
            yield from _block(others)
            return
        if self._packs is not None:
            hidden = sum(len(pack.folded()) for pack in self._packs[self._count :])
            yield f"**{number(hidden, 'sensitive line')} of this plan fit into no comment.** {_WHERE}"
            yield ""
        yield self._summary()
        yield from _block(warnings)
        yield from _block(self._at_once())
        if self._level is not LEVELS[0]:
            yield f"\n{NOTES[self._level.packing] if self._packs is None else 'Shortened to fit'}. {_WHERE}"
        yield from self._orgs()
        if plan.approvals:
            yield from _folded(
                f"{number(len(plan.approvals), 'approval')} for what is sensitive", self._remarks.approvals()
            )
        yield from _block(others)
        yield f"\n{self._remarks.origin()}"

    def _summary(self) -> str:
        plan, comparison = self._plan, self._plan.comparison
        held = [
            *(["held back"] if plan.all_trips else []),
            *([f"{number(len(plan.left_out), 'org')} left out"] if plan.left_out else []),
        ]
        limits = f" ({', '.join(held)})" if held else ""
        return f"**hubcfg plan: {comparison.verdict.value}{limits}** · {_counts(comparison.totals)}"

    def _at_once(self) -> Iterator[str]:
        """Yields what a reader sees without unfolding anything: who gains what is sensitive, or else a witness; who loses."""
        gains = [(org.change, one) for org in ordered_orgs(self._plan) for one in _gains(org.change)]
        for org, (notes, pack) in gains[:SHOWN_AT_ONCE]:
            users = ", ".join(map(code, pack.users)) if len(pack.users) <= 3 else number(len(pack.users), "user")
            items = [item_words(sign, text) for sign, text in pack.folded() if sign != "-"]
            where = "" if self._is_one else f"{code(org.id)}: "
            yield f"- {SHIELD} {where}{users}{notes}: {', '.join(cut_names(items, 4))}"
        if len(gains) > SHOWN_AT_ONCE:
            users = number(sum(len(pack.users) for _, (_, pack) in gains[SHOWN_AT_ONCE:]), "more user")
            yield f"- {SHIELD} and {users}, below"
        if self._plan.comparison.is_empty:
            yield "- nobody's access changes"
        witnesses = describe_witnesses(self._plan.comparison, self._now, code)
        yield from (f"- {text}" for text in islice(witnesses, 1 if gains else 0, None))

    def _orgs(self) -> Iterator[str]:
        if self._level.packing is Packing.PROJECT:
            packs = pack_by_permissions(org.change for org in self._plan.orgs) if self._packs is None else self._packs
            yield from _folded(
                f"{SHIELD} what is sensitive", (render_pack(pack, self._level) for pack in packs[: self._count])
            )
        orgs = ordered_orgs(self._plan)
        in_full = [org for org in orgs if touches(org.change) and self._level.packing is not Packing.PROJECT]
        rest = [org for org in orgs if org not in in_full]
        for org in [*in_full, *rest[: self._level.orgs]]:
            yield from _folded(self._head(org), render_org(org, self._level, self._now, is_alone=self._is_one))
        if left := rest[self._level.orgs :]:
            totals = NO_TOTALS
            for org in left:
                totals = totals.plus(org.change.totals)
            yield f"\n{number(len(left), 'more org')}: {_counts(totals)}"

    def _head(self, org: OrgPlan) -> str:
        presence = PRESENCE.get(org.change.presence)
        shield = f"{SHIELD} " if touches(org.change) else ""
        said = f"{f'{presence}, ' if presence else ''}{org.change.verdict.value}"
        return f"{shield}{tagged(org.id)}: {said} · {_counts(org.change.totals)}"


def _gains(org: OrgChange) -> list[tuple[str, Pack]]:
    """Returns users who gain the same that is sensitive, with what else is the same about them; the fewest users first."""
    found: dict[tuple[str, tuple[Item, ...]], list[str]] = {}
    for change, users in org.groups():
        if gives_sensitive(change):
            role = change.role.after if change.role is not None else None
            notes = [PRESENCE.get(change.presence), None if role is None else f"role {code(role)}"]
            said = ", ".join(filter(None, notes))
            key = (f" ({said})" if said else "", sensitive_items(change))
            found.setdefault(key, []).extend(user.id for user in users)
    packs = [(notes, Pack(tuple(users), items)) for (notes, items), users in found.items()]
    return sorted(packs, key=lambda one: (len(one[1].users), one[1].items, one[0]))


def touches(org: OrgChange) -> bool:
    """Whether anything sensitive is gained, held more widely or lost in an org."""
    return any(touches_sensitive(user.access) for user in org.users)


def _block(lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield from ("", *listed)


def _folded(head: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\n<details><summary>{head}</summary>\n"
    yield from lines
    yield "\n</details>"


def _counts(totals: Totals) -> str:
    """Returns the counts in the few words that a phone shows at once, what is sensitive first."""
    parts = []
    if totals.sensitive_gained:
        parts.append(f"{SHIELD} {totals.sensitive_gained:,} sensitive gained")
    if totals.sensitive_widened:
        parts.append(f"{SHIELD} {totals.sensitive_widened:,} sensitive held more widely")
    parts.append(f"{number(totals.gained, 'permission')} gained, {totals.lost:,} lost")
    return " · ".join([*parts, number(totals.users, "user")])
