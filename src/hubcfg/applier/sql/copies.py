"""Keeps, beside the live rows, a copy of what was last deployed, and who ever was (docs/tables.md, "What hubcfg remembers").

The copy shares nothing with the live rows, so that what is changed in them by hand shows. It is kept in parts, so that a change
of one user rewrites one part of it: part 0 is what a bundle says beside its users, each other part some of the users.
"""

import hashlib
import json
import zlib
from collections.abc import Collection, Container, Mapping

from hubcfg.applier.sql.database import Database
from hubcfg.applier.sql.rows import Value, encode_bundle, unreadable
from hubcfg.applier.target import OrgDeployment
from hubcfg.core.canonical import canonical_without_numbers
from hubcfg.planner.held import OrgFiles
from hubcfg.platforms.grants import Audience

PARTS = 256


def read_deployed(database: Database, org: str, live: OrgFiles) -> OrgFiles:
    """Returns the bytes of what was last deployed of an org; where that is `live`, they need not be put together."""
    digests: dict[str, str] = dict(database.query("SELECT audience, digest FROM hubcfg_deployed WHERE org = ?", (org,)))
    if digests == _hash_files(live):
        return live
    parts = database.query(
        "SELECT audience, content FROM hubcfg_deployed_parts WHERE org = ? ORDER BY audience, part", (org,)
    )
    bundles: dict[Audience, Value] = {}
    try:
        for name, content in parts:
            value = json.loads(zlib.decompress(content))
            bundle = bundles.setdefault(Audience(name), {"users": {}})
            bundle["users"] |= value.pop("users", {})
            bundle |= value
        return {audience: encode_bundle(bundle) for audience, bundle in bundles.items()}
    except (ValueError, AttributeError, TypeError, zlib.error) as error:
        raise unreadable(f"`deployed_parts` has a part of `{org}` that hubcfg did not write") from error


def write_deployed(
    database: Database, change: OrgDeployment, bundles: Mapping[Audience, Value], touched: Collection[str]
) -> None:
    """Makes what an org is to be, which `bundles` are the values of, the copy of it; only parts that change are written.

    `touched` are the users who are not as they were before.
    """
    rows = database.query("SELECT audience, digest FROM hubcfg_deployed WHERE org = ?", (change.org,))
    scope: Container[int] = range(PARTS + 1)
    if dict(rows) == _hash_files(change.before):
        # The copy is what was there before, so parts without anybody who changes are as they are to be.
        scope = {0, *map(_find_part, touched)}
    parts = {
        (audience.value, part): canonical_without_numbers(value)
        for audience, bundle in bundles.items()
        for part, value in _split(bundle, scope).items()
    }
    digests = {key: hashlib.sha256(content).hexdigest() for key, content in parts.items()}
    stored = database.query("SELECT audience, part, digest FROM hubcfg_deployed_parts WHERE org = ?", (change.org,))
    found = {(audience, part): digest for audience, part, digest in stored if part in scope}
    for key in [key for key, digest in found.items() if digests.get(key) != digest]:
        database.run(
            "DELETE FROM hubcfg_deployed_parts WHERE org = ? AND audience = ? AND part = ?", (change.org, *key)
        )
    new = [key for key, digest in digests.items() if found.get(key) != digest]
    database.insert(
        "hubcfg_deployed_parts",
        ("org", "audience", "part", "digest", "content"),
        ((change.org, *key, digests[key], zlib.compress(parts[key])) for key in new),
    )
    database.run("DELETE FROM hubcfg_deployed WHERE org = ?", (change.org,))
    files = [(change.org, *pair) for pair in _hash_files(change.after).items()]
    database.insert("hubcfg_deployed", ("org", "audience", "digest"), files)


def _hash_files(files: OrgFiles) -> dict[str, str]:
    return {audience.value: hashlib.sha256(content).hexdigest() for audience, content in files.items()}


def _find_part(user: str) -> int:
    return 1 + zlib.crc32(user.encode()) % PARTS


def _split(bundle: Value, scope: Container[int]) -> dict[int, Value]:
    parts: dict[int, Value] = {0: {key: value for key, value in bundle.items() if key != "users"}}
    for id, entry in bundle["users"].items():
        part = _find_part(id)
        if part in scope:
            parts.setdefault(part, {"users": {}})["users"][id] = entry
    return parts


def read_ever(database: Database, org: str) -> frozenset[str]:
    """Returns who was ever deployed to an org."""
    return frozenset(id for (id,) in database.query("SELECT user_id FROM hubcfg_ever WHERE org = ?", (org,)))


def write_ever(database: Database, org: str, ever: frozenset[str]) -> None:
    """Makes `ever` the users who were ever deployed to an org."""
    found = read_ever(database, org)
    if gone := found - ever:
        database.run(
            "DELETE FROM hubcfg_ever WHERE org = ? AND user_id = ANY_OF(?)", (org, database.many(sorted(gone)))
        )
    database.insert("hubcfg_ever", ("org", "user_id"), ((org, id) for id in sorted(ever - found)))
