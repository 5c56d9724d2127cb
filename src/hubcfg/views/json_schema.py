"""JSON Schemas as other tools get them: one a kind, all kinds in one, and with the permissions of a catalog filled in."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from hubcfg.platforms.catalog import Catalog, Permission
from hubcfg.validator.schema import DIALECT, Schema
from hubcfg.validator.shape import EXTENDABLE, all_kinds, document_kinds, schema_of
from hubcfg.views.catalog import aliases_of, describe_marks
from hubcfg.views.colors import paint
from hubcfg.views.counts import number
from hubcfg.views.schemas import output_schemas

FORMAT = "hubcfg.schemas/1"

_PATTERN = "pattern"
_PATTERN_MARK = "x-pattern"
_EVERYTHING = "*"


def kind_schema(kind: str, catalog: Catalog | None = None) -> Schema:
    """Returns the schema of a kind (`Project` is hubcfg.yaml); with a catalog, its permissions stand where patterns may.

    A schema that accepts a document says only that its shape is right; `hubcfg validate` judges the rest.
    """
    definitions = _pattern_definitions(catalog)
    schema = _published(_with_patches(kind), is_filled=catalog is not None)
    return _head(schema.get("title", kind), schema.get("description")) | _without_head(schema) | definitions


def combined_schema(catalog: Catalog | None = None) -> Schema:
    """Returns one schema for every file of a project: hubcfg.yaml, and documents of each kind, told apart by `kind`."""
    is_filled = catalog is not None
    kinds = document_kinds()
    definitions = {name: _without_head(_published(_with_patches(name), is_filled)) for name in all_kinds()}
    by_kind = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/{name}"},
        }
        for name in kinds
    ]
    described = [{"const": name, "description": kind.schema["description"]} for name, kind in kinds.items()]
    for name, kind in kinds.items():
        definitions[name] = _with_kind(definitions[name], {"const": name, "description": kind.schema["description"]})
    return _head("hubcfg", "A source file of a hubcfg project.") | {
        "type": "object",
        "if": {"required": ["hubcfg"]},
        "then": {"$ref": "#/$defs/Project"},
        "else": {
            "properties": {"kind": {"description": "What this document is.", "oneOf": described}},
            "required": ["kind"],
            "allOf": by_kind,
        },
        "$defs": definitions | _pattern_definitions(catalog).get("$defs", {}),
    }


class Published(Struct, frozen=True):
    """One schema: its name for `hubcfg schema`, its file below `schema/`, and whether it is of what hubcfg writes."""

    name: str
    file: str
    is_output: bool
    title: str
    schema: Schema


def published_schemas(catalog: Catalog | None = None) -> list[Published]:
    """Returns every schema: of all source files together, of each kind, and of each format that hubcfg writes."""
    combined = combined_schema(catalog)
    published = [Published("all", "all.json", False, "Every source file, told apart by `kind`", combined)]
    for name, kind in all_kinds().items():
        schema = kind_schema(name, catalog)
        published.append(
            Published(name, f"{name.lower()}.json", False, kind.schema["description"].removesuffix("."), schema)
        )
    for format, schema in output_schemas().items():
        file = f"outputs/{format.split('.', 1)[1].split('/')[0]}.json"
        published.append(Published(format, file, True, schema["title"], schema))
    return published


def find_published(published: Sequence[Published], name: str) -> Published | None:
    """Returns the schema of this name, in any case; a format's short name (`bundle`) will do where no kind has it."""
    wanted = {"hubcfg.yaml": "project"}.get(name.casefold(), name.casefold())
    for one in published:
        if wanted in (one.name.casefold(), one.file.removesuffix(".json"), Path(one.file).stem):
            return one
    return None


def render_schema(schema: Schema) -> str:
    """Returns a schema as the text of its file, without the last line break."""
    return json.dumps(schema, ensure_ascii=False, indent=2)


def render_schemas(format: str, published: Sequence[Published], *, use_color: bool = False) -> str:
    """Returns a list of the schemas as text or JSON."""
    if format == "json":
        listed = [
            {"name": one.name, "file": one.file, "of": "outputs" if one.is_output else "sources", "title": one.title}
            for one in published
        ]
        return json.dumps({"format": FORMAT, "schemas": listed}, ensure_ascii=False, indent=2)
    width = max(len(one.name) for one in published)
    blocks = []
    for is_output, title in ((False, "Source files"), (True, "What hubcfg writes and prints")):
        rows = [f"  {one.name.ljust(width)}  {one.title}" for one in published if one.is_output == is_output]
        blocks.append("\n".join([paint(title, "bold", use_color=use_color), *rows]))
    return "\n\n".join([*blocks, "`hubcfg schema NAME` prints one of them"])


