"""A plan as a comment on a pull request: one line that says it all, then folded details, and never more than hosts take.

Where it would be too long, the routine is counted and what is sensitive packed; that goes last of all (docs/plan.md, "Comments").
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice

from hubcfg.core.finding import Finding
from hubcfg.planner.plan import Plan
from hubcfg.planner.verdict import NO_TOTALS, Totals
from hubcfg.views.changes.facts import PRESENCE, gives_sensitive
from hubcfg.views.changes.words import describe_witnesses
from hubcfg.views.counts import number
from hubcfg.views.inert import code, prose, tagged
from hubcfg.views.plan.comment_org import OrgDetails, item_words, render_pack
from hubcfg.views.plan.comment_remarks import Remarks
from hubcfg.views.plan.level import LEVELS, NOTES, Level, Packing, cut_names
from hubcfg.views.plan.packing import Item, Pack, pack_by_permissions, sensitive_items
from hubcfg.views.plan.words import SHIELD, describe_nothing, ordered_orgs

# By this line a comment is found again, so that there is one that is brought up to date.
MARKER = "<!-- hubcfg plan -->"
# GitHub takes 65,536 characters and 262,144 bytes; CI puts errors and what it was made from into the same comment.
MAX_CHARACTERS, MAX_BYTES = 60_000, 250_000
SHOWN_AT_ONCE = 5
_MENTIONED = 200
_WHERE = "`hubcfg plan` as `html` or with `-v` shows all of it."


def render_markdown(plan: Plan, findings: Sequence[Finding]) -> str:
    """Returns the comment; it begins with MARKER."""
    comment = _Comment(plan, findings)
    for level in LEVELS:
        text = fit(comment.render(level))
        if text is not None:
            return text
    count = len(comment.packs)
    while count:
        count //= 2
        text = fit(comment.render(LEVELS[-1], count))
        if text is not None:
            return text
    return "\n".join(comment.summary())


def fit(lines: Iterable[str]) -> str | None:
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
    def __init__(self, plan: Plan, findings: Sequence[Finding]) -> None:
        self._plan = plan
        self._findings = findings
        self._now = plan.comparison.instant
        self._orgs = [OrgDetails(org) for org in ordered_orgs(plan)]
        self._is_one = sum(not org.change.is_empty for org in plan.orgs) == 1
        self._gains = [(one, gain) for one in self._orgs for gain in _find_gains(one)]

    @cached_property
    def packs(self) -> list[Pack]:
        """What is sensitive of the whole project, by permissions."""
        return pack_by_permissions(group for org in self._orgs for group in org.sensitive)

    def summary(self) -> Iterator[str]:
        """Yields the lines of the shortest comment: only what no name of the project can make long."""
        yield MARKER
        yield f"**Nothing but these numbers fits into this comment.** {_WHERE}"
        yield ""
        yield self._summary()

    def render(self, level: Level, count: int | None = None) -> Iterator[str]:
        """Yields the lines; with `count`, only so many of what is sensitive."""
        plan, remarks = self._plan, Remarks(self._plan, self._findings, level.remarks)
        warnings, others = [*remarks.warnings()], [*remarks.others()]
        yield MARKER
        if plan.is_empty and not plan.has_work and not warnings:
            yield f"**hubcfg plan: equivalent** · {prose(describe_nothing(plan))}"
            yield from _block(others)
            return
        if count is not None:
            hidden = sum(len(pack.folded()) for pack in self.packs[count:])
            yield f"**{number(hidden, 'sensitive line')} of this plan fit into no comment.** {_WHERE}"
            yield ""
        yield self._summary()
        yield from _block(warnings)
        yield from _block(self._at_once())
        if level is not LEVELS[0]:
            yield f"\n{NOTES[level.packing] if count is None else 'Shortened to fit'}. {_WHERE}"
        yield from self._details(level, count)
        if plan.approvals:
            yield from _folded(f"{number(len(plan.approvals), 'approval')} for what is sensitive", remarks.approvals())
        yield from _block(others)
        yield f"\n{remarks.origin()}"

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
        for org, (notes, pack) in self._gains[:SHOWN_AT_ONCE]:
            users = ", ".join(map(code, pack.users)) if len(pack.users) <= 3 else number(len(pack.users), "user")
            items = [item_words(sign, _shorten(text)) for sign, text in pack.folded() if sign != "-"]
            where = "" if self._is_one else f"{code(org.change.id)}: "
            yield f"- {SHIELD} {where}{users}{notes}: {', '.join(cut_names(items, 4))}"
        if len(self._gains) > SHOWN_AT_ONCE:
            users = number(sum(len(pack.users) for _, (_, pack) in self._gains[SHOWN_AT_ONCE:]), "more user")
            yield f"- {SHIELD} and {users}, below"
        if self._plan.comparison.is_empty:
            yield "- nobody's access changes"
        witnesses = describe_witnesses(self._plan.comparison, self._now, code)
        yield from (f"- {text}" for text in islice(witnesses, 1 if self._gains else 0, None))

    def _details(self, level: Level, count: int | None) -> Iterator[str]:
        is_by_org = level.packing is not Packing.PROJECT
        if not is_by_org:
            yield from _folded(f"{SHIELD} what is sensitive", (render_pack(pack, level) for pack in self.packs[:count]))
        in_full = [org for org in self._orgs if org.sensitive and is_by_org]
        rest = [org for org in self._orgs if not (org.sensitive and is_by_org)]
        for org in chain(in_full, rest[: level.orgs]):
            yield from _folded(_head(org), org.render(level, self._now, is_alone=self._is_one))
        if left := rest[level.orgs :]:
            totals = NO_TOTALS
            for org in left:
                totals = totals.plus(org.change.totals)
            yield f"\n{number(len(left), 'more org')}: {_counts(totals)}"


def _find_gains(org: OrgDetails) -> list[tuple[str, Pack]]:
    """Returns users who gain the same that is sensitive, with what else is the same about them; the fewest users first."""
    found: dict[tuple[str, tuple[Item, ...]], list[str]] = {}
    for change, users in org.sensitive:
        if gives_sensitive(change):
            role = change.role.after if change.role is not None else None
            notes = [PRESENCE.get(change.presence), None if role is None else f"role {code(role)}"]
            said = ", ".join(filter(None, notes))
            key = (f" ({said})" if said else "", sensitive_items(change))
            found.setdefault(key, []).extend(user.id for user in users)
    packs = [(notes, Pack(tuple(users), items)) for (notes, items), users in found.items()]
    return sorted(packs, key=lambda one: (len(one[1].users), one[1].items, one[0]))


def _shorten(text: str) -> str:
    # The details have all of it.
    return text if len(text) <= _MENTIONED else f"{text[: _MENTIONED - 1]}…"


def _head(org: OrgDetails) -> str:
    change, presence = org.change, PRESENCE.get(org.change.presence)
    shield = f"{SHIELD} " if org.sensitive else ""
    said = f"{f'{presence}, ' if presence else ''}{change.verdict.value}"
    return f"{shield}{tagged(change.id)}: {said} · {_counts(change.totals)}"


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
