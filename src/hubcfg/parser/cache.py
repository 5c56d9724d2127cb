"""Remembers what files came to when they were parsed, so that the next run reads only what has changed since.

What a file comes to is kept by the digest of its content. A file that looks unchanged (size, times, inode) is not read at all, as
Git does it; and as with Git, one that was modified about when it was read is read again, because it may have been modified once
more without looking any different (docs/performance.md).
"""

import marshal
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from os import lstat
from pathlib import Path
from stat import S_IFREG
from time import time_ns
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from hubcfg.core.places import KeyPath, Place, Span
from hubcfg.parser.cache_file import CacheFile, find_cache_file
from hubcfg.parser.document import Document, ParsedFile, Value
from hubcfg.parser.lines import split_lines
from hubcfg.parser.parse import is_plain, parse_bytes, parse_sources, unreadable_file
from hubcfg.parser.sources import SourceFile

if TYPE_CHECKING:
    from concurrent.futures import Executor  # slow to import, and only needed where there is one


# What was modified so shortly before it was read may yet change without looking different: as long as the coarsest clock of a
# file system may stand still, or where times are not whole milliseconds, and so come from a fine one, as long as a system's may.
RACY_NS = 2_000_000_000
FINE_RACY_NS = 100_000_000
_MILLISECOND = 1_000_000

# What is seen of a file: size, mode, when its content and when anything of it was modified, inode, device.
_LOOKS = struct.Struct("<QQqqQQ")
_pack_looks, _KIND_OF_FILE = _LOOKS.pack, 0o170000
_SEEN, _KEY = 48, 80  # where in an entry what was seen of a file ends, and where the digest of its content does

# Where a place is in a document of some content: the document, the path, and the part; and its lines and columns, and the
# text of the line that it begins in, unless that is too long to keep.
_Where = tuple[int, KeyPath, str]
_Lines = tuple[int, int, int, int, str | None]
MAX_LINE = 500

# What is known of a commit: itself and the project's folder in the repository, the id of its hubcfg.yaml, the ids of its sources where they are
# others than those of the tree that is kept with it (None for those that it has not), and the content of its trust files.
_Base = tuple[str, str, str, "dict[str, str | None]", tuple["bytes | None", "bytes | None"]]

# A file's content: the values of its documents, those of earlier runs as bytes, and whether it may have ignore comments; of a
# single document without them, as most files are, its value as bytes and nothing else.
_Record: TypeAlias = "tuple[list[Value | bytes], bool] | bytes"


class RememberedBase(Struct, frozen=True):
    """The project as a commit has it: the id of its hubcfg.yaml, and what its signers and revoked files hold.

    `objects` are the ids of its sources, None for one that it has not; those that are not among them it has as the work tree
    has them.
    """

    project: str
    objects: dict[str, str | None]
    trust: tuple[bytes | None, bytes | None]