def _with_patches(kind: str) -> Schema:
    """Returns the schema of a kind; of one that may extend another, for both the whole document and the patch."""
    schema = schema_of(kind)
    if kind not in EXTENDABLE:
        return schema
    head = {key: schema[key] for key in ("title", "description")}
    patch, whole = _without_head(schema_of(f"{kind} patch")), _without_head(schema)
    return head | {"type": "object", "if": {"required": ["extends"]}, "then": patch, "else": whole}


def _with_kind(schema: Schema, kind: Schema) -> Schema:
    """Returns the schema of a kind, and both its forms where it has two, with what editors are to say of `kind`."""
    forms = {key: _with_kind(schema[key], kind) for key in ("then", "else") if key in schema}
    return schema | forms | {"properties": schema.get("properties", {}) | {"kind": kind}}


def _published(schema: Any, is_filled: bool) -> Any:
    """Returns a schema without our own keywords, which strict validators refuse, patterns pointing to the catalog's."""
    if isinstance(schema, list):
        return [_published(part, is_filled) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {
        key: _published(part, is_filled)
        for key, part in schema.items()
        if not (key.startswith("x-") and key in ("x-due", _PATTERN_MARK))
    }
    if is_filled and schema.get(_PATTERN_MARK) is True:
        return {"$ref": f"#/$defs/{_PATTERN}"}
    if is_filled and kept.get("if") == {"type": "object"}:
        # Editors take a half-typed word for the key of a map. A plain choice makes them offer both forms of an entry.
        return {"anyOf": [kept["else"], kept["then"]]}
    return kept


def _pattern_definitions(catalog: Catalog | None) -> Schema:
    """Returns the definition that patterns point to: any text fits, and what the catalog has is described.

    `hubcfg validate` knows what a pattern means, and says it better than a schema can. The shape is for editors: a
    thousand alternatives side by side take them seconds a line, so the first segment chooses those that are looked at
    for hovering, and `defaultSnippets`, which the language servers of VS Code know, lists everything for completion. `*`
    is no value among those alternatives: editors would insert it without its quotes, and then it is no text in YAML.
    """
    if catalog is None:
        return {}
    anything = {"type": "string", "minLength": 1}
    patterns = describe_patterns(catalog)
    by_product: dict[str, list[Schema]] = {}
    for pattern, description in patterns.items():
        if pattern != _EVERYTHING:
            by_product.setdefault(pattern.split(".")[0], []).append({"const": pattern, "description": description})
    choices: list[Schema] = [
        {"if": {"pattern": f"^{re.escape(product)}(\\.|$)"}, "then": {"anyOf": [anything, {"oneOf": known}]}}
        for product, known in by_product.items()
    ]
    choices.append({"if": {"pattern": r"^\*$"}, "then": {"description": patterns[_EVERYTHING]}})
    description = f"A permission of the catalog {catalog.id}, or a pattern such as `product.resource.*`."
    snippets = [
        {"label": pattern, "description": text, "body": f'"{pattern}"' if pattern == _EVERYTHING else pattern}
        for pattern, text in patterns.items()
    ]
    definition = anything | {"description": description, "allOf": choices, "defaultSnippets": snippets}
    return {"$defs": {_PATTERN: definition}}


def describe_patterns(catalog: Catalog) -> dict[str, str]:
    """Returns the patterns of a catalog with what they mean: permissions, whole resources, whole products, everything."""
    aliases = aliases_of(catalog)
    found = {name: _describe(permission, aliases.get(name, [])) for name, permission in catalog.permissions.items()}
    wide = {_EVERYTHING} | {name.split(".")[0] + ".*" for name in catalog.names}
    wide |= {name.rsplit(".", 1)[0] + ".*" for name in catalog.names}
    for pattern in wide:
        mask = catalog.match(pattern)
        sensitive = (mask & catalog.sensitive).bit_count()
        counted = number(mask.bit_count(), "permission")
        found[pattern] = (
            f"{_wide_name(pattern)}: {counted}, {f'{sensitive:,} of them sensitive' if sensitive else 'none sensitive'}"
        )
    return dict(sorted(found.items()))


def _wide_name(pattern: str) -> str:
    segments = pattern.removesuffix("*").rstrip(".").split(".")
    if segments == [""]:
        return "Everything there is and will be"
    return f"Everything in {segments[0]}" if len(segments) == 1 else f"Every action on {segments[1]} of {segments[0]}"


def _describe(permission: Permission, aliases: list[str]) -> str:
    marks = describe_marks(permission, aliases)
    kind = f"{'read' if permission.is_read else 'write'}{f'; {marks}' if marks else ''}"
    return f"{permission.description} ({kind})" if permission.description else kind


def _head(title: str, description: str | None) -> Schema:
    return {"$schema": DIALECT, "title": title} | ({"description": description} if description else {})


def _without_head(schema: Schema) -> Schema:
    return {key: part for key, part in schema.items() if key not in ("$schema", "title")}
