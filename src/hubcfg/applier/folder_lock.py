"""The lock of a folder: the kernel's on a file, which ends with the process, and a fence that keeps out whoever lost it.

Whoever holds the lock has a work folder with a name of its own, and all that it makes visible goes out of that folder by a rename.
To keep a holder out that may still be alive, its work folder is renamed away: from that moment its every rename fails.
"""

import errno
import fcntl
import json
import os
import re
import secrets
import time
from pathlib import Path

from msgspec import Struct

from hubcfg.applier.folder_files import remove_tree
from hubcfg.applier.holder import Holder, is_gone, read_holder
from hubcfg.applier.target import LockedError, TargetError
from hubcfg.core.canonical import canonical_line

# How long a lock that nobody, or somebody who is gone, seems to hold is asked for again: whoever takes or looks at it at this
# moment holds it for an instant before the file says so.
_PATIENCE = 1.0
_PAUSE = 0.02
_WORK = re.compile(r"work-[0-9a-f]{16}")
_UNSUPPORTED = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL}


class HeldLock(Struct):
    """A lock that is held: its file, open, and the work folder of its holder."""

    file: Path
    descriptor: int
    work: Path
    _attempts: int = 0

    def make_aside(self) -> Path:
        """Makes a folder for one attempt, in the work folder."""
        self._attempts += 1
        aside = self.work / str(self._attempts)
        aside.mkdir()
        return aside

    def is_valid(self) -> bool:
        """Whether the lock was not ended by force."""
        return _is_at(self.descriptor, self.file) and self.work.is_dir()

    def check(self) -> None:
        """Raises TargetError where the lock was ended by force."""
        if not self.is_valid():
            raise TargetError(
                "the lock was ended by force, by `hubcfg unlock --force`, before the deployment was made current",
                help="nothing was changed; plan and apply again once nobody else does",
            )

    def release(self) -> None:
        """Lets the lock go, and removes the work folder."""
        remove_tree(self.work)
        try:
            os.ftruncate(self.descriptor, 0)
        except OSError:
            pass  # what the file says does not count once the kernel's lock is gone
        os.close(self.descriptor)


class FolderLock:
    """The lock of the folder `own`, which is hubcfg's; `shown` is how people know the target's folder."""

    def __init__(self, own: Path, shown: str) -> None:
        self._own = own
        self._file = own / "lock"
        self._shown = shown

    def take(self, holder: Holder) -> HeldLock:
        """Takes the lock, and puts what earlier holders left behind out of the way.

        Raises LockedError where another holds it, TargetError where the file system has no locks, and OSError.
        """
        deadline = time.monotonic() + _PATIENCE
        while True:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o666)
            held = None
            try:
                if self._try(descriptor, fcntl.LOCK_EX):
                    held = self._settle(descriptor, holder)
                    if held is not None:
                        return held
                else:
                    self._judge_other(descriptor, is_last=time.monotonic() > deadline)
            finally:
                if held is None:
                    os.close(descriptor)
            time.sleep(_PAUSE)

    def look(self) -> Holder | None:
        """Returns who holds the lock now; None where nobody does."""
        descriptor = self._open_held()
        if descriptor is None:
            return None
        try:
            holder, _ = _read(descriptor)
            return holder or Holder("somebody", "an unknown time", "an unknown machine", 0)
        finally:
            os.close(descriptor)

    def end(self) -> Holder | None:
        """Ends the lock by force, so that its holder can make nothing visible any more; returns whose it was."""
        descriptor = self._open_held()
        if descriptor is None:
            return None
        try:
            holder, _ = _read(descriptor)
            self._end(descriptor)
            return holder
        finally:
            os.close(descriptor)

    def _settle(self, descriptor: int, holder: Holder) -> HeldLock | None:
        """Makes the work folder of a lock just taken; None where its file has been replaced in the meantime."""
        if not _is_at(descriptor, self._file):
            return None
        held = HeldLock(self._file, descriptor, self._own / f"work-{secrets.token_hex(8)}")
        _write(descriptor, holder, held.work.name)
        held.work.mkdir()
        # In this order: whoever ends the lock replaces the file first and then looks for the work folder. So either that one
        # finds the folder, or this finds that the file is another one.
        if not held.is_valid():
            remove_tree(held.work)
            return None
        for left in self._own.iterdir():
            if left != held.work and left.name.startswith(("work-", "ended-")):
                _move(left, held.work / left.name)
        return held

    def _judge_other(self, descriptor: int, *, is_last: bool) -> None:
        """Raises LockedError where the lock is somebody's who may be alive; at last, ends one whose holder is gone."""
        holder, _ = _read(descriptor)
        if holder is not None and not is_gone(holder):
            raise LockedError(holder)
        if not is_last:
            return
        if holder is None:
            raise LockedError(None)
        # Its process is gone, yet something that it began still has the file open.
        self._end(descriptor)

    def _open_held(self) -> int | None:
        """Returns the lock's file, open, where somebody holds the lock."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            # A lock that is held says whose it is. Only then is it tried: whoever tries holds it for an instant.
            if os.fstat(descriptor).st_size and not self._try(descriptor, fcntl.LOCK_SH):
                kept, descriptor = descriptor, -1
                return kept
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return None

    def _try(self, descriptor: int, kind: int) -> bool:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            raise TargetError(
                f"the file system of `{self._shown}` has no locks for files",
                help="choose a folder on a local disk, or a target of another type",
            ) from error
        return True

    def _end(self, descriptor: int) -> None:
        """Puts away the lock's file, if it is still the opened one, and then the work folder of its holder."""
        aside = self._own / f"ended-{secrets.token_hex(8)}"
        if not _move(self._file, aside):
            return
        if _is_at(descriptor, aside):
            _, work = _read(descriptor)
            if work is not None:
                fenced = self._own / f"ended-{secrets.token_hex(8)}"
                _move(self._own / work, fenced)
                remove_tree(fenced)
        else:
            # Somebody was quicker, and this is the lock of the next one, who gets it back. Where yet another one has a new file
            # by now, the next one finds that out before it makes anything visible.
            try:
                os.link(aside, self._file)
            except (FileExistsError, FileNotFoundError):
                pass
        aside.unlink(missing_ok=True)


def _is_at(descriptor: int, file: Path) -> bool:
    """Whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(file))
    except FileNotFoundError:
        return False


def _move(path: Path, to: Path) -> bool:
    try:
        path.rename(to)
    except FileNotFoundError:
        return False
    return True


def _write(descriptor: int, holder: Holder, work: str) -> None:
    content = canonical_line({"format": "hubcfg.lock/1", "holder": holder.to_json(), "work": work})
    # In one call and over what stood there, so that nobody reads half of it.
    os.pwrite(descriptor, content.ljust(os.fstat(descriptor).st_size, b" "), 0)


def _read(descriptor: int) -> tuple[Holder | None, str | None]:
    """Returns what a lock's file says: its holder and the name of the work folder."""
    try:
        value = json.loads(os.pread(descriptor, 1 << 20, 0))
    except ValueError:
        return None, None
    if not isinstance(value, dict):
        return None, None
    work = value.get("work")
    return read_holder(value.get("holder")), work if isinstance(work, str) and _WORK.fullmatch(work) else None
