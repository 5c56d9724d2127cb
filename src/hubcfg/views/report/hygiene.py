"""What a review should lead to: what nobody uses, what changes nothing, what ends soon, and what should become a group."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations

from hubcfg.checker.check import check_org, check_whole, gather_facts
from hubcfg.checker.rules import unused_bundle
from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding
from hubcfg.core.instants import DAY, END, Instant, format_instant
from hubcfg.core.places import Place, Span
from hubcfg.core.rule import Severity, Table
from hubcfg.platforms.grants import Audience, Grant
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.access import OrgAccess
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.resolver.windows import union_at
from hubcfg.validator.config import Config, Entry, Org
from hubcfg.views.places import Lines
from hubcfg.views.report.model import AHEAD_DAYS, Coming, Person, Suggestion, Unused

# How many different sets of direct grants are compared: the time grows with the cube of their number.
MAX_COMPARED = 80
MAX_SUGGESTIONS = 20

_Pattern = tuple[str, str | None]
# What the report shows in parts of its own.
_SHOWN_ELSEWHERE = ("unused-bundle", "direct-grants-at-scale")


def find_coming(access: OrgAccess, people: Iterable[Person]) -> list[Coming]:
    """Returns what begins and ends by itself in the time ahead, people together for whom it is the same."""
    now, last = access.instant, access.instant + AHEAD_DAYS * DAY
    found: dict[tuple[Instant, bool, str, Mask], list[Person]] = {}
    for person in people:
        if not person.is_known or person.is_suspended:
            continue
        user, holding = person.user, access.holding(person.user)
        by_approval = {instant for instant, _ in access.approved.get(user.id, ())}
        for instant, mask in access.ends(user):
            if instant <= last:
                because = "approval" if instant in by_approval else "window"
                found.setdefault((instant, False, because, mask), []).append(person)
        before = holding.timeline[0].effective
        for step in holding.timeline[1:]:
            begins = step.effective & ~before
            if begins and step.instant <= last:
                found.setdefault((step.instant, True, "window", begins), []).append(person)
            before = step.effective
    names = access.org.catalog.to_names
    coming = [
        Coming(format_instant(instant), (instant - now) // DAY, begins, because, tuple(names(mask)), held)
        for (instant, begins, because, mask), held in found.items()
    ]
    return sorted(coming, key=lambda one: (one.instant, one.begins, one.people[0].id, one.permissions))


def find_unused(config: Config, checks: Sequence[OrgCheck], read: Callable[[str], str | None]) -> list[Unused]:
    """Returns the groups and Hub roles of the project that nobody has, whether or not the project ignores that finding."""
    found: list[tuple[Finding, str | None]] = []
    for check in checks:
        found += [(finding, check.org.id) for finding in check_org(check, [unused_bundle.RULE])]
    facts = [gather_facts(check, [unused_bundle.RULE]) for check in checks]
    found += [(finding, None) for finding in check_whole(config, list(checks), facts, [unused_bundle.RULE])]
    places = [(finding.place, org) for finding, org in found if isinstance(finding.place, Place)]
    lines = Lines(read)
    lines.prepare(place for place, _ in places)
    return sorted(
        (
            Unused(str(place.path[0]).removesuffix("s"), str(place.path[-1]), place.file, lines.span(place).line or None, org)
            for place, org in places
        ),
        key=lambda one: (one.org or "", one.noun, one.id),
    )  # fmt: skip


class FindingSorter:
    """Tells which org a finding is about: the one whose document it stands in, if any."""

    def __init__(self, orgs: Iterable[Org], read: Callable[[str], str | None]) -> None:
        self._lines = Lines(read)
        self._places: dict[str, list[tuple[Place, str]]] = {}
        self._starts: dict[str, list[tuple[int, str]]] = {}
        for org in orgs:
            for document in (org.document, *(one for listed in org.documents.values() for one in listed)):
                self._places.setdefault(document.file, []).append((document.first_key(), org.id))

    def org_of(self, finding: Finding) -> str | None:
        """Returns the org in whose document a located finding stands; None where that is shared, or none."""
        place = finding.place
        if not isinstance(place, Span) or place.file not in self._places:
            return None
        if place.file not in self._starts:
            places = self._places[place.file]
            self._lines.prepare(one for one, _ in places)
            self._starts[place.file] = sorted({(self._lines.span(one).line, org) for one, org in places})
        before = [org for line, org in self._starts[place.file] if line <= place.line]
        return before[-1] if before else self._starts[place.file][0][1]


def policy_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Returns the findings about what is redundant, without effect or against the project's own policy, errors aside."""
    return [
        one
        for one in findings
        if one.rule.table is Table.POLICY and one.severity is not Severity.ERROR and one.name not in _SHOWN_ELSEWHERE
    ]


