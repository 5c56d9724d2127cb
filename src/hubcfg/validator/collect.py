"""Sorts the entries of all documents by kind and owner, and finds ids that are defined twice."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.ids import find_user_id_fault, fold_id
from hubcfg.core.places import Place
from hubcfg.parser.document import Document, ParsedFile, Value
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.validator.rules import DUPLICATE_ID
from hubcfg.validator.shape import Shaped

# Kinds whose documents say `org`, or `platform` to be shared by the platform's orgs.
SHAREABLE = ("Groups", "Roles")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose entries they are: an org's, or those shared by the orgs of a platform."""

    is_org: bool
    id: str


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a plural document, or a whole singular one; `value` is None where it does not fit its schema.

    `field` is the map that an entry stands in, None for a whole document.
    """

    id: str
    document: Document
    value: dict[str, Value] | None
    field: str | None = None

    @property
    def place(self) -> Place:
        """Where the id stands."""
        return self.document.place("id") if self.field is None else self.document.key(self.field, self.id)


@dataclass(slots=True)
class Collected:
    """The entries of the project: of each kind and owner, in the order of files and lines, without the duplicates."""

    singular: dict[str, dict[str, Item]] = field(default_factory=dict)
    plural: dict[tuple[str, Owner], dict[str, Item]] = field(default_factory=dict)
    documents: dict[Owner, dict[str, list[Document]]] = field(default_factory=dict)
    owners: dict[Owner, list[Document]] = field(default_factory=dict)
    broken_texts: list[str] = field(default_factory=list)
    is_partial: bool = False

    def entries(self, kind: str, owner: Owner) -> dict[str, Item]:
        """Returns the entries of a kind that an owner has, by id."""
        return self.plural.get((kind, owner), {})

    def is_lost(self, name: str) -> bool:
        """Whether `name` occurs in a file that could not be read to its end, and so may well be defined."""
        return any(name in text for text in self.broken_texts)


# How many entries of one document are remembered: there are many small documents, and few large ones.
MAX_REMEMBERED = 64


class EntryMemory:
    """The entries of documents that have been collected, for a tree that has the same documents."""

    def __init__(self) -> None:
        # A document stays in memory as long as its entries are remembered, so its identity is its own.
        self._entries: dict[int, tuple[Document, list[_Written]]] = {}

    def recall(self, document: Document) -> "list[_Written] | None":
        """Returns the entries of a document; None where it has not been collected."""
        known = self._entries.get(id(document))
        return None if known is None else known[1]

    def keep(self, document: Document, entries: "list[_Written]") -> None:
        """Remembers the entries of a document, unless there are so many that it is worth more not to hold them in memory."""
        if len(entries) <= MAX_REMEMBERED:
            self._entries[id(document)] = (document, entries)


def collect_entries(
    shaped: Iterable[Shaped],
    files: Iterable[ParsedFile],
    default_platform: str | None,
    memory: EntryMemory | None = None,
) -> tuple[Collected, list[Finding]]:
    """Sorts the documents' entries; `shaped` are in the order of files and lines."""
    collector = _Collector(default_platform, memory)
    for parsed in files:
        if parsed.broken_text is not None:
            collector.collected.broken_texts.append(parsed.broken_text)
            collector.collected.is_partial = True
    for one in shaped:
        collector.add(one)
    return collector.collected, collector.findings


# An entry as it is written: its id as ids are compared, the entry, and what is wrong with the id.
_Written: TypeAlias = tuple[str, Item, Finding | None]


