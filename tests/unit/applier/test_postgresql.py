"""The target `postgresql`: rights, connections that break, and deployments that die between orgs."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from hubcfg.applier.opening import open_target
from hubcfg.applier.sql import postgres
from hubcfg.applier.target import ForeignStateError, LockedError, StaleError, TargetError, Writer
from hubcfg.applier.targets.postgresql import PostgresqlTarget
from hubcfg.core.errors import UsageError
from hubcfg.validator.config import Target
from tests.contracts.bundles import make_staff
from tests.contracts.deployments import Ledger, deploy
from tests.contracts.harness_postgresql import PostgresqlStand
from tests.postgres import MISSING, find_programs, shared_server

ROOT = Path(__file__).parents[3]
ORGS = ("aaa", "bbb", "ccc")
FILES = {org: make_staff(org, f"ana@{org}.example") for org in ORGS}
LATER = {org: make_staff(org, f"ana@{org}.example", f"bo@{org}.example") for org in ORGS}


def open_dsn(dsn: str | None, options: dict[str, object] | None = None) -> Writer:
    chosen = {"dsn_env": "HUB_DSN"} if options is None else options
    return open_target(Target("live", "postgresql", chosen), ROOT, {} if dsn is None else {"HUB_DSN": dsn})


def test_the_server_is_there() -> None:
    """The tests have a real server; a machine without PostgreSQL is told what to install."""
    assert find_programs() is not None, MISSING
    with shared_server().connect() as connection:
        assert connection.execute(b"SHOW fsync").fetchone() == ("on",)


def test_options_are_asked_for() -> None:
    """A target without `dsn_env`, or whose variable is not set, is refused by name."""
    with pytest.raises(UsageError, match=r"`targets\.live`.*no `dsn_env`"):
        open_dsn(None, {})
    for dsn in (None, ""):
        with pytest.raises(UsageError, match=r"`HUB_DSN`, which `targets\.live` names, is not set"):
            open_dsn(dsn)


def test_psycopg_is_asked_for() -> None:
    """Without psycopg the error says what to install."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path\n"
        "from hubcfg.applier.opening import open_target\n"
        "from hubcfg.core.errors import UsageError\n"
        "from hubcfg.validator.config import Target\n"
        "try: open_target(Target('live', 'postgresql', {'dsn_env': 'X'}), Path(), {'X': 'host=h'})\n"
        "except UsageError as error: print(error.message, '|', error.help)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "psycopg" in done.stdout
    assert "pip install 'hubcfg[postgresql]'" in done.stdout


@pytest.mark.parametrize(
    "dsn", ["postgres:s3cret@host", "postgresql://u:s3cret@host:port/db?nonsense=1", "pasword=s3cret"]
)
def test_a_connection_string_that_is_none_is_not_quoted(dsn: str) -> None:
    """What cannot be understood is named by its variable, and its content kept out of messages."""
    with pytest.raises(UsageError, match="`HUB_DSN`") as caught:
        open_dsn(dsn)
    assert "s3cret" not in f"{caught.value.message} {caught.value.help}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_no_server_and_wrong_password(database: PostgresqlStand) -> None:
    """A server that does not answer, a password that is wrong and a database that is not there are errors without the password."""
    port = database.server.port
    for dsn in (
        "postgresql://hub:s3cret@127.0.0.1:1/hub",
        f"postgresql://postgres:s3cret@127.0.0.1:{port}/{database.database}",
        database.server.dsn("s3cret-database").replace(database.server.password, "s3cret"),
    ):
        with (
            closing(open_dsn(dsn)) as target,
            pytest.raises(TargetError, match="no connection to PostgreSQL") as caught,
        ):
            target.read_status()
        assert ":s3cret@" not in caught.value.message
        assert caught.value.help is not None
        assert "`HUB_DSN`" in caught.value.help
    password = database.server.password
    with closing(open_dsn(database.server.dsn(f"no-{password}"))) as target, pytest.raises(TargetError) as caught:
        target.read_status()
    assert password not in caught.value.message


def test_reading_makes_nothing(database: PostgresqlStand, target: PostgresqlTarget) -> None:
    """Reading a database without the tables finds nothing and makes nothing."""
    Ledger().check(target)
    assert target.unlock() is None
    with database.server.connect(database.database) as connection:
        assert connection.execute(b"SELECT 1 FROM pg_namespace WHERE nspname = 'hubcfg'").fetchall() == []


@contextmanager
def role(database: PostgresqlStand, name: str) -> Iterator[str]:
    """Gives the connection string of a new role that may do nothing yet."""
    with database.server.connect(database.database) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'p-{name}'".encode())
        yield database.server.dsn(database.database, name, f"p-{name}")
        connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


