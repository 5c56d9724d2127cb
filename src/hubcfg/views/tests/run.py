"""Runs the assertions of Tests documents; one that could not be judged has failed, never passed."""

from collections.abc import Callable, Iterable, Iterator

from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant, format_instant, parse_instant
from hubcfg.core.places import Place, Span
from hubcfg.core.rule import Severity
from hubcfg.parser.document import Document
from hubcfg.parser.parse import parse_source
from hubcfg.parser.sources import SourceFile
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.access import Holding, OrgAccess
from hubcfg.resolver.explain import Explainer
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.validator.config import Assertion, Entry, User
from hubcfg.views.counts import join_words
from hubcfg.views.explain.reasons import summarize_hindrances
from hubcfg.views.held import describe_origin, held_rows, scope_words
from hubcfg.views.places import Lines
from hubcfg.views.tests import Failure, Outcome

_SHOWN = 4


def run_tests(
    orgs: list[OrgAccess],
    findings: list[Finding],
    sources: Iterable[SourceFile],
    read: Callable[[str], str | None],
    *,
    is_whole: bool,
) -> list[Outcome]:
    """Runs the tests of some orgs of a project with its findings and source files; `read` gives a file's text.

    `is_whole` says that these are all orgs, so that tests of no known org, which nobody can run, are told as well.
    """
    lines = Lines(read)
    faults = _Faults(findings)
    outcomes: list[Outcome] = []
    seen: set[tuple[str, int, int]] = set()
    lines.prepare(
        place for access in orgs for one in access.org.assertions for place in _places(one.document, one.index)
    )
    for access in orgs:
        runner = _Runner(access)
        for one in access.org.assertions:
            seen.add((one.document.file, one.document.index, one.index))
            whole, name = (lines.span(place) for place in _places(one.document, one.index))
            failures = faults.within(whole) or runner.run(one)
            outcomes.append(
                Outcome(
                    access.org.id, one.name, one.user, name, format_instant(runner.instant_of(one)), tuple(failures)
                )
            )
    if faults:
        outcomes += _find_untested(sources, {access.org.id for access in orgs}, seen, lines, is_whole=is_whole)
    return sorted(outcomes, key=lambda outcome: (outcome.span.file, outcome.span.line, outcome.org or ""))


class _Faults:
    """The errors of the project by file, to tell which tests they lie in."""

    def __init__(self, findings: list[Finding]) -> None:
        self._by_file: dict[str, list[Finding]] = {}
        for finding in findings:
            if finding.severity is Severity.ERROR and isinstance(finding.place, Span):
                self._by_file.setdefault(finding.place.file, []).append(finding)

    def __bool__(self) -> bool:
        return bool(self._by_file)

    def within(self, test: Span) -> list[Failure]:
        """Returns a failure for each error that lies in a test."""
        start, end = (test.line, test.column), (test.end_line, test.end_column)
        return [
            Failure("a test without errors", f"{finding.message} (line {finding.place.line})")
            for finding in self._by_file.get(test.file, ())
            if isinstance(finding.place, Span) and start <= (finding.place.line, finding.place.column) < end
        ]


