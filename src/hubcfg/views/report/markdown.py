"""The report in short, as Markdown: the points to look at, the counts, and who holds what is sensitive by whose approval."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from hubcfg.core.instants import format_instant
from hubcfg.views.counts import number
from hubcfg.views.held import Row, fold_names, scope_words
from hubcfg.views.report.attention import BASES, TAGS, Urgency, find_points, short_instant
from hubcfg.views.report.model import AHEAD_DAYS, Coming, Given, OrgReview, Person, Review, SensitiveShare

# How many lines a table has at most, and how much a cell lists; the other forms have all of it.
MAX_ROWS, MAX_PEOPLE, MAX_RESOURCES, MAX_NAMED = 50, 6, 6, 15
_SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")
# What would become a mention or a link by itself: a space of no width after the `@`, the scheme or `www` prevents it.
_ALIVE = re.compile(r"(?<!\w)@(?=\w)|\bhttps?:(?=//)|\bwww(?=\.)", re.IGNORECASE)


def render_markdown(review: Review) -> Iterator[str]:
    """Yields the report line by line."""
    for line in _render(review):
        yield line + "\n"


def escape(text: str) -> str:
    """Returns a text of the project so that Markdown shows it as it is: no markup, no HTML, no link or mention, one line."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ALIVE.sub("\\g<0>\u200b", _SPECIAL.sub(r"\\\1", plain))


def _plain(text: str) -> str:
    """Returns a sentence without the backticks around its words, whatever those are."""
    return escape(text.replace("`", ""))


def _render(review: Review) -> Iterator[str]:
    yield f"# Access review: {escape(review.project)}"
    yield ""
    commit = "" if review.state.commit is None else f" at commit `{review.state.commit[:12]}`"
    changes = "" if review.state.is_clean or not commit else " with uncommitted changes"
    yield f"As of {review.as_of}{commit}{changes}; approvals judged by {_plain(review.base)}; hubcfg {review.version}."
    points = find_points(review)
    if points:
        yield "\n## To look at\n"
    for point in points:
        where = f"{escape(point.org.org.name)}: " if point.org is not None and len(review.orgs) > 1 else ""
        tag = TAGS[point.urgency] if point.urgency is Urgency.NOTE else f"**{TAGS[point.urgency]}**"
        yield f"- {tag}: {where}{_plain(point.text)}"
    yield "\n## Summary\n"
    heads = ["org", "people", "suspended", "hold something sensitive", "approvals in force", "not approved"]
    yield from _table(heads, ([*_counts(one)] for one in review.orgs))
    for one in review.orgs:
        yield from _org(one, f" in {escape(one.org.name)}" if len(review.orgs) > 1 else "")


def _counts(one: OrgReview) -> Iterator[str]:
    yield escape(one.org.name)
    yield str(len(one.people))
    yield str(len(one.suspended))
    yield str(sum(bool(person.sensitive) for person in one.people))
    yield str(sum(given.status.counts for given in one.approvals))
    yield str(len({missing.user for missing in one.missing}))


def _org(one: OrgReview, where: str) -> Iterator[str]:
    if one.sensitive:
        yield f"\n## Sensitive permissions{where}\n"
        ends = {given.status.approval.id: given for given in one.approvals}
        heads = ["who", "what", "approved by", "until"]
        yield from _table(heads, ([*_share(one, share, ends)] for share in one.sensitive))
    if one.coming:
        yield f"\n## What changes within {AHEAD_DAYS} days{where}\n"
        yield from _table(["when", "who", "what"], ([*_coming(coming)] for coming in one.coming))


def _share(one: OrgReview, share: SensitiveShare, given: dict[str, Given]) -> Iterator[str]:
    yield _people(share.people, with_scope=one.org.platform.assigns_clients)
    yield _sensitive(share.rows)
    approvals = ", ".join(map(escape, share.approvals))
    yield f"{', '.join(map(escape, share.approvers))} ({approvals})" if approvals else f"**{BASES[share.basis]}**"
    ends = {status.end for id in share.approvals if id in given and (status := given[id].status).end is not None}
    untils = sorted({row.until for row in share.rows if row.until} or {format_instant(end) for end in ends})
    yield short_instant(untils[0]) if untils else ""


def _coming(coming: Coming) -> Iterator[str]:
    yield short_instant(coming.instant)
    yield _people(coming.people)
    because = "" if coming.begins else " (the approval)" if coming.because == "approval" else ""
    yield f"{'begins' if coming.begins else 'ends'}{because}: {_permissions(coming.permissions)}"


def _people(people: list[Person], *, with_scope: bool = False) -> str:
    shown = [escape(person.name or person.id) for person in people[:MAX_PEOPLE]]
    if with_scope:
        shown = [
            f"{name} ({escape(scope_words(person.scope, 3))})" for name, person in zip(shown, people, strict=False)
        ]
    return _cut(shown, len(people))


def _sensitive(rows: tuple[Row, ...]) -> str:
    """Returns sensitive permissions by name, or many of them by category."""
    if len(rows) <= MAX_NAMED:
        return _permissions(row.permission for row in rows)
    counted = Counter(category for row in rows for category in row.sensitive)
    categories = ", ".join(f"{count} {escape(name)}" for name, count in sorted(counted.items()))
    return f"{number(len(rows), 'permission')} ({categories})"


def _permissions(names: Iterable[str]) -> str:
    folded = fold_names(names)
    rest = len(folded) - MAX_RESOURCES
    shown = ", ".join(f"`{text}`" for text in folded[:MAX_RESOURCES])
    return shown + (f" and {number(rest, 'more resource')}" if rest > 0 else "")


def _cut(shown: list[str], total: int) -> str:
    rest = total - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest > 0 else "")


def _table(heads: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    listed = list(rows)
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for row in listed[:MAX_ROWS]:
        yield f"| {' | '.join(row)} |"
    if len(listed) > MAX_ROWS:
        yield f"\nAnd {len(listed) - MAX_ROWS:,} more; `hubcfg report` without `--format` has all of it."