class ParseCache:
    """What is known about the files of one project; `save` keeps it for the next run.

    `fitting` are the digests of contents all of whose documents fit their schemas.
    """

    def __init__(self, file: CacheFile, now: Callable[[], int] = time_ns) -> None:
        self._file = file
        # What is modified from here on may be modified again after it has been read.
        self._now = now()
        loaded, self._size = file.load()
        self._tree: dict[str, bytes]
        self._records: dict[bytes, _Record]
        self._objects: dict[str, bytes]
        self._spans: dict[bytes, dict[_Where, _Lines]]
        self.fitting: set[bytes]
        self.roster: Any
        self._base: _Base | None
        self.checks: Any
        nothing: tuple[Any, ...] = ({}, {}, {}, {}, set(), None, None, None)
        (
            self._tree, self._records, self._objects, self._spans, self.fitting, self.roster, self._base, self.checks,
        ) = loaded or nothing  # fmt: skip
        self._pack_orgs: Callable[[], tuple[Any, Any]] | None = None
        self._count_checked: Callable[[], int] = int
        self._changed: set[str] = set()
        self._new_base: tuple[str, str, str, Mapping[str, str], tuple[bytes | None, bytes | None]] | None = None
        self._known_fitting = len(self.fitting)
        self._by_object: dict[str, bytes] = {}
        self._used: set[bytes] = set()
        self._seen: dict[str, bytes] = {}
        self._fresh_bytes = self._looked_at = self._located = 0
        self._saved_gain = 0
        self._is_complete = False

    def parse_sources(self, root: Path, sources: Sequence[SourceFile], executor: "Executor | None") -> list[ParsedFile]:
        """Returns the parsed files of a work tree, as `parse.parse_sources` does."""
        files: list[ParsedFile | None] = []
        missed: list[tuple[int, bytes]] = []
        base, known, recall, seen = f"{root}/", self._tree.get, self._records.get, self._seen
        for source in sources:
            path = source.path
            looks = _look(base + path)
            entry = known(path, b"")
            if looks and entry[:_SEEN] == looks and (record := recall(key := entry[_SEEN:_KEY])) is not None:
                seen[path] = entry
                files.append(_recall(path, record, key, entry[_KEY:].hex()))
            else:
                missed.append((len(files), looks))
                files.append(None)
        self._looked_at += len(missed)
        wanted = [sources[index] for index, _ in missed]
        fresh = parse_sources(wanted, executor) if executor is not None else map(self._read, wanted)
        for (index, looks), file in zip(missed, fresh, strict=True):
            files[index] = file
            if self._keep(file):
                self._fresh_bytes += _LOOKS.unpack(looks)[0] if looks else 0
            if file.key in self._records:
                seen[file.path] = (
                    (looks if self._is_settled(looks) else bytes(_SEEN)) + file.key + bytes.fromhex(file.blob)
                )
        self._is_complete = True
        self._changed = {wanted.path for wanted in wanted}
        if len(sources) - len(missed) < len(self._tree):
            self._changed |= self._tree.keys() - {source.path for source in sources}
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
            spans[place] = Span(file, *lines[:4])
        return True

    def line_at(self, span: Span) -> str | None:
        """Returns the text of the line that a span of the work tree begins in; None where it is not known."""
        known = self._spans.get(self._seen.get(span.file, b"")[_SEEN:_KEY], {})
        return next((text for line, *_, text in known.values() if line == span.line), None)

    def keep(self, spans: Mapping[Place, Span], texts: Mapping[str, str]) -> None:
        """Remembers the spans of places in files of the work tree, whose texts are given: those of what was parsed, not of what a
        file has become since."""
        split: dict[str, list[str]] = {}
        keys: dict[str, bytes] = {}
        for place, span in spans.items():
            file = place.file
            if file not in keys:
                key = self._seen.get(file, b"")[_SEEN:_KEY]
                keys[file] = key if file in texts and _is_content(texts[file], key) else b""
            key = keys[file]
            if key and span.file == file:
                if file not in split:
                    split[file] = split_lines(texts[file])
                text = split[file][span.line - 1] if span.line else ""
                kept = text if len(text) <= MAX_LINE else None
                lines = (span.line, span.column, span.end_line, span.end_column, kept)
                self._spans.setdefault(key, {})[(place.document, place.path, place.part.value)] = lines
                self._located += 1

    def recall_base(self, commit: str, prefix: str) -> RememberedBase | None:
        """Returns what is known of the project in a commit, whose folder in the repository is `prefix`; None for nothing.

        The work tree has been read before that.
        """
        if self._base is None or self._base[:2] != (commit, prefix) or not self._is_complete:
            return None
        _, _, project, others, trust = self._base
        objects = {path: self._tree[path][_KEY:].hex() if path in self._tree else None for path in self._changed}
        return RememberedBase(project, objects | others, trust)

    def keep_base(
        self,
        commit: str,
        prefix: str,
        project: str,
        objects: Mapping[str, str],
        trust: tuple[bytes | None, bytes | None],
    ) -> None:
        """Remembers what the project is in a commit: the ids of its hubcfg.yaml and its sources, and its trust files."""
        self._new_base = (commit, prefix, project, objects, trust)

    def keep_orgs(self, pack: Callable[[], tuple[Any, Any]], count_checked: Callable[[], int]) -> None:
        """Remembers what `pack` returns as the `roster` and the `checks`: plain values that mean something to others alone.

        `count_checked` says how many entries have been checked, because what was found was not known.
        """
        self._pack_orgs, self._count_checked = pack, count_checked

    def save(self) -> None:
        """Keeps what is known for the next run, where that saves more time than it takes."""
        # What the next run is spared, in bytes that could be written in the time: by byte that is parsed, by file that is
        # read, by content whose shape is checked, by place that is looked for.
        gain = self._fresh_bytes * 12 + self._looked_at * 1500
        gain += 0 if self._new_base is None else 1000 * len(self._new_base[3])
        gain += 3000 * self._count_checked()
        gain += max(0, len(self.fitting) - self._known_fitting) * 200 + self._located * 3000
        if gain - self._saved_gain < max(self._size, 1):
            return
        self._saved_gain = gain
        tree = self._seen if self._is_complete else self._tree
        used = {entry[_SEEN:_KEY] for entry in tree.values()} | self._used
        records = self._records
        if len(records) > 2 * len(used) + 1000:
            records = {key: record for key, record in records.items() if key in used}
        objects = {one: key for one, key in self._objects.items() if key in records}
        spans = {key: one for key, one in self._spans.items() if key in used}
        roster, checks = self._pack_orgs() if self._pack_orgs is not None else (self.roster, self.checks)
        packed = {key: _pack(record) for key, record in records.items()}
        self._file.save(
            (tree, packed, objects, spans, self.fitting & records.keys(), roster, self._pack_base(tree), checks)
        )

    def _pack_base(self, tree: Mapping[str, bytes]) -> _Base | None:
        """Returns what is known of a commit, as it differs from a tree."""
        if self._new_base is None:
            if self._base is None:
                return None
            commit, prefix, project, others, trust = self._base
            before = {path: entry[_KEY:].hex() for path, entry in self._tree.items()} | others
            objects = {path: one for path, one in before.items() if one is not None}
        else:
            commit, prefix, project, known, trust = self._new_base
            objects = dict(known)
        now = {path: entry[_KEY:].hex() for path, entry in tree.items()}
        others = {path: objects.get(path) for path in objects.keys() | now if objects.get(path) != now.get(path)}
        return commit, prefix, project, others, trust

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
        self._records[file.key] = ([document.held for document in file.documents], file.has_ignores)
        return True

    def _is_settled(self, looks: bytes) -> bool:
        if not looks:
            return False
        modified, changed = _LOOKS.unpack(looks)[2:4]
        is_fine = modified % _MILLISECOND and changed % _MILLISECOND
        return bool(max(modified, changed) < self._now - (min(FINE_RACY_NS, RACY_NS) if is_fine else RACY_NS))


