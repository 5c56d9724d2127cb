"""The target `directory` when its process is killed, the disk is full or fails, or the lock is lost, at any step of a deployment."""

import copy
import errno
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from hubcfg.applier import folder_lock
from hubcfg.applier.folder_files import remove_tree
from hubcfg.applier.folder_lock import HeldLock
from hubcfg.applier.holder import Holder, is_gone
from hubcfg.applier.target import LockedError, StaleError, TargetError
from hubcfg.applier.targets import directory
from hubcfg.applier.targets.directory import DirectoryTarget
from tests.contracts.bundles import make_staff
from tests.contracts.deployments import Ledger, deploy, make_deployment, make_holder
from tests.reference.projects import examples

# The steps that change something on the disk, as the interpreter announces them; `fsync` is announced by the tests.
STEPS = {"open", "os.mkdir", "os.rename", "os.symlink", "os.link", "os.remove", "os.rmdir", "os.truncate", "fsync"}
# Those that need room, and those that a disk can fail at.
ROOM = {"open", "os.mkdir", "os.symlink", "os.link"}

# How a child ends: nothing came in its way; it deployed all the same; it refused; it refused too late; it was killed.
UNDISTURBED, DONE, REFUSED, CURRENT_ALL_THE_SAME, KILLED, BROKEN = range(6)


# How many releases are kept in the tests that try every step, each on a copy of them all.
KEPT = 2


def make_ledger(folder: Path) -> Ledger:
    """Deploys so often that the next deployment drops a release, and returns what the folder holds."""
    ledger, target = Ledger(), DirectoryTarget(folder, "deploy")
    for count in range(KEPT):
        ledger.deploy(target, {"northwind": make_staff("northwind", f"user-{count}@x.example")})
    ledger.deploy(target, {"pilot": make_staff("pilot", "ana@x.example")})
    return ledger


NEXT = {
    "northwind": make_staff("northwind", "lea@x.example"),
    "pilot": {},
    "third": make_staff("third", "bo@x.example"),
}


def after(ledger: Ledger, record: bytes) -> Ledger:
    """Returns what a folder holds after the deployment `NEXT`."""
    with_next = Ledger(dict(ledger.orgs), dict(ledger.ever), [*ledger.records, record])
    with_next.orgs |= NEXT
    for org, user in (("northwind", "lea@x.example"), ("pilot", "ana@x.example"), ("third", "bo@x.example")):
        with_next.ever[org] = with_next.ever.get(org, frozenset()) | {user}
    return with_next


