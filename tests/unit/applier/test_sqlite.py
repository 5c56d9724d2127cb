"""The target `sqlite`: what it does to the file, and what it says when it cannot."""

import os
import pwd
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hubcfg.applier.opening import open_target
from hubcfg.applier.target import ForeignStateError, LockedError, Status, TargetError, Writer
from hubcfg.applier.targets import sqlite as module
from hubcfg.core.errors import UsageError
from hubcfg.validator.config import Target
from tests.contracts.bundles import make_staff
from tests.contracts.deployments import Ledger, deploy, make_deployment, make_holder

ROOT = Path(__file__).parents[3]
FILES = {"northwind": make_staff("northwind", "lea@x.example", "bo@x.example")}
MANY = {"northwind": make_staff("northwind", *(f"user-{number}@x.example" for number in range(3000)))}


def open_file(root: Path, options: Mapping[str, object] | None = None) -> Writer:
    chosen = {"path": "hub.db"} if options is None else options
    return open_target(Target("local", "sqlite", dict(chosen)), root, {})


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Writer]:
    with closing(open_file(tmp_path)) as opened:
        yield opened


@pytest.fixture
def ledger(target: Writer) -> Ledger:
    """What the target holds: it was deployed to once."""
    made = Ledger()
    made.deploy(target, FILES)
    return made


@pytest.mark.parametrize("options", [{}, {"path": ""}])
def test_path_is_asked_for(tmp_path: Path, options: dict[str, object]) -> None:
    """A target without a path is refused by its name, with an example of what to write."""
    with pytest.raises(UsageError, match=r"`targets\.local`") as caught:
        open_file(tmp_path, options)
    assert caught.value.help is not None
    assert "path: deploy/hub.db" in caught.value.help


def test_reading_what_is_not_there_makes_nothing(tmp_path: Path, target: Writer) -> None:
    """Reading a file that is not there yet finds nothing and creates nothing, and so does ending a lock."""
    Ledger().check(target)
    assert target.unlock() is None
    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_the_file_as_it_is(tmp_path: Path, target: Writer, ledger: Ledger) -> None:
    """Reading changes no byte, and leaves nothing beside the file."""
    content = (tmp_path / "hub.db").read_bytes()
    ledger.check(target)
    assert [file.name for file in tmp_path.iterdir()] == ["hub.db"]
    assert (tmp_path / "hub.db").read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"an own table"])
def test_other_tables_may_share_the_file(tmp_path: Path, target: Writer, content: bytes) -> None:
    """An empty file, and a database with tables of somebody else's, hold nothing yet, and can be deployed to."""
    with closing(sqlite3.connect(tmp_path / "hub.db")) as connection:
        if content:
            connection.execute("CREATE TABLE diary (day TEXT)")
    assert target.read_status() == Status(0)
    ledger = Ledger()
    ledger.deploy(target, FILES)
    ledger.check(target)


def test_odd_paths(tmp_path: Path) -> None:
    """A path may hold what means something in an address."""
    with closing(open_file(tmp_path, {"path": "a?mode=ro&b#c%20/ü.db"})) as target:
        ledger = Ledger()
        ledger.deploy(target, FILES)
        ledger.check(target)
    assert (tmp_path / "a?mode=ro&b#c%20" / "ü.db").is_file()


def test_readers_go_on_while_somebody_writes(tmp_path: Path, target: Writer, ledger: Ledger) -> None:
    """While a writer is in the middle of a transaction, hubcfg and a product with `mode=ro` read what was there before."""
    with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM hubcfg_users")
        ledger.check(target)
        uri = f"{(tmp_path / 'hub.db').as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=0)) as product:
            assert product.execute("SELECT count(*) FROM hubcfg_allowed").fetchone() == (4,)
        writer.execute("ROLLBACK")


def test_a_writer_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: Writer) -> None:
    """Somebody else's transaction that does not end is waited for, and named."""
    ledger = Ledger()
    ledger.deploy(target, FILES)
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(TargetError, match="another process holds the file"):
            deploy(target, {"northwind": {}})
    ledger.check(target)


def test_a_file_that_is_no_database(tmp_path: Path, target: Writer) -> None:
    """A file of another kind is not touched."""
    (tmp_path / "hub.db").write_text("Dear diary, " * 100)
    for act in (target.read_status, target.unlock, lambda: deploy(target, FILES)):
        with pytest.raises(ForeignStateError, match="is not a SQLite database"):
            act()
    assert (tmp_path / "hub.db").read_text() == "Dear diary, " * 100


def test_a_folder_in_place_of_the_file(tmp_path: Path, target: Writer) -> None:
    """A folder where the file should be is an error in words."""
    (tmp_path / "hub.db").mkdir()
    with pytest.raises(TargetError, match="cannot be opened"):
        target.read_status()
    with pytest.raises(TargetError):
        deploy(target, FILES)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    """A path through a file is an error in words."""
    (tmp_path / "deploy").write_text("")
    with closing(open_file(tmp_path, {"path": "deploy/hub.db"})) as target, pytest.raises(TargetError):
        deploy(target, FILES)


