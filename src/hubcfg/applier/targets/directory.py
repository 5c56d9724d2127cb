"""The target `directory`: a folder in which every deployment is a release of its own, and a link says which is current."""

import hashlib
import os
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from msgspec import Struct

from hubcfg.applier.folder_files import Tree, make_folders, read_plain, sync_folder, translated
from hubcfg.applier.folder_layout import (
    PRIVATE,
    Kept,
    Layout,
    Release,
    copy_path,
    ever_path,
    hash_of,
    write_state,
)
from hubcfg.applier.folder_lock import FolderLock, HeldLock
from hubcfg.applier.holder import Holder
from hubcfg.applier.target import (
    Deployment,
    OrgDeployment,
    Outcome,
    Place,
    StaleError,
    Status,
    TargetError,
    TargetType,
)
from hubcfg.core.canonical import canonical_line
from hubcfg.core.errors import UsageError
from hubcfg.planner.held import NOTHING_HELD, HeldOrg, OrgFiles
from hubcfg.platforms.grants import Audience

# How many releases are kept whole; of those before, the records and sources are.
KEPT_RELEASES = 10

_UNCHANGED = "nothing that is deployed was changed; mend this and apply again"
_READING = "see that the folder is there, and that you may read it"


class _Draft(Struct, frozen=True):
    """A deployment that is to be written: what lies in its release beside the orgs, its record, and its sources if any."""

    serial: int
    orgs: Mapping[str, OrgDeployment]
    make_extras: Callable[[Mapping[str, OrgFiles]], Mapping[str, bytes]]
    record: bytes
    sources: bytes | None


