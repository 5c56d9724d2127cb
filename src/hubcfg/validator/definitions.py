"""Platforms and catalogs, the project's own and the built-in ones: resolves `extends` and judges the result."""

from collections.abc import Callable

from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import did_you_mean
from hubcfg.core.places import KeyPath, Part, Place
from hubcfg.parser.document import Document, ParsedFile, Value
from hubcfg.parser.parse import parse_bytes
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.platforms.builtin import builtin_names, has_builtin_catalog, read_builtin
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.merge import find_void_removals, merge_document
from hubcfg.platforms.platform import Platform, bind_platform
from hubcfg.validator.collect import Collected, Item, duplicate
from hubcfg.validator.rules import INCLUDE_CYCLE, UNKNOWN_PLATFORM
from hubcfg.validator.shape import all_kinds, check_shape


class DefinitionMemory:
    """What the built-in definitions come to, read once for all trees of a run; `parse` reads their files."""

    def __init__(self, parse: Callable[[str, bytes], ParsedFile] = parse_bytes) -> None:
        self._parse = parse
        self._read: dict[tuple[str, str], Document] = {}
        # By the identity of their documents, which stay in memory with them.
        self._platforms: dict[int, tuple[Document, Platform]] = {}
        self._catalogs: dict[int, tuple[Document, Catalog]] = {}
        self.resolved: dict[tuple[str, str], tuple[Document, list[Document]]] = {}

    def read(self, kind: str, id: str) -> Document:
        """Returns a built-in document as it is written."""
        if (kind, id) not in self._read:
            self._read[kind, id] = read_builtin(id, kind.lower(), self._parse)
        return self._read[kind, id]

    def bind_platform(self, document: Document) -> Platform:
        """Returns the platform of a resolved document."""
        known = self._platforms.get(id(document))
        if known is None:
            known = self._platforms[id(document)] = (document, bind_platform(document))
        return known[1]

    def bind_catalog(self, document: Document) -> Catalog:
        """Returns the catalog of a resolved document."""
        known = self._catalogs.get(id(document))
        if known is None:
            known = self._catalogs[id(document)] = (document, Catalog(document))
        return known[1]


