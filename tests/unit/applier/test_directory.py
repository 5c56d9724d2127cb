"""The target `directory` beyond what all targets promise: what lies where, what is kept, and what people do in the folder."""

import json
import shutil
from pathlib import Path

import pytest

from hubcfg.applier.opening import open_target
from hubcfg.applier.target import ForeignStateError, StaleError, TargetError
from hubcfg.applier.targets.directory import KEPT_RELEASES, DirectoryTarget
from hubcfg.core.canonical import canonical_json
from hubcfg.core.errors import UsageError
from hubcfg.planner.held import NOTHING_HELD
from hubcfg.platforms.grants import Audience
from hubcfg.validator.config import Target
from tests.contracts.bundles import make_staff
from tests.contracts.deployments import Ledger, deploy, make_deployment, make_extras, make_holder

STAFF, CLIENT = Audience.STAFF, Audience.CLIENT
NORTHWIND = make_staff("northwind", "lea@x.example")
PILOT = make_staff("pilot", "ana@x.example", "bo@x.example")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is not there yet, nor the one above it."""
    return tmp_path / "out" / "deploy"


@pytest.fixture
def target(folder: Path) -> DirectoryTarget:
    return DirectoryTarget(folder, "out/deploy")


def list_files(folder: Path) -> dict[str, bytes]:
    """Returns all files below a folder, by path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_release_is_what_compile_writes(folder: Path, target: DirectoryTarget) -> None:
    """A release has the org files and those beside them at their paths, and hubcfg's own in one hidden folder."""
    deploy(target, {"northwind": NORTHWIND, "pilot": PILOT})
    assert str((folder / "current").readlink()) == "releases/1"
    files = {path: content for path, content in list_files(folder / "current").items() if path[0] != "."}
    orgs = {"northwind": NORTHWIND, "pilot": PILOT}
    bundles = {f"orgs/{org}/staff.json": files[STAFF] for org, files in orgs.items()}
    assert files == bundles | make_extras(orgs)
    assert sorted(path.name for path in folder.iterdir()) == ["current", "hubcfg", "releases"]


def test_extras_are_made_of_all_orgs(folder: Path, target: DirectoryTarget) -> None:
    """The files beside the orgs are made anew from all orgs, those that the deployment does not name included."""
    deploy(target, {"northwind": NORTHWIND, "pilot": PILOT})
    deploy(target, {"northwind": make_staff("northwind", "new@x.example")})
    assert (folder / "current/lists/orgs.csv").read_text() == "northwind\npilot"
    deploy(target, {"northwind": {}})
    assert (folder / "current/lists/orgs.csv").read_text() == "pilot"
    assert json.loads((folder / "current/manifest.json").read_bytes())["files"].keys() == {"orgs/pilot/staff.json"}


def test_reading_creates_nothing(folder: Path, target: DirectoryTarget) -> None:
    """Reading a folder that is not there makes no folder."""
    assert target.read_status().serial == 0
    assert target.list_orgs() == {}
    assert target.read_org("pilot") == NOTHING_HELD
    assert target.read_records() == []
    assert target.read_sources(1) is None
    assert target.unlock() is None
    assert not folder.parent.exists()


def test_reading_changes_nothing(folder: Path, target: DirectoryTarget) -> None:
    """Reading a folder that was deployed to leaves every file as it is, the lock's included."""
    deploy(target, {"pilot": PILOT})
    before = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}
    ledger = Ledger({"pilot": PILOT}, {"pilot": target.read_org("pilot").ever}, target.read_records())
    ledger.check(DirectoryTarget(folder, "out/deploy"))
    assert {path: path.lstat().st_mtime_ns for path in folder.rglob("*")} == before


def test_nothing_is_left_beside(folder: Path, target: DirectoryTarget) -> None:
    """After a deployment nothing lies about that was needed for it."""
    deploy(target, {"pilot": PILOT})
    deploy(target, {"pilot": {}})
    names = sorted(path.name for path in (folder / "hubcfg").iterdir())
    assert names == ["committed", "format.json", "lock", "records"]
    assert (folder / "hubcfg/lock").read_bytes() == b""


