"""Writes a compiled folder: aside first, then swapped, so that readers never see half of it."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hubcfg.core.errors import HubcfgError, OutsideError
from hubcfg.core.interrupts import held_interrupts


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replaces `folder` as a whole by the given files (path → content).

    Raises HubcfgError where the folder holds something that hubcfg did not write, and OutsideError where the disk
    refuses; in both cases the folder is as it was.
    """
    target = Path(os.path.realpath(folder))
    _refuse_foreign(target, folder)
    with new_folder(folder) as fresh:
        fresh.publish(files)


def write_shard(folder: Path, path: str, content: bytes) -> None:
    """Writes one file of a folder that is being made; raises OutsideError where the disk refuses."""
    try:
        _write(folder, path, content)
    except OSError as error:
        raise OutsideError(f"`{path}` cannot be written: {error.strerror}", help="nothing was changed") from error


def _write(folder: Path, path: str, content: bytes) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


class NewFolder:
    """A folder that is being made aside, at `path`; it takes its place when it is published, and not before."""

    def __init__(self, shown: Path, target: Path, aside: Path) -> None:
        self.path = aside / "new"
        self._shown = shown
        self._target = target
        self._aside = aside

    def publish(self, files: Mapping[str, bytes]) -> None:
        """Adds files, and puts the folder as a whole in the place of what was there."""
        _refuse_foreign(self._target, self._shown)
        try:
            for path, content in files.items():
                _write(self.path, path, content)
            self._target.parent.mkdir(parents=True, exist_ok=True)
            _swap(self.path, self._target, self._aside / "old")
        except OSError as error:
            raise OutsideError(
                f"`{self._shown}` cannot be written: {error.strerror}", help="nothing there was changed"
            ) from error


@contextmanager
def new_folder(folder: Path) -> Iterator[NewFolder]:
    """Gives a folder to fill that may take the place of `folder`; what is not published is removed.

    Raises OutsideError where the disk refuses.
    """
    target = Path(os.path.realpath(folder))
    # Where the folder's own parents are still to be made they are made when it is published: till then nothing is to be seen.
    there = next(parent for parent in target.parents if parent.is_dir())
    try:
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=there))
    except OSError as error:
        raise OutsideError(f"`{folder}` cannot be written: {error.strerror}") from error
    try:
        yield NewFolder(folder, target, aside)
    finally:
        with held_interrupts():
            shutil.rmtree(aside, ignore_errors=True)


def _swap(fresh: Path, target: Path, old: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise


def _refuse_foreign(target: Path, shown: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise HubcfgError(f"`{shown}` is a file", help="choose a folder for `-o`")
    if any(target.iterdir()) and not _has_own_manifest(target):
        raise HubcfgError(
            f"`{shown}` is not empty and was not written by hubcfg",
            help="choose an empty folder for `-o`, or empty this one; it would be replaced as a whole",
        )


def _has_own_manifest(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and str(manifest.get("format", "")).startswith("hubcfg.manifest/")
