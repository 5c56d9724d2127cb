"""Heads and users: what bundles are taken apart into, and put together from again, byte for byte."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from hubcfg.core.canonical import Json, canonical_json, canonical_object
from hubcfg.emitter.bundle import FORMAT
from hubcfg.hub.conditions import etag_of


def load_head(connection: sqlite3.Connection, org: str, audience: str) -> bytes | None:
    """Returns the canonical JSON of a head; None where there is none."""
    found = connection.execute("SELECT body FROM heads WHERE org = ? AND audience = ?", (org, audience)).fetchone()
    return None if found is None else str(found[0]).encode()


def save_head(connection: sqlite3.Connection, org: str, audience: str, head: Json) -> str:
    """Keeps a head, and returns its ETag."""
    body = canonical_json(head)
    connection.execute("INSERT OR REPLACE INTO heads VALUES (?, ?, ?)", (org, audience, body.decode()))
    return etag_of(body)


def delete_head(connection: sqlite3.Connection, org: str, audience: str) -> None:
    """Forgets a head."""
    connection.execute("DELETE FROM heads WHERE org = ? AND audience = ?", (org, audience))


def has_users(connection: sqlite3.Connection, org: str, audience: str) -> bool:
    """Whether anybody is in a bundle."""
    query = "SELECT 1 FROM users WHERE org = ? AND audience = ? LIMIT 1"
    return connection.execute(query, (org, audience)).fetchone() is not None


def find_etag(connection: sqlite3.Connection, org: str, user: str) -> str | None:
    """Returns a user's ETag; None where there is no such user."""
    found = connection.execute("SELECT etag FROM users WHERE org = ? AND id = ?", (org, user)).fetchone()
    return None if found is None else str(found[0])


def load_user(connection: sqlite3.Connection, org: str, user: str) -> bytes | None:
    """Returns the canonical JSON of a user as the API shows one; None where there is no such user."""
    query = (
        "SELECT audience, entry, permissions FROM users JOIN sets ON sets.id = set_id WHERE org = ? AND users.id = ?"
    )
    found = connection.execute(query, (org, user)).fetchone()
    if found is None:
        return None
    audience, entry, permissions = found
    return canonical_json({"audience": audience, "user": _flatten(entry, permissions)})


def list_users(
    connection: sqlite3.Connection, org: str, audience: str | None, after: str, limit: int
) -> tuple[dict[str, Json], str | None]:
    """Returns the next users after an id, by code point, and the last id of the page where there are more."""
    query = (
        "SELECT users.id, entry, permissions FROM users JOIN sets ON sets.id = set_id"
        f" WHERE org = ? AND users.id > ? {'' if audience is None else 'AND audience = ?'} ORDER BY users.id LIMIT ?"
    )
    chosen = () if audience is None else (audience,)
    rows = connection.execute(query, (org, after, *chosen, limit + 1)).fetchall()
    page: dict[str, Json] = {id: _flatten(entry, permissions) for id, entry, permissions in rows[:limit]}
    return page, rows[limit - 1][0] if len(rows) > limit else None


def _flatten(entry: str, permissions: str) -> dict[str, Json]:
    value: dict[str, Json] = json.loads(entry)
    del value["set"]
    return value | {"permissions": json.loads(permissions)}


def save_user(connection: sqlite3.Connection, org: str, user: str, person: dict[str, Any]) -> str:
    """Keeps a user as the API takes one, whose permissions are sorted; returns the ETag."""
    etag = etag_of(canonical_json(person))
    entry = dict(person["user"])
    permissions = canonical_json(entry.pop("permissions"))
    set_id = hashlib.sha256(permissions).hexdigest()
    entry["set"] = set_id
    _save_set(connection, set_id, permissions)
    before = _set_of(connection, org, user)
    connection.execute(
        "INSERT OR REPLACE INTO users (org, id, audience, set_id, etag, entry) VALUES (?, ?, ?, ?, ?, ?)",
        (org, user, person["audience"], set_id, etag, canonical_json(entry).decode()),
    )
    _drop_unused(connection, before)
    return etag


