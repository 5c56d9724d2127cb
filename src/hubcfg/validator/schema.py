"""The words that the JSON Schemas of all kinds are made of.

`x-due` says in plain words what is due where a schema says it in symbols; messages use it.
"""

from typing import Any, TypeAlias

from msgspec import Struct

from hubcfg.core.ids import ID_PATTERN

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Kind(Struct, frozen=True):
    """A kind of document: its name, its JSON Schema, and the field whose map holds the entries of a plural kind."""

    name: str
    schema: Schema
    entries: str | None = None


def text(description: str, **more: Any) -> Schema:
    """Returns the schema of a non-empty string."""
    return {"type": "string", "minLength": 1, "description": description} | more


def flag(description: str) -> Schema:
    """Returns the schema of a boolean."""
    return {"type": "boolean", "description": description}


def identifier(description: str) -> Schema:
    """Returns the schema of an id that this field defines."""
    due = "an id: lower-case letters, digits and `-`, beginning with a letter or digit, at most 63 characters"
    return {"type": "string", "pattern": ID_PATTERN, "x-due": due, "description": description}


def choice(description: str, *values: Any) -> Schema:
    """Returns the schema of a value out of a few."""
    return {"enum": list(values), "description": description}


def list_of(items: Schema, description: str, **more: Any) -> Schema:
    """Returns the schema of a list."""
    return {"type": "array", "items": items, "description": description} | more


def names(description: str, **more: Any) -> Schema:
    """Returns the schema of a list of names."""
    return list_of(text("a name"), description, **more)


def pattern(description: str = "A permission or a pattern such as `psa.tickets.*`.") -> Schema:
    """Returns the schema of a permission pattern; its syntax is judged by rules of their own."""
    return {"type": "string", "description": description, "x-pattern": True, "x-due": "a permission pattern"}


def patterns(description: str, **more: Any) -> Schema:
    """Returns the schema of a list of patterns."""
    return list_of(pattern(), description, **more)


def record(description: str, fields: dict[str, Schema], required: tuple[str, ...] = (), **more: Any) -> Schema:
    """Returns the schema of a map with known fields."""
    schema: Schema = {"type": "object", "description": description, "properties": fields, "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {}) | more


def mapping(description: str, values: Schema, keys: Schema | None = None) -> Schema:
    """Returns the schema of a map from keys of one form to values of one form."""
    schema: Schema = {"type": "object", "description": description, "additionalProperties": values}
    return schema | ({"propertyNames": keys} if keys is not None else {})


def instant(description: str) -> Schema:
    """Returns the schema of a date or date-time; whether it exists is judged by the validator."""
    due = "a date such as 2027-06-30 or a date-time such as 2027-06-30T18:00:00Z"
    return {"type": "string", "description": description, "x-due": due}


def grants(key: str, description: str) -> Schema:
    """Returns the schema of a `permissions`, `groups`, `roles` or `includes` list, whose object form has `key`."""
    target = pattern() if key == "permission" else text(f"the {key}'s id")
    entry = record(
        f"A {key} with a time window or a reason.",
        {
            key: target,
            "starts": instant("Counts from here on; a date means its beginning in UTC."),
            "expires": instant("Counts until here; a date means its end in UTC."),
            "reason": text("Why it is granted."),
            "ticket": text("The ticket that asked for it."),
        },
        (key,),
    )
    plain = target | {"x-due": f"a {'pattern' if key == 'permission' else key} or a map with `{key}`"}
    return list_of({"if": {"type": "object"}, "then": entry, "else": plain}, description)


def document(
    kind: str, description: str, fields: dict[str, Schema], required: tuple[str, ...] = (), **more: Any
) -> Schema:
    """Returns the schema of a whole document of `kind`."""
    all_fields = {"kind": {"const": kind, "description": "The kind of this document."}} | fields
    head: Schema = {"$schema": DIALECT, "title": kind}
    return head | record(description, all_fields, ("kind", *required), **more)


ORG = text("The id of the org that this document belongs to.")
PLATFORM = text("The id of a platform.")
