"""Deployments: the lock, the one that runs, what each left of an org, and the records."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from hubcfg.core.canonical import Json, canonical_json
from hubcfg.hub.conditions import etag_of
from hubcfg.hub.schemas import API_VERSION


class Lock(Struct, frozen=True):
    """The lock as it is held. Its ETag differs each time that it is taken, though the same process should take it."""

    holder: bytes
    generation: int

    @property
    def etag(self) -> str:
        """The ETag, by which its holder proves that it still holds it."""
        return f'{etag_of(self.holder)[:-1]}.{self.generation}"'


class Running(Struct, frozen=True):
    """The deployment that began and has not ended."""

    serial: int
    beginning: str


def load_lock(connection: sqlite3.Connection) -> Lock | None:
    """Returns the lock; None where nobody holds it."""
    holder, generation = connection.execute("SELECT holder, generation FROM lock").fetchone()
    return None if holder is None else Lock(holder.encode(), generation)


def save_lock(connection: sqlite3.Connection, holder: Json) -> Lock:
    """Gives the lock to a holder."""
    connection.execute("UPDATE lock SET generation = generation + 1, holder = ?", (canonical_json(holder).decode(),))
    lock = load_lock(connection)
    assert lock is not None
    return lock


def delete_lock(connection: sqlite3.Connection) -> None:
    """Frees the lock."""
    connection.execute("UPDATE lock SET holder = NULL")


def load_running(connection: sqlite3.Connection) -> Running | None:
    """Returns the deployment that runs; None where none does."""
    found = connection.execute("SELECT serial, beginning FROM running").fetchone()
    return None if found is None else Running(*found)


def save_running(connection: sqlite3.Connection, running: Running) -> None:
    """Writes down that a deployment begins."""
    connection.execute("INSERT INTO running VALUES (1, ?, ?)", (running.serial, running.beginning))


def save_deployed(connection: sqlite3.Connection, org: str, files: Mapping[str, str], ever: Sequence[str]) -> None:
    """Writes down what the running deployment left of an org, and that it has finished it."""
    connection.execute("DELETE FROM deployed WHERE org = ?", (org,))
    connection.executemany("INSERT INTO deployed VALUES (?, ?, ?)", [(org, key, text) for key, text in files.items()])
    add_ever(connection, org, ever)
    connection.execute("INSERT OR IGNORE INTO finished VALUES (?)", (org,))
    connection.execute("INSERT OR IGNORE INTO done VALUES (?)", (org,))


def load_deployed(connection: sqlite3.Connection, org: str, audience: str) -> bytes | None:
    """Returns a bundle as it was deployed last; None where there was none."""
    found = connection.execute("SELECT body FROM deployed WHERE org = ? AND audience = ?", (org, audience)).fetchone()
    return None if found is None else str(found[0]).encode()


def load_ever(connection: sqlite3.Connection, org: str) -> list[str]:
    """Returns who was ever deployed to an org, sorted by code point."""
    return [user for (user,) in connection.execute("SELECT user FROM ever WHERE org = ? ORDER BY user", (org,))]


def add_ever(connection: sqlite3.Connection, org: str, users: Sequence[str]) -> None:
    """Remembers for good that users were deployed to an org."""
    connection.executemany("INSERT OR IGNORE INTO ever VALUES (?, ?)", [(org, user) for user in users])


def load_serial(connection: sqlite3.Connection) -> int:
    """Returns the serial of the last record; 0 before the first."""
    serial: int = connection.execute("SELECT coalesce(max(serial), 0) FROM records").fetchone()[0]
    return serial


def load_state(connection: sqlite3.Connection) -> dict[str, Json]:
    """Returns where the hub stands, as the API shows it."""
    serial, lock, running = load_serial(connection), load_lock(connection), load_running(connection)
    record = connection.execute("SELECT record FROM records WHERE serial = ?", (serial,)).fetchone()
    done = [org for (org,) in connection.execute("SELECT org FROM done ORDER BY org")]
    interrupted: Json = None
    if running is not None:
        interrupted = {"serial": running.serial, "beginning": running.beginning, "done": done}
    return {
        "api": API_VERSION,
        "serial": serial,
        "record_sha256": None if record is None else sha256_of(record[0]),
        "lock": None if lock is None else json.loads(lock.holder),
        "interrupted": interrupted,
    }


def sha256_of(record: str) -> str:
    """Returns the hex SHA-256 of a record."""
    return etag_of(record.encode()).strip('"')


def append_record(connection: sqlite3.Connection, serial: int, record: str, sources: bytes | None) -> None:
    """Keeps a deployment's record and sources, and ends it."""
    connection.execute("INSERT INTO records VALUES (?, ?, ?)", (serial, record, sources))
    connection.execute("DELETE FROM running")
    connection.execute("DELETE FROM done")


def list_records(connection: sqlite3.Connection, after: int, limit: int) -> tuple[list[str], int | None]:
    """Returns the next records after a serial, and the last serial of the page where there are more."""
    query = "SELECT serial, record FROM records WHERE serial > ? ORDER BY serial LIMIT ?"
    rows: list[Any] = connection.execute(query, (after, limit + 1)).fetchall()
    return [record for _, record in rows[:limit]], rows[limit - 1][0] if len(rows) > limit else None


def load_sources(connection: sqlite3.Connection, serial: int) -> bytes | None:
    """Returns the archive of what a deployment was made from; None where there is none."""
    found = connection.execute("SELECT sources FROM records WHERE serial = ?", (serial,)).fetchone()
    return None if found is None else found[0]
