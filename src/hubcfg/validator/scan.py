"""Reads files and sorts their documents by org, so that each org can be bound by itself, in whatever process.

What a scan gives back is small: what concerns the project as a whole, and of the orgs' own documents that they are there. The
documents themselves are packed, as bytes that nobody unpacks before the org is worked on.
"""

import marshal
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import astuple

from hubcfg.core.finding import Finding
from hubcfg.core.ids import fold_id
from hubcfg.core.places import Span
from hubcfg.core.transport import Packed, pack_finding
from hubcfg.parser.comments import IgnoreComment, find_ignore_comments
from hubcfg.parser.document import Document, ParsedFile, Value
from hubcfg.parser.locating import place_findings
from hubcfg.parser.parse import decode, parse_source
from hubcfg.parser.sources import SourceFile
from hubcfg.validator.collect import SHAREABLE, SINGULAR
from hubcfg.validator.shape import Shaped, document_kinds, shape_document
from hubcfg.validator.validate import shape_file

# A document of a known kind: its index, its kind, whose it is, and its value where it is nobody's own.
_Entry: TypeAlias = tuple[int, str, str | None, Value]
# An org's document: file, index, value, and whether it fits its schema as it is.
_Own: TypeAlias = tuple[str, int, Value, bool]


class ScannedFile(Struct, frozen=True):
    """What is to be known of a file for the project as a whole.

    `blob` is Git's id of its bytes; `is_partial` says that something of it could not be used, `broken_text` is its text where it
    could not be read to its end.
    """

    path: str
    blob: str
    entries: tuple[_Entry, ...]
    is_partial: bool
    broken_text: str | None
    comments: tuple[IgnoreComment, ...]

    @property
    def orgs(self) -> set[str]:
        """The orgs that have documents of their own in the file."""
        return {org for _, _, org, _ in self.entries if org is not None}


class Scan(Struct):
    """The files that have been scanned, what is wrong with them, and the packed documents of each org."""

    files: list[ScannedFile] = field(default_factory=list)
    findings: list[Packed] = field(default_factory=list)
    parts: dict[str, list[bytes]] = field(default_factory=dict)

    def add(self, packed: bytes) -> None:
        """Adds what `scan_files` has returned."""
        files, findings, parts = marshal.loads(packed)
        for path, blob, entries, is_partial, broken_text, comments in files:
            placed = tuple(IgnoreComment(names, reason, Span(*span)) for names, reason, span in comments)
            self.files.append(ScannedFile(path, blob, tuple(entries), is_partial, broken_text, placed))
        self.findings += findings
        for org, part in parts.items():
            self.parts.setdefault(org, []).append(part)


def scan_files(sources: Sequence[SourceFile]) -> bytes:
    """Reads files, and returns what `Scan.add` takes: plain values as bytes, which are cheap to hand over."""
    files = []
    findings: list[Packed] = []
    parts: dict[str, list[_Own]] = {}
    for source in sources:
        parsed = parse_source(source)
        shaped, found, is_partial = shape_file(parsed)
        entries: list[_Entry] = []
        for one in shaped:
            document, kind = one.document, one.kind.name
            is_partial |= one.is_broken
            org = _find_org(document, kind)
            if org is None:
                entries.append((document.index, kind, None, document.value))
            else:
                entries.append((document.index, kind, org, None))
                parts.setdefault(org, []).append(
                    (document.file, document.index, document.value, one.value is document.value)
                )
        text = _text(source) if found or parsed.has_ignores else None
        findings += [pack_finding(one) for one in _place(found, text)]
        comments = find_ignore_comments(parsed.path, text) if parsed.has_ignores and text is not None else []
        files.append(
            (
                parsed.path,
                parsed.blob,
                entries,
                is_partial,
                parsed.broken_text,
                [(one.names, one.reason, astuple(one.span)) for one in comments],
            )
        )
    return marshal.dumps((files, findings, {org: marshal.dumps(documents) for org, documents in parts.items()}))


def unpack_documents(
    parts: Iterable[bytes], without: frozenset[str] = frozenset(), instead: Iterable[bytes] = ()
) -> list[Shaped]:
    """Returns the documents of an org in the order of files; what is wrong with them is known.

    Those of the files `without` are left out, and those of the parts `instead` added.
    """
    kinds = document_kinds()
    written: list[_Own] = [one for part in parts for one in marshal.loads(part) if one[0] not in without]
    written += [one for part in instead for one in marshal.loads(part)]
    written.sort(key=lambda one: one[:2])
    found = []
    for path, index, value, fits in written:
        document = Document(path, index, value)
        if fits and isinstance(value, dict):
            found.append(Shaped(document, kinds[str(value["kind"])], value))
        elif (shaped := shape_document(document)[0]) is not None:
            found.append(shaped)
    return found


def read_entries(files: Sequence[ScannedFile]) -> tuple[list[Shaped], list[ParsedFile]]:
    """Returns the documents of files without what the orgs' own ones say, and the files as `collect_entries` takes them.

    Of the orgs that there plainly are the own documents are left out altogether: of them nothing is to be known here.
    """
    kinds = document_kinds()
    shaped, parsed = [], []
    plain = _find_plain_orgs(files)
    for file in files:
        for index, kind, org, value in file.entries:
            if org in plain:
                continue
            if org is not None:
                stub: dict[str, Value] = {"kind": kind, "org": org}
                shaped.append(Shaped(Document(file.path, index, stub), kinds[kind], stub))
            elif (one := shape_document(Document(file.path, index, value))[0]) is not None:
                shaped.append(one)
        parsed.append(ParsedFile(file.path, (), broken_text=file.broken_text))
    return shaped, parsed


def _find_plain_orgs(files: Iterable[ScannedFile]) -> set[str]:
    """Returns the ids of the orgs that are defined; of none where one may be meant to be another."""
    ids = [
        value["id"]
        for file in files
        for _, kind, _, value in file.entries
        if kind == "Org" and isinstance(value, dict) and isinstance(value.get("id"), str)
    ]
    known = {id for id in ids if isinstance(id, str)}
    return known if len({fold_id(id) for id in known}) == len(ids) else set()


def _find_org(document: Document, kind: str) -> str | None:
    """Returns the org that a document belongs to as `collect_entries` sees it; None where it concerns more than one org."""
    raw = document.value
    if kind in SINGULAR or not isinstance(raw, dict):
        return None
    org = raw.get("org")
    is_in_doubt = kind in SHAREABLE and "platform" in raw
    return org if isinstance(org, str) and not is_in_doubt else None


def _place(findings: list[Finding], text: str | None) -> list[Finding]:
    return place_findings(findings, lambda _: text)


def _text(source: SourceFile) -> str | None:
    try:
        return decode(source.read())
    except (OSError, UnicodeDecodeError):
        return None