def test_old_releases_go_and_their_records_stay(folder: Path, target: DirectoryTarget) -> None:
    """The last releases are kept whole; of those before them, the records and sources are."""
    ledger = Ledger()
    for count in range(KEPT_RELEASES + 3):
        ledger.deploy(target, {"pilot": make_staff("pilot", f"user-{count}@x.example")})
    ledger.check(target)
    kept = sorted(int(path.name) for path in (folder / "releases").iterdir())
    assert kept == list(range(4, KEPT_RELEASES + 4))
    for serial in kept:
        content = (folder / f"releases/{serial}/orgs/pilot/staff.json").read_bytes()
        assert content == make_staff("pilot", f"user-{serial - 1}@x.example")[STAFF]


def test_editing_a_file_in_place_changes_no_other_release(folder: Path, target: DirectoryTarget) -> None:
    """An org's file that was taken over is a file of its own: writing into it leaves the release before as it was."""
    deploy(target, {"northwind": NORTHWIND, "pilot": PILOT})
    deploy(target, {"northwind": {}})
    with (folder / "current/orgs/pilot/staff.json").open("ab") as file:
        file.write(b" ")
    assert (folder / "releases/1/orgs/pilot/staff.json").read_bytes() == PILOT[STAFF]
    assert target.read_org("pilot").deployed == PILOT


def test_deleted_file(folder: Path, target: DirectoryTarget) -> None:
    """An org file that somebody deleted is missing in `live`, and stays so until the org is deployed again."""
    deploy(target, {"pilot": PILOT})
    (folder / "current/orgs/pilot/staff.json").unlink()
    assert (target.read_org("pilot").live, target.read_org("pilot").deployed) == ({}, PILOT)
    deploy(target, {"northwind": NORTHWIND})
    assert (target.read_org("pilot").live, target.read_org("pilot").deployed) == ({}, PILOT)
    assert target.list_orgs() == {"northwind": target.list_orgs()["northwind"], "pilot": {}}
    deploy(target, {"pilot": PILOT})
    assert target.read_org("pilot").live == PILOT


def test_org_made_by_hand(folder: Path, target: DirectoryTarget) -> None:
    """An org that somebody put there is live, was never deployed, and stays until a deployment names it."""
    deploy(target, {"northwind": NORTHWIND})
    made = folder / "current/orgs/pilot"
    made.mkdir()
    (made / "staff.json").write_bytes(PILOT[STAFF])
    for changes in ({}, {"northwind": {}}):
        deploy(target, changes)
        held = target.read_org("pilot")
        assert (held.live, held.deployed, held.ever) == (PILOT, {}, frozenset())
        assert target.list_orgs()["pilot"].keys() == {STAFF}
    assert (folder / "current/lists/orgs.csv").read_text() == "pilot"
    deploy(target, {"pilot": {}})
    assert target.read_org("pilot") == NOTHING_HELD
    assert target.list_orgs()["pilot"] == {}


def test_org_made_by_hand_where_the_plan_saw_none(folder: Path, target: DirectoryTarget) -> None:
    """A deployment of an org that was not there when the plan was made is refused where somebody has put it there since."""
    deploy(target, {"northwind": NORTHWIND})
    late = make_deployment(target, {"pilot": PILOT})
    (folder / "current/orgs/pilot").mkdir()
    (folder / "current/orgs/pilot/staff.json").write_bytes(PILOT[STAFF])
    with target.lock(make_holder()), pytest.raises(StaleError, match="pilot"):
        target.deploy(late)
    assert target.read_status().serial == 1


def test_stray_files_are_no_orgs(folder: Path, target: DirectoryTarget) -> None:
    """Files beside the orgs' folders, hidden folders, and folders without a file of an org are passed over."""
    deploy(target, {"northwind": NORTHWIND})
    orgs = folder / "current/orgs"
    (orgs / ".DS_Store").write_text("")
    (orgs / "notes.txt").write_text("")
    (orgs / ".hidden").mkdir()
    (orgs / "empty").mkdir()
    assert target.list_orgs().keys() == {"northwind"}
    deploy(target, {"pilot": PILOT})
    assert target.list_orgs().keys() == {"northwind", "pilot"}


