"""Connects to a PostgreSQL server, and says in hubcfg's words what goes wrong there.

psycopg is an extra: this module is imported only where a target needs it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from hubcfg.applier.sql.database import Dialect, Row
from hubcfg.applier.target import ForeignStateError, TargetError
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.instants import format_instant, read_instant

try:
    import psycopg
    from psycopg import errors
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import TransactionStatus
    from psycopg.types.string import TextLoader
except ImportError as error:
    raise UsageError(
        "a target of the type `postgresql` needs the library psycopg, which is not installed",
        help="`pip install 'hubcfg[postgresql]'` installs it",
    ) from error

OLDEST = 130000
_LOCK_CLASS = 0x68756263  # "hubc": an advisory lock of the database, whose other half is the lock's generation
_SCHEMA_LOCK_CLASS = _LOCK_CLASS + 1
_SETTINGS = (
    "SET TIME ZONE 'UTC'",
    "SET datestyle = 'ISO'",
    "SET search_path = ''",
    "SET lock_timeout = '30s'",
    # What is reported as done has to outlast a crash of the server.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)


class LostError(TargetError):
    """The connection was lost; what the transaction came to is not known."""


@cache
def _translate(statement: str) -> bytes:
    statement = statement.replace("hubcfg_", "hubcfg.").replace("= ANY_OF(?)", "= ANY(?)")
    return statement.replace("?", "%s").encode()


def _read_instant(value: object) -> str | None:
    instant = read_instant(value.replace(" ", "T").replace("+00", "Z")) if isinstance(value, str) else None
    return None if instant is None else format_instant(instant)


DIALECT = Dialect(
    "postgresql",
    {
        "t": "hubcfg.",
        "i": "",
        "text": 'text COLLATE "C"',
        "big": "bigint",
        "bool": "boolean",
        "bytes": "bytea",
        "instant": "timestamptz NOT NULL CHECK (isfinite(ends_at))",
        "strict": "",
        "clustered": "",
        "join_obligations": "string_agg(o.obligation, ',' ORDER BY o.obligation)",
        "now": "statement_timestamp()",
    },
    lambda statement: _translate(statement).decode(),
    str,
    _read_instant,
)


class PostgresDatabase:
    """A session, within a transaction."""

    def __init__(self, connection: "psycopg.Connection[Row]") -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """How statements are worded."""
        return DIALECT

    def query(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Returns the rows of a statement."""
        return self._connection.execute(_translate(statement), parameters or None).fetchall()

    def stream(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """Returns the rows of a statement, some thousands of which are fetched at a time."""
        with self._connection.cursor("hubcfg_rows") as cursor:
            cursor.itersize = 20_000
            yield from cursor.execute(_translate(statement), parameters or None)

    def run(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Carries out a statement."""
        self._connection.execute(_translate(statement), parameters or None)

    def define(self, statement: str) -> None:
        """Carries out a statement of the schema."""
        self._connection.execute(statement.encode())

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Adds rows."""
        statement = _translate(f"COPY {table} ({', '.join(columns)}) FROM STDIN")
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def many(self, values: Iterable[object]) -> object:
        """Returns the parameter that stands for all of some values."""
        return list(values)

    def find_tables(self) -> dict[str, frozenset[str]]:
        """Returns the tables and views of the schema, with their columns."""
        statement = (
            "SELECT c.relname, a.attname FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE n.nspname = 'hubcfg' AND c.relkind IN ('r', 'v', 'm', 'p', 'f')"
        )
        found: dict[str, set[str]] = {}
        for table, column in self.query(statement):
            found.setdefault(table, set()).add(column)
        return {table: frozenset(columns) for table, columns in found.items()}

    def create_schema(self) -> None:
        """Makes the schema, where it is not there; who may not make schemas can be given one."""
        if not self.query("SELECT 1 FROM pg_namespace WHERE nspname = 'hubcfg'"):
            self.run("CREATE SCHEMA hubcfg")

    def serialize(self) -> None:
        """Waits for others who make or migrate the tables, and keeps them waiting until the transaction ends."""
        self.query("SELECT pg_advisory_xact_lock(?, 0)", (_SCHEMA_LOCK_CLASS,))

    def lock_tables(self, tables: str) -> None:
        """Keeps everybody else from changing tables until the transaction ends; they can be read."""
        self.run(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")

    def try_lock(self, generation: int) -> bool:
        """Takes the advisory lock for this session, and returns whether that was to be had."""
        return self.query("SELECT pg_try_advisory_lock(?, ?)", (_LOCK_CLASS, generation)) == [(True,)]

    def unlock(self, generation: int) -> bool:
        """Lets the advisory lock go, and returns whether this session had it."""
        return self.query("SELECT pg_advisory_unlock(?, ?)", (_LOCK_CLASS, generation)) == [(True,)]


class Postgres:
    """A server, and the session with it: made when it is first needed, and again where it was lost."""

    def __init__(self, dsn: str, variable: str) -> None:
        self._parameters = _parse_dsn(dsn, variable)
        self._variable = variable
        self._connection: psycopg.Connection[Row] | None = None

    def disconnect(self) -> None:
        """Ends the session, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(
        self, mode: str = "ISOLATION LEVEL READ COMMITTED READ WRITE", *, is_kept: bool = True
    ) -> Iterator[PostgresDatabase]:
        """Gives a transaction, which is committed after the block; with `is_kept` false it is rolled back.

        Raises LostError where the connection is lost on the way.
        """
        connection = self._connect()
        try:
            connection.execute(f"BEGIN {mode}".encode())
            yield PostgresDatabase(connection)
            if is_kept and connection.execute(b"COMMIT").statusmessage != "COMMIT":
                raise TargetError("the server rolled the transaction back", help="its log may say why; apply again")
        except psycopg.Error as error:
            raise self._explain(error, connection) from error
        finally:
            self._roll_back(connection)

    def _roll_back(self, connection: "psycopg.Connection[Row]") -> None:
        if connection.closed:
            self._connection = None
        elif connection.info.transaction_status is not TransactionStatus.IDLE:
            try:
                connection.execute(b"ROLLBACK")
            except psycopg.Error:
                self.disconnect()

    def _connect(self) -> "psycopg.Connection[Row]":
        if self._connection is not None and not self._connection.closed:
            return self._connection
        try:
            connection = psycopg.connect(**self._parameters, autocommit=True, client_encoding="utf8")
        except psycopg.Error as error:
            advice = f"see whether the server runs, and what `{self._variable}` says of it"
            # The cause is left out: what libpq quotes of the connection string is not for logs.
            raise TargetError(f"no connection to PostgreSQL: {self._say(error)}", help=advice) from None
        try:
            self._prepare(connection)
        except psycopg.Error as error:
            explained = self._explain(error, connection)
            connection.close()
            raise explained from error
        except HubcfgError:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _prepare(self, connection: "psycopg.Connection[Row]") -> None:
        if connection.info.server_version < OLDEST:
            version = connection.info.server_version // 10000
            raise TargetError(f"the server is PostgreSQL {version}, and hubcfg needs {OLDEST // 10000} or later")
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            advice = "create one with `ENCODING 'UTF8'`"
            raise TargetError(f"the database has the encoding `{encoding}`, which cannot hold all names", help=advice)
        # As text, an instant can be one that Python has no value for.
        connection.adapters.register_loader("timestamptz", TextLoader)
        for setting in _SETTINGS:
            connection.execute(setting.encode())

    def _explain(self, error: "psycopg.Error", connection: "psycopg.Connection[Row]") -> HubcfgError:
        said, state = self._say(error), error.sqlstate or ""
        if (
            connection.closed
            or state.startswith("08")
            or isinstance(error, errors.AdminShutdown | errors.CrashShutdown)
        ):
            return LostError(
                f"the connection to PostgreSQL was lost: {said}", help="apply again when the server is back"
            )
        if isinstance(error, errors.InsufficientPrivilege):
            return TargetError(f"PostgreSQL refuses: {said}", help="docs/tables.md lists the rights that are needed")
        if isinstance(error, errors.ReadOnlySqlTransaction):
            advice = f"`{self._variable}` has to name the primary server, not a copy of it"
            return TargetError(f"the server can only be read: {said}", help=advice)
        if isinstance(error, errors.LockNotAvailable | errors.QueryCanceled | errors.DeadlockDetected):
            advice = "see `pg_stat_activity` for who else writes there, and apply again"
            return TargetError(f"somebody else holds the tables: {said}", help=advice)
        if state.startswith(("42", "23", "2F")):
            advice = (
                "give hubcfg a database of its own, or put back what a backup has; docs/tables.md describes the tables"
            )
            return ForeignStateError(
                f"the tables in the schema `hubcfg` are not as hubcfg made them: {said}", help=advice
            )
        return TargetError(f"PostgreSQL failed: {said}", help="the server's log may say more; apply again")

    def _say(self, error: "psycopg.Error") -> str:
        """Returns what the server says, in one line and without the password, whoever quotes it."""
        said = error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
        password = self._parameters.get("password")
        return said.replace(str(password), "…") if password else said


def _parse_dsn(dsn: str, variable: str) -> Mapping[str, Any]:
    try:
        parameters = conninfo_to_dict(dsn)
    except psycopg.Error:
        raise UsageError(
            f"`{variable}` does not hold a connection string that PostgreSQL's library understands",
            help="write for example `postgresql://hubcfg@db.example/hub` or `host=db.example dbname=hub user=hubcfg`",
        ) from None
    # In the order in which later ones win.
    return {"connect_timeout": 10, "fallback_application_name": "hubcfg", **parameters}
