"""A pattern whose every segment is `*`, granted to someone whose role does not have everything anyway.

`*`, `*.*` and `*.*.*` are such patterns, whether granted directly or through a group or Hub role. It stands at the pattern,
with the users as other places. In a product entry they mean that product, and are fine.

Why: it grants whatever the platform has or ever will have; only the role made for that may do so.

Example:
    kim@northwind.example: {role: member, permissions: ["*"]}

Mend: grant the products or resources that the person works with. In a product entry `*` is allowed: there it means that product.
"""

from collections.abc import Iterator, Mapping

from hubcfg.checker.granted import Gathered, GrantedPattern, PatternFinder, gather_own, gather_shared, join_gathered
from hubcfg.checker.scope import OrgCheck, ProjectCheck
from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Place
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.patterns import is_everything
from hubcfg.validator.config import User


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each such pattern in the org's own documents."""
    yield from _report(gather_own(check, _find))


def check_project(check: ProjectCheck) -> Iterator[Finding]:
    """Yields a finding for each such pattern in shared documents."""
    yield from _report(join_gathered(check.facts[RULE.name]))


def gather(check: OrgCheck) -> dict[Place, Gathered]:
    """Returns such patterns of shared documents, with the users of an org who are granted them."""
    return gather_shared(check, _find)


def _find(check: OrgCheck) -> Iterator[tuple[GrantedPattern, list[User]]]:
    finders = {audience: PatternFinder(check, audience, is_everything) for audience in Audience}
    for entry, users in check.all_by_entry.items():
        is_client = entry.audience is Audience.CLIENT
        if is_client and not check.org.platform.client_users:
            continue
        rights = check.resolver.rights(entry)
        if (rights.role is None and not is_client) or not rights.audience & ~rights.baseline:
            continue
        for one in finders[entry.audience].find(entry):
            yield one, users


def _report(gathered: Mapping[Place, Gathered]) -> Iterator[Finding]:
    for place, one in gathered.items():
        through = f" through {shorten(one.through, 3)}" if one.through else ""
        yield find(RULE, f"`{one.pattern}` gives {shorten(one.user_ids, 3)}{through} everything there is, which the role does not",
                   place, help="name products or resources, such as `psa.tickets.*`; within a product entry `*` means that product",
                   related=one.related(place))  # fmt: skip


RULE = Rule("owner-level-wildcard", Table.PLATFORM, __doc__, check=check, check_project=check_project, gather=gather)
