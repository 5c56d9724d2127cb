"""The target `sqlite`: a database file, in which a deployment is one transaction (docs/tables.md)."""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from hubcfg.applier.holder import Holder, is_gone
from hubcfg.applier.sql import ledger
from hubcfg.applier.sql.database import Dialect, Row
from hubcfg.applier.sql.reader import TablesReader
from hubcfg.applier.sql.schema import STEPS, migrate, read_version
from hubcfg.applier.sql.writing import check_before, write_org
from hubcfg.applier.target import (
    Deployment,
    ForeignStateError,
    LockedError,
    Outcome,
    Place,
    TargetError,
    TargetType,
)
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.instants import format_instant, parse_instant

_PATIENCE = 30.0  # seconds that a transaction waits for another one to end
_OLDEST = (3, 38, 0)  # STRICT tables, and JSON functions in every build


@cache
def _translate(statement: str) -> str:
    return statement.replace("= ANY_OF(?)", "IN (SELECT value FROM json_each(?))").replace(" FOR UPDATE", "")


def _write_instant(text: str) -> str:
    # One width for all, so that text compares as time does.
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction.ljust(6, '0')}Z"


def _read_instant(value: object) -> str | None:
    instant = parse_instant(value) if isinstance(value, str) else None
    return None if instant is None else format_instant(instant)


_DIGITS = (
    "-".join(("[0-9]" * 4, "[0-9]" * 2, "[0-9]" * 2)) + "T" + ":".join(["[0-9]" * 2] * 3) + "." + "[0-9]" * 6 + "Z"
)

DIALECT = Dialect(
    "sqlite",
    {
        "t": "hubcfg_",
        "i": "hubcfg_",
        "text": "TEXT",
        "big": "INTEGER",
        "bool": "INTEGER CHECK (suspended IN (0, 1))",
        "bytes": "BLOB",
        "instant": f"TEXT NOT NULL CHECK (ends_at GLOB '{_DIGITS}')",
        "strict": " STRICT",
        "clustered": " STRICT, WITHOUT ROWID",
        "join_obligations": "group_concat(o.obligation, ',')",
        "now": "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')",
    },
    _translate,
    _write_instant,
    _read_instant,
)


