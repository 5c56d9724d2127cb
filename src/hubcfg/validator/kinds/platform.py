"""Platform: a role model as data."""

from hubcfg.validator.kinds.groups import GROUP
from hubcfg.validator.schema import (
    Kind,
    Schema,
    choice,
    document,
    flag,
    identifier,
    list_of,
    mapping,
    names,
    patterns,
    record,
    text,
)


def _pattern_set(description: str) -> Schema:
    return record(
        description,
        {"allow": patterns("What is in it."), "except": patterns("What is taken out of that again.")},
    )


_COUNT: Schema = {"type": "integer", "minimum": 0}

_ROLE = record(
    "One platform role.",
    {
        "name": text("What people call it."),
        "root": flag("Whether its holders are the root of trust of approvals."),
        "holders": record(
            "How many holders an org must have.",
            {"min": _COUNT | {"description": "At least."}, "max": _COUNT | {"description": "At most."}},
        ),
        "baseline": _pattern_set("What every holder has; default: nothing."),
        "ceiling": _pattern_set("What a holder can have at most."),
        "access": choice("Whether grants are downgraded to reading.", "full", "read-only"),
        "products": choice("All active products, or those that are granted.", "all", "granted"),
        "implied_products": names("Products that are always accessible to holders when active."),
        "scope": choice("The clients that holders work for.", "all", "assigned", "none"),
        "approves": choice("Whether holders approve sensitive grants.", True, False, "led-teams"),
        "assignment_needs_approval": flag("Whether holding the role needs an approval."),
        "transfer": choice("How the role changes hands.", "free", "previous-holder", "forbidden"),
        "obligations": mapping(
            "Obligations that come with sensitive permissions.",
            {
                "if": {"type": "array"},
                "then": names("Sensitive categories."),
                "else": {"const": "sensitive", "x-due": "`sensitive` or a list of sensitive categories"},
            },
            identifier("The obligation's name."),
        ),
        "manages": choice("Whose access holders administer.", "all", "led-teams", "none"),
    },
    ("ceiling", "access", "products", "scope"),
)

KIND = Kind(
    "Platform",
    document(
        "Platform",
        "A platform: its roles, features and shared groups.",
        {
            "id": identifier("The platform's id."),
            "extends": text("The platform that this one is a patch of."),
            "name": text("The platform's name."),
            "version": text("The version of this definition."),
            "catalog": text("The id of its permission catalog."),
            "subscriptions": flag("Whether orgs subscribe to products; otherwise all are active."),
            "always_active": names("Products that need neither a subscription nor access."),
            "client_users": flag("Whether clients have users of their own."),
            "client_access": record(
                "What client users have and can have.",
                {
                    "baseline": _pattern_set("What every client user has; default: nothing."),
                    "ceiling": _pattern_set("What a client user can have at most; default: everything."),
                },
            ),
            "clients": record(
                "Present where orgs have clients.",
                {
                    "departments": flag("Whether clients have departments."),
                    "assigned": flag("Whether staff are assigned to clients."),
                },
            ),
            "teams": flag("Whether orgs have teams."),
            "roles": mapping("The platform roles.", _ROLE, identifier("The role's id.")) | {"minProperties": 1},
            "changes": list_of(
                record(
                    "A change that needs an approval beyond review.",
                    {
                        "change": choice("What changes.", "products"),
                        "by": names("The roles whose holders approve it.", minItems=1),
                    },
                    ("change", "by"),
                ),
                "Changes that need an approval beyond review.",
            ),
            "groups": mapping("The platform's own permission groups.", GROUP, identifier("The group's id.")),
            "products": mapping(
                "What the platform does with products.",
                record("One product.", {"onboarding": text("What first access to the product starts.")}),
            ),
            "authentication": record(
                "How people sign in, where the platform has rules.",
                {
                    "methods": names("The sign-in methods there are.", minItems=1),
                    "mfa": choice("Whether a second factor is required.", "required", "optional"),
                },
                ("methods",),
            ),
        },
        ("id", "catalog", "roles"),
    ),
)
