"""Remembers what files came to when they were parsed, so that the next run reads only what has changed since.

What a file comes to is kept by the digest of its content. A file that looks unchanged (size, times, inode) is not read at all, as
Git does it; and as with Git, one that was modified about when it was read is read again, because it may have been modified once
more without looking any different (docs/performance.md).
"""

import os
import stat
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING

from hubcfg.core.places import KeyPath, Place, Span
from hubcfg.parser.cache_file import CacheFile, find_cache_file
from hubcfg.parser.document import Document, ParsedFile, Value
from hubcfg.parser.parse import is_plain, parse_bytes, parse_sources, unreadable_file
from hubcfg.parser.sources import SourceFile

if TYPE_CHECKING:
    from concurrent.futures import Executor  # slow to import, and only needed where there is one


# The coarsest clock of a file system: what was modified so shortly before it was read may yet change without looking different.
RACY_NS = 2_000_000_000

# What is seen of a file: size, mode, when its content and when anything of it was modified, inode, device.
_LOOKS = struct.Struct("<QQqqQQ")
_SEEN, _KEY = 48, 80  # where in an entry what was seen of a file ends, and where the digest of its content does

# Where a place is in a document of some content: the document, the path, and the part; and its lines and columns.
_Where = tuple[int, KeyPath, str]
_Lines = tuple[int, int, int, int]

# A file's content: the values of its documents, and whether it may have ignore comments.
_Record = tuple[list[Value], bool]


