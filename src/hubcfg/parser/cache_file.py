"""Keeps a project's cache in a file of its own, and believes it only where nobody else can have written it.

What it says decides who gets access. So a file counts only if it and its folder belong to the user who runs hubcfg and nobody
else may write them, its checksum is right, and it was written by this very hubcfg. In every other case there is no cache, and
all is read anew: that is slower, and never an error.
"""

import hashlib
import marshal
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SWITCH = "HUBCFG_NO_CACHE"
_MAGIC = b"hubcfg cache 1\n"
_DIGEST_SIZE = hashlib.sha256().digest_size
# Other people's writing, of a file or of the folder that it is in.
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ENDING = ".cache"

# What there is at most: in one file, and of files together, the longest unused of which go first.
MAX_BYTES = 256 * 1024 * 1024
MAX_FILES = 32
MAX_TOTAL = 2 * MAX_BYTES


class CacheFile:
    """The file that keeps the cache of one project."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = _stamp()

    def load(self) -> tuple[Any, int]:
        """Returns what was saved and its size in bytes; None and 0 where there is nothing that can be trusted."""
        try:
            content = _read_own(self.path)
            head = len(_MAGIC) + 2 * _DIGEST_SIZE
            if content[:head] != _head(self._stamp, memoryview(content)[head:]):
                return None, 0
            return marshal.loads(memoryview(content)[head:]), len(content)
        except (OSError, EOFError, ValueError, TypeError):
            return None, 0

    def save(self, values: Any) -> None:
        """Replaces what was saved, at once; where that can't be done there is no cache."""
        payload = marshal.dumps(values)
        if len(payload) > MAX_BYTES:
            return
        try:
            folder = self.path.parent
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_own(folder.lstat(), stat.S_ISDIR)
            _make_room(folder, self.path.name, len(payload))
            import tempfile  # slow to import, and most runs write nothing

            handle, aside = tempfile.mkstemp(prefix=self.path.name, suffix=".new", dir=folder)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(_head(self._stamp, payload))
                    stream.write(payload)
                Path(aside).replace(self.path)
            except BaseException:
                Path(aside).unlink(missing_ok=True)
                raise
        except OSError:
            pass


def find_cache_file(root: Path, environment: Mapping[str, str]) -> CacheFile | None:
    """Returns the file that keeps the cache of the project at `root`; None where there shall be or can be none.

    It lies in `$XDG_CACHE_HOME/hubcfg` or `~/.cache/hubcfg`, and never within the project or its repository: there it could
    be part of what somebody proposes.
    """
    if environment.get(SWITCH, "") not in ("", "0") or not hasattr(os, "geteuid"):
        return None
    base = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # noqa: PTH117 - a text from the environment
        home = environment.get("HOME", "")
        if not os.path.isabs(home):  # noqa: PTH117 - as above
            return None
        base = f"{home}/.cache"
    project = os.path.realpath(root)
    folder = os.path.realpath(f"{base}/hubcfg")
    if any(_is_within(folder, place) for place in _places_of(project)):
        return None
    name = hashlib.sha256(os.fsencode(project)).hexdigest()[:40]
    return CacheFile(Path(folder) / f"{name}{_ENDING}")


def _places_of(project: str) -> Iterator[str]:
    """Yields the folders where no cache may be: the project, and the repositories that it is part of."""
    yield project
    place = project
    while True:
        if os.path.lexists(f"{place}/.git"):
            yield place
        above = os.path.dirname(place)  # noqa: PTH120 - realpath gives a string
        if above == place:
            return
        place = above


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


def _head(stamp: bytes, payload: bytes | memoryview) -> bytes:
    return _MAGIC + stamp + hashlib.sha256(payload).digest()


def _stamp() -> bytes:
    """Returns what tells this hubcfg from any other: its own files, Python, and the parsers that it uses.

    A file is told by its size and times, as Git does it; so somebody who works on hubcfg never gets the results of older code.
    """
    told = hashlib.sha256(f"{sys.version}\0{sys.implementation.cache_tag}\0{marshal.version}".encode())
    package = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - a hundred files at every start
    for path in _code_files(package):
        told.update(_tell(path))
    for name in ("yaml", "jsonschema_rs"):
        spec = find_spec(name)
        told.update(_tell(spec.origin) if spec is not None and spec.origin else b"\0")
    return told.digest()


def _code_files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _code_files(entry.path)
        elif entry.name.endswith((".py", ".yaml")):
            yield entry.path


def _tell(path: str) -> bytes:
    try:
        seen = os.stat(path)  # noqa: PTH116 - a hundred files at every start
    except OSError:
        return path.encode("utf-8", "surrogateescape")
    return f"{path}\0{seen.st_size}\0{seen.st_mtime_ns}\0{seen.st_ctime_ns}\0".encode("utf-8", "surrogateescape")


def _read_own(path: Path) -> bytes:
    """Returns the content of a file that the user owns and nobody else may write; raises OSError for any other."""
    _check_own(path.parent.lstat(), stat.S_ISDIR)
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        seen = os.fstat(handle)
        _check_own(seen, stat.S_ISREG)
        if seen.st_size > MAX_BYTES + 1024:
            raise OSError("it is too large")
        return stream.read()


def _check_own(seen: os.stat_result, is_right: Any) -> None:
    if not is_right(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & _OTHERS_WRITE:
        raise PermissionError("others may have written it")


def _make_room(folder: Path, own: str, size: int) -> None:
    """Deletes what has been left unused for longest, until what is about to be written fits in."""
    found = []
    for path in folder.iterdir():
        if path.name != own and path.name.endswith((_ENDING, ".new")):
            try:
                seen = path.lstat()
            except OSError:
                continue
            found.append((seen.st_mtime_ns, seen.st_size, path))
    found.sort(reverse=True)
    total, count = size, 1
    for _, bytes_there, path in found:
        total, count = total + bytes_there, count + 1
        if total > MAX_TOTAL or count > MAX_FILES:
            path.unlink(missing_ok=True)