class _Runner:
    """Judges the assertions of one org; what an entry holds at an instant is worked out once."""

    def __init__(self, access: OrgAccess) -> None:
        self._access = access
        self._resolver = OrgResolver(access.org)
        self._explainers: dict[Instant, Explainer] = {access.instant: Explainer(access)}
        self._holdings: dict[tuple[Instant, Entry], Holding] = {}

    def instant_of(self, assertion: Assertion) -> Instant:
        """Returns the instant that a test looks at: its own, or that of the run."""
        own = parse_instant(assertion.as_of) if assertion.as_of is not None else None
        return self._access.instant if own is None else own

    def run(self, assertion: Assertion) -> list[Failure]:
        """Returns what of an assertion is not the case."""
        org = self._access.org
        user = org.users.get(assertion.user)
        if user is None:
            return [Failure(f"the user `{assertion.user}`", f"the org `{org.id}` has no such user")]
        if user.id in org.unsound:
            return [Failure("access that is known", f"what `{user.id}` may do is not known because of errors")]
        holding = self._holding(user, self.instant_of(assertion))
        failures = [one for pattern in assertion.can for one in self._check_can(user, holding, pattern)]
        failures += [one for pattern in assertion.cannot for one in self._check_cannot(user, holding, pattern)]
        return [*failures, *self._check_products(holding, assertion), *self._check_scope(user, assertion)]

    def _holding(self, user: User, instant: Instant) -> Holding:
        key = (instant, user.entry)
        if key not in self._holdings:
            if instant == self._access.instant:
                self._holdings[key] = self._access.holding(user)
            else:
                self._holdings[key] = self._resolver.resolve(user.entry, instant)
        return self._holdings[key]

    def _explainer(self, holding: Holding) -> Explainer:
        instant = holding.timeline[0].instant
        if instant not in self._explainers:
            self._explainers[instant] = Explainer(OrgAccess(self._access.org, instant, {}))
        return self._explainers[instant]

    def _check_can(self, user: User, holding: Holding, pattern: str) -> Iterator[Failure]:
        catalog = self._access.org.catalog
        expected = f"can {pattern}"
        matched = catalog.match(pattern) & holding.rights.audience
        if not matched:
            whose = "anybody" if not catalog.match(pattern) else f"{_audience(user)} may hold"
            yield Failure(
                expected, f"it matches nothing that {whose}" if whose != "anybody" else "it matches no permission"
            )
            return
        missing = matched & ~holding.effective
        if not missing:
            return
        names = catalog.to_names(missing)
        actual = f"cannot {_some(names)}" if matched.bit_count() > 1 else "cannot"
        first = names[0]
        hindrances = self._explainer(holding).hindrances(holding, catalog.match(first))
        because = summarize_hindrances(self._access, user, first, hindrances)
        yield Failure(expected, actual, because if len(names) == 1 else f"{first}: {because}")

    def _check_cannot(self, user: User, holding: Holding, pattern: str) -> Iterator[Failure]:
        catalog = self._access.org.catalog
        if not catalog.match(pattern):
            yield Failure(f"cannot {pattern}", "it matches no permission")
            return
        held: Mask = catalog.match(pattern) & holding.effective
        if not held:
            return
        names = catalog.to_names(held)
        row = held_rows(self._explainer(holding), user, catalog.match(names[0]))[0]
        actual = f"can {_some(names)}" if catalog.match(pattern).bit_count() > 1 else "can"
        because = describe_origin(row)
        yield Failure(f"cannot {pattern}", actual, because if len(names) == 1 else f"{names[0]}: {because}")

    def _check_products(self, holding: Holding, assertion: Assertion) -> Iterator[Failure]:
        if assertion.products is None or set(assertion.products) == holding.products:
            return
        wanted, there = set(assertion.products), holding.products
        parts = [f"lacks {', '.join(sorted(wanted - there))}"] if wanted - there else []
        parts += [f"opens {', '.join(sorted(there - wanted))} too"] if there - wanted else []
        yield Failure(f"products {_listed(wanted)}", f"the user has {_listed(there)}", " and ".join(parts))

    def _check_scope(self, user: User, assertion: Assertion) -> Iterator[Failure]:
        if assertion.scope is None:
            return
        wanted = {
            key: sorted(set(part)) if isinstance(part, tuple) else str(part) for key, part in assertion.scope.items()
        }
        there = self._access.scope(user)
        if wanted != there:
            expected = scope_words(wanted, 20) if len(wanted) == 1 else "clients or a company, not both"
            yield Failure(f"scope: {expected}", f"it is {scope_words(there, 20)}")


def _find_untested(
    sources: Iterable[SourceFile], orgs: set[str], seen: set[tuple[str, int, int]], lines: Lines, *, is_whole: bool
) -> Iterator[Outcome]:
    """Yields a failed outcome for each test that errors kept from being run: of an unknown org, misshapen, or unreadable."""
    for source in sources:
        if not source.path.endswith((".yaml", ".yml")):
            continue
        parsed = parse_source(source)
        if parsed.broken_text is not None and is_whole:
            actual = "the file can't be read to its end; tests in it may not have been run"
            yield Outcome(
                None, "every test is read", None, Span(source.path), None, (Failure("a readable file", actual),)
            )
        for document in parsed.documents:
            raw = document.value
            if not isinstance(raw, dict) or raw.get("kind") != "Tests":
                continue
            org, tests = raw.get("org"), raw.get("tests")
            if not is_whole and org not in orgs:
                continue
            actual = "the test could not be run, because its document or org is in error"
            for index, test in enumerate(tests if isinstance(tests, list) else [None]):
                if (document.file, document.index, index) in seen:
                    continue
                value = test if isinstance(test, dict) else {}
                name, user = value.get("name"), value.get("user")
                yield Outcome(
                    org if isinstance(org, str) else None,
                    name if isinstance(name, str) else "a test without a name",
                    user if isinstance(user, str) else None,
                    lines.span(_places(document, index)[0]),
                    None,
                    (Failure("a test that can be run", actual),),
                )


def _places(document: Document, index: int) -> tuple[Place, Place]:
    """Returns the places of a whole test and of its name."""
    return document.place("tests", index), document.place("tests", index, "name")


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return join_words(names) if more <= 0 else f"{', '.join(names[:_SHOWN])} and {more} more"


def _listed(names: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _audience(user: User) -> str:
    return "a client user" if user.entry.audience.value == "client" else "staff"
