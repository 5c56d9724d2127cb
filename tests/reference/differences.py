"""Verdicts once more: what everybody may do, as sets of single abilities, compared at every instant (docs/diff.md, "The verdict")."""

from collections.abc import Iterator
from datetime import datetime

from .projects import Project
from .resolver import CLIENT, Document, edges, resolve

Users = dict[str, Document]
TO_COME = "whoever is yet to come"


def judge_projects(before: Project, after: Project, t: datetime) -> dict[str, str]:
    """Return the verdict on each org of two projects, from `t` on."""
    moments = [t, *sorted(edge for edge in edges([before.documents, after.documents]) if edge > t)]
    seen = [(orgs_at(before, moment), orgs_at(after, moment)) for moment in moments]
    names = {org for old, new in seen for org in [*old, *new]}
    return {org: judge([(old.get(org, {}), new.get(org, {})) for old, new in seen]) for org in names}


def orgs_at(project: Project, moment: datetime) -> dict[str, Users]:
    return resolve(project.documents, moment, project.settings.get("platform"))


def judge(moments: list[tuple[Users, Users]]) -> str:
    """Return the verdict on pairs of what the users of an org have at one instant."""
    gains = losses = False
    for old, new in moments:
        people = same_people(old, new)
        renames = {one: other for one, other in people if one and other}
        everybody = {*old, *new, TO_COME}
        places = {c for users in (old, new) for user in users.values() for c in clients_of(user, set())} | {TO_COME}
        for one, other in people:
            had = abilities(old[one], places, everybody, renames) if one else set()
            has = abilities(new[other], places, everybody, {}) if other else set()
            gains |= not has <= had
            losses |= not had <= has
            if one and other:
                gains |= any(duty not in duties(new[other]) for duty in held_on(old[one], new[other]))
                losses |= any(duty not in duties(old[one]) for duty in held_on(new[other], old[one]))
    return {(False, False): "equivalent", (False, True): "narrower", (True, False): "wider", (True, True): "mixed"}[
        gains, losses
    ]


def same_people(old: Users, new: Users) -> set[tuple[str | None, str | None]]:
    """Return who is who: by uid, else by id unless both sides give another uid; None where there is nobody."""
    same = {(a, b) for a in old for b in new if old[a].get("uid") and old[a].get("uid") == new[b].get("uid")}
    left, right = {a for a, _ in same}, {b for _, b in same}
    for name in (old.keys() - left) & (new.keys() - right):
        if not (old[name].get("uid") and new[name].get("uid")):
            same.add((name, name))
    left, right = {a for a, _ in same}, {b for _, b in same}
    gone: set[tuple[str | None, str | None]] = {(a, None) for a in old.keys() - left}
    return {*same, *gone, *((None, b) for b in new.keys() - right)}


def abilities(user: Document, places: set[str], everybody: set[str], renames: dict[str, str]) -> set[tuple[str, ...]]:
    """Return all that a user may do: each permission by itself and for each client, each product, each person managed."""
    manages = user.get("manages", [])
    managed = everybody if manages == "all" else {renames.get(name, name) for name in manages}
    may = {("in", product) for product in user["products"]} | {("manages", name) for name in managed}
    for permission in user["permissions"]:
        may |= {("may", permission)} | {("may", permission, client) for client in clients_of(user, places)}
    return may


def clients_of(user: Document, places: set[str]) -> set[str]:
    if user["audience"] == CLIENT:
        return {f"as one of {user['scope']['company']}"}
    clients = user["scope"]["clients"]
    return places if clients == "all" else set(clients)


def duties(user: Document) -> set[tuple[str, str]]:
    return {(duty, permission) for duty, owed in user.get("obligations", {}).items() for permission in owed}


def held_on(user: Document, other: Document) -> Iterator[tuple[str, str]]:
    """Yield the duties of a user for what another one holds as well."""
    return (duty for duty in duties(user) if duty[1] in other["permissions"])
