"""Keeps, in a folder, what an API has no place for: records, the lock, and what was last written of each org.

Every file is written aside, synced and renamed, so that a crash leaves the old one or the new one; nothing is created by reading.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hubcfg.applier.folder_files import make_folders, read_plain, sync_folder, translated
from hubcfg.applier.folder_lock import FolderLock, HeldLock
from hubcfg.applier.holder import Holder
from hubcfg.applier.rest.parts import FlatEntry, Head, read_json
from hubcfg.applier.target import ForeignStateError, Interrupted, TargetError
from hubcfg.core.canonical import Json, canonical_line
from hubcfg.platforms.grants import Audience

FORMAT = "hubcfg.kept/1"
_DIGITS = 8


class KeptUser(Struct, frozen=True):
    """What was last written of a user, None for nobody; `intended` is a write of which it is not known whether it landed."""

    entry: FlatEntry | None
    is_unsure: bool = False
    intended: FlatEntry | None = None


class KeptOrg(Struct, frozen=True):
    """What is kept of an org: its head and users as last written, the copy as deployed, who was ever deployed, and the
    deployment that finished it last.
    """

    head: Head | None
    users: Mapping[str, KeptUser]
    deployed: Mapping[Audience, bytes]
    ever: frozenset[str]
    finished: int


NOTHING_KEPT = KeptOrg(None, {}, {}, frozenset(), 0)


class Keeping:
    """The folder. All methods raise TargetError where it cannot be used, ForeignStateError where it cannot be understood."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._locks = FolderLock(folder, str(folder))
        self._held: HeldLock | None = None

    def read_orgs(self) -> dict[str, KeptOrg]:
        """Returns all orgs of which anything is kept."""
        with self._working():
            files = sorted((self.folder / "orgs").glob("*.json")) if (self.folder / "orgs").is_dir() else []
            return {file.stem: self._read_org(file) for file in files}

    def read_org(self, org: str) -> KeptOrg:
        """Returns what is kept of an org."""
        with self._working():
            return self._read_org(self._org_file(org))

    def write_org(self, org: str, kept: KeptOrg) -> None:
        """Replaces what is kept of an org."""
        users: dict[str, Json] = {}
        for user, one in kept.users.items():
            users[user] = {"entry": one.entry} | ({"intended": one.intended} if one.is_unsure else {})
        value: dict[str, Json] = {
            "format": FORMAT,
            "head": kept.head,
            "users": users,
            "deployed": {audience.value: content.decode() for audience, content in kept.deployed.items()},
            "ever": sorted(kept.ever),
            "finished": kept.finished,
        }
        self._write(self._org_file(org), canonical_line(value))

    def read_serial(self) -> int:
        """Returns the serial of the last record, 0 where there is none."""
        with self._working():
            return max(self._serials(), default=0)

    def read_records(self) -> list[bytes]:
        """Returns all records in their order."""
        with self._working():
            serials = sorted(self._serials())
            if serials != list(range(1, len(serials) + 1)):
                raise ForeignStateError(
                    f"a record is missing in `{self.folder / 'records'}`", help="put back what a backup has"
                )
            return [read_plain(self._record_file(serial), "a record") or b"" for serial in serials]

    def read_record(self, serial: int) -> bytes | None:
        """Returns one record."""
        return self._read_if_there(self._record_file(serial))

    def read_sources(self, serial: int) -> bytes | None:
        """Returns the archive of the sources of a deployment."""
        return self._read_if_there(self._sources_file(serial))

    def write_record(self, serial: int, record: bytes, sources: bytes | None) -> None:
        """Writes a record, which ends the deployment that was running."""
        if sources is not None:
            self._write(self._sources_file(serial), sources)
        self._write(self._record_file(serial), record)
        with self._working("be written"):
            self._beginning_file.unlink(missing_ok=True)

    def write_beginning(self, serial: int, beginning: bytes) -> None:
        """Notes that a deployment has begun."""
        value: dict[str, Json] = {"format": FORMAT, "serial": serial, "beginning": beginning.decode()}
        self._write(self._beginning_file, canonical_line(value))

    def read_interrupted(self) -> Interrupted | None:
        """Returns the deployment that began and has no record."""
        content = self._read_if_there(self._beginning_file)
        if content is None:
            return None
        value = self._read_kept(self._beginning_file, content)
        serial, beginning = value.get("serial"), value.get("beginning")
        if type(serial) is not int or not isinstance(beginning, str):
            raise self._foreign(self._beginning_file)
        if serial <= self.read_serial():
            return None  # its record was written, and the process ended before it could tidy up
        done = tuple(org for org, kept in self.read_orgs().items() if kept.finished == serial)
        return Interrupted(serial, beginning.encode(), done)

    def read_holder(self) -> Holder | None:
        """Returns who holds the lock."""
        with self._working("be read"):
            return self._locks.look()

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Holds the lock for a block; it ends with the process, whatever happens."""
        with self._working("be locked"):
            make_folders(self.folder)
            held = self._locks.take(holder)
        self._held = held
        try:
            with self._working("be written"):
                for name in ("orgs", "records", "sources"):
                    make_folders(self.folder / name)
            yield
        finally:
            self._held = None
            held.release()

    def unlock(self) -> Holder | None:
        """Ends the lock: its holder can write nothing more."""
        with self._working("be unlocked"):
            return self._locks.end()

    def _write(self, file: Path, content: bytes) -> None:
        """Replaces a file. It comes out of the holder's work folder, which is no longer there once the lock was ended by force."""
        assert self._held is not None, "a target is only changed under its lock"
        if not self._held.is_valid():
            raise TargetError(
                "the lock was taken away", help="somebody ran `hubcfg unlock --force`; run the apply again"
            )
        aside = self._held.work / file.name
        with self._working("be written"):
            with aside.open("wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            aside.replace(file)
            sync_folder(file.parent)

    def _read_if_there(self, file: Path) -> bytes | None:
        with self._working("be read"):
            return read_plain(file, str(file))

    def _read_org(self, file: Path) -> KeptOrg:
        content = read_plain(file, str(file))
        if content is None:
            return NOTHING_KEPT
        value = self._read_kept(file, content)
        head, users, deployed, ever = (value.get(key) for key in ("head", "users", "deployed", "ever"))
        finished = value.get("finished")
        if (
            not (head is None or isinstance(head, dict))
            or not isinstance(users, dict)
            or not isinstance(deployed, dict)
            or not isinstance(ever, list)
            or type(finished) is not int
        ):
            raise self._foreign(file)
        known = {audience.value: audience for audience in Audience}
        if not deployed.keys() <= known.keys() or not all(isinstance(user, str) for user in ever):
            raise self._foreign(file)
        return KeptOrg(
            head,
            {user: self._read_user(file, one) for user, one in users.items()},
            {known[audience]: str(content).encode() for audience, content in deployed.items()},
            frozenset(str(user) for user in ever),
            finished,
        )

    def _read_user(self, file: Path, value: Json) -> KeptUser:
        if not isinstance(value, dict) or not all(isinstance(one, dict | None) for one in value.values()):
            raise self._foreign(file)
        kept = KeptUser(value.get("entry"))
        return replace(kept, is_unsure=True, intended=value["intended"]) if "intended" in value else kept

    def _read_kept(self, file: Path, content: bytes) -> Mapping[str, Json]:
        value = read_json(content, f"`{file}`")
        if value.get("format") != FORMAT:
            raise self._foreign(file)
        return value

    def _foreign(self, file: Path) -> ForeignStateError:
        advice = "is `path` a folder of its own, and hubcfg not older than what wrote it?"
        return ForeignStateError(f"`{file}` is not a file that this hubcfg wrote", help=advice)

    def _serials(self) -> list[int]:
        folder = self.folder / "records"
        if not folder.is_dir():
            return []
        return [int(file.stem) for file in folder.glob("*.json") if file.stem.isascii() and file.stem.isdigit()]

    def _org_file(self, org: str) -> Path:
        return self.folder / "orgs" / f"{org}.json"

    def _record_file(self, serial: int) -> Path:
        return self.folder / "records" / f"{serial:0{_DIGITS}}.json"

    def _sources_file(self, serial: int) -> Path:
        return self.folder / "sources" / f"{serial:0{_DIGITS}}"

    @property
    def _beginning_file(self) -> Path:
        return self.folder / "beginning.json"

    def _working(self, doing: str = "be read") -> AbstractContextManager[None]:
        return translated(str(self.folder), doing, "see `path` of the target, and who may write there")
