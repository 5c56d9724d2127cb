"""What a reader of the report should look at first, in sentences: what is wrong, what is due soon, what could be tidier."""

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from hubcfg.views.counts import number
from hubcfg.views.report.model import SOON_DAYS, Basis, OrgReview, Review


class Urgency(Enum):
    """What a point asks of the reader: to act, to check something, or to know it."""

    BAD = "bad"
    SOON = "soon"
    NOTE = "note"


class Point(Struct, frozen=True):
    """One sentence, which begins with a capital letter; `section` is the part of the report that tells the rest, of the org at `org`, if any."""

    urgency: Urgency
    text: str
    section: str
    org: OrgReview | None = None


TAGS = {Urgency.BAD: "Act", Urgency.SOON: "Check", Urgency.NOTE: "Note"}
BASES = {
    Basis.APPROVAL: "approved",
    Basis.ROLE_APPROVAL: "approved with the role",
    Basis.CHANGE: "approved with the change that gave the role",
    Basis.ROOT: "no approval needed: all trust begins with this role",
    Basis.MISSING: "not approved",
}


def find_points(review: Review) -> list[Point]:
    """Returns the points, the most urgent first."""
    points = [*_of_project(review), *(point for one in review.orgs for point in _of_org(one))]
    ordered = sorted(points, key=lambda point: [*Urgency].index(point.urgency))
    return [replace(point, text=point.text[:1].upper() + point.text[1:]) for point in ordered]


def short_instant(instant: str) -> str:
    """Returns an instant to the minute: `2026-12-25 00:00Z`."""
    return f"{instant[:10]} {instant[11:16]}Z"


def _of_project(review: Review) -> Iterator[Point]:
    if review.errors:
        text = f"{_are(len(review.errors), 'error')} in the project: as it stands it is not deployed"
        yield Point(Urgency.BAD, text, "errors")
    if review.is_by_tree:
        text = f"approvals were judged by {review.base}, not by a revision that has landed"
        yield Point(Urgency.SOON, text, "sources")
    if review.state.commit is not None and not review.state.is_clean:
        yield Point(Urgency.SOON, "the files differ from the commit: some changes are not committed", "sources")
    if review.unused:
        text = (
            f"{number(len(review.unused), 'shared group or Hub role', 'shared groups and Hub roles')} that nobody has"
        )
        yield Point(Urgency.NOTE, text, "shared")
    if review.findings:
        yield Point(Urgency.NOTE, f"{_remarks(len(review.findings))} on what orgs share", "shared")


def _of_org(one: OrgReview) -> Iterator[Point]:
    for text, section in _bad(one):
        yield Point(Urgency.BAD, text, section, one)
    for text, section in _soon(one):
        yield Point(Urgency.SOON, text, section, one)
    for text, section in _notes(one):
        yield Point(Urgency.NOTE, text, section, one)


def _bad(one: OrgReview) -> Iterator[tuple[str, str]]:
    if one.missing:
        held = sum(len(missing.permissions) for missing in one.missing)
        roles = sum(missing.role is not None for missing in one.missing)
        people = len({missing.user for missing in one.missing})
        what = [f"{number(held, 'sensitive permission')}"] if held else []
        what += [number(roles, "role")] if roles else []
        yield f"{' and '.join(what)} of {_people(people)} without an approval", "sensitive"
    if one.unknown:
        yield f"what {_people(len(one.unknown))} may do is not known, because of errors", "people"
    lapsed = sum(not given.status.counts for given in one.approvals)
    if lapsed:
        yield f"{number(lapsed, 'approval')} that {'does' if lapsed == 1 else 'do'} not count", "approvals"


def _soon(one: OrgReview) -> Iterator[tuple[str, str]]:
    ending = one.ends_within(SOON_DAYS)
    if ending:
        people = len({person.id for coming in ending for person in coming.people})
        yield (
            f"something that {_people(people)} {'holds' if people == 1 else 'hold'} ends within {SOON_DAYS} days",
            "coming",
        )
    idle = sum(given.status.counts and not given.status.is_used for given in one.approvals)
    if idle:
        yield f"{number(idle, 'approval')} of which nothing is used any more", "approvals"
    if one.idle:
        count = len(one.idle)
        yield f"{_people(count)} can sign in and {'holds' if count == 1 else 'hold'} nothing", "people"


def _notes(one: OrgReview) -> Iterator[tuple[str, str]]:
    if one.suspended:
        yield f"{_people(len(one.suspended))} suspended: the entries are still there", "suspended"
    if one.unused:
        yield f"{number(len(one.unused), 'group or Hub role', 'groups and Hub roles')} that nobody has", "tidying"
    if one.suggestions:
        yield f"direct grants that several people have in common ({number(len(one.suggestions), 'set')})", "tidying"
    if one.findings:
        yield f"{_remarks(len(one.findings))} on what is redundant, without effect or against a rule", "tidying"


def _people(count: int) -> str:
    return number(count, "person", "people")


def _remarks(count: int) -> str:
    return number(count, "remark")


def _are(count: int, noun: str) -> str:
    return f"there {'is' if count == 1 else 'are'} {number(count, noun)}"
