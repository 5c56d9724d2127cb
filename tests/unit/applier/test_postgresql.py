"""The target `postgresql`: rights, connections that break, and deployments that die between orgs."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hubcfg.applier.opening import open_target
from hubcfg.applier.sql import ledger as ledger_module
from hubcfg.applier.sql import postgres
from hubcfg.applier.target import ForeignStateError, Interrupted, LockedError, Outcome, StaleError, TargetError, Writer
from hubcfg.applier.targets import postgresql as module
from hubcfg.applier.targets.postgresql import PostgresqlTarget
from hubcfg.core.canonical import canonical_json
from hubcfg.core.errors import UsageError
from hubcfg.validator.config import Target
from tests.contracts.bundles import make_staff
from tests.contracts.deployments import Ledger, deploy, make_deployment, make_holder, make_record
from tests.contracts.harness_postgresql import HARNESS, PostgresqlStand
from tests.postgres import MISSING, find_programs, run_server, shared_server

ROOT = Path(__file__).parents[3]
ORGS = ("aaa", "bbb", "ccc")
FILES = {org: make_staff(org, f"ana@{org}.example") for org in ORGS}
LATER = {org: make_staff(org, f"ana@{org}.example", f"bo@{org}.example") for org in ORGS}


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[PostgresqlStand]:
    """A fresh database."""
    with HARNESS.run(tmp_path) as make, make() as made:
        assert isinstance(made, PostgresqlStand)
        yield made


@pytest.fixture
def target(stand: PostgresqlStand) -> Iterator[PostgresqlTarget]:
    with closing(stand.address.open()) as opened:
        assert isinstance(opened, PostgresqlTarget)
        yield opened


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


def test_no_server_and_wrong_password(stand: PostgresqlStand) -> None:
    """A server that does not answer, a password that is wrong and a database that is not there are errors without the password."""
    port = stand.server.port
    for dsn in (
        "postgresql://hub:s3cret@127.0.0.1:1/hub",
        f"postgresql://postgres:s3cret@127.0.0.1:{port}/{stand.database}",
        stand.server.dsn("s3cret-database").replace(stand.server.password, "s3cret"),
    ):
        with (
            closing(open_dsn(dsn)) as target,
            pytest.raises(TargetError, match="no connection to PostgreSQL") as caught,
        ):
            target.read_status()
        assert ":s3cret@" not in caught.value.message
        assert caught.value.help is not None
        assert "`HUB_DSN`" in caught.value.help
    password = stand.server.password
    with closing(open_dsn(stand.server.dsn(f"no-{password}"))) as target, pytest.raises(TargetError) as caught:
        target.read_status()
    assert password not in caught.value.message


def test_reading_makes_nothing(stand: PostgresqlStand, target: PostgresqlTarget) -> None:
    """Reading a database without the tables finds nothing and makes nothing."""
    Ledger().check(target)
    assert target.unlock() is None
    with stand.server.connect(stand.database) as connection:
        assert connection.execute(b"SELECT 1 FROM pg_namespace WHERE nspname = 'hubcfg'").fetchall() == []


@contextmanager
def role(stand: PostgresqlStand, name: str) -> Iterator[str]:
    """Gives the connection string of a new role that may do nothing yet."""
    with stand.server.connect(stand.database) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'p-{name}'".encode())
        yield stand.server.dsn(stand.database, name, f"p-{name}")
        connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


def test_least_rights(stand: PostgresqlStand) -> None:
    """The documented rights are enough: hubcfg's own, a planner's and a product's; and a product reads nothing else."""
    with role(stand, "hubcfg_own") as own, role(stand, "planner") as planner, role(stand, "product") as product:
        with closing(open_dsn(own)) as target:
            with pytest.raises(TargetError, match="permission denied"):
                deploy(target, FILES)
            stand.run("CREATE SCHEMA hubcfg AUTHORIZATION hubcfg_own")
            ledger = Ledger()
            ledger.deploy(target, FILES)
        for dsn in (planner, product):
            with closing(open_dsn(dsn)) as target, pytest.raises(TargetError, match="permission denied") as caught:
                target.read_status()
            assert caught.value.help == "docs/tables.md lists the rights that are needed"
        stand.run("GRANT USAGE ON SCHEMA hubcfg TO planner, product")
        stand.run("GRANT SELECT ON ALL TABLES IN SCHEMA hubcfg TO planner")
        stand.run("GRANT SELECT ON hubcfg.allowed, hubcfg.held TO product")
        with closing(open_dsn(planner)) as target:
            ledger.check(target)
            with pytest.raises(TargetError, match="permission denied"):
                deploy(target, LATER)
        with psycopg.connect(product) as connection:
            assert connection.execute(b"SELECT count(*) FROM hubcfg.allowed").fetchone() == (6,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(b"SELECT * FROM hubcfg.sources")


def test_a_server_that_can_only_be_read(
    stand: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that cannot write, as on a copy of the primary, reads; deploying says what is wrong."""
    ledger = Ledger()
    ledger.deploy(target, FILES)
    mode = "ISOLATION LEVEL READ COMMITTED READ ONLY"
    monkeypatch.setattr(postgres.Postgres.transaction.__wrapped__, "__defaults__", (mode,))
    with closing(stand.address.open()) as other:
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


def test_a_database_in_another_encoding(stand: PostgresqlStand) -> None:
    """A database that cannot hold all names is refused before anything is written."""
    with stand.server.connect() as connection:
        connection.execute(b"CREATE DATABASE narrow ENCODING 'SQL_ASCII' TEMPLATE template0")
        try:
            with closing(open_dsn(stand.server.dsn("narrow"))) as target, pytest.raises(TargetError, match="SQL_ASCII"):
                target.read_status()
        finally:
            connection.execute(b"DROP DATABASE narrow WITH (FORCE)")


def test_somebody_who_holds_the_tables(
    stand: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction of somebody else's that has changed rows is waited for, then named; nothing is changed."""
    ledger = Ledger()
    ledger.deploy(target, FILES)
    settings = tuple(one.replace("30s", "200ms") for one in postgres._SETTINGS)
    monkeypatch.setattr(postgres, "_SETTINGS", settings)
    with stand.server.connect(stand.database) as hand, closing(stand.address.open()) as other:
        hand.execute(b"BEGIN")
        hand.execute(b"UPDATE hubcfg.users SET role = 'owner'")
        with pytest.raises(TargetError, match="somebody else holds the tables"):
            deploy(other, LATER)
        hand.execute(b"ROLLBACK")
    ledger.check(target)


DYING = """
import os, signal, sys
from pathlib import Path
from hubcfg.applier.sql import ledger
from hubcfg.applier.targets import postgresql as module
from tests.unit.applier.test_postgresql import LATER, deploy, open_dsn
dsn, step, count = os.environ["HUB_DSN"], sys.argv[1], int(sys.argv[2])
real = getattr(ledger, step)
calls = 0
def dying(*arguments):
    global calls
    calls += 1
    if calls > count:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
setattr(ledger, step, dying)
print(deploy(open_dsn(dsn), LATER))
"""


@pytest.mark.parametrize(
    ("step", "count", "done"),
    [
        ("begin_journal", 0, None),
        ("is_done", 0, ()),
        ("mark_done", 0, ()),
        ("mark_done", 1, ("aaa",)),
        ("is_done", 2, ("aaa", "bbb")),
        ("write_record", 0, ("aaa", "bbb", "ccc")),
    ],
)
def test_a_deployment_that_is_killed(
    stand: PostgresqlStand, target: PostgresqlTarget, step: str, count: int, done: tuple[str, ...] | None
) -> None:
    """Wherever a deployment is killed, each org is wholly old or wholly new, the journal says which, and the next one goes on."""
    deploy(target, FILES)
    command = [sys.executable, "-c", DYING, step, str(count)]
    environment = {**os.environ, "HUB_DSN": stand.address.environment["HUB_DSN"]}
    died = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    status = target.read_status()
    assert status.serial == 1
    if done is None:
        assert status.interrupted is None
    else:
        beginning = canonical_json({"serial": 2, "orgs": list(ORGS)})
        assert status.interrupted == Interrupted(2, beginning, done)
    for org in ORGS:
        held = target.read_org(org)
        assert dict(held.live) == dict(held.deployed) == (LATER if org in (done or ()) else FILES)[org]
    converge(target, done)


def converge(target: Writer, done: tuple[str, ...] | None) -> None:
    """Goes on from an interrupted deployment, as the next apply does, and asserts that all orgs are then as they are to be."""
    serial = 2
    with target.lock(make_holder()):
        if done is not None:
            with pytest.raises(StaleError):
                target.deploy(make_deployment(target, LATER))
            target.append_record(make_record(2, Outcome(done)), 2)
            serial = 3
        outcome = target.deploy(make_deployment(target, LATER))
    assert outcome.done == ORGS
    status = target.read_status()
    assert (status.serial, status.record, status.interrupted) == (serial, outcome.record, None)
    assert [json.loads(record)["serial"] for record in target.read_records()] == list(range(1, serial + 1))
    assert all(dict(target.read_org(org).live) == LATER[org] for org in ORGS)


def interfere(monkeypatch: pytest.MonkeyPatch, step: str, count: int, act: Any) -> None:
    """Lets something happen just after the `count`-th call of a step of the ledger."""
    real = getattr(ledger_module, step)
    calls = 0

    def wrapped(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        result = real(*arguments)
        if calls == count:
            act()
        return result

    monkeypatch.setattr(ledger_module, step, wrapped)


def test_a_server_that_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that crashes and comes back in the middle: the org under way is as it was and said to be, the record is written."""
    with run_server() as server, server.database() as name, closing(open_dsn(server.dsn(name))) as target:
        deploy(target, FILES)
        with monkeypatch.context() as patch:
            interfere(patch, "mark_done", 2, server.restart)
            outcome = deploy(target, LATER)
        assert (outcome.done, outcome.untried) == (("aaa",), ("ccc",))
        assert list(outcome.failed) == ["bbb"]
        assert "connection to PostgreSQL was lost" in outcome.failed["bbb"]
        assert outcome.record is not None
        status = target.read_status()
        assert (status.serial, status.record, status.interrupted) == (2, outcome.record, None)
        for org in ORGS:
            assert dict(target.read_org(org).live) == (LATER if org == "aaa" else FILES)[org]
        assert deploy(target, LATER).done == ORGS


REAL_EXECUTE = psycopg.Connection.execute


class Cut:
    """A connection that is lost with its next commit once it is armed; with `is_kept`, the server has carried that out."""

    def __init__(self, stand: PostgresqlStand, *, is_kept: bool) -> None:
        self.stand = stand
        self.is_kept = is_kept
        self.is_armed = False

    def arm(self) -> None:
        self.is_armed = True

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def execute(connection: "psycopg.Connection[Any]", statement: Any, *rest: Any, **options: Any) -> Any:
            if self.is_armed and statement == b"COMMIT":
                self.is_armed = False
                if self.is_kept:
                    REAL_EXECUTE(connection, statement, *rest, **options)
                with self.stand.server.connect() as other:
                    REAL_EXECUTE(other, b"SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
            return REAL_EXECUTE(connection, statement, *rest, **options)

        monkeypatch.setattr(psycopg.Connection, "execute", execute)


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("step", ["mark_done", "write_record"])
def test_a_connection_that_is_lost_in_a_commit(
    stand: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch, is_kept: bool, step: str
) -> None:
    """Whether a commit whose answer was lost took place is looked up, and reported as it is."""
    deploy(target, FILES)
    cut = Cut(stand, is_kept=is_kept)
    with monkeypatch.context() as patch:
        cut.patch(patch)
        interfere(patch, step, 2 if step == "mark_done" else 1, cut.arm)
        outcome = deploy(target, LATER)
    status = target.read_status()
    if step == "mark_done":
        assert outcome.done == (ORGS if is_kept else ("aaa",))
        assert outcome.untried == (() if is_kept else ("ccc",))
        assert set(outcome.failed) == (set() if is_kept else {"bbb"})
        assert (status.serial, status.record) == (2, outcome.record)
    else:
        assert outcome.done == ORGS
        assert (outcome.record is not None) == is_kept
        assert status.serial == (2 if is_kept else 1)
        assert status.interrupted == (
            None if is_kept else Interrupted(2, canonical_json({"serial": 2, "orgs": list(ORGS)}), ORGS)
        )
    for org in ORGS:
        assert dict(target.read_org(org).live) == (LATER if org in outcome.done else FILES)[org]


def test_a_commit_of_which_nothing_can_be_found_out(
    stand: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server does not come back it is said that nothing is known, and no record is claimed."""
    deploy(target, FILES)
    cut = Cut(stand, is_kept=False)

    def arm() -> None:
        cut.arm()
        monkeypatch.setattr(target._server, "_parameters", {"host": "127.0.0.1", "port": 1, "connect_timeout": 1})

    monkeypatch.setattr(module, "_RECOVERY", 0.5)
    with monkeypatch.context() as patch:
        cut.patch(patch)
        interfere(patch, "mark_done", 1, arm)
        outcome = deploy(target, LATER)
    assert (outcome.done, outcome.untried, outcome.record) == ((), ("bbb", "ccc"), None)
    assert outcome.failed["aaa"].startswith("not known whether it was done")
    assert outcome.reason is not None
    with closing(stand.address.open()) as other:
        converge(other, ())


def test_an_org_that_changes_on_the_way(
    stand: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An org that somebody changes after all were checked fails by itself, keeps what they did, and the others are done."""
    deploy(target, FILES)
    changed = "UPDATE hubcfg.users SET suspended = true WHERE org = 'bbb'"
    with target.lock(make_holder()):
        made = make_deployment(target, LATER)
        real = target._deploy_org

        def hurried(serial: int, change: Any) -> None:
            if change.org == "bbb":
                stand.run(changed)
            real(serial, change)

        monkeypatch.setattr(target, "_deploy_org", hurried)
        outcome = target.deploy(made)
    assert (outcome.done, list(outcome.failed), outcome.untried) == (("aaa", "ccc"), ["bbb"], ())
    assert "was changed in the target" in outcome.failed["bbb"]
    assert target.read_status().record == outcome.record
    assert b"suspended" in next(iter(target.read_org("bbb").live.values()))


def test_unlock_by_force_between_orgs(
    stand: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment whose lock is ended by force after its first org commits nothing more, and says so; another one can go on."""
    deploy(target, FILES)
    with closing(stand.address.open()) as other, target.lock(make_holder()):
        made = make_deployment(target, LATER)
        real = target._deploy_org

        def forced(serial: int, change: Any) -> None:
            if change.org == "bbb":
                assert other.unlock() == make_holder()
            real(serial, change)

        monkeypatch.setattr(target, "_deploy_org", forced)
        outcome = target.deploy(made)
        assert (outcome.done, list(outcome.failed), outcome.untried) == (("aaa",), ["bbb"], ("ccc",))
        assert (outcome.record, "ended by force" in str(outcome.reason)) == (None, True)
        converge(other, ("aaa",))


def test_a_session_that_was_given_up_commits_nothing(stand: PostgresqlStand, target: PostgresqlTarget) -> None:
    """When a session dies, another apply takes its lock over; the first one, connected again, is refused."""
    deploy(target, FILES)
    with target.lock(make_holder("ada")):
        made = make_deployment(target, LATER)
        pid = target._server._connect().info.backend_pid
        with stand.server.connect() as connection:
            connection.execute(b"SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with closing(stand.address.open()) as other, other.lock(make_holder("bo")):
            with pytest.raises((LockedError, TargetError)):
                target.deploy(made)
            with pytest.raises(LockedError, match="`bo`"):
                target.deploy(made)
            assert other.deploy(make_deployment(other, LATER)).done == ORGS
    assert target.read_status().serial == 2


def test_two_that_make_the_tables(stand: PostgresqlStand) -> None:
    """Two first deployments at the same moment make the tables once; one of them comes after the other, or is refused."""
    answers: list[str] = []

    def race() -> None:
        try:
            with closing(stand.address.open()) as target:
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
    with closing(stand.address.open()) as target:
        assert target.read_status().serial == answers.count("done") >= 1


def test_other_schemas_of_the_name_are_left_alone(stand: PostgresqlStand, target: PostgresqlTarget) -> None:
    """A schema `hubcfg` with tables of somebody else's that are named as ours is refused; others in it do not matter."""
    stand.run("CREATE SCHEMA hubcfg; CREATE TABLE hubcfg.diary (day text)")
    assert target.read_status().serial == 0
    stand.run("CREATE TABLE hubcfg.users (name text)")
    with pytest.raises(ForeignStateError, match="`users`"):
        target.read_status()
    with pytest.raises(ForeignStateError):
        deploy(target, FILES)