def is_writing(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether an announced step changes something."""
    if event == "open":
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in STEPS


def deploy_in_child(folder: Path, is_due: Callable[[int, str], bool], strike: Callable[[], None]) -> int:
    """Carries out `NEXT` in a process of its own, where `strike` comes before each step that `is_due`; returns how it ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = BROKEN
    try:
        target = DirectoryTarget(folder, "deploy")
        count, was_struck = 0, False
        synced = os.fsync

        def announce(descriptor: int) -> None:
            sys.audit("fsync")
            synced(descriptor)

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal count, was_struck
            if is_writing(event, arguments):
                count += 1
                if is_due(count, event):
                    was_struck = True
                    strike()

        os.fsync = announce
        sys.addaudithook(watch)
        try:
            if deploy(target, NEXT).record is not None:
                code = DONE if was_struck else UNDISTURBED
        except TargetError as error:
            code = CURRENT_ALL_THE_SAME if "was made current" in error.message else REFUSED
    finally:
        os._exit(code)


def find_leftovers(folder: Path, serial: int) -> list[str]:
    """Returns what lies in the folder that does not belong to a deployment up to a serial."""
    expected = {"committed", "format.json", "lock", "records"}
    left = [path.name for path in (folder / "hubcfg").iterdir() if path.name not in expected]
    for parent in (folder / "releases", folder / "hubcfg/records"):
        left += [str(path) for path in parent.iterdir() if not path.name.isdecimal() or int(path.name) > serial]
    return left


def try_every_step(tmp_path: Path, is_due: Callable[[int, int, str], bool], strike: Callable[[], None]) -> list[int]:
    """Deploys to copies of a folder, struck at the first step, at the second, and so on, until nothing is in the way any more.

    Each time the folder has to hold the old or the new, as the deployment says, and to take another deployment, which leaves
    nothing about. Returns how the deployments ended.
    """
    ledger = make_ledger(tmp_path / "template")
    last = len(ledger.records)
    codes: list[int] = []
    while not codes or codes[-1] != UNDISTURBED:
        folder = tmp_path / str(len(codes))
        shutil.copytree(tmp_path / "template", folder, symlinks=True)
        codes.append(deploy_in_child(folder, partial(is_due, len(codes) + 1), strike))
        reader = DirectoryTarget(folder, "deploy")
        happened = reader.read_status().serial == last + 1
        if codes[-1] != KILLED:
            assert happened == (codes[-1] in (UNDISTURBED, DONE, CURRENT_ALL_THE_SAME))
        expected = after(ledger, reader.read_records()[-1]) if happened else copy.deepcopy(ledger)
        expected.check(reader)
        if codes[-1] == REFUSED and strike is fill_up:
            assert find_leftovers(folder, last) == []
        expected.deploy(reader, {"pilot": make_staff("pilot", "new@x.example")})
        expected.check(reader)
        assert find_leftovers(folder, len(expected.records)) == []
        assert len(list((folder / "releases").iterdir())) == KEPT
    remove_tree(tmp_path)
    return codes


def kill() -> None:
    """Ends the process so that it can clean nothing up."""
    os._exit(KILLED)


def fill_up() -> None:
    """Fails as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def break_down() -> None:
    """Fails as a broken disk does."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps few releases, and leaves out the waiting for the disk, which says nothing where only processes die."""
    monkeypatch.setattr(directory, "KEPT_RELEASES", KEPT)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.usefixtures("_quickly")
def test_killed_at_every_step(tmp_path: Path) -> None:
    """Killed before any step, the folder holds the old or the new as a whole, and the next deployment clears up."""
    codes = try_every_step(tmp_path, lambda step, count, _: count == step, kill)
    assert set(codes[:-1]) == {KILLED}
    assert len(codes) > 50


@pytest.mark.usefixtures("_quickly")
def test_full_disk_from_every_step_on(tmp_path: Path) -> None:
    """On a disk that has no room any more the deployment fails with nothing changed, and removes what it wrote."""
    codes = try_every_step(tmp_path, lambda step, count, event: count >= step and event in ROOM, fill_up)
    # What needs room after the deployment is current is for the next one to catch up on.
    assert codes == sorted(codes, reverse=True)
    assert codes.count(REFUSED) > 20


@pytest.mark.usefixtures("_quickly")
def test_every_step_fails_once(tmp_path: Path) -> None:
    """Where one step fails, the deployment happens as a whole or not at all, and which of the two is what it says."""
    codes = try_every_step(tmp_path, lambda step, count, _: count == step, break_down)
    assert codes.count(REFUSED) > 30
    assert codes.count(CURRENT_ALL_THE_SAME) == 1
    assert codes.count(DONE) > 5


def test_holder_that_sleeps_right_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that loses its lock between its last look and the step that counts makes nothing current."""
    ledger, other = Ledger(), DirectoryTarget(tmp_path / "deploy", "deploy")
    ledger.deploy(other, {"northwind": make_staff("northwind", "lea@x.example")})
    look = HeldLock.check

    def sleep(held: HeldLock) -> None:
        look(held)
        monkeypatch.undo()
        assert other.unlock() == make_holder("sleepy")
        for user in ("ana@x.example", "bo@x.example"):
            ledger.deploy(other, {"pilot": make_staff("pilot", user)})

    target = DirectoryTarget(tmp_path / "deploy", "deploy")
    monkeypatch.setattr(HeldLock, "check", sleep)
    with pytest.raises(TargetError, match="the lock was ended by force"):
        deploy(target, {"northwind": {}}, "sleepy")
    assert len(ledger.records) == 3
    ledger.check(other)


def test_holder_that_sleeps_while_it_takes_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that loses its lock before its work folder is there finds that out, and waits for the lock like anybody else."""
    ledger, other = Ledger(), DirectoryTarget(tmp_path / "deploy", "deploy")
    ledger.deploy(other, {})
    write = folder_lock._write

    def sleep(descriptor: int, holder: Holder, work: str) -> None:
        write(descriptor, holder, work)
        monkeypatch.undo()
        assert other.unlock() == make_holder("sleepy")
        ledger.deploy(other, {"pilot": make_staff("pilot", "ana@x.example")})

    monkeypatch.setattr(folder_lock, "_write", sleep)
    target = DirectoryTarget(tmp_path / "deploy", "deploy")
    outcome = deploy(target, {"northwind": make_staff("northwind", "lea@x.example")}, "sleepy")
    assert outcome.record == target.read_status().record
    assert target.read_status().serial == 3
    assert find_leftovers(tmp_path / "deploy", 3) == []


def test_crowd(tmp_path: Path) -> None:
    """Many who deploy at once, and some who end locks by force: who was told that it is done is in the records, once, in its place."""
    told: list[bytes] = []
    end = time.monotonic() + 1.5 * examples(1)

    def work(number: int) -> None:
        choose = random.Random(number)
        target = DirectoryTarget(tmp_path / "deploy", "deploy")
        while time.monotonic() < end:
            time.sleep(choose.random() / 50)
            try:
                if choose.random() < 0.05:
                    target.unlock()
                outcome = deploy(target, {f"org-{number}": make_staff(f"org-{number}", f"{choose.random()}")})
            except (LockedError, StaleError, TargetError):
                continue
            assert outcome.record is not None
            told.append(outcome.record)

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(work, number) for number in range(6)]:
            future.result()
    records = DirectoryTarget(tmp_path / "deploy", "deploy").read_records()
    assert len(told) > 5
    assert sorted(told) == sorted(records)
    assert [json.loads(record)["serial"] for record in records] == list(range(1, len(records) + 1))