def suggest_groups(access: OrgAccess, people: Iterable[Person]) -> list[Suggestion]:
    """Returns the direct grants that several people have in common, those first that would save most lines.

    Compared are equal sets and what two sets have in common. Each grant of a person is counted in one suggestion only.
    """
    holders: dict[tuple[Audience, frozenset[_Pattern]], list[Person]] = {}
    temporary: dict[Entry, dict[_Pattern, bool]] = {}
    for person in people:
        entry = person.user.entry
        if entry not in temporary:
            temporary[entry] = _direct_patterns(entry, access.instant)
        if temporary[entry] and person.is_known and not person.is_suspended:
            holders.setdefault((entry.audience, frozenset(temporary[entry])), []).append(person)
    bundles = _Bundles(access)
    suggestions = []
    for audience in Audience:
        sets = {patterns: held for (of, patterns), held in holders.items() if of is audience}
        for patterns, held in _share(sets):
            listed = tuple(sorted(patterns, key=_pattern_order))
            is_temporary = all(temporary[person.user.entry][pattern] for person in held for pattern in listed)
            held.sort(key=lambda person: person.id)
            suggestions.append(Suggestion(listed, held, bundles.find(held[0], listed), is_temporary))
    return suggestions


def _share(holders: dict[frozenset[_Pattern], list[Person]]) -> Iterator[tuple[frozenset[_Pattern], list[Person]]]:
    """Yields what several people share, the most at a time; of many sets those that most people have are compared."""
    sets = sorted(holders, key=lambda one: (-len(holders[one]), sorted(map(_pattern_order, one))))[:MAX_COMPARED]
    candidates = {*sets, *(one & other for one, other in combinations(sets, 2))} - {frozenset()}
    left = dict(zip(sets, sets, strict=True))
    for _ in range(MAX_SUGGESTIONS):
        sharing = {one: [own for own in sets if one <= left[own]] for one in candidates}
        counts = {one: sum(len(holders[own]) for own in owners) for one, owners in sharing.items()}
        candidates = {one for one in candidates if counts[one] > 1}
        if not candidates:
            return
        order = {one: (-len(one) * counts[one], -counts[one], sorted(map(_pattern_order, one))) for one in candidates}
        best = min(candidates, key=order.__getitem__)
        yield best, [person for own in sharing[best] for person in holders[own]]
        for own in sharing[best]:
            left[own] -= best


def _pattern_order(pattern: _Pattern) -> tuple[str, str]:
    return pattern[1] or "", pattern[0]


def _direct_patterns(entry: Entry, instant: Instant) -> dict[_Pattern, bool]:
    """Returns the patterns of an entry's own that count now or later, each with whether it has an end."""
    listed: list[tuple[Grant, str | None]] = [(grant, None) for grant in entry.permissions]
    listed += [(grant, product.product) for product in entry.products or () for grant in product.permissions]
    return {(grant.target, product): grant.end != END for grant, product in listed if grant.end > instant}


class _Bundles:
    """Finds the group or Hub role that already gives just what some patterns give."""

    def __init__(self, access: OrgAccess) -> None:
        self._access = access
        self._resolver = OrgResolver(access.org)

    def find(self, person: Person, patterns: Iterable[_Pattern]) -> tuple[str, str] | None:
        """Returns the noun and id of the bundle, groups first; None where there is none."""
        org, catalog = self._access.org, self._access.org.catalog
        within = self._access.holding(person.user).rights.audience
        wanted = 0
        for pattern, product in patterns:
            mask = catalog.match(pattern) & within
            wanted |= mask if product is None else mask & catalog.of_product(product)
        for id, group in sorted(org.groups.items()):
            given = union_at(self._resolver.group_terms(id), self._access.instant)
            if group.audience is person.user.entry.audience and given & within == wanted:
                return "group", id
        for id in sorted(org.roles):
            if union_at(self._resolver.role_terms(id), self._access.instant) & within == wanted:
                return "role", id
        return None
