"""A group or Hub role of the project that nobody has.

Why: what nobody uses is still read in every review, and may one day be given to somebody by mistake.

Example:
    groups:
      old-desk: {permissions: [psa.tickets.read]}   # no user, role or group refers to it

Mend: remove it, or give it to those who need it.
"""

from collections.abc import Iterable, Iterator

from hubcfg.checker.scope import OrgCheck, ProjectCheck, bundle_place, is_of_platform, listed_grants
from hubcfg.core.finding import Finding, find
from hubcfg.core.places import Part
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.platforms.grants import Group, Role
from hubcfg.validator.config import Org


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each group or role of the org's own documents that no user has."""
    org = check.org
    if org.is_partial:
        return
    groups, roles = used_names(org)
    yield from _report(check.bundles(), groups, roles, f"in the org `{org.id}`")


def check_project(check: ProjectCheck) -> Iterator[Finding]:
    """Yields a finding for each shared group or role that no user of any org has."""
    if check.config.is_partial:
        return
    groups: set[str] = set()
    roles: set[str] = set()
    for own_groups, own_roles in check.facts[RULE.name]:
        groups |= own_groups
        roles |= own_roles
    for platform in check.config.shared_groups:
        shared: list[Group | Role] = [
            group for group in check.config.shared_groups[platform] if not is_of_platform(group)
        ]
        shared += check.config.shared_roles.get(platform, [])
        of_platform = f"{platform}/"
        yield from _report(
            shared,
            {name.removeprefix(of_platform) for name in groups if name.startswith(of_platform)},
            {name.removeprefix(of_platform) for name in roles if name.startswith(of_platform)},
            "in any org",
        )


def gather(check: OrgCheck) -> tuple[set[str], set[str]]:
    """Returns the shared groups and Hub roles that some user of an org has, each after its platform."""
    if not check.has_shared_bundles:
        return set(), set()
    org, platform = check.org, check.org.platform.id
    groups, roles = used_names(org)
    return (
        {f"{platform}/{name}" for name in groups if name in org.groups and org.groups[name].is_shared},
        {f"{platform}/{name}" for name in roles if name in org.roles and org.roles[name].is_shared},
    )


def used_names(org: Org) -> tuple[set[str], set[str]]:
    """Returns the groups and Hub roles that some user of the org has, directly or through others."""
    groups: set[str] = set()
    roles: set[str] = set()
    for entry in {user.entry for user in org.users.values()}:
        for listed in listed_grants(entry):
            if listed.field != "permissions":
                (groups if listed.field == "groups" else roles).add(listed.grant.target)
    for role in roles & org.roles.keys():
        groups |= {grant.target for grant in org.roles[role].groups}
    pending = list(groups)
    while pending:
        group = org.groups.get(pending.pop())
        for grant in group.includes if group is not None else ():
            if grant.target not in groups:
                groups.add(grant.target)
                pending.append(grant.target)
    return groups, roles


def _report(bundles: Iterable[Group | Role], groups: set[str], roles: set[str], where: str) -> Iterator[Finding]:
    for bundle in bundles:
        noun, used = ("group", groups) if isinstance(bundle, Group) else ("Hub role", roles)
        if bundle.id not in used:
            yield find(RULE, f"nobody {where} has the {noun} `{bundle.id}`", bundle_place(bundle, part=Part.KEY),
                       help="remove it, or give it to those who need it")  # fmt: skip


RULE = Rule("unused-bundle", Table.POLICY, __doc__, Severity.INFO, check, check_project, gather)
