"""Reads source files into documents: the fast path for good files, the careful one for the others."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from yaml.error import YAMLError

from hubcfg.core.finding import Finding
from hubcfg.parser.builder import NeedsCareError, build_values
from hubcfg.parser.careful import has_hidden_characters, read_carefully
from hubcfg.parser.comments import MARKER
from hubcfg.parser.document import Document, ParsedFile
from hubcfg.parser.events import CParser
from hubcfg.parser.sources import SourceFile, unreadable
from hubcfg.parser.strict import needs_strict


def parse_sources(
    sources: Iterable[SourceFile],
    map: Callable[[Callable[[SourceFile], ParsedFile], Iterable[Any]], Iterator[Any]] = map,
) -> list[ParsedFile]:
    """Reads every source; `map` decides where (here, or in other processes)."""
    return list(map(parse_source, sources))


def parse_source(source: SourceFile) -> ParsedFile:
    """Reads one file. What is wrong with it is in the result's findings; no input raises."""
    try:
        data = source.read()
    except OSError as error:
        return _unreadable(source.path, error.strerror or str(error))
    try:
        text = decode(data)
    except UnicodeDecodeError as error:
        seen = data.decode("utf-8", "replace")
        return _unreadable(source.path, f"it is not UTF-8 (byte {error.start + 1})", seen)
    return parse_text(source.path, text)


def decode(data: bytes) -> str:
    """Returns the text of a file: UTF-8, a byte order mark taken off. Raises UnicodeDecodeError."""
    return data.decode("utf-8-sig")


def parse_text(path: str, text: str) -> ParsedFile:
    """Reads the text of one file."""
    has_ignores = MARKER in text
    if not has_hidden_characters(text) and not needs_strict(text):
        try:
            values = build_values(CParser(text).get_event)
            documents = tuple(Document(path, index, value) for index, value in enumerate(values))
            return ParsedFile(path, documents, has_ignores=has_ignores)
        except (NeedsCareError, YAMLError):
            pass
    careful = read_carefully(path, text)
    documents = tuple(Document(path, index, value) for index, value in careful.documents)
    return ParsedFile(path, documents, tuple(careful.findings), careful.broken_text, has_ignores)


def _unreadable(path: str, why: str, seen: str = "") -> ParsedFile:
    findings: tuple[Finding, ...] = (unreadable(path, why),)
    return ParsedFile(path, (), findings, broken_text=seen)
