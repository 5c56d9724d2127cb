"""Folders for the contract suite."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubcfg.core.canonical import canonical_line
from hubcfg.platforms.grants import Audience
from tests.contracts.harness import Address, MakeStand, Unit


@dataclass(frozen=True)
class DirectoryStand:
    """A folder `deploy` that is not there yet, and an editor."""

    address: Address

    @property
    def folder(self) -> Path:
        return self.address.root / "deploy"

    def suspend(self, org: str, audience: Audience, user: str) -> None:
        self._edit(org, audience, lambda users: users[user].update(suspended=True))

    def remove(self, org: str, audience: Audience, user: str) -> None:
        self._edit(org, audience, lambda users: users.pop(user))

    def _edit(self, org: str, audience: Audience, change: Callable[[Any], object]) -> None:
        file = self.folder / "current" / "orgs" / org / f"{audience.value}.json"
        bundle = json.loads(file.read_bytes())
        change(bundle["users"])
        file.write_bytes(canonical_line(bundle))

    def spoil(self, way: str) -> None:
        current = self.folder / "current"
        release = current.resolve()
        match way:
            case "current is a folder":
                current.unlink()
                shutil.copytree(release, current)
            case "current is gone":
                current.unlink()
            case "current leads elsewhere":
                current.unlink()
                current.symlink_to("../elsewhere")
            case "no release":
                shutil.rmtree(release)
            case "no record":
                (self.folder / "hubcfg/records/1/record.json").unlink()
            case "broken record":
                (self.folder / "hubcfg/records/1/record.json").write_text('{"serial": 1')
            case "another serial":
                (self.folder / "hubcfg/records/1/record.json").write_text('{"serial": 2}')
            case "newer layout":
                (self.folder / "hubcfg/format.json").write_text('{"format": "hubcfg.directory/2"}')
            case "broken state":
                (release / ".hubcfg/state.json").write_text("[]")
            case "newer state":
                (release / ".hubcfg/state.json").write_text('{"format": "hubcfg.release/2", "orgs": {}, "serial": 1}')
            case "broken bundle":
                (release / "orgs/northwind/staff.json").write_text("{")
            case "broken copy":
                self.suspend("northwind", Audience.STAFF, "lea@x.example")
                (release / ".hubcfg/deployed/northwind.staff.json").write_text("{}")
            case "not ours":
                shutil.rmtree(self.folder)
                self.folder.mkdir()
                (self.folder / "diary.txt").write_text("Dear diary")
            case "a file":
                shutil.rmtree(self.folder)
                self.folder.write_text("Dear diary")
            case _:
                raise AssertionError(way)


class DirectoryHarness:
    type = "directory"
    unit = Unit.TARGET
    pace = 1.0
    ways_to_spoil = (
        "current is a folder",
        "current is gone",
        "current leads elsewhere",
        "no release",
        "no record",
        "broken record",
        "another serial",
        "newer layout",
        "broken state",
        "newer state",
        "broken bundle",
        "broken copy",
        "not ours",
        "a file",
    )

    def find_missing(self) -> str | None:
        return None

    @contextmanager
    def run(self, folder: Path) -> Iterator[MakeStand]:
        @contextmanager
        def make() -> Iterator[DirectoryStand]:
            with tempfile.TemporaryDirectory(dir=folder) as root:
                yield DirectoryStand(Address("directory", {"path": "deploy"}, Path(root)))

        yield make


HARNESS = DirectoryHarness()
