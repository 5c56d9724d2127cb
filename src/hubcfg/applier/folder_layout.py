"""How a folder holds deployments, and how they are read (docs/deployment.md, "Folders").

`current` is a link to `releases/<serial>`; a release has the files of all orgs, those beside them, and in `.hubcfg` what only
hubcfg reads: the state, and of each org a copy of what was deployed and who ever was. The folder `hubcfg` has the records and
sources of all deployments, and the lock. The link alone says what is: whatever lies there beyond the serial that it names is left
over of a deployment that never came to be.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from msgspec import Struct

from hubcfg.applier.folder_files import make_folders, read_plain, remove_tree, sync_folder
from hubcfg.applier.target import ForeignStateError
from hubcfg.core.canonical import Json, canonical_line
from hubcfg.planner.held import OrgFiles
from hubcfg.platforms.grants import Audience

FORMAT = "hubcfg.directory/1"
RELEASE_FORMAT = "hubcfg.release/1"
PRIVATE = ".hubcfg"

_RELEASE_LINK = re.compile(r"releases/([1-9][0-9]{0,17})")
_ASIDE = re.compile(r"\.hubcfg-[0-9a-f]{16}")
# What an empty folder may have in it all the same.
_HARMLESS = frozenset({".gitignore", ".gitkeep", "lost+found"})
_NEWER = "use the version of hubcfg that wrote it, or a newer one"


class Kept(Struct, frozen=True):
    """What a release knows of an org that was deployed: the hex SHA-256 of each deployed file, and of the list of users ever."""

    deployed: Mapping[Audience, str]
    ever: str


class Release(Struct, frozen=True):
    """A complete deployment as it lies in the folder."""

    serial: int
    folder: Path
    orgs: Mapping[str, Kept]

    def list_live(self) -> list[str]:
        """Returns the orgs that have a folder here, sorted."""
        return sorted(_org_folders(self.folder / "orgs"))

    def find_file(self, org: str, audience: Audience) -> Path:
        """Returns where the file of an org is, if there is one."""
        return self.folder / "orgs" / org / f"{audience.value}.json"

    def find_copy(self, org: str, audience: Audience) -> Path:
        """Returns where the copy of a deployed file is."""
        return self.folder / copy_path(org, audience)

    def find_ever(self, org: str) -> Path:
        """Returns where the list of users ever is."""
        return self.folder / ever_path(org)

    def read_live(self, org: str) -> dict[Audience, bytes]:
        """Returns the files of an org as they are. Raises ForeignStateError where one that was changed is no bundle."""
        if os.sep in org or org.startswith("."):
            return {}
        kept = self.orgs.get(org)
        files = {}
        for audience in Audience:
            path = f"current/orgs/{org}/{audience.value}.json"
            content = read_plain(self.find_file(org, audience), path)
            if content is None:
                continue
            # What is as it was deployed needs no second look.
            if kept is None or kept.deployed.get(audience) != hash_of(content):
                _judge_bundle(content, path)
            files[audience] = content
        return files

    def read_deployed(self, org: str, live: OrgFiles) -> dict[Audience, bytes]:
        """Returns the files of an org as they were deployed; the bytes of `live`, which were just read, serve where they are the same."""
        files = {}
        for audience, digest in self.orgs[org].deployed.items() if org in self.orgs else ():
            content = live.get(audience)
            if content is None or hash_of(content) != digest:
                content = self._read_private(self.find_copy(org, audience), digest)
            files[audience] = content
        return files

    def read_ever(self, org: str) -> frozenset[str]:
        """Returns who was ever deployed to an org."""
        if org not in self.orgs:
            return frozenset()
        content = self._read_private(self.find_ever(org), self.orgs[org].ever)
        return frozenset(json.loads(content))

    def _read_private(self, file: Path, digest: str) -> bytes:
        shown = f"releases/{self.serial}/{file.relative_to(self.folder).as_posix()}"
        content = read_plain(file, shown)
        if content is None or hash_of(content) != digest:
            state = "missing" if content is None else "not as hubcfg wrote it"
            raise ForeignStateError(f"`{shown}` is {state}", help="restore this file from a backup of the folder")
        return content


def copy_path(org: str, audience: Audience) -> str:
    """Returns the path, in a release, of the copy of a deployed file."""
    return f"{PRIVATE}/deployed/{org}.{audience.value}.json"


def ever_path(org: str) -> str:
    """Returns the path, in a release, of the list of users who were ever deployed to an org."""
    return f"{PRIVATE}/ever/{org}.json"


def hash_of(content: bytes) -> str:
    """Returns the hex SHA-256."""
    return hashlib.sha256(content).hexdigest()


def write_state(serial: int, orgs: Mapping[str, Kept]) -> bytes:
    """Returns the content of a release's `.hubcfg/state.json`."""
    kept: dict[str, Json] = {
        org: {"deployed": {audience.value: digest for audience, digest in one.deployed.items()}, "ever": one.ever}
        for org, one in orgs.items()
    }
    return canonical_line({"format": RELEASE_FORMAT, "serial": serial, "orgs": kept})


