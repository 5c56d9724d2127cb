"""Reads source files into documents: the fast path for good files, the careful one for the others."""

import marshal
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha1, sha256
from typing import TYPE_CHECKING

from yaml.error import YAMLError

from hubcfg.core.fanout import map_chunks, sees_files
from hubcfg.core.finding import Finding
from hubcfg.parser.builder import NeedsCareError, build_values
from hubcfg.parser.comments import MARKER
from hubcfg.parser.document import Document, ParsedFile, Value
from hubcfg.parser.events import CParser
from hubcfg.parser.hidden import has_hidden_characters
from hubcfg.parser.sources import SourceFile, load_source, unreadable
from hubcfg.parser.strict import needs_strict

if TYPE_CHECKING:
    from concurrent.futures import Executor  # slow to import, and only needed where there is one


def parse_sources(sources: Iterable[SourceFile], executor: "Executor | None" = None) -> list[ParsedFile]:
    """Reads every source, in other processes where there is an executor."""
    if executor is None:
        return [parse_source(source) for source in sources]
    here = sees_files(executor)
    sent = [source if here else load_source(source) for source in sources]
    return [file for packed in map_chunks(_parse_packed, sent, executor) for file in _unpack(packed)]


def _parse_packed(sources: list[SourceFile]) -> tuple[bytes, list[ParsedFile]]:
    """Reads sources for another process: plain files as marshalled values, which are cheap to hand over, others whole."""
    plain: list[tuple[str, list[Value], bool, bytes, str] | None] = []
    others: list[ParsedFile] = []
    for source in sources:
        file = parse_source(source)
        if is_plain(file):
            values = [document.value for document in file.documents]
            plain.append((file.path, values, file.has_ignores, file.key, file.blob))
        else:
            plain.append(None)
            others.append(file)
    return marshal.dumps(plain), others


def _unpack(packed: tuple[bytes, list[ParsedFile]]) -> Iterator[ParsedFile]:
    others = iter(packed[1])
    for one in marshal.loads(packed[0]):
        if one is None:
            yield next(others)
        else:
            path, values, has_ignores, key, blob = one
            documents = tuple(Document(path, index, value) for index, value in enumerate(values))
            yield ParsedFile(path, documents, has_ignores=has_ignores, key=key, blob=blob)


def is_plain(file: ParsedFile) -> bool:
    """Whether a file is nothing but the values of its documents: nothing is wrong with it, and none of it is missing."""
    return not file.findings and [one.index for one in file.documents] == list(range(len(file.documents)))


def parse_source(source: SourceFile) -> ParsedFile:
    """Reads one file. What is wrong with it is in the result's findings; no input raises."""
    try:
        data = source.read()
    except OSError as error:
        return unreadable_file(source.path, error)
    return parse_bytes(source.path, data)


def parse_bytes(
    path: str, data: bytes, recall: Callable[[str, bytes, str], ParsedFile | None] | None = None
) -> ParsedFile:
    """Returns the file of these bytes; `recall` gives it by digest and Git's id where it has been parsed before."""
    key, blob = sha256(data).digest(), blob_id(data)
    known = recall(path, key, blob) if recall is not None else None
    if known is not None:
        return known
    try:
        text = decode(data)
    except UnicodeDecodeError as error:
        seen = data.decode("utf-8", "replace")
        return _unreadable(path, f"it is not UTF-8 (byte {error.start + 1})", seen)
    return parse_text(path, text, key, blob)


def blob_id(data: bytes) -> str:
    """Returns the id that Git gives a file of these bytes, as long as it names objects by SHA-1."""
    return sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest()


def unreadable_file(path: str, error: OSError) -> ParsedFile:
    """Returns the file that stands for one that can't be read."""
    return _unreadable(path, error.strerror or str(error))


def decode(data: bytes) -> str:
    """Returns the text of a file: UTF-8, a byte order mark taken off. Raises UnicodeDecodeError."""
    return data.decode("utf-8-sig")


def parse_text(path: str, text: str, key: bytes = b"", blob: str = "") -> ParsedFile:
    """Reads the text of one file; `key` and `blob` are what its bytes are known by."""
    has_ignores = MARKER in text
    if not has_hidden_characters(text) and not needs_strict(text):
        try:
            values = build_values(CParser(text).get_event)
            documents = tuple(Document(path, index, value) for index, value in enumerate(values))
            return ParsedFile(path, documents, has_ignores=has_ignores, key=key, blob=blob)
        except (NeedsCareError, YAMLError):
            pass
    from hubcfg.parser.careful import read_carefully  # slow to import, and only needed when something is wrong

    careful = read_carefully(path, text)
    documents = tuple(Document(path, index, value) for index, value in careful.documents)
    return ParsedFile(path, documents, tuple(careful.findings), careful.broken_text, has_ignores, key, blob)


def _unreadable(path: str, why: str, seen: str = "") -> ParsedFile:
    findings: tuple[Finding, ...] = (unreadable(path, why),)
    return ParsedFile(path, (), findings, broken_text=seen)