class ParseCache:
    """What is known about the files of one project; `save` keeps it for the next run.

    `fitting` are the digests of contents all of whose documents fit their schemas.
    """

    def __init__(self, file: CacheFile, now: Callable[[], int] = time_ns) -> None:
        self._file = file
        # What is modified from here on may be modified again after it has been read.
        self._racy_from = now() - RACY_NS
        loaded, self._size = file.load()
        self._tree: dict[str, bytes]
        self._records: dict[bytes, _Record]
        self._objects: dict[str, bytes]
        self._spans: dict[bytes, dict[_Where, _Lines]]
        self.fitting: set[bytes]
        self._tree, self._records, self._objects, self._spans, self.fitting = loaded or ({}, {}, {}, {}, set())
        self._known_fitting = len(self.fitting)
        self._by_object: dict[str, bytes] = {}
        self._used: set[bytes] = set()
        self._seen: dict[str, bytes] = {}
        self._fresh_bytes = self._looked_at = self._located = 0
        self._is_complete = False

    def parse_sources(self, root: Path, sources: Sequence[SourceFile], executor: "Executor | None") -> list[ParsedFile]:
        """Returns the parsed files of a work tree, as `parse.parse_sources` does."""
        files: list[ParsedFile | None] = []
        missed: list[tuple[int, bytes]] = []
        base, tree, records, seen = f"{root}/", self._tree, self._records, self._seen
        for source in sources:
            path = source.path
            looks = _look(base + path)
            entry = tree.get(path, b"")
            record = records.get(entry[_SEEN:_KEY]) if looks and entry[:_SEEN] == looks else None
            if record is None:
                missed.append((len(files), looks))
                files.append(None)
            else:
                seen[path] = entry
                files.append(_recall(path, record, entry[_SEEN:_KEY], entry[_KEY:].hex()))
        self._looked_at += len(missed)
        wanted = [sources[index] for index, _ in missed]
        fresh = parse_sources(wanted, executor) if executor is not None else map(self._read, wanted)
        for (index, looks), file in zip(missed, fresh, strict=True):
            files[index] = file
            if self._keep(file):
                self._fresh_bytes += _LOOKS.unpack(looks)[0] if looks else 0
            if file.key in records:
                seen[file.path] = (
                    (looks if self._is_settled(looks) else bytes(_SEEN)) + file.key + bytes.fromhex(file.blob)
                )
        self._is_complete = True
        return [file for file in files if file is not None]

    def parse_objects(
        self, objects: Mapping[str, str], fetch: Callable[[list[str]], Mapping[str, bytes]]
    ) -> dict[str, ParsedFile]:
        """Returns the parsed files whose paths and object ids in Git are given; `fetch` gives the contents of some paths."""
        if not self._by_object:
            self._by_object = {entry[_KEY:].hex(): entry[_SEEN:_KEY] for entry in self._tree.values()} | self._objects
        by_object = self._by_object
        found: dict[str, ParsedFile] = {}
        missed = []
        for path, object_id in objects.items():
            key = by_object.get(object_id, b"")
            record = self._records.get(key)
            if record is None:
                missed.append(path)
            else:
                self._used.add(key)
                found[path] = _recall(path, record, key, object_id)
        contents = fetch(missed) if missed else {}
        for path in missed:
            file = self.parse_bytes(path, contents[path])
            found[path] = file
            if file.key in self._records:
                self._objects[objects[path]] = file.key
        return found

    def parse_bytes(self, path: str, data: bytes) -> ParsedFile:
        """Returns the parsed file of a content."""
        file = parse_bytes(path, data, self._recall_content)
        if self._keep(file):
            self._fresh_bytes += len(data)
        return file

    def recall(self, file: str, places: Iterable[Place], spans: dict[Place, Span]) -> bool:
        """Adds the spans of places in a file of the work tree; returns whether all of them were known."""
        known = self._spans.get(self._seen.get(file, b"")[_SEEN:_KEY])
        if known is None:
            return False
        for place in places:
            lines = known.get((place.document, place.path, place.part.value))
            if lines is None:
                return False
            spans[place] = Span(file, *lines)
        return True

    def keep(self, spans: Mapping[Place, Span]) -> None:
        """Remembers the spans of places in files of the work tree."""
        for place, span in spans.items():
            key = self._seen.get(place.file, b"")[_SEEN:_KEY]
            if key and span.file == place.file:
                lines = (span.line, span.column, span.end_line, span.end_column)
                self._spans.setdefault(key, {})[(place.document, place.path, place.part.value)] = lines
                self._located += 1

    def save(self) -> None:
        """Keeps what is known for the next run, where that saves more time than it takes."""
        # What the next run is spared, in bytes that could be written in the time: by byte that is parsed, by file that is
        # read, by content whose shape is checked, by place that is looked for.
        gain = self._fresh_bytes * 12 + self._looked_at * 1500
        gain += max(0, len(self.fitting) - self._known_fitting) * 200 + self._located * 3000
        if gain < max(self._size, 1):
            return
        tree = self._seen if self._is_complete else self._tree
        used = {entry[_SEEN:_KEY] for entry in tree.values()} | self._used
        records = self._records
        if len(records) > 2 * len(used) + 1000:
            records = {key: record for key, record in records.items() if key in used}
        objects = {one: key for one, key in self._objects.items() if key in records}
        spans = {key: one for key, one in self._spans.items() if key in used}
        self._file.save((tree, records, objects, spans, self.fitting & records.keys()))

    def _read(self, source: SourceFile) -> ParsedFile:
        try:
            data = source.read()
        except OSError as error:
            return unreadable_file(source.path, error)
        return parse_bytes(source.path, data, self._recall_content)

    def _recall_content(self, path: str, key: bytes, blob: str) -> ParsedFile | None:
        record = self._records.get(key)
        return None if record is None else _recall(path, record, key, blob)

    def _keep(self, file: ParsedFile) -> bool:
        """Remembers what has been read, where nothing is wrong with it; returns whether that is new.

        What is wrong with a file is found anew in each run.
        """
        if not file.key:
            return False
        self._used.add(file.key)
        if file.key in self._records or not is_plain(file):
            return False
        self._records[file.key] = ([document.value for document in file.documents], file.has_ignores)
        return True

    def _is_settled(self, looks: bytes) -> bool:
        if not looks:
            return False
        modified, changed = _LOOKS.unpack(looks)[2:4]
        return bool(max(modified, changed) < self._racy_from)


def open_cache(root: Path, environment: Mapping[str, str]) -> ParseCache | None:
    """Returns the cache of the project at `root`; None where there is none (docs/performance.md)."""
    file = find_cache_file(root, environment)
    return None if file is None else ParseCache(file)


def _look(path: str) -> bytes:
    """Returns what can be seen of a regular file without reading it; nothing for anything else."""
    try:
        seen = os.lstat(path)
        if not stat.S_ISREG(seen.st_mode):
            return b""
        return _LOOKS.pack(seen.st_size, seen.st_mode, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_dev)
    except (OSError, struct.error):
        return b""


def _recall(path: str, record: _Record, key: bytes, blob: str) -> ParsedFile:
    values, has_ignores = record
    if len(values) == 1:
        return ParsedFile(path, (Document(path, 0, values[0]),), (), None, has_ignores, key, blob)
    documents = tuple([Document(path, index, value) for index, value in enumerate(values)])
    return ParsedFile(path, documents, (), None, has_ignores, key, blob)