def open_cache(root: Path, environment: Mapping[str, str]) -> ParseCache | None:
    """Returns the cache of the project at `root`; None where there is none (docs/performance.md)."""
    file = find_cache_file(root, environment)
    return None if file is None else ParseCache(file)


def _look(path: str) -> bytes:
    """Returns what can be seen of a regular file without reading it; nothing for anything else."""
    try:
        seen = lstat(path)
        mode = seen.st_mode
        if mode & _KIND_OF_FILE != S_IFREG:
            return b""
        return _pack_looks(seen.st_size, mode, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_dev)
    except (OSError, struct.error):
        return b""


def _is_content(text: str, key: bytes) -> bool:
    """Whether a text is that of the content with a digest, which may begin with a byte order mark."""
    data = text.encode("utf-8", "surrogatepass")
    return key in (sha256(data).digest(), sha256(b"\xef\xbb\xbf" + data).digest())


def _pack(record: _Record) -> _Record:
    if isinstance(record, bytes):
        return record
    values, has_ignores = record
    packed: list[Value | bytes] = [one if isinstance(one, bytes) else marshal.dumps(one) for one in values]
    return packed[0] if len(packed) == 1 and not has_ignores else (packed, has_ignores)  # type: ignore[return-value]  # bytes


def _recall(path: str, record: _Record, key: bytes, blob: str) -> ParsedFile:
    if isinstance(record, bytes):
        return ParsedFile(path, (Document(path, 0, record),), (), None, False, key, blob)
    values, has_ignores = record
    documents = tuple([Document(path, index, value) for index, value in enumerate(values)])
    return ParsedFile(path, documents, (), None, has_ignores, key, blob)
