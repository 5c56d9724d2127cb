"""The report as one HTML file that needs nothing else: no network, and no script but for searching."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from hubcfg.core.finding import Finding
from hubcfg.core.instants import format_instant
from hubcfg.core.places import Span
from hubcfg.views.counts import number
from hubcfg.views.held import Row, describe_origin, fold_names, scope_words
from hubcfg.views.page import make_environment
from hubcfg.views.report.attention import BASES, TAGS, find_points, short_instant
from hubcfg.views.report.model import AHEAD_DAYS, SOON_DAYS, Access, Basis, Given, OrgReview, Profile, Review

TEMPLATES = Path(__file__).with_name("templates")
# How many findings of one kind are listed; the JSON form has all.
MAX_FINDINGS = 100
_CHUNK = 500


class Resource(Struct, frozen=True):
    """What of a resource is listed together: its name, the actions, the sensitive categories, and when it ends."""

    name: str
    actions: str
    sensitive: tuple[str, ...]
    until: str | None = None


class Way(Struct, frozen=True):
    """Resources that come the same way, with the number of permissions and how many are in each sensitive category."""

    through: str
    resources: tuple[Resource, ...]
    count: int
    categories: tuple[tuple[str, int], ...]


def render_html(review: Review) -> Iterator[str]:
    """Yields the file in pieces. The same review gives the same bytes."""
    environment = make_environment(TEMPLATES, script="report.js")
    environment.globals |= {
        "Basis": Basis,
        "bases": BASES,
        "tags": TAGS,
        "points": find_points(review),
        "soon_days": SOON_DAYS,
        "ahead_days": AHEAD_DAYS,
        "max_findings": MAX_FINDINGS,
        "number": number,
        "short": short_instant,
        "ways_of": ways_of,
        "way_words": way_words,
        "by_product": by_product,
        "product_name": product_name,
        "fold_names": fold_names,
        "scope_words": scope_words,
        "by_rule": by_rule,
        "place_words": place_words,
        "end_of": end_of,
        "given_at": given_at,
        "approval_numbers": approval_numbers,
        "all_sensitive": all_sensitive,
    }
    stream = environment.get_template("report.html.j2").stream(review=review)
    stream.enable_buffering(_CHUNK)
    yield from stream


def resources_of(rows: Iterable[Row], *, with_until: bool = True) -> list[Resource]:
    """Returns permissions by resource; apart is what is sensitive otherwise or ends at another time."""
    groups: dict[tuple[str, tuple[str, ...], str | None], list[str]] = {}
    for row in rows:
        resource, action = row.permission.rsplit(".", 1)
        groups.setdefault((resource, row.sensitive, row.until if with_until else None), []).append(action)
    return [
        Resource(name, ", ".join(actions), sensitive, until) for (name, sensitive, until), actions in groups.items()
    ]


def ways_of(rows: Iterable[Row], *, with_until: bool = True) -> list[Way]:
    """Returns permissions by the way that they come, the way that gives most first."""
    by_way: dict[str, list[Row]] = {}
    for row in rows:
        by_way.setdefault(describe_origin(row), []).append(row)
    ordered = sorted(by_way, key=lambda way: (-len(by_way[way]), way))
    return [
        Way(
            way_words(way),
            tuple(resources_of(by_way[way], with_until=with_until)),
            len(by_way[way]),
            tuple(sorted(Counter(category for row in by_way[way] for category in row.sensitive).items())),
        )
        for way in ordered
    ]


def way_words(origin: str) -> str:
    """Returns an origin in fewer words: what is not direct is inherited."""
    return origin.removeprefix("inherited ")


def by_product(accesses: Iterable[Access]) -> list[tuple[str, list[Access]]]:
    """Returns who can do what, product by product."""
    ordered = sorted(accesses, key=lambda access: access.permissions)
    return [
        (product, list(group))
        for product, group in groupby(ordered, key=lambda access: access.permissions[0].split(".", 1)[0])
    ]


def product_name(one: OrgReview, product: str) -> str:
    """Returns what the catalog calls a product."""
    products = one.org.catalog.raw.get("products")
    raw = products.get(product) if isinstance(products, dict) else None
    name = raw.get("name") if isinstance(raw, dict) else None
    return name if isinstance(name, str) else product


def by_rule(findings: Iterable[Finding]) -> list[tuple[str, str, list[Finding]]]:
    """Returns findings by name, with what each means."""
    ordered = sorted(findings, key=lambda finding: finding.name)
    groups = [list(group) for _, group in groupby(ordered, key=lambda finding: finding.name)]
    return [(group[0].name, group[0].rule.summary, group) for group in groups]


def place_words(finding: Finding) -> str:
    """Returns where a finding stands, as `file:line`."""
    place = finding.place
    return f"{place.file}:{place.line}" if isinstance(place, Span) and place.line else place.file


def end_of(given: Given) -> str | None:
    """Returns when an approval ends; None where it does not count."""
    return None if given.status.end is None else format_instant(given.status.end)


def given_at(given: Given) -> str | None:
    """Returns when an approval was given, if its date can be read."""
    at = given.status.approval.approved_at
    return None if at is None else format_instant(at)


def approval_numbers(one: OrgReview) -> dict[str, int]:
    """Returns the number of each approval in the org's list, from 1."""
    return {given.status.approval.id: number for number, given in enumerate(one.approvals, 1)}


def all_sensitive(profiles: Iterable[Profile]) -> list[tuple[str, tuple[str, ...], int]]:
    """Returns each sensitive permission that somebody holds, its categories, and how many people hold it."""
    found: dict[str, tuple[tuple[str, ...], int]] = {}
    for profile in profiles:
        for row in profile.rows:
            if row.sensitive:
                before = found.get(row.permission, (row.sensitive, 0))[1]
                found[row.permission] = (row.sensitive, before + len(profile.people))
    return [(name, categories, count) for name, (categories, count) in sorted(found.items())]
