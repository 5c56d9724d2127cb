"""Users: the people, staff and client users alike."""

from hubcfg.validator.schema import (
    ORG,
    Kind,
    Schema,
    choice,
    document,
    flag,
    grants,
    mapping,
    names,
    patterns,
    record,
    text,
)

_ACCESS: dict[str, Schema] = {
    "roles": grants("role", "Hub roles."),
    "groups": grants("group", "Permission groups."),
    "permissions": grants("permission", "Direct grants."),
    "deny": patterns("Patterns taken away from what groups, roles and direct grants give."),
}

KIND = Kind(
    "Users",
    document(
        "Users",
        "The org's users, by id, which in practice is an e-mail address.",
        {
            "org": ORG,
            "users": mapping(
                "The users.",
                record(
                    "A user.",
                    {
                        "name": text("The person's name."),
                        "uid": text("The identity provider's immutable id of the person."),
                        "audience": choice("Staff of the MSP, or a client's own user.", "staff", "client"),
                        "company": text("The client that a client user belongs to."),
                        "role": text("The platform role; every staff user has exactly one."),
                        **_ACCESS,
                        "products": mapping(
                            "Product access: the products named here, and no others.",
                            record("Access to one product; its grants count within that product alone.", _ACCESS),
                        ),
                        "clients": {
                            "if": {"type": "array"},
                            "then": names("The clients that the user works for."),
                            "else": {"const": "all", "x-due": "`all` or a list of clients"},
                            "description": "The clients that the user works for, or `all`.",
                        },
                        "authentication": record(
                            "How the user signs in.",
                            {
                                "method": text("The sign-in method."),
                                "mfa": flag("Whether the account has the platform's second factor."),
                            },
                        ),
                        "suspended": flag("Keeps the entry, but gives no access."),
                    },
                ),
            ),
        },
        ("org", "users"),
    ),
    entries="users",
)