LIMITED = """
import resource, signal, sys
from pathlib import Path
from hubcfg.core.errors import HubcfgError
from tests.unit.applier.test_sqlite import MANY, deploy, open_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    print("done", deploy(open_file(Path(sys.argv[1])), MANY).done)
except HubcfgError as error:
    print(type(error).__name__, error.message, "|", error.help)
"""


def deploy_limited(folder: Path, limit: int) -> str:
    """Deploys many users in a process none of whose files may grow beyond a size, as on a full disk; returns what it says."""
    command = [sys.executable, "-c", LIMITED, str(folder), str(limit)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk(tmp_path: Path) -> None:
    """Wherever the disk is full, a deployment is done or says that it is not, and leaves what was there."""
    with closing(open_file(tmp_path)) as target:
        ledger = Ledger()
        ledger.deploy(target, FILES)
        size = (tmp_path / "hub.db").stat().st_size
        told = [deploy_limited(tmp_path, limit) for limit in (size // 2, size, size + 40_000, size + 200_000)]
        assert all(said.startswith("TargetError") and ("full" in said or "failed" in said) for said in told), told
        assert target.read_status().serial == 1
        assert dict(target.read_org("northwind").live) == FILES["northwind"]
        assert deploy_limited(tmp_path, 1 << 30).startswith("done")
        assert dict(target.read_org("northwind").live) == MANY["northwind"]
        assert target.read_status().serial == 2


def test_a_database_that_may_not_grow(monkeypatch: pytest.MonkeyPatch, target: Writer) -> None:
    """A database that has as many pages as it may have keeps what it holds, and says that it is full."""
    ledger = Ledger()
    ledger.deploy(target, FILES)
    connect = sqlite3.connect

    def limited(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = connect(*arguments, **options)  # type: ignore[call-overload]  # whatever it is called with
        connection.execute("PRAGMA max_page_count = 60")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", limited)
        with pytest.raises(TargetError, match="the disk is full"):
            deploy(target, MANY)
    ledger.check(target)
    ledger.deploy(target, MANY)
    ledger.check(target)


def test_what_counts_is_what_the_file_says(target: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment whose commit seems to fail, though it did not, is reported as done."""
    deploy(target, FILES)
    real = module.ledger.write_record

    def commit_and_fail(database: module.SqliteDatabase, *rest: object) -> None:
        real(database, *rest)  # type: ignore[arg-type]  # what it was called with
        database.run("COMMIT")
        raise TargetError("the disk went away")

    monkeypatch.setattr(module.ledger, "write_record", commit_and_fail)
    with target.lock(make_holder()):
        made = make_deployment(target, {"northwind": {}})
        outcome = target.deploy(made)
    assert outcome.done == ("northwind",)
    assert outcome.record == target.read_status().record


def test_rows_that_do_not_read_back(tmp_path: Path, target: Writer, ledger: Ledger) -> None:
    """Where a trigger changes what is written, nothing is kept and nothing is reported as done."""
    with closing(sqlite3.connect(tmp_path / "hub.db")) as connection:
        connection.executescript(
            "CREATE TRIGGER meddle AFTER INSERT ON hubcfg_users BEGIN"
            " UPDATE hubcfg_users SET role = 'owner' WHERE user_id = NEW.user_id; END"
        )
    with pytest.raises(TargetError, match="do not read back"):
        deploy(target, {"northwind": make_staff("northwind", "new@x.example")})
    ledger.check(target)


def test_stale_lock_of_another_machine_holds(tmp_path: Path, target: Writer, ledger: Ledger) -> None:
    """A lock from another machine is never taken over by itself; `unlock` ends it, even where it does not say whose it is."""
    for holder in ("NULL", "'nonsense'", "'[]'"):
        with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as connection:
            connection.execute(f"UPDATE hubcfg_lock SET token = 'x', holder = {holder}")
        with pytest.raises(LockedError, match="somebody"):
            deploy(target, {"northwind": {}})
        target.unlock()
        ledger.check(target)


def test_deploying_needs_the_lock(target: Writer, ledger: Ledger) -> None:
    """A deployment without the lock is a mistake of whoever calls."""
    made = make_deployment(target, {"northwind": {}})
    with pytest.raises(AssertionError):
        target.deploy(made)
    ledger.check(target)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Runs a block as somebody whom permissions bind, which they do not root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_written_to() -> None:
    """Who may only read the file reads it, and is told so when deploying; beside a log that is in use it cannot be read."""
    with tempfile.TemporaryDirectory() as name, closing(open_file(Path(name))) as target:
        folder = Path(name)
        ledger = Ledger()
        ledger.deploy(target, FILES)
        folder.chmod(0o555)
        (folder / "hub.db").chmod(0o444)
        with unprivileged():
            ledger.check(target)
            with pytest.raises(TargetError, match=r"may not be written to|cannot be opened"):
                deploy(target, {"northwind": {}})
        folder.chmod(0o755)
        (folder / "hub.db-wal").write_bytes(b"x")
        folder.chmod(0o555)
        with unprivileged(), pytest.raises(TargetError, match="a log beside it"):
            target.read_status()
        folder.chmod(0o755)