def test_lock_that_a_child_of_a_dead_process_keeps(tmp_path: Path) -> None:
    """A lock whose holder was killed is taken over though a process that it began still has the lock's file open."""
    folder = tmp_path / "deploy"
    Ledger().deploy(DirectoryTarget(folder, "deploy"), {})
    read, write = os.pipe()
    child = os.fork()
    if not child:
        lock = DirectoryTarget(folder, "deploy").lock(make_holder("dead"))
        lock.__enter__()
        if os.fork():
            os._exit(0)
        os.write(write, str(os.getpid()).encode())
        time.sleep(60)
        os._exit(0)
    os.waitpid(child, 0)
    grandchild = int(os.read(read, 20))
    target = DirectoryTarget(folder, "deploy")
    try:
        holder = target.read_status().holder
        assert holder is not None
        assert (holder.who, is_gone(holder)) == ("dead", True)
        assert deploy(target, {}).record is not None
    finally:
        os.kill(grandchild, signal.SIGKILL)
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"holder": null}'])
def test_lock_that_does_not_say_whose_it_is(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is held and says nothing that can be read is respected, and can be ended by force."""
    monkeypatch.setattr(folder_lock, "_PATIENCE", 0.05)
    target = DirectoryTarget(tmp_path / "deploy", "deploy")
    Ledger().deploy(target, {})
    other = DirectoryTarget(tmp_path / "deploy", "deploy")
    with other.lock(make_holder("ada")):
        file = tmp_path / "deploy/hubcfg/lock"
        os.truncate(file, 0)
        file.write_bytes(content)
        with pytest.raises(LockedError, match="somebody") as caught:
            deploy(target, {})
        assert caught.value.holder is None
        holder = target.read_status().holder
        assert holder is None if not content else holder is not None and holder.who == "somebody"
        target.unlock()
        if content:
            deploy(target, {})


def test_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system knows no locks, that is said, and nothing is deployed."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(folder_lock.fcntl, "flock", refuse)
    target = DirectoryTarget(tmp_path / "deploy", "deploy")
    with pytest.raises(TargetError, match="the file system of `deploy` has no locks for files") as caught:
        deploy(target, {})
    assert caught.value.help == "choose a folder on a local disk, or a target of another type"
    assert target.read_status().serial == 0


def test_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system knows no hard links, what is taken over from the release before is copied."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    ledger, target = Ledger(), DirectoryTarget(tmp_path / "deploy", "deploy")
    ledger.deploy(target, {"pilot": make_staff("pilot", "ana@x.example")})
    ledger.deploy(target, {"northwind": make_staff("northwind", "lea@x.example")})
    ledger.check(target)


def test_interrupted_at_the_moment_of_the_last_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C right after the step that counts takes nothing back."""
    target = DirectoryTarget(tmp_path / "deploy", "deploy")
    rename = Path.rename

    def interrupt(path: Path, to: Path) -> Path:
        moved = rename(path, to)
        if to.name == "current":
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        deploy(target, {"pilot": make_staff("pilot", "ana@x.example")})
    monkeypatch.undo()
    assert target.read_status().serial == 1
    assert target.read_status().holder is None
    assert target.list_orgs().keys() == {"pilot"}


def test_error_of_what_makes_the_record(tmp_path: Path) -> None:
    """An error of the caller's own goes through, and nothing is deployed."""
    target = DirectoryTarget(tmp_path / "deploy", "deploy")
    made = make_deployment(target, {"pilot": make_staff("pilot", "ana@x.example")})

    def fail(_: object) -> dict[str, bytes]:
        raise ZeroDivisionError

    with target.lock(make_holder()), pytest.raises(ZeroDivisionError):
        target.deploy(replace(made, make_extras=fail))
    Ledger().check(target)
    assert sorted(path.name for path in (tmp_path / "deploy/hubcfg").iterdir()) == ["format.json", "lock"]
    with target.lock(make_holder()):
        with pytest.raises(ZeroDivisionError):
            target.deploy(replace(made, make_extras=fail))
        assert target.deploy(made).record is not None


def test_readers_of_the_files_see_one_release(tmp_path: Path) -> None:
    """Whoever follows the link and reads finds the files that the manifest beside them names, while others deploy."""
    target = DirectoryTarget(tmp_path / "deploy", "deploy")
    deploy(target, {"pilot": make_staff("pilot", "ana@x.example")})
    seen: set[str] = set()

    def read() -> None:
        release = (tmp_path / "deploy/current").resolve()
        seen.add(release.name)
        for path, one in json.loads((release / "manifest.json").read_bytes())["files"].items():
            assert hashlib.sha256((release / path).read_bytes()).hexdigest() == one["sha256"]

    with ThreadPoolExecutor(1) as pool:
        deployments = pool.submit(
            lambda: [deploy(target, {org: make_staff(org, f"{count}") for org in "abc"}) for count in range(15)]
        )
        while not deployments.done():
            read()
        deployments.result()
    read()
    assert len(seen) > 3
