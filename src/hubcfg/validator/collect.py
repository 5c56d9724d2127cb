"""Sorts the entries of all documents by kind and owner, and finds ids that are defined twice."""

from collections.abc import Iterable

from msgspec import Struct, field

from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.ids import find_user_id_fault, fold_id
from hubcfg.core.places import Place
from hubcfg.parser.document import Document, ParsedFile, Value
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.validator.rules import DUPLICATE_ID
from hubcfg.validator.shape import Shaped

# Kinds whose documents say `org`, or `platform` to be shared by the platform's orgs.
SHAREABLE = ("Groups", "Roles")
# Kinds of which a document is one thing, with an id of its own.
SINGULAR = ("Org", "Platform", "Catalog", "Approval")


class Owner(Struct, frozen=True):
    """Whose entries they are: an org's, or those shared by the orgs of a platform."""

    is_org: bool
    id: str


class Item(Struct, frozen=True):
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


class Collected(Struct):
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


def collect_entries(
    shaped: Iterable[Shaped], files: Iterable[ParsedFile], default_platform: str | None
) -> tuple[Collected, list[Finding]]:
    """Sorts the documents' entries; `shaped` are in the order of files and lines."""
    collector = _Collector(default_platform)
    for parsed in files:
        if parsed.broken_text is not None:
            collector.collected.broken_texts.append(parsed.broken_text)
            collector.collected.is_partial = True
    for one in shaped:
        collector.add(one)
    return collector.collected, collector.findings


class _Collector:
    def __init__(self, default_platform: str | None) -> None:
        self.collected = Collected()
        self.findings: list[Finding] = []
        self._default = default_platform
        self._claims: dict[object, dict[str, Item]] = {}
        self._owners: dict[str, Owner] = {}

    def add(self, shaped: Shaped) -> None:
        document, kind = shaped.document, shaped.kind
        self.collected.is_partial |= shaped.is_broken
        if kind.name in SINGULAR:
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
        raw = document.value
        written = raw.get(field) if isinstance(raw, dict) else None
        if not isinstance(written, dict):
            return
        good = shaped.value.get(field) if shaped.value is not None else None
        values: dict[str, Value] = good if isinstance(good, dict) else {}
        scope = (kind, owner)
        entries = self.collected.plural.get(scope)
        if entries is None:
            entries = self.collected.plural[scope] = {}
            self._claims[scope] = {}
        claims = self._claims[scope]
        is_user = kind == "Users"
        for id in written:
            value = values.get(id)
            if is_user and (fault := find_user_id_fault(id)) is not None:
                self.findings.append(
                    find(
                        SCHEMA_VIOLATION,
                        f"the user id `{_visible(id)}` {fault}",
                        document.key(field, id),
                        help="use the person's e-mail address",
                    )
                )
                self.collected.is_partial = True
                value = None
            item = Item(id, document, value if isinstance(value, dict) else None, field)
            first = claims.setdefault(fold_id(id), item)
            if first is item:
                entries[id] = item
                continue
            self.findings.append(duplicate(kind.lower().removesuffix("s"), id, item.place, first.place))
            self.collected.is_partial |= is_user  # which of the two is meant is not known

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
