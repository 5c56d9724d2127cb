"""An entry of a list whose time window has ended, or (as information) ends within 14 days.

Why: what has ended is noise in every review, and what ends soon will be missed by somebody.

Example:
    permissions: [{permission: psa.tickets.delete, expires: 2026-10-31}]   # and today is later

Mend: remove the entry, or give it a new end if it is still needed.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import Listed, OrgCheck, ProjectCheck, bundle_place, listed_grants
from hubcfg.core.finding import Finding, find
from hubcfg.core.instants import BEGINNING, DAY, END, Instant, format_instant
from hubcfg.core.places import Place
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.platforms.grants import Group, Role
from hubcfg.validator.config import Entry

SOON = 14 * DAY
_NOUNS = {"permissions": "grant of", "roles": "Hub role"}


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each entry of the org's users, groups and Hub roles that has ended or ends soon."""
    for entry, users in check.by_entry.items():
        for listed in _find_ending(entry, check.instant):
            yield from (_report(listed, check.place(user, *listed.path), check.instant) for user in users)
    for bundle in check.bundles():
        for listed in _find_ending(bundle, check.instant):
            yield _report(listed, bundle_place(bundle, *listed.path), check.instant)


def check_project(check: ProjectCheck) -> Iterator[Finding]:
    """Yields a finding for each entry of the shared groups and Hub roles that has ended or ends soon."""
    for bundle in check.shared_bundles() if check.orgs else ():
        for listed in _find_ending(bundle, check.instant):
            yield _report(listed, bundle_place(bundle, *listed.path), check.instant)


def _find_ending(owner: Entry | Group | Role, instant: Instant) -> Iterator[Listed]:
    for listed in listed_grants(owner):
        # An end at the very beginning stands for one that could not be read, which is reported as that.
        if listed.grant.end not in (BEGINNING, END) and listed.grant.end <= instant + SOON:
            yield listed


def _report(listed: Listed, place: Place, instant: Instant) -> Finding:
    grant = listed.grant
    what = f"the {_NOUNS.get(listed.field, 'group')} `{grant.target}`"
    if grant.end <= instant:
        return find(RULE, f"{what} ended at {format_instant(grant.end)}", place,
                    help="remove the entry, or give it a new end if it is still needed")  # fmt: skip
    days = (grant.end - instant) // DAY
    left = "in less than a day" if not days else "in a day" if days == 1 else f"in {days} days"
    return find(RULE, f"{what} ends {left}, at {format_instant(grant.end)}", place,
                help="give it a new end if it is needed for longer", severity=Severity.INFO)  # fmt: skip


RULE = Rule("expired-grant", Table.POLICY, __doc__, Severity.WARNING, check, check_project)
