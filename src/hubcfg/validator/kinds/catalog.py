"""Catalog: the permissions that there are, and what they are like."""

from hubcfg.validator.schema import Kind, choice, document, flag, identifier, list_of, mapping, names, record, text

_SEGMENT = {
    "pattern": "^[A-Za-z][A-Za-z0-9_-]*$",
    "x-due": "a name: letters, digits, `_` and `-`, beginning with a letter",
}

_ACTION = record(
    "One permission.",
    {
        "access": choice("Whether it only looks.", "read", "write"),
        "audiences": list_of(
            choice("Who may hold it.", "staff", "client"), "Who may hold it; default: staff.", minItems=1
        ),
        "sensitive": names("The sensitive categories that it is in."),
        "description": text("What its holder can do."),
        "deprecated": flag("Whether it should no longer be used."),
        "replaced_by": text("The permission to use instead."),
    },
)

_RESOURCE = record("One resource.", {"actions": mapping("Its actions.", _ACTION, _SEGMENT)}, ("actions",))

KIND = Kind(
    "Catalog",
    document(
        "Catalog",
        "A permission catalog: products, their resources, and the actions on them.",
        {
            "id": identifier("The catalog's id."),
            "extends": text("The catalog that this one is a patch of."),
            "name": text("The catalog's name."),
            "version": text("The catalog's version."),
            "sensitive_categories": mapping(
                "Sensitive categories beyond the built-in ones.",
                text("What the category means."),
                identifier("The category's name."),
            ),
            "products": mapping(
                "The products.",
                record(
                    "One product.",
                    {
                        "name": text("The product's name."),
                        "description": text("What the product is."),
                        "resources": mapping("Its resources.", _RESOURCE, _SEGMENT),
                    },
                    ("resources",),
                ),
                _SEGMENT,
            ),
            "aliases": mapping("Other names of permissions, and of whole resources.", text("What it stands for.")),
        },
        ("id", "products"),
    ),
)
