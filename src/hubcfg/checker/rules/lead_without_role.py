"""A team is led by someone whose role leads no teams.

Why: the lead could neither manage the team's members nor approve anything for them.

Example:
    teams:
      tier2: {leads: [bo@pilot.example]}     # bo is a technician

Mend: give the person a role that manages or approves, or name another lead.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.nearest import shorten
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.platform import PlatformRole, Reach


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each such lead, at its item."""
    org = check.org
    if not org.platform.has_teams:
        return
    leading = [role.id for role in org.platform.roles.values() if _leads(role)]
    for team in org.teams.values():
        for index, id in enumerate(team.leads):
            user = org.users.get(id)
            role = check.access.role(user) if user is not None else None
            if user is None or role is None or user.entry.audience is Audience.CLIENT or _leads(role):
                continue
            if id in team.leads[:index]:
                continue
            advice = f"roles that do are {shorten(leading)}" if leading else "no role of the platform does"
            yield find(RULE, f"`{id}` can't lead a team, because the role `{role.id}` neither manages nor approves",
                       team.document.place("teams", team.id, "leads", index), help=f"name another lead; {advice}",
                       related=(Related(f"the role of `{id}`", check.place(user, "role")),))  # fmt: skip


def _leads(role: PlatformRole) -> bool:
    return role.manages is not Reach.NONE or role.approves is not Reach.NONE


RULE = Rule("lead-without-role", Table.PLATFORM, __doc__, check=check)