def test_least_rights(database: PostgresqlStand) -> None:
    """The documented rights are enough: hubcfg's own, a planner's and a product's; and a product reads nothing else."""
    with (
        role(database, "hubcfg_own") as own,
        role(database, "planner") as planner,
        role(database, "product") as product,
    ):
        with closing(open_dsn(own)) as target:
            with pytest.raises(TargetError, match="permission denied"):
                deploy(target, FILES)
            database.run("CREATE SCHEMA hubcfg AUTHORIZATION hubcfg_own")
            ledger = Ledger()
            ledger.deploy(target, FILES)
        for dsn in (planner, product):
            with closing(open_dsn(dsn)) as target, pytest.raises(TargetError, match="permission denied") as caught:
                target.read_status()
            assert caught.value.help == "docs/tables.md lists the rights that are needed"
        database.run("GRANT USAGE ON SCHEMA hubcfg TO planner, product")
        database.run("GRANT SELECT ON ALL TABLES IN SCHEMA hubcfg TO planner")
        database.run("GRANT SELECT ON hubcfg.allowed, hubcfg.held TO product")
        with closing(open_dsn(planner)) as target:
            ledger.check(target)
            with pytest.raises(TargetError, match="permission denied"):
                deploy(target, LATER)
        with psycopg.connect(product) as connection:
            assert connection.execute(b"SELECT count(*) FROM hubcfg.allowed").fetchone() == (6,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(b"SELECT * FROM hubcfg.sources")


def test_a_server_that_can_only_be_read(
    database: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that cannot write, as on a copy of the primary, reads; deploying says what is wrong."""
    ledger = Ledger()
    ledger.deploy(target, FILES)
    mode = "ISOLATION LEVEL READ COMMITTED READ ONLY"
    monkeypatch.setattr(postgres.Postgres.transaction.__wrapped__, "__defaults__", (mode,))
    with closing(database.address.open()) as other:
        ledger.check(other)
        with pytest.raises(TargetError, match="the server can only be read") as caught:
            deploy(other, LATER)
    assert caught.value.help is not None
    assert "primary" in caught.value.help
    ledger.check(target)


def test_a_server_that_is_too_old(target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of an earlier version than is needed is named with both versions."""
    monkeypatch.setattr(postgres, "OLDEST", 990000)
    with pytest.raises(TargetError, match=r"is PostgreSQL \d+, and hubcfg needs 99"):
        target.read_status()


def test_a_database_in_another_encoding(database: PostgresqlStand) -> None:
    """A database that cannot hold all names is refused before anything is written."""
    with database.server.connect() as connection:
        connection.execute(b"CREATE DATABASE narrow ENCODING 'SQL_ASCII' TEMPLATE template0")
        try:
            with (
                closing(open_dsn(database.server.dsn("narrow"))) as target,
                pytest.raises(TargetError, match="SQL_ASCII"),
            ):
                target.read_status()
        finally:
            connection.execute(b"DROP DATABASE narrow WITH (FORCE)")


def test_somebody_who_holds_the_tables(
    database: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction of somebody else's that has changed rows is waited for, then named; nothing is changed."""
    ledger = Ledger()
    ledger.deploy(target, FILES)
    settings = tuple(one.replace("30s", "200ms") for one in postgres._SETTINGS)
    monkeypatch.setattr(postgres, "_SETTINGS", settings)
    with database.server.connect(database.database) as hand, closing(database.address.open()) as other:
        hand.execute(b"BEGIN")
        hand.execute(b"UPDATE hubcfg.users SET role = 'owner'")
        with pytest.raises(TargetError, match="somebody else holds the tables"):
            deploy(other, LATER)
        hand.execute(b"ROLLBACK")
    ledger.check(target)


def test_two_that_make_the_tables(database: PostgresqlStand) -> None:
    """Two first deployments at the same moment make the tables once; one of them comes after the other, or is refused."""
    answers: list[str] = []

    def race() -> None:
        try:
            with closing(database.address.open()) as target:
                deploy(target, FILES)
            answers.append("done")
        except (LockedError, StaleError) as error:
            answers.append(type(error).__name__)

    threads = [threading.Thread(target=race) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 3
    with closing(database.address.open()) as target:
        assert target.read_status().serial == answers.count("done") >= 1


def test_other_schemas_of_the_name_are_left_alone(database: PostgresqlStand, target: PostgresqlTarget) -> None:
    """A schema `hubcfg` with tables of somebody else's that are named as ours is refused; others in it do not matter."""
    database.run("CREATE SCHEMA hubcfg; CREATE TABLE hubcfg.diary (day text)")
    assert target.read_status().serial == 0
    database.run("CREATE TABLE hubcfg.users (name text)")
    with pytest.raises(ForeignStateError, match="`users`"):
        target.read_status()
    with pytest.raises(ForeignStateError):
        deploy(target, FILES)