class Layout:
    """The folder of a target; `shown` is how people know it."""

    def __init__(self, folder: Path, shown: str) -> None:
        self.folder = folder
        self.shown = shown
        self.own = folder / "hubcfg"
        self.releases = folder / "releases"
        self.records = self.own / "records"
        self.current = folder / "current"
        self._read: tuple[tuple[object, ...], Release] | None = None

    def prepare(self) -> None:
        """Makes the folder hubcfg's own, where it is not yet. Raises ForeignStateError where it is others'."""
        if self._is_own():
            return
        make_folders(self.folder)
        aside = self.folder / f".hubcfg-{secrets.token_hex(8)}"
        aside.mkdir()
        try:
            with (aside / "format.json").open("xb") as file:
                file.write(canonical_line({"format": FORMAT}))
                file.flush()
                os.fsync(file.fileno())
            sync_folder(aside)
            aside.rename(self.own)
        except OSError:
            remove_tree(aside)
            # Another process may have been quicker.
            if not self._is_own():
                raise
        sync_folder(self.folder)

    def read_current(self) -> Release | None:
        """Returns the current release; None where nothing was ever deployed. Raises ForeignStateError for anything else."""
        if not self._is_own():
            return None
        # Read first: it says at most what the link has said already.
        committed = self._read_committed()
        serial = self._read_link()
        if committed > serial:
            raise ForeignStateError(
                f"`{self.shown}/current` was turned back from `releases/{committed}`",
                help=f"`ln -sfn releases/{committed} {self.shown}/current` restores it; `hubcfg rollback` goes back to an earlier deployment",
            )
        if serial == 0:
            return None
        release = self._read_release(serial)
        self.read_current_record(serial)
        return release

    def read_current_again(self) -> Release | None:
        """Returns the current release, without reading again what has been read of it."""
        if self._read is not None and self._read[0] == self._identify(self._read[1].serial):
            return self._read[1]
        return self.read_current()

    def read_current_record(self, serial: int) -> bytes:
        """Returns the record of the current release."""
        shown = f"{self.shown}/hubcfg/records/{serial}/record.json"
        content = self.read_record(serial)
        if content is None:
            raise ForeignStateError(f"`{shown}` is missing", help="restore it from a backup of the folder")
        value = _parse(content)
        if value is None or value.get("serial") != serial or type(value["serial"]) is not int:
            raise ForeignStateError(
                f"`{shown}` is not the record of deployment {serial}", help="restore it from a backup of the folder"
            )
        return content

    def read_record(self, serial: int) -> bytes | None:
        """Returns the record of a deployment; None where there is none."""
        return self._read_of_record(serial, "record.json")

    def read_sources(self, serial: int) -> bytes | None:
        """Returns the archive of sources of a deployment; None where there is none."""
        return self._read_of_record(serial, "sources")

    def _read_of_record(self, serial: int, name: str) -> bytes | None:
        return read_plain(self.records / str(serial) / name, f"{self.shown}/hubcfg/records/{serial}/{name}")

    def _is_own(self) -> bool:
        """Whether the folder is hubcfg's; False where it is missing or empty. Raises ForeignStateError where it is others'."""
        for is_last in (False, True):
            content = read_plain(self.own / "format.json", f"{self.shown}/hubcfg/format.json")
            if content is not None:
                self._judge_format(content)
                return True
            try:
                names = {entry.name for entry in self.folder.iterdir()}
            except FileNotFoundError:
                return False
            except NotADirectoryError:
                raise ForeignStateError(
                    f"`{self.shown}` is not a folder", help="choose another `path` for the target"
                ) from None
            names = {name for name in names - _HARMLESS if not _ASIDE.fullmatch(name)}
            if not names:
                return False
            # It may have become hubcfg's a moment ago.
            if is_last or self.own.name not in names:
                break
        raise ForeignStateError(
            f"`{self.shown}` is not empty, and was not written by hubcfg",
            help="choose another `path` for the target, or move away what is in this folder",
        )

    def _judge_format(self, content: bytes) -> None:
        found = (_parse(content) or {}).get("format")
        if found != FORMAT:
            what = f"has the layout `{found}`" if isinstance(found, str) else "says no layout that can be read"
            raise ForeignStateError(f"`{self.shown}/hubcfg/format.json` {what}", help=_NEWER)

    def _read_committed(self) -> int:
        content = read_plain(self.own / "committed", f"{self.shown}/hubcfg/committed")
        return int(content) if content is not None and content.isdigit() and len(content) < 20 else 0

    def _read_link(self) -> int:
        """Returns the serial that `current` leads to; 0 where there is no such link."""
        try:
            to = os.readlink(self.current)  # noqa: PTH115 - as text: a path would hide `//` and `.`
        except FileNotFoundError:
            return 0
        except OSError:
            if self.current.is_symlink():
                raise
            to = ""
        match = _RELEASE_LINK.fullmatch(to)
        if match is None:
            what = f"leads to `{to}`" if to else "is no link"
            raise ForeignStateError(
                f"`{self.shown}/current` {what}, where hubcfg keeps a link to a release",
                help=f"see who changed it; `ln -sfn releases/SERIAL {self.shown}/current` restores it",
            )
        return int(match[1])

    def _identify(self, serial: int) -> tuple[object, ...] | None:
        """Returns what tells whether the current release is still the one of a serial, unchanged."""
        try:
            state = os.lstat(self.releases / str(serial) / PRIVATE / "state.json")
            return self._read_link(), state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
        except FileNotFoundError:
            return None

    def _read_release(self, serial: int) -> Release:
        shown = f"{self.shown}/releases/{serial}/{PRIVATE}/state.json"
        identity = self._identify(serial)
        folder = self.releases / str(serial)
        content = read_plain(folder / PRIVATE / "state.json", shown)
        if content is None:
            raise ForeignStateError(
                f"`{self.shown}/current` leads to `releases/{serial}`, which is no release of hubcfg's",
                help="restore that folder from a backup",
            )
        release = Release(serial, folder, _read_state(content, serial, shown))
        if identity is not None:
            self._read = identity, release
        return release