def delete_user(connection: sqlite3.Connection, org: str, user: str) -> None:
    """Forgets a user."""
    before = _set_of(connection, org, user)
    connection.execute("DELETE FROM users WHERE org = ? AND id = ?", (org, user))
    _drop_unused(connection, before)


def _set_of(connection: sqlite3.Connection, org: str, user: str) -> str | None:
    found = connection.execute("SELECT set_id FROM users WHERE org = ? AND id = ?", (org, user)).fetchone()
    return None if found is None else str(found[0])


def _save_set(connection: sqlite3.Connection, set_id: str, permissions: bytes) -> None:
    added = connection.execute("INSERT OR IGNORE INTO sets VALUES (?, ?)", (set_id, permissions.decode()))
    if added.rowcount:
        members = [(set_id, permission) for permission in json.loads(permissions)]
        connection.executemany("INSERT INTO members VALUES (?, ?)", members)


def _drop_unused(connection: sqlite3.Connection, set_id: str | None) -> None:
    if connection.execute("SELECT 1 FROM users WHERE set_id = ? LIMIT 1", (set_id,)).fetchone() is None:
        connection.execute("DELETE FROM sets WHERE id = ?", (set_id,))
        connection.execute("DELETE FROM members WHERE set_id = ?", (set_id,))


def build_bundle(connection: sqlite3.Connection, org: str, audience: str) -> bytes | None:
    """Returns the bundle that a head and its users come to, as `hubcfg compile` writes it; None where there is no head."""
    head = load_head(connection, org, audience)
    if head is None:
        return None
    values: dict[str, Json] = {**json.loads(head), "format": FORMAT, "org": org, "audience": audience}
    parts = {key: canonical_json(value) for key, value in values.items()}
    parts["users"] = _join(
        connection.execute("SELECT id, entry FROM users WHERE org = ? AND audience = ?", (org, audience))
    )
    query = "SELECT id, permissions FROM sets WHERE id IN (SELECT set_id FROM users WHERE org = ? AND audience = ?)"
    parts["permission_sets"] = _join(connection.execute(query, (org, audience)))
    return canonical_object(parts) + b"\n"


def _join(rows: Iterator[tuple[str, str]]) -> bytes:
    """Returns a canonical map of values that are canonical JSON already."""
    ordered = sorted(rows, key=lambda row: row[0].encode("utf-16-be"))
    return b"{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in ordered).encode() + b"}"


def list_orgs(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Returns the hex SHA-256 of the live bundles of every org that has a head, or was deployed once and has none now."""
    orgs: dict[str, dict[str, str]] = {org: {} for (org,) in connection.execute("SELECT org FROM finished")}
    for org, audience in connection.execute("SELECT org, audience FROM heads").fetchall():
        bundle = build_bundle(connection, org, audience)
        assert bundle is not None
        orgs.setdefault(org, {})[audience] = hashlib.sha256(bundle).hexdigest()
    return dict(sorted(orgs.items()))


def live_bundles(connection: sqlite3.Connection, org: str) -> dict[str, bytes]:
    """Returns the live bundles of an org."""
    audiences = connection.execute("SELECT audience FROM heads WHERE org = ?", (org,)).fetchall()
    built = {audience: build_bundle(connection, org, audience) for (audience,) in audiences}
    return {audience: bundle for audience, bundle in built.items() if bundle is not None}


def knows_org(connection: sqlite3.Connection, org: str) -> bool:
    """Whether the hub has anything of an org, or once had by a deployment."""
    query = "SELECT 1 FROM heads WHERE org = ?1 UNION ALL SELECT 1 FROM finished WHERE org = ?1 LIMIT 1"
    return connection.execute(query, (org,)).fetchone() is not None
