"""Reads a folder's files without following links, and writes trees of files that are on the disk before anything counts on them."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from hubcfg.applier.target import ForeignStateError, TargetError

_CROWD = 64
_SIDE_BY_SIDE = 16


@contextmanager
def translated(shown: str, doing: str, advice: str) -> Iterator[None]:
    """Turns the operating system's errors into TargetError: `shown` is the folder as people know it, `doing` like "be read"."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise TargetError(f"`{shown}` cannot {doing}: {why}", help=advice) from error


def read_plain(file: Path, shown: str) -> bytes | None:
    """Returns the bytes of a file; None where there is none. Raises ForeignStateError for a link, folder or device."""
    try:
        # O_NONBLOCK: nobody may be held up by a pipe that was put in the place of a file.
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if file.is_symlink():
            raise _not_plain(shown) from None
        raise
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_plain(shown)
        return opened.read()


def _not_plain(shown: str) -> ForeignStateError:
    return ForeignStateError(
        f"`{shown}` is not a plain file", help="hubcfg writes plain files: see who put this there, and move it away"
    )


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """Makes a folder and those above it that are missing, each on the disk before the next."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folders(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    sync_folder(folder.parent)


def remove_tree(folder: Path) -> None:
    """Removes a folder with all that is in it, as far as it can be."""
    crowds = [Path(parent, name) for parent, names, _ in os.walk(folder) if len(names) > _CROWD for name in names]
    _do_all(partial(shutil.rmtree, ignore_errors=True), crowds)
    shutil.rmtree(folder, ignore_errors=True)


def _do_all(work: Callable[[Path], None], paths: Sequence[Path]) -> None:
    """Does some work on each path: a crowd's side by side, because the time goes in waiting for the disk, which takes many at once."""
    if len(paths) <= _CROWD:
        for path in paths:
            work(path)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        for _ in pool.map(work, paths):
            pass


class Tree:
    """A tree of files that is being written aside.

    Its folders are made one by one below a folder that has to be there: who was fenced off, so that this folder is gone, can
    write nothing more.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._folders = {folder: None}
        self._files: list[Path] = []
        folder.mkdir()

    def write(self, path: str, content: bytes) -> None:
        """Writes a file that is not there yet."""
        file = self._make_place(path)
        with file.open("xb") as opened:
            opened.write(content)
        self._files.append(file)

    def link(self, path: str, source: Path) -> None:
        """Gives a file that never changes another name, or copies it where the file system has no hard links."""
        file = self._make_place(path)
        try:
            os.link(source, file, follow_symlinks=False)
        except OSError:
            self.write(path, source.read_bytes())

    def sync(self) -> None:
        """Waits until all files, and the names in all folders, are on the disk."""
        # All is written by now: the disk has the most of it in one go, and syncing file by file costs little.
        _do_all(_sync, [*self._files, *self._folders])

    def _make_place(self, path: str) -> Path:
        file = self.folder / path
        missing = []
        folder = file.parent
        while folder not in self._folders:
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            folder.mkdir()
            self._folders[folder] = None
        return file