def _read_state(content: bytes, serial: int, shown: str) -> dict[str, Kept]:
    value = _parse(content)
    if value is None:
        _refuse_state(shown, "is no JSON object")
    if value.get("format") != RELEASE_FORMAT:
        raise ForeignStateError(f"`{shown}` has the format `{value.get('format')}`", help=_NEWER)
    if value.get("serial") != serial:
        _refuse_state(shown, f"is not the state of release {serial}")
    try:
        return {
            org: Kept({Audience(name): str(digest) for name, digest in one["deployed"].items()}, str(one["ever"]))
            for org, one in value["orgs"].items()
        }
    except (KeyError, TypeError, AttributeError, ValueError):
        _refuse_state(shown, "is not as hubcfg writes it")


def _refuse_state(shown: str, why: str) -> NoReturn:
    raise ForeignStateError(f"`{shown}` {why}", help="restore it from a backup of the folder")


def _org_folders(folder: Path) -> Iterator[str]:
    """Yields the names of the orgs that have a folder with a file of theirs."""
    try:
        scan = os.scandir(folder)
    except FileNotFoundError:
        return
    with scan:
        for entry in scan:
            if entry.name.startswith(".") or entry.is_file(follow_symlinks=False):
                continue
            if not entry.is_dir(follow_symlinks=False) or not entry.name.isprintable():
                raise ForeignStateError(
                    f"`current/orgs/{entry.name!a}` is no folder of an org",
                    help="see who put it there, and move it away",
                )
            if any(os.path.lexists(f"{entry.path}/{audience.value}.json") for audience in Audience):
                yield entry.name


def _judge_bundle(content: bytes, shown: str) -> None:
    value = _parse(content)
    if value is None or not str(value.get("format", "")).startswith("hubcfg.bundle/"):
        raise ForeignStateError(
            f"`{shown}` was changed by hand, and is no bundle any more",
            help="restore it from the release before, or delete it: the next apply writes it anew",
        )


def _parse(content: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