class _Collector:
    def __init__(self, default_platform: str | None, memory: EntryMemory | None) -> None:
        self.collected = Collected()
        self.findings: list[Finding] = []
        self._default = default_platform
        self._memory = memory
        self._claims: dict[object, dict[str, Item]] = {}
        self._owners: dict[str, Owner] = {}

    def add(self, shaped: Shaped) -> None:
        document, kind = shaped.document, shaped.kind
        self.collected.is_partial |= shaped.is_broken
        if kind.name in ("Org", "Platform", "Catalog", "Approval"):
            self._add_singular(shaped)
            return
        owner = self._owner(document, kind.name)
        if owner is None:
            return
        self.collected.owners.setdefault(owner, []).append(document)
        self.collected.documents.setdefault(owner, {}).setdefault(kind.name, []).append(document)
        if kind.entries is not None:
            self._add_entries(shaped, owner, kind.entries)

    def _add_singular(self, shaped: Shaped) -> None:
        document, kind = shaped.document, shaped.kind.name
        raw = document.value
        id = raw.get("id") if isinstance(raw, dict) else None
        if not isinstance(id, str):
            return
        org = raw.get("org") if isinstance(raw, dict) else None
        if kind == "Approval" and isinstance(org, str):
            self.collected.owners.setdefault(Owner(True, org), []).append(document)
        item = Item(id, document, shaped.value)
        first = self._claims.setdefault(kind, {}).setdefault(fold_id(id), item)
        if first is item:
            self.collected.singular.setdefault(kind, {})[id] = item
        else:
            self.findings.append(duplicate(kind.lower(), id, item.place, first.place))

    def _add_entries(self, shaped: Shaped, owner: Owner, field: str) -> None:
        document, kind = shaped.document, shaped.kind.name
        written = self._memory.recall(document) if self._memory is not None else None
        if written is None:
            written = _read_entries(shaped, field)
            if self._memory is not None:
                self._memory.keep(document, written)
        scope = (kind, owner)
        entries = self.collected.plural.get(scope)
        if entries is None:
            entries = self.collected.plural[scope] = {}
            self._claims[scope] = {}
        claims = self._claims[scope]
        for folded, item, fault in written:
            if fault is not None:
                self.findings.append(fault)
                self.collected.is_partial = True
            first = claims.setdefault(folded, item)
            if first is item:
                entries[item.id] = item
                continue
            self.findings.append(duplicate(kind.lower().removesuffix("s"), item.id, item.place, first.place))
            self.collected.is_partial |= kind == "Users"  # which of the two is meant is not known

    def _owner(self, document: Document, kind: str) -> Owner | None:
        raw = document.value
        assert isinstance(raw, dict)
        org, platform = raw.get("org"), raw.get("platform")
        if kind in SHAREABLE and "org" in raw and "platform" in raw:
            self.findings.append(
                find(
                    SCHEMA_VIOLATION,
                    "a document belongs to an org or to a platform, not to both",
                    document.key("platform"),
                    help="remove one of `org` and `platform`",
                )
            )
            self.collected.is_partial = True
            return None
        if isinstance(org, str):
            owner = self._owners.get(org)
            if owner is None:
                owner = self._owners[org] = Owner(True, org)
            return owner
        if kind not in SHAREABLE or "org" in raw:
            return None
        if isinstance(platform, str):
            return Owner(False, platform)
        if "platform" in raw or self._default is None:
            if "platform" not in raw:
                self.findings.append(
                    find(
                        SCHEMA_VIOLATION,
                        f"this {kind} document says neither `org` nor `platform`",
                        document.first_key(),
                        help="add `org:`, or `platform:` to share it; `platform:` in hubcfg.yaml gives a default",
                    )
                )
            self.collected.is_partial = True
            return None
        return Owner(False, self._default)


def _read_entries(shaped: Shaped, field: str) -> list[_Written]:
    document = shaped.document
    raw = document.value
    written = raw.get(field) if isinstance(raw, dict) else None
    if not isinstance(written, dict):
        return []
    good = shaped.value.get(field) if shaped.value is not None else None
    values: dict[str, Value] = good if isinstance(good, dict) else {}
    is_user = shaped.kind.name == "Users"
    found: list[_Written] = []
    for id in written:
        value = values.get(id)
        fault = None
        if is_user and (words := find_user_id_fault(id)) is not None:
            value = None
            fault = find(
                SCHEMA_VIOLATION,
                f"the user id `{_visible(id)}` {words}",
                document.key(field, id),
                help="use the person's e-mail address",
            )
        found.append((fold_id(id), Item(id, document, value if isinstance(value, dict) else None, field), fault))
    return found


def duplicate(noun: str, id: str, place: Place, first: Place | None, where: str = "") -> Finding:
    """Returns the finding for an id that is taken; `first` is where it was defined, if that is in a file of the project."""
    spelled = id if first is None or not first.path or first.path[-1] in (id, "id") else str(first.path[-1])
    alike = "" if spelled == id else f", spelled `{spelled}`"
    related = (Related("it is defined here first", first),) if first is not None else ()
    article = "an" if noun[0] in "aeio" else "a"
    return find(
        DUPLICATE_ID,
        f"there is {article} {noun} `{id}` already{alike}{where}",
        place,
        help="rename one of the two, or merge them",
        related=related,
    )


def owner_place(document: Document, owner: Owner) -> Place:
    """Returns the place where a document says whose it is."""
    raw = document.value
    field = "org" if owner.is_org else "platform"
    return document.place(field) if isinstance(raw, dict) and field in raw else document.first_key()


def _visible(id: str) -> str:
    """Returns an id with what cannot be seen in it as escapes."""
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in id)