class Definitions:
    """Gives platforms and catalogs by id, each resolved once; what is wrong with the project's own is in `findings`."""

    def __init__(self, collected: Collected, memory: DefinitionMemory | None = None) -> None:
        self._memory = memory or DefinitionMemory()
        self.findings: list[Finding] = []
        self._collected = collected
        self._documents: dict[tuple[str, str], Document | None] = {}
        self._chains: dict[tuple[str, str], list[Document]] = {}
        self._open: list[tuple[str, str]] = []
        self._platforms: dict[str, Platform] = {}
        self._catalogs: dict[str, Catalog] = {}

    def platform_ids(self) -> list[str]:
        """Returns the ids of all platforms."""
        return sorted({*builtin_names(), *self._own("Platform")})

    def catalog_ids(self) -> list[str]:
        """Returns the ids of all catalogs."""
        return sorted({*filter(has_builtin_catalog, builtin_names()), *self._own("Catalog")})

    def own_ids(self, kind: str) -> list[str]:
        """Returns the ids of the platforms or catalogs that the project defines, in the order of its files."""
        return list(self._own(kind))

    def is_known(self, kind: str, id: str) -> bool:
        """Whether a platform or catalog of this id is defined, however badly."""
        return id in self._own(kind) or self._is_builtin(kind, id) or self._collected.is_lost(id)

    def platform(self, id: str) -> Platform | None:
        """Returns a platform; None where it is not known or in error."""
        if id not in self._platforms:
            document = self._resolve("Platform", id)
            if document is None:
                return None
            self._platforms[id] = self._memory.bind_platform(document)
        return self._platforms[id]

    def catalog(self, id: str) -> Catalog | None:
        """Returns a catalog; None where it is not known or in error."""
        if id not in self._catalogs:
            document = self._resolve("Catalog", id)
            if document is None:
                return None
            self._catalogs[id] = self._memory.bind_catalog(document)
        return self._catalogs[id]

    def extends(self, catalog: str, base: str) -> bool:
        """Whether `catalog` is `base` or extends it, directly or through others."""
        return any(_id(document) == base for document in self._chains.get(("Catalog", catalog), []))

    def place(self, kind: str, id: str, path: KeyPath, part: Part = Part.VALUE) -> Place:
        """Returns the place of something in a resolved document; what is built in has the place of `extends`."""
        chain = self._chains[(kind, id)]
        written = self.find_place(kind, id, path, part)
        if written is not None:
            return written
        return (
            chain[0].place("extends")
            if isinstance(chain[0].value, dict) and "extends" in chain[0].value
            else chain[0].first_key()
        )

    def find_place(self, kind: str, id: str, path: KeyPath, part: Part = Part.VALUE) -> Place | None:
        """Returns the place of something in a resolved document, where it stands in a file of the project."""
        for document in self._chains[(kind, id)]:
            if document.is_builtin:
                break
            if _has_path(document.value, path):
                return Place(document.file, document.index, path, part)
        return None

    def check_own(self) -> None:
        """Resolves all that the project defines, so that unused definitions are judged as well."""
        for kind in ("Catalog", "Platform"):
            for id, item in self._own(kind).items():
                if self._is_builtin(kind, id):
                    self.findings.append(duplicate(kind.lower(), id, item.place, None, ": it is built in"))
                self._resolve(kind, id)

    def _own(self, kind: str) -> dict[str, Item]:
        return self._collected.singular.get(kind, {})

    def _is_builtin(self, kind: str, id: str) -> bool:
        return id in builtin_names() if kind == "Platform" else has_builtin_catalog(id)

    def _resolve(self, kind: str, id: str) -> Document | None:
        key = (kind, id)
        if key not in self._documents:
            self._open.append(key)
            self._documents[key] = self._resolve_new(kind, id)
            self._open.pop()
        return self._documents[key]

    def _resolve_new(self, kind: str, id: str) -> Document | None:
        if self._is_builtin(kind, id):
            # What is built in extends nothing else, so it is the same for every tree.
            known = self._memory.resolved.get((kind, id))
            if known is not None:
                self._chains[(kind, id)] = known[1]
                return known[0]
            document = self._memory.read(kind, id)
        else:
            item = self._collected.singular.get(kind, {}).get(id)
            if item is None or item.value is None:
                return None
            document = Document(item.document.file, item.document.index, item.value)
        self._chains[(kind, id)] = [document]
        value = document.value
        assert isinstance(value, dict)
        if "extends" not in value:
            return document
        return self._extend(kind, id, document, value)

    def _extend(self, kind: str, id: str, document: Document, value: dict[str, Value]) -> Document | None:
        base_id = str(value["extends"])
        place = document.place("extends")
        if (kind, base_id) in self._open:
            circle = [name for _, name in self._open[self._open.index((kind, base_id)) :]]
            shown = " → ".join(f"`{name}`" for name in [*circle, base_id])
            self.findings.append(
                find(
                    INCLUDE_CYCLE,
                    f"{kind.lower()}s extend each other in a circle: {shown}",
                    place,
                    help="break the circle",
                )
            )
            return None
        if not self.is_known(kind, base_id):
            ids = self.platform_ids() if kind == "Platform" else self.catalog_ids()
            self.findings.append(
                find(
                    UNKNOWN_PLATFORM, f"there is no {kind.lower()} `{base_id}`", place, help=did_you_mean(base_id, ids)
                )
            )
            return None
        base = self._resolve(kind, base_id)
        if base is None:
            return None
        assert isinstance(base.value, dict)
        self._chains[(kind, id)] += self._chains[(kind, base_id)]
        for path, there in find_void_removals(base.value, value):
            message = f"`null` removes nothing: `{base_id}` has no `{path[-1]}` here"
            self.findings.append(
                find(SCHEMA_VIOLATION, message, document.place(*path), help=did_you_mean(str(path[-1]), there))
            )
        merged = Document(document.file, document.index, merge_document(base.value, value))
        if document.is_builtin:
            self._memory.resolved[(kind, id)] = (merged, self._chains[(kind, id)])
            return merged
        shaped, findings = check_shape(merged, all_kinds()[kind])
        for finding in findings:
            assert isinstance(finding.place, Place)
            self.findings.append(finding.moved(self.place(kind, id, finding.place.path, finding.place.part)))
        return None if findings and shaped.value is None else merged


def _has_path(value: Value, path: KeyPath) -> bool:
    for step in path:
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return False
            value = value[step]
        else:
            if not isinstance(value, list) or step >= len(value):
                return False
            value = value[step]
    return True


def _id(document: Document) -> Value:
    return document.value.get("id") if isinstance(document.value, dict) else None
