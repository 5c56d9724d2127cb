"""What goes wrong on the way: nothing is reported that did not happen, what happened is recorded, and another apply comes to the end."""

import json
from pathlib import Path

import pytest

from hubcfg.applier.folder_files import sync_folder
from hubcfg.applier.holder import describe_self
from hubcfg.applier.records import verify_records
from hubcfg.applier.target import Place
from hubcfg.applier.targets.directory import open_directory
from tests.deployment.memory import Killed, MemoryTarget
from tests.deployment.sites import NOW, SAM, Site, found, names


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> MemoryTarget:
    """A target in memory in the place of the folder."""
    made = MemoryTarget()
    monkeypatch.setattr("hubcfg.deployment.open_target", lambda *_: made)
    return made


def _history(site: Site) -> list[tuple[int, str, list[str], list[str]]]:
    return [(one["serial"], one["result"], one["done"], one["untried"]) for one in site.records()]


def test_a_deployment_that_died_is_recorded_by_the_next(begun: Site, target: MemoryTarget) -> None:
    """The next apply says what was interrupted, records it as far as it came, and deploys the rest."""
    target.dies_at = "fabrikam"
    with pytest.raises(Killed):
        begun.apply()
    assert (list(target.held), target.records) == (["acme"], [])
    plan = begun.plan()
    assert (plan["interrupted"]["serial"], plan["interrupted"]["orgs"]) == (1, ["acme"])
    target.dies_at = None
    receipt = begun.deploy()
    assert (receipt["settled"], receipt["serial"], receipt["done"]) == (1, 2, ["fabrikam"])
    assert _history(begun) == [(2, "complete", ["fabrikam"], []), (1, "interrupted", ["acme"], ["fabrikam"])]
    assert verify_records(target.records) == []
    assert begun.command("history", "verify").code == 0
    assert begun.deploy()["result"] == "nothing-to-do"


def test_a_deployment_that_died_at_its_very_end_is_recorded_too(begun: Site, target: MemoryTarget) -> None:
    """Where all orgs were done but the record was missing, the next apply has only that to do."""
    target.refuses = {"fabrikam": "no"}
    assert begun.apply().code == 3
    target.refuses = {}
    begun.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    begun.land()
    target.dies_at = "fabrikam"
    with pytest.raises(Killed):
        begun.apply()
    target.dies_at = None
    text = begun.command("apply", "--auto-approve")
    assert text.code == 0, text.out + text.err
    assert "deployment 2 had been interrupted; it is recorded now, as far as it came" in text.out
    assert [one[:2] for one in _history(begun)] == [(3, "complete"), (2, "interrupted"), (1, "partial")]


def test_an_interrupt_on_the_way_is_told_and_taken_up(begun: Site, target: MemoryTarget) -> None:
    """Ctrl-C between two orgs: exit code 130, a document where one was asked for, and the next apply does the rest."""
    target.dies_at, target.dies_of = "fabrikam", KeyboardInterrupt
    outcome = begun.apply()
    assert (outcome.code, outcome.json["error"]["message"]) == (130, "interrupted; nothing is half-written")
    assert "`live` may have been reached: another apply records that, and does the rest" in outcome.err
    target.dies_at = None
    assert begun.deploy()["settled"] == 1


def test_a_partial_failure_is_told_as_it_is(begun: Site, target: MemoryTarget) -> None:
    """What was done, what failed and why; exit code 3; the next apply does the rest."""
    target.refuses = {"acme": "the server is on fire"}
    outcome = begun.apply()
    assert outcome.code == 3
    assert (outcome.json["result"], outcome.json["done"]) == ("partial", ["fabrikam"])
    assert outcome.json["failed"] == {"acme": "the server is on fire"}
    assert begun.records()[0]["failed"] == {"acme": "the server is on fire"}
    target.refuses = {}
    assert begun.deploy()["done"] == ["acme"]


def test_a_partial_failure_in_text(begun: Site, target: MemoryTarget) -> None:
    """The same for people."""
    target.refuses = {"acme": "the server is on fire"}
    outcome = begun.command("apply", "--auto-approve")
    assert outcome.code == 3
    assert "deployment 1 of `live` was not completed" in outcome.out
    assert "done:      fabrikam" in outcome.out
    assert "failed:    acme: the server is on fire" in outcome.out
    assert "applied" not in outcome.out


def test_what_failed_before_anything_happened_is_an_error(begun: Site, target: MemoryTarget) -> None:
    """Exit code 3 with the target's words, and no record."""
    target.loses = "before"
    outcome = begun.apply()
    assert (outcome.code, outcome.json["error"]["message"]) == (3, "the connection is gone")
    assert (target.records, target.held) == ([], {})