def test_links_in_a_release_are_foreign(tmp_path: Path, folder: Path, target: DirectoryTarget) -> None:
    """A link in the place of an org's folder or file is not followed."""
    deploy(target, {"northwind": NORTHWIND})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "staff.json").write_bytes(PILOT[STAFF])
    (folder / "current/orgs/pilot").symlink_to(outside)
    with pytest.raises(ForeignStateError, match="pilot"):
        target.list_orgs()
    (folder / "current/orgs/pilot").unlink()
    (folder / "current/orgs/northwind/client.json").symlink_to(outside / "staff.json")
    for read in (target.list_orgs, lambda: target.read_org("northwind")):
        with pytest.raises(ForeignStateError, match=r"northwind/client\.json` is not a plain file"):
            read()


def test_current_that_was_turned_back(folder: Path, target: DirectoryTarget) -> None:
    """A link that somebody pointed at an earlier release is named, with what restores it; nothing is deployed upon it."""
    deploy(target, {"pilot": PILOT})
    deploy(target, {"pilot": {}})
    (folder / "current").unlink()
    (folder / "current").symlink_to("releases/1")
    with pytest.raises(ForeignStateError, match=r"turned back from `releases/2`") as caught:
        target.read_status()
    assert caught.value.help is not None
    assert "ln -sfn releases/2 out/deploy/current" in caught.value.help
    with pytest.raises(ForeignStateError):
        deploy(target, {"pilot": PILOT})
    (folder / "current").unlink()
    (folder / "current").symlink_to("releases/2")
    assert target.read_status().serial == 2


@pytest.mark.parametrize(
    "to", ["releases/01", "releases/0", "releases//1", "./releases/1", "releases/1/", "/x", "..", "releases/x"]
)
def test_current_that_is_no_link_of_ours(folder: Path, target: DirectoryTarget, to: str) -> None:
    """A link that is not written as hubcfg writes it is foreign, also where it leads to the same place."""
    deploy(target, {"pilot": PILOT})
    (folder / "current").unlink()
    (folder / "current").symlink_to(to)
    with pytest.raises(ForeignStateError, match="current"):
        target.read_org("pilot")


def test_what_is_left_of_an_attempt_is_passed_over(folder: Path, target: DirectoryTarget) -> None:
    """A release and a record beyond the current ones are left over: nobody reads them, and the next deployment replaces them."""
    ledger = Ledger()
    ledger.deploy(target, {"pilot": PILOT})
    shutil.copytree(folder / "releases/1", folder / "releases/2")
    shutil.copytree(folder / "hubcfg/records/1", folder / "hubcfg/records/2")
    (folder / "hubcfg/work-0123456789abcdef").mkdir()
    ledger.check(target)
    ledger.deploy(target, {"northwind": NORTHWIND})
    ledger.check(target)
    assert not (folder / "hubcfg/work-0123456789abcdef").exists()


@pytest.mark.parametrize("name", [".gitkeep", ".gitignore", "lost+found", ".hubcfg-0123456789abcdef"])
def test_folder_with_harmless_files(folder: Path, target: DirectoryTarget, name: str) -> None:
    """A folder counts as empty though it has what Git, a file system or a killed hubcfg leaves in empty folders."""
    folder.mkdir(parents=True)
    (folder / name).mkdir()
    assert target.read_status().serial == 0
    deploy(target, {"pilot": PILOT})
    assert target.read_status().serial == 1


def test_folder_of_others(folder: Path, target: DirectoryTarget) -> None:
    """A folder with other people's files is neither read nor written."""
    folder.mkdir(parents=True)
    (folder / "diary.txt").write_text("Dear diary")
    for use in (target.read_status, target.list_orgs, target.read_records, lambda: deploy(target, {"pilot": PILOT})):
        with pytest.raises(ForeignStateError, match="`out/deploy` is not empty, and was not written by hubcfg"):
            use()
    assert [path.name for path in folder.iterdir()] == ["diary.txt"]


def test_other_files_beside_ours(folder: Path, target: DirectoryTarget) -> None:
    """What people put into a folder that is hubcfg's stays there."""
    deploy(target, {"pilot": PILOT})
    (folder / "README.md").write_text("Ours")
    deploy(target, {"pilot": {}})
    assert (folder / "README.md").read_text() == "Ours"


