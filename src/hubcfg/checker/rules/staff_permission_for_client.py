"""A client's own user is granted what only staff may hold.

It is reported where all that a pattern matches is for staff only, be it granted directly or through groups and Hub roles.

Why: it gives nothing, as a client user holds only what is meant for clients; but in review it looks like access to the inside.

Example:
    pat@contoso.example: {audience: client, company: contoso, permissions: [psa.dispatch.*]}

Mend: remove it, or grant what clients' users may hold; `hubcfg catalog list` shows the audience of each permission.
"""

from collections.abc import Iterator, Mapping

from hubcfg.checker.granted import Gathered, GrantedPattern, PatternFinder, gather_own, gather_shared, join_gathered
from hubcfg.checker.scope import OrgCheck, ProjectCheck
from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Place
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience
from hubcfg.validator.config import User


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each such pattern in the org's own documents."""
    yield from _report(gather_own(check, _find, _advise))


def check_project(check: ProjectCheck) -> Iterator[Finding]:
    """Yields a finding for each such pattern in shared documents."""
    yield from _report(join_gathered(check.facts[RULE.name]))


def gather(check: OrgCheck) -> dict[Place, Gathered]:
    """Returns such patterns of shared documents, with the users of an org who are granted them."""
    return gather_shared(check, _find, _advise)


def _find(check: OrgCheck) -> Iterator[tuple[GrantedPattern, list[User]]]:
    if not check.org.platform.client_users:
        return
    catalog = check.org.catalog
    of_clients = catalog.of_audience(Audience.CLIENT)

    def is_for_staff(pattern: str) -> bool:
        matched = catalog.match(pattern)
        return bool(matched) and not matched & of_clients

    finder = PatternFinder(check, Audience.CLIENT, is_for_staff)
    for entry, users in check.all_by_entry.items():
        if entry.audience is Audience.CLIENT:
            for one in finder.find(entry):
                yield one, users


def _report(gathered: Mapping[Place, Gathered]) -> Iterator[Finding]:
    for place, one in gathered.items():
        through = f" through {shorten(one.through, 3)}" if one.through else ""
        yield find(RULE, f"`{one.pattern}` matches only what staff may hold, and {shorten(one.user_ids, 3)} gets it{through}",
                   place, help=one.advice, related=one.related(place))  # fmt: skip


def _advise(check: OrgCheck, pattern: str) -> str:
    """Names what a client user may hold of the same resource, or else of the same product."""
    catalog = check.org.catalog
    segments = catalog.expand_alias(pattern).split(".")
    for depth in (2, 1):
        if len(segments) > depth and "*" not in segments[:depth]:
            near = catalog.match(".".join([*segments[:depth], "*"])) & catalog.of_audience(Audience.CLIENT)
            if near:
                return f"what clients' users may hold here is {shorten(catalog.to_names(near), 4)}"
    return "remove it, or grant what clients' users may hold"


RULE = Rule(
    "staff-permission-for-client", Table.PLATFORM, __doc__, check=check, check_project=check_project, gather=gather
)