def test_what_failed_after_it_was_done_is_not_called_undone(begun: Site, target: MemoryTarget) -> None:
    """The target's own record decides: the deployment is there, the failure is told, and the exit code is 3."""
    target.loses = "after"
    outcome = begun.apply()
    assert outcome.code == 3
    assert (outcome.json["result"], outcome.json["serial"], outcome.json["done"]) == (
        "unconfirmed",
        1,
        ["acme", "fabrikam"],
    )
    assert outcome.json["reason"] == "the connection is gone (see to the network)"
    assert len(target.records) == 1


def test_what_cannot_be_known_is_not_claimed(begun: Site, target: MemoryTarget) -> None:
    """Where the target does not answer any more, the message says that nobody knows, and how to find out."""
    target.loses = "for good"
    outcome = begun.apply()
    assert outcome.code == 3
    assert outcome.json["error"]["message"] == (
        "the connection is gone; whether it was done all the same is not known: nobody answers"
    )
    assert "hubcfg history" in outcome.json["error"]["help"]


def test_a_disk_that_does_not_confirm(begun: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose last fsync fails holds the deployment all the same; the text says both."""

    def fail_at_the_end(folder: Path) -> None:
        if folder == begun.root / "../target" and (folder / "current").is_symlink():
            raise OSError(5, "Input/output error")
        sync_folder(folder)

    monkeypatch.setattr("hubcfg.applier.targets.directory.sync_folder", fail_at_the_end)
    outcome = begun.command("apply", "--auto-approve")
    assert outcome.code == 3
    assert "deployment 1 of `live` is there, but: " in outcome.out
    assert "the disk did not confirm it" in outcome.out
    monkeypatch.undo()
    assert begun.command("history", "verify").code == 0


def test_two_applies_do_not_meet(site: Site) -> None:
    """While somebody holds the lock apply is refused with who it is; unlock says it too, and ends it by force."""
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    holder = open_directory("live", {"path": "../target"}, Place(site.root, {}))
    with holder.lock(describe_self("ada", NOW)):
        before = site.state()
        outcome = site.apply()
        ((name, message),) = found(outcome)
        assert (outcome.code, name) == (1, "locked")
        assert f"another apply is under way: `ada` since {NOW}, from `" in message
        assert outcome.json["findings"][0]["file"] == "hubcfg.yaml"
        assert {key: value for key, value in site.state().items() if "lock" not in key} == {
            key: value for key, value in before.items() if "lock" not in key
        }
        refused = site.command("unlock")
        assert refused.code == 1
        assert "`live` is locked by `ada`" in refused.err
        assert "ended the lock of `ada`" in site.command("unlock", "--force").out
        assert site.deploy()["serial"] == 2
    assert "not locked" in site.command("unlock").out
    assert site.held("fabrikam")[SAM] == ["psa.tickets.assign", "psa.tickets.read"]


def test_a_change_between_plan_and_lock_is_stale(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes in the target after it was read is not overwritten."""
    import hubcfg.applying

    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    carry_out = hubcfg.applying.carry_out

    def be_late(*arguments: object, **options: object) -> object:
        site.edit_bundle(lambda bundle: bundle["users"].pop(SAM), "fabrikam")
        return carry_out(*arguments, **options)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr("hubcfg.applying.carry_out", be_late)
    outcome = site.apply()
    assert (outcome.code, names(outcome)) == (1, ["stale-plan"])
    assert SAM not in site.held("fabrikam")
    assert len(site.records()) == 1


@pytest.mark.parametrize("what", ["edited", "deleted"])
def test_a_source_that_changes_meanwhile_is_stale(site: Site, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """What is kept as the sources of a deployment is what it was compiled from, or there is no deployment."""
    import hubcfg.applying

    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    before, carry_out = site.held("fabrikam"), hubcfg.applying.carry_out

    def be_late(*arguments: object, **options: object) -> object:
        file = site.root / "fabrikam.yaml"
        file.unlink() if what == "deleted" else file.write_text(file.read_text() + "# more\n")
        return carry_out(*arguments, **options)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr("hubcfg.applying.carry_out", be_late)
    outcome = site.apply()
    assert (outcome.code, names(outcome)) == (1, ["stale-plan"])
    assert "`fabrikam.yaml` was changed while hubcfg was at work on it" in outcome.json["findings"][0]["message"]
    assert site.held("fabrikam") == before
    assert len(site.records()) == 1


def test_a_full_disk_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails: exit code 3, a sentence, and everything as it was."""
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    before = site.state()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hubcfg.applier.folder_files.Tree.write", fail)
    outcome = site.apply()
    assert outcome.code == 3
    assert "no space left on device" in outcome.json["error"]["message"]
    after = site.state()
    assert {key for key in after if key not in before} <= {"hubcfg/lock"}
    assert all(after[key] == before[key] for key in before if key != "hubcfg/lock")
    assert json.loads(site.command("history", "verify", "--format", "json").out)["intact"]
