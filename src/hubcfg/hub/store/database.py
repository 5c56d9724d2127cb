"""The SQLite file: opened and created, and one transaction for each request."""

import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubcfg.core.errors import OutsideError

# "hubH": tells a hub's file from any other SQLite file.
APPLICATION_ID = 0x68756248
VERSION = 1
_BUSY_SECONDS = 30

_SCHEMA = """
CREATE TABLE heads (org TEXT NOT NULL, audience TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (org, audience)) WITHOUT ROWID;
CREATE TABLE sets (id TEXT PRIMARY KEY, permissions TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE members (set_id TEXT NOT NULL, permission TEXT NOT NULL, PRIMARY KEY (set_id, permission)) WITHOUT ROWID;
CREATE TABLE users (
  org TEXT NOT NULL, id TEXT NOT NULL, audience TEXT NOT NULL, set_id TEXT NOT NULL, etag TEXT NOT NULL, entry TEXT NOT NULL,
  PRIMARY KEY (org, id)
) WITHOUT ROWID;
CREATE INDEX users_by_audience ON users (org, audience, id);
CREATE INDEX users_by_set ON users (set_id);
CREATE TABLE deployed (org TEXT NOT NULL, audience TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (org, audience)) WITHOUT ROWID;
CREATE TABLE finished (org TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE ever (org TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (org, user)) WITHOUT ROWID;
CREATE TABLE records (serial INTEGER PRIMARY KEY, record TEXT NOT NULL, sources BLOB);
CREATE TABLE running (one INTEGER PRIMARY KEY CHECK (one = 1), serial INTEGER NOT NULL, beginning TEXT NOT NULL);
CREATE TABLE done (org TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE lock (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL, holder TEXT);
INSERT INTO lock VALUES (1, 0, NULL);
CREATE TABLE answers (
  token TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (token, key)
) WITHOUT ROWID;
CREATE INDEX answers_by_age ON answers (at);
CREATE TABLE technicians (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""


class Database:
    """One file with all that the hub keeps; safe to use from several threads, and beside other processes."""

    def __init__(self, path: Path) -> None:
        """Opens the file, and creates it where there is none. Raises OutsideError where that cannot be."""
        self._path = path
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        # SQLite makes writers wait by sleeping and asking again; within one process waiting in line is quicker and fair.
        self._writing = threading.Lock()
        try:
            connection = self._connect()
            self._idle.put(connection)
            with self.write():
                _prepare(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            raise OutsideError(
                f"`{path}` cannot be opened: {error}", help="`--data` takes the hub's own file"
            ) from error

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Gives a connection for a block that sees one state of the data, whoever writes meanwhile."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Gives a connection for a block whose changes are all durable when it ends, or none of them if it raises."""
        with self._writing, self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def close(self) -> None:
        """Closes the connections that are not in use."""
        while not self._idle.empty():
            self._idle.get().close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            connection.execute(begin)
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle.put(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        # An answer is sent only when what it says is on the disk, whatever happens to the machine.
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Creates the tables in a new file; refuses a file that is something else, or of another version."""
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application == 0 and version == 0 and is_empty:
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif application != APPLICATION_ID:
        raise OutsideError(
            f"`{path}` is a database of something else",
            help="`--data` takes the hub's own file; give a new name for a new one",
        )
    elif version != VERSION:
        raise OutsideError(
            f"`{path}` was written by another version of hubcfg (its format is {version}, this one has {VERSION})",
            help="start the hub with that version, or with a new file",
        )
