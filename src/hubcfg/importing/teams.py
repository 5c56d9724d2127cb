"""Finds teams from whom people manage: a lead's team is whoever the lead manages."""

from collections.abc import Iterable, Mapping

from hubcfg.importing.ids import make_id, unique
from hubcfg.parser.document import Value


def find_teams(managed: Mapping[str, Iterable[str]], people: Iterable[str]) -> dict[str, Value]:
    """Returns the teams, by id, with which each lead manages exactly those people; `people` are all that there are.

    Leads who manage the same people lead one team together, also where they are members of it themselves.
    """
    known = set(people)
    wanted = {lead: frozenset(those) & known for lead, those in managed.items()}
    together: dict[frozenset[str], list[str]] = {}
    for lead in sorted(wanted):
        if wanted[lead]:
            together.setdefault(wanted[lead] | {lead}, []).append(lead)
    alike: dict[frozenset[str], list[str]] = {}
    for members, leads in together.items():
        # Who leads alone is no member; others may lead the same people, from outside or from among them.
        alike.setdefault(members if len(leads) > 1 else wanted[leads[0]], []).extend(leads)
    teams: dict[str, Value] = {}
    for members, leads in sorted(alike.items(), key=lambda item: item[1]):
        id = unique(f"team-{make_id(leads[0].partition('@')[0]) or len(teams) + 1}", teams)
        teams[id] = {"leads": list(leads), "members": list[Value](sorted(members))}
    return teams
