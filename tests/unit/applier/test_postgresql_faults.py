"""Deployments to PostgreSQL that are killed, cut off, overtaken or unlocked between orgs: each org is old or new, and it is said which."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from typing import Any

import psycopg
import pytest

from hubcfg.applier.sql import ledger as ledger_module
from hubcfg.applier.target import Interrupted, LockedError, Outcome, StaleError, TargetError, Writer
from hubcfg.applier.targets import postgresql as module
from hubcfg.applier.targets.postgresql import PostgresqlTarget
from hubcfg.core.canonical import canonical_json
from tests.contracts.deployments import deploy, make_deployment, make_holder, make_record
from tests.contracts.harness_postgresql import PostgresqlStand
from tests.postgres import run_server
from tests.unit.applier.test_postgresql import FILES, LATER, ORGS, ROOT, open_dsn

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
    database: PostgresqlStand, target: PostgresqlTarget, step: str, count: int, done: tuple[str, ...] | None
) -> None:
    """Wherever a deployment is killed, each org is wholly old or wholly new, the journal says which, and the next one goes on."""
    deploy(target, FILES)
    command = [sys.executable, "-c", DYING, step, str(count)]
    environment = {**os.environ, "HUB_DSN": database.address.environment["HUB_DSN"]}
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

    def __init__(self, database: PostgresqlStand, *, is_kept: bool) -> None:
        self.database = database
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
                with self.database.server.connect() as other:
                    REAL_EXECUTE(other, b"SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
            return REAL_EXECUTE(connection, statement, *rest, **options)

        monkeypatch.setattr(psycopg.Connection, "execute", execute)


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("step", ["mark_done", "write_record"])
def test_a_connection_that_is_lost_in_a_commit(
    database: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch, is_kept: bool, step: str
) -> None:
    """Whether a commit whose answer was lost took place is looked up, and reported as it is."""
    deploy(target, FILES)
    cut = Cut(database, is_kept=is_kept)
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
    database: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server does not come back it is said that nothing is known, and no record is claimed."""
    deploy(target, FILES)
    cut = Cut(database, is_kept=False)

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
    with closing(database.address.open()) as other:
        converge(other, ())


def test_an_org_that_changes_on_the_way(
    database: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An org that somebody changes after all were checked fails by itself, keeps what they did, and the others are done."""
    deploy(target, FILES)
    changed = "UPDATE hubcfg.users SET suspended = true WHERE org = 'bbb'"
    with target.lock(make_holder()):
        made = make_deployment(target, LATER)
        real = target._deploy_org

        def hurried(serial: int, change: Any) -> None:
            if change.org == "bbb":
                database.run(changed)
            real(serial, change)

        monkeypatch.setattr(target, "_deploy_org", hurried)
        outcome = target.deploy(made)
    assert (outcome.done, list(outcome.failed), outcome.untried) == (("aaa", "ccc"), ["bbb"], ())
    assert "was changed in the target" in outcome.failed["bbb"]
    assert target.read_status().record == outcome.record
    assert b"suspended" in next(iter(target.read_org("bbb").live.values()))


def test_unlock_by_force_between_orgs(
    database: PostgresqlStand, target: PostgresqlTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment whose lock is ended by force after its first org commits nothing more, and says so; another one can go on."""
    deploy(target, FILES)
    with closing(database.address.open()) as other, target.lock(make_holder()):
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


def test_a_session_that_was_given_up_commits_nothing(database: PostgresqlStand, target: PostgresqlTarget) -> None:
    """When a session dies, another apply takes its lock over; the first one, connected again, is refused."""
    deploy(target, FILES)
    with target.lock(make_holder("ada")):
        made = make_deployment(target, LATER)
        pid = target._server._connect().info.backend_pid
        with database.server.connect() as connection:
            connection.execute(b"SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with closing(database.address.open()) as other, other.lock(make_holder("bo")):
            with pytest.raises((LockedError, TargetError)):
                target.deploy(made)
            with pytest.raises(LockedError, match="`bo`"):
                target.deploy(made)
            assert other.deploy(make_deployment(other, LATER)).done == ORGS
    assert target.read_status().serial == 2
