"""Whose people they are: what hubcfg removes, and what it leaves alone (docs/deployment.md, "Ownership")."""

import hashlib
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from hubcfg.core.canonical import canonical_json, canonical_line
from hubcfg.planner.bundles import Bundle, BundleError, Object
from hubcfg.planner.held import OrgFiles
from hubcfg.platforms.grants import Audience


def find_strangers(
    live: Mapping[Audience, Bundle], wanted: Mapping[Audience, Bundle], ever: frozenset[str]
) -> dict[Audience, list[str]]:
    """Returns the people of an org who were never in a deployed bundle of it and are not to be now, sorted."""
    known = ever.union(*(bundle.users for bundle in wanted.values()))
    return {
        audience: strangers
        for audience, bundle in live.items()
        if (strangers := sorted(id for id in bundle.users if id not in known))
    }


def keep_only(bundles: Mapping[Audience, Bundle], people: Collection[str]) -> dict[Audience, Bundle]:
    """Returns bundles with some people only."""
    return {
        audience: replace(bundle, users={id: user for id, user in bundle.users.items() if id in people})
        for audience, bundle in bundles.items()
    }


def keep_strangers(
    files: OrgFiles,
    live: Mapping[Audience, Bundle],
    wanted: Mapping[Audience, Bundle],
    strangers: Mapping[Audience, list[str]],
) -> dict[Audience, bytes]:
    """Returns the files of an org with people added as the target has them, for an org that only `listed` people are managed of."""
    kept = dict(files)
    for audience, ids in strangers.items():
        theirs = live[audience]
        ours = wanted.get(audience)
        # Whatever somebody has written there by hand: what is left must say whose people they are for the next time.
        base = ours if ours is not None else Bundle({**theirs.head, "manage": "listed"}, {}, {})
        users, sets = dict(base.users), dict(base.sets)
        for id in ids:
            user, names = theirs.users[id], theirs.permissions(theirs.users[id])
            # What the target has under the name of a set of ours may have been changed: ours stays what it is.
            if sets.setdefault(str(user["set"]), names) != names:
                own_id = hashlib.sha256(canonical_json(list(names))).hexdigest()
                user, sets[own_id] = {**user, "set": own_id}, names
            users[id] = user
        head = dict(base.head)
        clients = _clients(theirs, ids)
        own = head.get("clients")
        if clients and isinstance(own, dict):
            head["clients"] = {**clients, **own}
        value = {**head, "users": users, "permission_sets": {id: list(names) for id, names in sets.items()}}
        kept[audience] = _encode(value)
    return kept


def without_strangers(
    files: OrgFiles,
    live: Mapping[Audience, Bundle],
    deployed: Mapping[Audience, Bundle],
    strangers: Mapping[Audience, list[str]],
) -> dict[Audience, bytes]:
    """Returns an org's files without some people, and without what is only there for them."""
    left = dict(files)
    for audience, ids in strangers.items():
        bundle = live[audience]
        users = {id: user for id, user in bundle.users.items() if id not in set(ids)}
        if not users and audience not in deployed:
            del left[audience]
            continue
        sets = {str(user["set"]) for user in users.values()}
        head = dict(bundle.head)
        theirs, own = _clients(bundle, ids), head.get("clients")
        if theirs and isinstance(own, dict):
            needed = _clients(bundle, list(users))
            kept = {
                id: one for id, one in own.items() if id not in theirs or id in needed or audience is Audience.STAFF
            }
            head = {**head, "clients": kept} if kept else {key: part for key, part in head.items() if key != "clients"}
        listed = {id: list(names) for id, names in bundle.sets.items() if id in sets}
        left[audience] = _encode({**head, "users": users, "permission_sets": listed})
    return left


def without_others(files: OrgFiles, bundles: Mapping[Audience, Bundle], ever: frozenset[str]) -> dict[Audience, bytes]:
    """Returns an org's files, whose bundles are given, without people who were never deployed, and without what is there for them."""
    # An org has staff, be it nobody; the file of clients' users is there for them alone.
    ours: dict[Audience, Bundle] = {one: bundle for one, bundle in bundles.items() if one is Audience.STAFF}
    return without_strangers(files, bundles, ours, find_strangers(bundles, {}, ever))


def _encode(value: Object) -> bytes:
    """Returns the bytes of a bundle; raises BundleError for what JSON can say and no bundle can, such as a number without end."""
    try:
        return canonical_line(value)  # type: ignore[arg-type]  # read from JSON
    except ValueError as error:
        raise BundleError("it says something that is not to be written in a bundle") from error


def _clients(bundle: Bundle, ids: list[str]) -> dict[str, object]:
    """Returns the descriptions of the companies of some people: a client's bundle has those that occur."""
    clients = bundle.head.get("clients")
    if not isinstance(clients, dict):
        return {}
    companies = set()
    for id in ids:
        scope = bundle.users[id].get("scope")
        if isinstance(scope, dict) and "company" in scope:
            companies.add(scope["company"])
    return {id: client for id, client in clients.items() if id in companies}