class DirectoryTarget:
    """A folder, opened."""

    def __init__(self, folder: Path, shown: str) -> None:
        self._layout = Layout(folder, shown)
        self._lock = FolderLock(self._layout.own, shown)
        self._held: HeldLock | None = None

    def read_status(self) -> Status:
        """Returns where the target stands."""
        with self._reading():
            release = self._layout.read_current()
            holder = self._lock.look()
            if release is None:
                return Status(0, None, holder)
            return Status(release.serial, self._layout.read_current_record(release.serial), holder)

    def list_orgs(self) -> Mapping[str, Mapping[Audience, str]]:
        """Returns the orgs with the hex SHA-256 of each live file; nothing is parsed."""
        with self._reading():
            release = self._layout.read_current()
            if release is None:
                return {}
            digests: dict[str, dict[Audience, str]] = {}
            for org in sorted({*release.orgs, *release.list_live()}):
                digests[org] = {}
                for audience in Audience:
                    content = read_plain(release.find_file(org, audience), f"current/orgs/{org}/{audience.value}.json")
                    if content is not None:
                        digests[org][audience] = hashlib.sha256(content).hexdigest()
            return digests

    def read_org(self, org: str) -> HeldOrg:
        """Returns what the target holds of an org."""
        with self._reading():
            release = self._layout.read_current_again()
            if release is None:
                return NOTHING_HELD
            live = release.read_live(org)
            return HeldOrg(live, release.read_deployed(org, live), release.read_ever(org))

    def read_records(self) -> list[bytes]:
        """Returns all records, in the order of serials."""
        with self._reading():
            release = self._layout.read_current()
            serials = range(1, 1 if release is None else release.serial + 1)
            return [record for serial in serials if (record := self._layout.read_record(serial)) is not None]

    def read_sources(self, serial: int) -> bytes | None:
        """Returns the archive of the sources of a deployment."""
        with self._reading():
            release = self._layout.read_current_again()
            is_deployed = release is not None and 1 <= serial <= release.serial
            return self._layout.read_sources(serial) if is_deployed else None

    def close(self) -> None:
        """Lets go of the lock, if it is held."""
        if self._held is not None:
            self._held.release()
            self._held = None

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Holds the lock for a block; makes the folder, where it is not there yet."""
        with translated(self._layout.shown, "be locked", _UNCHANGED):
            self._layout.prepare()
            self._held = self._lock.take(holder)
        try:
            yield
        finally:
            self.close()

    def unlock(self) -> Holder | None:
        """Ends a lock by force: its holder can make nothing current any more."""
        with translated(self._layout.shown, "be unlocked", "see that you may write to the folder"):
            return self._lock.end()

    def append_record(self, record: bytes, serial: int) -> None:
        """Makes a release that differs from the one before in its record alone."""
        with self._writing() as held:
            before = self._read_before(serial)
            self._carry_out(held, before, _Draft(serial, {}, lambda _: _read_extras(before), record, None))

    def deploy(self, deployment: Deployment) -> Outcome:
        """Carries out a deployment: all of it, or (with an error) nothing of it."""
        orgs = {one.org: one for one in deployment.orgs}
        with self._writing() as held:
            before = self._read_before(deployment.serial)
            for org, one in orgs.items():
                if (before.read_live(org) if before else {}) != dict(one.before):
                    raise StaleError(f"`{org}` in the target is not as the plan found it", help="plan again")
            outcome = Outcome(tuple(orgs))
            record = deployment.make_record(outcome)
            draft = _Draft(deployment.serial, orgs, deployment.make_extras, record, deployment.sources)
            self._carry_out(held, before, draft)
        return Outcome(outcome.done, record=record)

    def _reading(self) -> AbstractContextManager[None]:
        return translated(self._layout.shown, "be read", _READING)

    @contextmanager
    def _writing(self) -> Iterator[HeldLock]:
        held = self._held
        if held is None:
            raise RuntimeError("a target is written to under its lock only")
        with translated(self._layout.shown, "be written", _UNCHANGED):
            yield held

    def _read_before(self, serial: int) -> Release | None:
        release = self._layout.read_current()
        found = 0 if release is None else release.serial
        if found != serial - 1:
            raise StaleError(
                f"the target is at deployment {found}, where the plan was made at {serial - 1}", help="plan again"
            )
        return release

    def _carry_out(self, held: HeldLock, before: Release | None, draft: _Draft) -> None:
        layout = self._layout
        link = f"releases/{draft.serial}"
        aside = held.make_aside()
        try:
            _write_release(Tree(aside / "release"), before, draft)
            _write_record(Tree(aside / "record"), draft)
            for name, parent in (("record", layout.records), ("release", layout.releases)):
                make_folders(parent)
                _replace(aside, name, parent / str(draft.serial))
                sync_folder(parent)
            (aside / "current").symlink_to(link)
            sync_folder(aside)
            held.check()
            # The one step that counts: before it nothing has changed for anybody, after it everything has.
            (aside / "current").rename(layout.current)
        except BaseException as error:
            self._undo(aside, link)
            if isinstance(error, OSError):
                # Whoever lost the lock sees the ground vanish; that is the reason to name.
                held.check()
            raise
        try:
            sync_folder(layout.folder)
        except OSError as error:
            raise TargetError(
                f"deployment {draft.serial} was made current in `{layout.shown}`, but the disk did not confirm it",
                help="see what ails the disk, then whether `hubcfg history` shows this deployment",
            ) from error
        self._tidy(aside, draft.serial)

    def _undo(self, aside: Path, link: str) -> None:
        """Takes back what is not current, unless it is (an interruption can come at any moment), as far as the disk allows."""
        layout = self._layout
        try:
            if layout.current.is_symlink() and str(layout.current.readlink()) == link:
                return
            serial = link.removeprefix("releases/")
            for name, parent in (("release", layout.releases), ("record", layout.records)):
                if (parent / serial).exists():
                    (parent / serial).rename(aside / f"undone-{name}")
        except OSError:
            pass  # readers pass over it, and the next deployment replaces it

    def _tidy(self, aside: Path, serial: int) -> None:
        """Notes the serial, so that a link that is turned back by hand can be told, and drops releases that are too old."""
        layout = self._layout
        try:
            (aside / "committed").write_bytes(str(serial).encode())
            (aside / "committed").rename(layout.own / "committed")
            for old in layout.releases.iterdir():
                if old.name.isdecimal() and int(old.name) <= serial - KEPT_RELEASES:
                    old.rename(aside / f"old-{old.name}")
        except OSError:
            pass  # the deployment is done, and the next one tidies up


def _replace(aside: Path, name: str, place: Path) -> None:
    """Moves what was written aside to its place, from where what is left of a deployment that never came to be goes first."""
    if os.path.lexists(place):
        place.rename(aside / f"left-{name}")
    (aside / name).rename(place)


def _write_record(tree: Tree, draft: _Draft) -> None:
    tree.write("record.json", draft.record)
    if draft.sources is not None:
        tree.write("sources", draft.sources)
    tree.sync()


def _write_release(tree: Tree, before: Release | None, draft: _Draft) -> None:
    kept: dict[str, Kept] = {}
    live: dict[str, tuple[Audience, ...]] = {}
    if before is not None:
        kept |= before.orgs
        live = _take_over(tree, before, draft.orgs)
    for org, one in draft.orgs.items():
        _write_files(tree, org, one.after)
        live |= {org: tuple(one.after)} if one.after else {}
        ever = canonical_line(sorted(one.ever))
        for audience, content in one.after.items():
            tree.write(copy_path(org, audience), content)
        tree.write(ever_path(org), ever)
        kept[org] = Kept({audience: hash_of(content) for audience, content in one.after.items()}, hash_of(ever))
    tree.write(f"{PRIVATE}/state.json", write_state(draft.serial, kept))
    for path, content in draft.make_extras(_Written(tree.folder, live)).items():
        if path.split("/")[0].casefold() in (PRIVATE, "orgs"):
            raise TargetError(f"`{path}` cannot be written: that is where hubcfg keeps its own files")
        tree.write(path, content)
    tree.sync()


def _take_over(tree: Tree, before: Release, besides: Container[str]) -> dict[str, tuple[Audience, ...]]:
    """Takes over the other orgs: their files as they are, what was deployed to them, and who ever was; returns which have what."""
    live: dict[str, tuple[Audience, ...]] = {}
    for org in before.list_live():
        if org not in besides:
            files = before.read_live(org)
            _write_files(tree, org, files)
            live[org] = tuple(files)
    for org, kept in before.orgs.items():
        if org not in besides:
            for audience in kept.deployed:
                _take_over_copy(tree, before, org, audience)
            if not before.find_ever(org).exists():
                before.read_ever(org)  # which says what is missing
            tree.link(ever_path(org), before.find_ever(org))
    return live


def _take_over_copy(tree: Tree, before: Release, org: str, audience: Audience) -> None:
    copy = before.find_copy(org, audience)
    if copy.exists():
        tree.link(copy_path(org, audience), copy)
    else:
        # The org's own file serves, where it is as it was deployed; else this says what is missing.
        tree.write(copy_path(org, audience), before.read_deployed(org, before.read_live(org))[audience])


def _write_files(tree: Tree, org: str, files: OrgFiles) -> None:
    for audience, content in files.items():
        tree.write(f"orgs/{org}/{audience.value}.json", content)


def _read_extras(release: Release | None) -> dict[str, bytes]:
    """Returns the files beside the orgs."""
    if release is None:
        return {}
    extras = {}
    for folder, folders, names in os.walk(release.folder):
        if Path(folder) == release.folder:
            folders[:] = [name for name in folders if name not in (PRIVATE, "orgs")]
        for name in names:
            file = Path(folder, name)
            path = file.relative_to(release.folder).as_posix()
            content = read_plain(file, f"current/{path}")
            if content is not None:
                extras[path] = content
    return extras


class _Written(Mapping[str, OrgFiles]):
    """The org files of a release as it is written, each read when it is asked for: an org of the size of a bundle at a time."""

    def __init__(self, folder: Path, orgs: Mapping[str, tuple[Audience, ...]]) -> None:
        self._folder = folder
        self._orgs = orgs

    def __getitem__(self, org: str) -> OrgFiles:
        files = self._folder / "orgs" / org
        return {audience: (files / f"{audience.value}.json").read_bytes() for audience in self._orgs[org]}

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._orgs))

    def __len__(self) -> int:
        return len(self._orgs)


def open_directory(name: str, options: Mapping[str, object], place: Place) -> DirectoryTarget:
    """Returns the target; raises UsageError where its path is missing."""
    path = options.get("path")
    if not isinstance(path, str) or not path:
        raise UsageError(
            f"`targets.{name}` has no `path`", help=f"write for example `{name}: {{type: directory, path: deploy}}`"
        )
    return DirectoryTarget(place.root / path, path)


TARGET = TargetType("directory", open_directory)
