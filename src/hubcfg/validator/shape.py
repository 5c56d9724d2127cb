"""Checks each document against the schema of its kind, and keeps what is good of one that does not fit."""

from functools import cache
from typing import Any

from msgspec import Struct

from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.core.places import KeyPath
from hubcfg.core.registry import load_constants
from hubcfg.parser.document import Document, Value
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.validator.schema import Kind, Schema

EXTENDABLE = ("Platform", "Catalog")


class Shaped(Struct, frozen=True):
    """A document of a known kind.

    `broken_ids` are the entries that do not fit and are left out of `value`; `value` is None where nothing of the
    document can be used. Either way the ids are known, so that references to them are not reported as well.
    """

    document: Document
    kind: Kind
    value: dict[str, Value] | None
    broken_ids: frozenset[str] = frozenset()

    @property
    def is_broken(self) -> bool:
        """Whether anything of the document could not be used."""
        return self.value is None or bool(self.broken_ids)


@cache
def all_kinds() -> dict[str, Kind]:
    """Returns the kinds by name."""
    return {kind.name: kind for kind in load_constants("hubcfg.validator.kinds", "KIND")}


def document_kinds() -> dict[str, Kind]:
    """Returns the kinds that a source document may have."""
    return {name: kind for name, kind in all_kinds().items() if name != "Project"}


def shape_document(document: Document) -> tuple[Shaped | None, list[Finding]]:
    """Checks one source document; the result is None where its kind is not known."""
    value = document.value
    if value is None:
        return None, []
    if not isinstance(value, dict):
        return None, [
            find(
                SCHEMA_VIOLATION,
                "a document must be a map with a `kind`",
                document.place(),
                help="begin with `kind: Users`, for example",
            )
        ]
    kinds = document_kinds()
    name = value.get("kind")
    if name is None and "kind" not in value:
        advice = f"add `kind:`; there are {shorten(sorted(kinds), 20)}"
        return None, [find(SCHEMA_VIOLATION, "this document has no `kind`", document.first_key(), help=advice)]
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        advice = (isinstance(name, str) and did_you_mean(name, kinds)) or f"there are {shorten(sorted(kinds), 20)}"
        return None, [find(SCHEMA_VIOLATION, f"there is no kind `{name}`", document.place("kind"), help=advice)]
    return check_shape(document, kind)


def check_shape(document: Document, kind: Kind) -> tuple[Shaped, list[Finding]]:
    """Checks a document against the schema of `kind`."""
    value = document.value
    assert isinstance(value, dict)
    schema_name = f"{kind.name} patch" if kind.name in EXTENDABLE and "extends" in value else kind.name
    if _compiled(schema_name).is_valid(value):
        return Shaped(document, kind, value), []
    from hubcfg.validator.explain import explain_violations  # slow to import, and only needed when something is wrong

    violations = explain_violations(document, schema_of(schema_name))
    return _save(document, kind, violations), [finding for _, finding in violations]


def schema_of(name: str) -> Schema:
    """Returns the schema of a kind, or of a patch over one (`Platform patch`, `Catalog patch`)."""
    base = name.removesuffix(" patch")
    schema = all_kinds()[base].schema
    return schema if name == base else relax_schema(schema, keep=("kind", "id"))


def relax_schema(schema: Schema, keep: tuple[str, ...] = ()) -> Schema:
    """Returns the schema of a merge patch: nothing is required but `keep`, and null, which removes, may stand anywhere."""
    relaxed = {key: value for key, value in schema.items() if key not in ("required", "minProperties", "$schema")}
    if keep:
        relaxed["required"] = list(keep)
    if "properties" in schema:
        relaxed["properties"] = {
            field: part if field in keep else _or_null(part) for field, part in schema["properties"].items()
        }
    if isinstance(schema.get("additionalProperties"), dict):
        relaxed["additionalProperties"] = _or_null(schema["additionalProperties"])
    return relaxed


def _or_null(schema: Schema) -> Schema:
    return {"if": {"type": "null"}, "else": relax_schema(schema)}


@cache
def _compiled(name: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema_of(name))


def _save(document: Document, kind: Kind, violations: list[tuple[KeyPath, Finding]]) -> Shaped:
    """Keeps the entries and fields that no violation touches."""
    value = document.value
    assert isinstance(value, dict)
    entries = value.get(kind.entries) if kind.entries else None
    broken: set[str] = set()
    dropped: set[str] = set()
    is_usable = True
    for path, finding in violations:
        if len(path) >= 2 and path[0] == kind.entries:
            broken.add(str(path[1]))
        elif finding.message.startswith("unknown field") and len(path) == 1:
            dropped.add(str(path[0]))
        else:
            is_usable = False
    if isinstance(entries, dict) and not is_usable:
        broken |= set(entries)
    if not is_usable:
        return Shaped(document, kind, None, frozenset(broken))
    kept = {key: part for key, part in value.items() if key not in dropped}
    if isinstance(entries, dict) and kind.entries:
        kept[kind.entries] = {key: entry for key, entry in entries.items() if key not in broken}
    return Shaped(document, kind, kept, frozenset(broken))