def test_append_record_keeps_all_files(folder: Path, target: DirectoryTarget) -> None:
    """A record that is appended makes a release with the same files, and none where there was none."""
    with target.lock(make_holder()):
        target.append_record(canonical_json({"serial": 1}), 1)
    assert target.list_orgs() == {}
    deploy(target, {"pilot": PILOT})
    before = list_files(folder / "current")
    with target.lock(make_holder()):
        target.append_record(canonical_json({"serial": 3}), 3)
    after = list_files(folder / "current")
    assert {**after, ".hubcfg/state.json": b""} == {**before, ".hubcfg/state.json": b""}
    assert str((folder / "current").readlink()) == "releases/3"


@pytest.mark.parametrize("path", [".hubcfg/state.json", ".HUBCFG/x", "orgs/x.csv", "../escaped", "a/../../../x"])
def test_extras_stay_in_their_place(folder: Path, target: DirectoryTarget, path: str) -> None:
    """A file beside the orgs that would lie among hubcfg's own, or outside, makes the deployment fail with nothing changed."""
    made = make_deployment(target, {"pilot": PILOT})
    with target.lock(make_holder()), pytest.raises(TargetError):
        target.deploy(type(made)(1, made.orgs, b"", b"", made.make_record, lambda _: {path: b""}))
    assert target.read_status().serial == 0
    assert not any("staff.json" in file or file.endswith("/x") for file in list_files(folder.parent))


def test_missing_copy_of_what_was_deployed(folder: Path, target: DirectoryTarget) -> None:
    """The copy of an org's file is made anew while the file is as it was deployed; afterwards its loss is named."""
    deploy(target, {"pilot": PILOT})
    copy = folder / "current/.hubcfg/deployed/pilot.staff.json"
    copy.unlink()
    deploy(target, {"northwind": NORTHWIND})
    assert (folder / "current/.hubcfg/deployed/pilot.staff.json").read_bytes() == PILOT[STAFF]
    (folder / "current/.hubcfg/deployed/pilot.staff.json").unlink()
    (folder / "current/orgs/pilot/staff.json").unlink()
    with pytest.raises(ForeignStateError, match=r"`releases/2/\.hubcfg/deployed/pilot\.staff\.json` is missing"):
        deploy(target, {"northwind": {}})
    assert target.read_status().serial == 2


def test_missing_list_of_users_ever(folder: Path, target: DirectoryTarget) -> None:
    """Without the list of who was ever deployed nothing is deployed, because it says whom hubcfg may remove."""
    deploy(target, {"pilot": PILOT})
    (folder / "current/.hubcfg/ever/pilot.json").unlink()
    with pytest.raises(ForeignStateError, match=r"`releases/1/\.hubcfg/ever/pilot\.json` is missing"):
        deploy(target, {"northwind": NORTHWIND})
    assert target.read_status().serial == 1


def test_writing_needs_the_lock(target: DirectoryTarget) -> None:
    """Deploying without the lock is a mistake of the program."""
    with pytest.raises(RuntimeError):
        target.deploy(make_deployment(target, {"pilot": PILOT}))
    with pytest.raises(RuntimeError):
        target.append_record(b"{}", 1)


def test_path_is_relative_to_the_project(tmp_path: Path) -> None:
    """The folder is looked for from the project's root."""
    target = open_target(Target("local", "directory", {"path": "deploy"}), tmp_path, {})
    deploy(target, {"pilot": PILOT})
    assert (tmp_path / "deploy/current/orgs/pilot/staff.json").read_bytes() == PILOT[STAFF]


def test_missing_path(tmp_path: Path) -> None:
    """A target without a path is named, with what to write."""
    with pytest.raises(UsageError, match=r"`targets\.local` has no `path`") as caught:
        open_target(Target("local", "directory", {}), tmp_path, {})
    assert caught.value.help == "write for example `local: {type: directory, path: deploy}`"


def test_project_root_as_path(tmp_path: Path) -> None:
    """The project's own folder is no place to deploy to."""
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\n")
    target = open_target(Target("local", "directory", {"path": "."}), tmp_path, {})
    with pytest.raises(ForeignStateError):
        deploy(target, {"pilot": PILOT})