class SqliteDatabase:
    """A connection to a file, within a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """How statements are worded."""
        return DIALECT

    def query(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Returns the rows of a statement."""
        return self._connection.execute(_translate(statement), parameters).fetchall()

    def stream(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """Returns the rows of a statement one by one."""
        return self._connection.execute(_translate(statement), parameters)

    def run(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Carries out a statement."""
        self._connection.execute(_translate(statement), parameters)

    def define(self, statement: str) -> None:
        """Carries out a statement of the schema."""
        self._connection.execute(statement)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Adds rows."""
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def many(self, values: Iterable[object]) -> object:
        """Returns the parameter that stands for all of some values."""
        return json.dumps(list(values), ensure_ascii=False)

    def find_tables(self) -> dict[str, frozenset[str]]:
        """Returns the tables and views of ours, with their columns."""
        statement = (
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c"
            " WHERE m.type IN ('table', 'view') AND m.name GLOB 'hubcfg_*'"
        )
        found: dict[str, set[str]] = {}
        for table, column in self.query(statement):
            found.setdefault(table.removeprefix("hubcfg_"), set()).add(column)
        return {table: frozenset(columns) for table, columns in found.items()}


class SqliteTarget(TablesReader):
    """A database file. Every operation opens it for itself, so that nothing is held between them but the lock's token."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token: str | None = None

    def close(self) -> None:
        """Has nothing to let go of."""

    @contextmanager
    def reading(self) -> Iterator[SqliteDatabase | None]:
        """Gives a snapshot of the file; None where there is none, or no tables in it."""
        with _explained(self._path):
            if not self._path.exists():
                yield None
                return
            with self._connect_reading() as connection:
                connection.execute("BEGIN")
                database = SqliteDatabase(connection)
                version = read_version(database)
                if version in (0, STEPS[-1].version):
                    yield database if version else None
                    return
            # Tables of an earlier version are read as they will be; that is rolled back.
            with self._transaction(is_kept=False) as database:
                yield database

    @contextmanager
    def _connect_reading(self) -> Iterator[sqlite3.Connection]:
        # Not `mode=ro`: who reads a WAL file in that mode cannot clear away the files beside it that reading it needs.
        with closing(self._connect("rw")) as connection:
            connection.execute("PRAGMA query_only = ON")
            try:
                connection.execute("SELECT 1 FROM sqlite_master").fetchall()
                is_readable = True
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                    raise
                is_readable = False
            if is_readable:
                yield connection
                return
        # In a folder that may not be written to, a file without a log beside it is all there is.
        if self._log.exists():
            raise TargetError(
                f"`{self._path}` has a log beside it, which cannot be read without write permission in its folder",
                help="read it as a user who may write there, or after the writer has ended",
            )
        with closing(self._connect("ro&immutable=1")) as connection:
            yield connection

    @property
    def _log(self) -> Path:
        return self._path.with_name(self._path.name + "-wal")

    def _connect(self, mode: str) -> sqlite3.Connection:
        if sqlite3.sqlite_version_info < _OLDEST:
            wanted = ".".join(map(str, _OLDEST))
            raise TargetError(
                f"Python has SQLite {sqlite3.sqlite_version}, and hubcfg's tables need {wanted}",
                help="use a Python that comes with a later SQLite",
            )
        uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_PATIENCE)
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection

    @contextmanager
    def _transaction(self, *, is_kept: bool = True) -> Iterator[SqliteDatabase]:
        """Gives the only writing transaction there is, with the latest tables; it is committed after the block."""
        with _explained(self._path), closing(self._connect("rw" if self._path.exists() else "rwc")) as connection:
            if is_kept:
                _use_log(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                database = SqliteDatabase(connection)
                migrate(database, read_version(database))
                yield database
                if is_kept:
                    connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Holds the lock for a block; one whose holder is provably gone is taken over."""
        with _explained(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as database:
            _, is_held, other = ledger.hold_row(database)
            if is_held and (other is None or not is_gone(other)):
                raise LockedError(other)
            token = ledger.take_lock(database, holder)
        self._token = token
        try:
            yield
        finally:
            self._token = None
            try:
                with self._transaction() as database:
                    ledger.release_lock(database, token)
            except TargetError:
                pass  # a full disk; the lock is taken over when this process has ended, and what was done counts more

    def unlock(self) -> Holder | None:
        """Ends the lock by force, and returns whose it was; None where there was none."""
        with self.reading() as database:
            if database is None:
                return None
        with self._transaction() as database:
            return ledger.break_lock(database)

    def append_record(self, record: bytes, serial: int) -> None:
        """Writes down a record of a deployment that changed nothing here. Only under the lock."""
        with self._transaction() as database:
            ledger.check_owner(database, self._own_token())
            ledger.check_serial(database, serial)
            ledger.write_record(database, serial, record, None)

    def deploy(self, deployment: Deployment) -> Outcome:
        """Carries out a deployment with its record in one transaction: all of it, or (with an error) nothing of it."""
        outcome = Outcome(tuple(change.org for change in deployment.orgs))
        record = deployment.make_record(outcome)
        done = Outcome(outcome.done, record=record)
        try:
            with self._transaction() as database:
                ledger.check_owner(database, self._own_token())
                ledger.check_serial(database, deployment.serial)
                lives = [check_before(database, change) for change in deployment.orgs]
                for change, live in zip(deployment.orgs, lives, strict=True):
                    write_org(database, change, live)
                ledger.write_record(database, deployment.serial, record, deployment.sources)
        except TargetError as error:
            # Writing may have failed when all was written: what the file says counts.
            if self._has_record(deployment.serial, record, error):
                return done
            raise
        return done

    def _has_record(self, serial: int, record: bytes, error: TargetError) -> bool:
        try:
            with self.reading() as database:
                return database is not None and ledger.read_record(database, serial) == record
        except HubcfgError as other:
            message = f"{error.message}; whether it was done all the same is not known: {other.message}"
            raise TargetError(message, help="see whether `hubcfg history` shows this deployment") from error

    def _own_token(self) -> str:
        assert self._token is not None, "only under the lock"
        return self._token


def _use_log(connection: sqlite3.Connection) -> None:
    """Turns the write-ahead log on, with which reading goes on while somebody writes; a file remembers it."""
    deadline = time.monotonic() + _PATIENCE
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return  # a file system that cannot have a log keeps the journal, and readers wait
        except sqlite3.OperationalError as error:
            # Unlike statements, this does not wait for others by itself.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


_FAILURES = {
    sqlite3.SQLITE_FULL: ("the disk is full, or the file may not grow", "make room and apply again"),
    sqlite3.SQLITE_BUSY: ("another process holds the file", "end what writes to it, and apply again"),
    sqlite3.SQLITE_LOCKED: ("another process holds the file", "end what writes to it, and apply again"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "see whether its folder exists and may be written to"),
    sqlite3.SQLITE_READONLY: ("it may not be written to", "see to the permissions of the file and of its folder"),
    sqlite3.SQLITE_PERM: ("it may not be opened", "see to the permissions of the file and of its folder"),
    sqlite3.SQLITE_AUTH: ("it may not be opened", "see to the permissions of the file and of its folder"),
    sqlite3.SQLITE_IOERR: ("reading or writing failed", "see whether the disk is full or damaged, and apply again"),
}
_FOREIGN = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_ERROR: "has tables that are not as hubcfg made them",
    sqlite3.SQLITE_MISMATCH: "has tables that are not as hubcfg made them",
    sqlite3.SQLITE_CONSTRAINT: "has tables that are not as hubcfg made them",
}


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns what SQLite says into what hubcfg says."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _FAILURES:
            said, advice = _FAILURES[code]
            raise TargetError(f"`{path}`: {said} ({error})", help=advice) from error
        said = _FOREIGN.get(code, "cannot be read")
        advice = "name another file, or put back what a backup has"
        raise ForeignStateError(f"`{path}` {said} ({error})", help=advice) from error
    except OSError as error:
        raise TargetError(f"`{path}`: {error.strerror or error}", help="see to its folder's permissions") from error


def _open(name: str, options: Mapping[str, object], place: Place) -> SqliteTarget:
    path = options.get("path")
    if not isinstance(path, str) or not path:
        advice = f"write for example `targets: {{{name}: {{type: sqlite, path: deploy/hub.db}}}}`"
        raise UsageError(f"`targets.{name}` does not say in which file it is: it has no `path`", help=advice)
    return SqliteTarget(place.root / path)


TARGET = TargetType("sqlite", _open)
