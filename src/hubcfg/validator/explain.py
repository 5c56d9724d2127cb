"""Says what is wrong with a document that its schema rejected: one finding for each slip, in the user's words."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from hubcfg.core.finding import AS_WRITTEN, Finding, find
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.core.places import KeyPath
from hubcfg.parser.document import Document, Value
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.validator.schema import Schema

_NOUNS = {
    "string": "text",
    "object": "a map",
    "array": "a list",
    "boolean": "`true` or `false`",
    "integer": "a whole number",
    "number": "a number",
    "null": "nothing",
}


def explain_violations(document: Document, schema: Schema) -> list[tuple[KeyPath, Finding]]:
    """Returns a finding for each violation, with the path of the value that is broken by it."""
    validator = _explainer()(schema)
    found: dict[tuple[Any, ...], tuple[KeyPath, Finding]] = {}
    for error in validator.iter_errors(document.value):
        for path, finding in _explain(document, error):
            found.setdefault((finding.place, finding.message), (path, finding))
    if not found:
        raise AssertionError(f"the two validators disagree about {document.file}, document {document.index + 1}")
    return list(found.values())


@cache
def _explainer() -> Any:
    """The explaining validator, whose patterns mean what the compiled one's mean: `$` is the end of the text."""

    def check_pattern(_validator: Any, expression: str, instance: Value, _schema: Schema) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not re.search(expression.replace("$", r"\Z"), instance):
            yield ValidationError("pattern")

    return validators.extend(  # type: ignore[no-untyped-call]  # jsonschema has no types here
        Draft202012Validator, {"pattern": check_pattern}
    )


def _explain(document: Document, error: Any) -> Iterator[tuple[KeyPath, Finding]]:
    path: KeyPath = tuple(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        key = str(error.instance)
        yield (*path, key), _explain_key(document, path, key, error)
        return
    match error.validator:
        case "required":
            yield path, _explain_missing(document, path, error)
        case "additionalProperties":
            known = error.schema.get("properties", {})
            for key in error.instance:
                if key not in known:
                    # What the unknown field stood for is not known, but the rest of its owner is good.
                    yield (*path, key), _explain_unknown(document, (*path, key), known)
        case _:
            yield path, _explain_value(document, path, error)


def _explain_key(document: Document, path: KeyPath, key: str, error: Any) -> Finding:
    place = document.key(*path, key)
    if error.validator == "not":
        return find(
            SCHEMA_VIOLATION,
            f"nothing may be called `{key}` here, because the word has a meaning of its own",
            place,
            help="choose another id",
        )
    due = error.schema.get("x-due", "another form")
    suggestion = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:63]
    advice = f"for example `{suggestion}`" if suggestion and suggestion != key and "id" in due.split(":")[0] else None
    return find(SCHEMA_VIOLATION, f"`{key}` is not {due}", place, help=advice)


def _explain_missing(document: Document, path: KeyPath, error: Any) -> Finding:
    missing = next(
        field for field in error.validator_value if field not in error.instance and f"'{field}'" in error.message
    )
    description = error.schema["properties"][missing].get("description", "")
    owner = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "this entry" if path else "this document"
    return find(
        SCHEMA_VIOLATION,
        f"{owner} has no `{missing}`",
        document.owner(path),
        help=f"add `{missing}:`{_purpose(description)}",
    )


def _purpose(description: str) -> str:
    return f", {description[0].lower()}{description[1:].rstrip('.')}" if description else ""


def _explain_unknown(document: Document, path: KeyPath, known: Schema) -> Finding:
    field = str(path[-1])
    advice = did_you_mean(field, known) or f"fields that may stand here: {shorten(sorted(known), 12)}"
    if (len(path) > 1 and path[-2] == "deny") or (field in ("expires", "starts") and "permissions" in known):
        advice = "a time window belongs to one grant: `{permission: …, expires: …}`"
    return find(SCHEMA_VIOLATION, f"unknown field `{field}`", document.key(*path), help=advice)


def _explain_value(document: Document, path: KeyPath, error: Any) -> Finding:
    place = document.place(*path)
    subject = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "this item" if path else "this document"
    value, limit = error.instance, error.validator_value
    due = error.schema.get("x-due")
    match error.validator:
        case "type":
            return find(
                SCHEMA_VIOLATION,
                f"{subject} must be {due or _NOUNS[limit]}, not {_noun_of(value)}",
                place,
                help=_advise_type(path, limit, value),
            )
        case "enum" | "const":
            allowed = [_write(option) for option in (limit if error.validator == "enum" else [limit])]
            advice = did_you_mean(value, allowed) if isinstance(value, str) else None
            message = f"{subject} must be {due or _either(allowed)}, not {_noun_of(value, shown=True)}"
            return find(SCHEMA_VIOLATION, message, place, help=advice)
        case "pattern":
            return find(SCHEMA_VIOLATION, f"`{value}` is not {due}", place)
        case "minLength":
            return find(SCHEMA_VIOLATION, f"{subject} is empty", place, help="write a value, or leave the field out")
        case "minItems" | "maxItems" | "minProperties":
            return find(
                SCHEMA_VIOLATION,
                f"{subject} must have {due or _count(error.validator, limit)}, and has {len(value)}",
                place,
            )
        case "minimum" | "maximum":
            bound = "at least" if error.validator == "minimum" else "at most"
            return find(SCHEMA_VIOLATION, f"{subject} must be {bound} {limit}, not {value}", place)
        case "anyOf":
            fields = [f"`{option['required'][0]}`" for option in limit]
            return find(SCHEMA_VIOLATION, f"{subject} has neither {' nor '.join(fields)}", document.owner(path))
        case _:
            return find(SCHEMA_VIOLATION, f"{subject} does not fit: {error.message.lower()}", place)


def _advise_type(path: KeyPath, due: str, value: Value) -> str | None:
    field = f"{path[-1]}: " if path and isinstance(path[-1], str) else ""
    if due == "string" and isinstance(value, (bool, int, float)):
        return f'quote it: `{field}"{AS_WRITTEN}"`'
    if due == "string" and value is None:
        return "write a value, or leave the field out"
    if due == "string" and isinstance(value, dict) and "deny" in path[-2:]:
        return "`deny` holds patterns only: a deny that ended by itself would widen access silently"
    if due == "object" and not value:
        return f"write `{field}{{}}` for an empty map"
    if due == "array":
        return f"write `{field}[]` for an empty list" if value is None else f"write a list: `{field}[{_write(value)}]`"
    return None


def _noun_of(value: Value, *, shown: bool = False) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"`{_write(value)}`"
    if isinstance(value, str):
        return f"`{value}`" if shown else "text"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a map"


def _write(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else "…"


def _either(options: list[str]) -> str:
    shown = [f"`{option}`" for option in options]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1]


def _count(keyword: str, limit: int) -> str:
    what = "field" if keyword == "minProperties" else "entry"
    bound = "at most" if keyword == "maxItems" else "at least"
    plural = {"field": "fields", "entry": "entries"}[what]
    return f"{bound} {limit} {what if limit == 1 else plural}"
