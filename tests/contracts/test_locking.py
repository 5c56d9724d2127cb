"""Who may write to a target, and who no longer may."""

from contextlib import closing

import pytest

from hubcfg.applier.target import LockedError, StaleError, TargetError, Writer
from tests.contracts.bundles import make_staff
from tests.contracts.deployments import Ledger, deploy, make_deployment, make_holder
from tests.contracts.elsewhere import elsewhere
from tests.contracts.harness import MakeStand, Stand

NORTHWIND = {"northwind": make_staff("northwind", "lea@x.example")}
REFUSALS = {"LockedError", "StaleError", "TargetError"}


def test_holder_shows_while_it_holds(stand: Stand, target: Writer) -> None:
    """Whoever holds the lock is named to all who look, until it is let go."""
    holder = make_holder("zoë@x.example")
    with closing(stand.address.open()) as other:
        with target.lock(holder):
            assert other.read_status().holder == holder
            assert target.read_status().holder == holder
        assert other.read_status().holder is None


def test_lock_is_let_go_after_an_error(target: Writer) -> None:
    """A block that fails lets the lock go, and its error through."""
    with pytest.raises(ZeroDivisionError), target.lock(make_holder()):
        raise ZeroDivisionError
    with target.lock(make_holder()):
        pass
    assert target.read_status().holder is None


def test_second_handle_is_locked_out(stand: Stand, target: Writer) -> None:
    """While one handle holds the lock, another gets LockedError, which names the holder; afterwards it gets the lock."""
    with closing(stand.address.open()) as other:
        with target.lock(make_holder("ada")):
            with pytest.raises(LockedError, match="`ada`") as caught, other.lock(make_holder("bo")):
                pass
            assert caught.value.holder == make_holder("ada")
        with other.lock(make_holder("bo")):
            assert target.read_status().holder == make_holder("bo")


def test_another_process_is_locked_out(stand: Stand, target: Writer) -> None:
    """While another process holds the lock, this one gets LockedError, which names it; what that one does then stands."""
    with elsewhere(stand.address) as other:
        assert other.ask("lock") == "ok"
        with pytest.raises(LockedError, match="`elsewhere`") as caught:
            deploy(target, NORTHWIND)
        assert caught.value.holder is not None
        assert caught.value.holder.pid == other.process.pid
        assert other.ask("finish") == "ok"
        assert other.ask("unlock") == "ok"
    assert target.read_status().serial == 1
    assert deploy(target, {"northwind": {}}).done == ("northwind",)


def test_this_process_locks_out_another(stand: Stand, target: Writer) -> None:
    """While this process holds the lock, another one can neither deploy nor lock."""
    ledger = Ledger()
    with elsewhere(stand.address) as other:
        with target.lock(make_holder()):
            assert other.ask("deploy") == "LockedError"
            assert other.ask("lock") == "LockedError"
        ledger.check(target)
        assert other.ask("deploy") == "ok"


def test_lock_of_a_dead_process_is_taken_over(stand: Stand, target: Writer) -> None:
    """A holder that was killed holds nobody up, and who takes over can deploy."""
    with elsewhere(stand.address) as other:
        assert other.ask("lock") == "ok"
        other.kill()
    ledger = Ledger()
    ledger.deploy(target, NORTHWIND)
    ledger.check(target)


def test_unlock_by_force(stand: Stand, target: Writer) -> None:
    """A lock that is ended by force is told whose it was, is free, and its holder can write nothing any more."""
    ledger = Ledger()
    with elsewhere(stand.address) as other:
        assert other.ask("lock") == "ok"
        ended = target.unlock()
        assert ended is not None
        assert (ended.who, ended.pid) == ("elsewhere", other.process.pid)
        assert target.read_status().holder is None
        assert target.unlock() is None
        assert other.ask("finish") in REFUSALS
        ledger.check(target)
        other.ask("unlock")
    ledger.deploy(target, NORTHWIND)
    ledger.check(target)


def test_old_holder_and_new_one(stand: Stand, target: Writer) -> None:
    """After an unlock by force somebody else may hold the lock; the old holder neither writes nor ends that lock."""
    ledger = Ledger()
    with elsewhere(stand.address) as other:
        assert other.ask("lock") == "ok"
        target.unlock()
        with target.lock(make_holder("ada")):
            assert other.ask("finish") in REFUSALS
            other.ask("unlock")
            assert target.read_status().holder == make_holder("ada")
            outcome = target.deploy(make_deployment(target, NORTHWIND))
            assert outcome.record is not None
    ledger.orgs |= NORTHWIND
    ledger.ever["northwind"] = frozenset({"lea@x.example"})
    ledger.records.append(outcome.record)
    ledger.check(target)


def test_old_holder_in_this_process(stand: Stand, target: Writer) -> None:
    """A handle whose lock was ended by force raises, and the target is as it was."""
    ledger = Ledger()
    ledger.deploy(target, NORTHWIND)
    with closing(stand.address.open()) as other:
        with target.lock(make_holder("ada")):
            assert other.unlock() == make_holder("ada")
            made = make_deployment(target, {"northwind": {}})
            with pytest.raises((LockedError, StaleError, TargetError)):
                target.deploy(made)
        ledger.check(other)
    ledger.deploy(target, {"northwind": {}})
    ledger.check(target)


def test_race_of_two_processes(make_stand: MakeStand) -> None:
    """Of two processes that deploy at the same moment one wins, and the other is refused or comes after it: no record is lost."""
    for _ in range(3):
        with make_stand() as stand, elsewhere(stand.address) as one, elsewhere(stand.address) as two:
            one.send("deploy")
            two.send("deploy")
            answers = [one.receive(), two.receive()]
            with closing(stand.address.open()) as reader:
                status, records = reader.read_status(), reader.read_records()
            assert set(answers) <= {"ok", "LockedError", "StaleError"}
            assert "ok" in answers
            assert status.serial == len(records) == answers.count("ok")


def test_race_for_one_serial(make_stand: MakeStand) -> None:
    """Of two handles with a deployment of the same serial, exactly one carries it out."""
    with make_stand() as stand, closing(stand.address.open()) as one, closing(stand.address.open()) as two:
        made = [
            make_deployment(writer, {"northwind": make_staff("northwind", f"{id(writer)}")}) for writer in (one, two)
        ]
        with two.lock(make_holder()):
            assert two.deploy(made[1]).record is not None
        with one.lock(make_holder()), pytest.raises(StaleError):
            one.deploy(made[0])
        assert dict(one.read_org("northwind").live) == dict(made[1].orgs[0].after)
        assert one.read_status().serial == 1
