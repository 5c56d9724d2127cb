"""OpsPilot365's technicians and their permissions, as documents that stand for themselves."""

import sqlite3

from hubcfg.core.canonical import Json, canonical_json
from hubcfg.hub.conditions import etag_of


def load_technician(connection: sqlite3.Connection, id: str) -> bytes | None:
    """Returns the canonical JSON of a technician's permissions; None where there is no such technician."""
    found = connection.execute("SELECT body FROM technicians WHERE id = ?", (id,)).fetchone()
    return None if found is None else str(found[0]).encode()


def save_technician(connection: sqlite3.Connection, id: str, permissions: Json) -> str:
    """Keeps a technician's permissions, and returns their ETag."""
    body = canonical_json(permissions)
    connection.execute("INSERT OR REPLACE INTO technicians VALUES (?, ?)", (id, body.decode()))
    return etag_of(body)
