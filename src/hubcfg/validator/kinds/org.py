"""Org: one organisation whose access the project manages."""

from hubcfg.validator.schema import Kind, choice, document, identifier, mapping, names, record, text

KIND = Kind(
    "Org",
    document(
        "Org",
        "An organisation: the MSP itself, or a tenant of its platform.",
        {
            "id": identifier("The org's id."),
            "name": text("The org's name."),
            "platform": text("The platform that the org is on; default: the project's."),
            "catalog": text("The platform's catalog, or one that extends it; default: the platform's."),
            "manage": choice(
                "`exclusive`: people in the target who are not here are removed; `listed`: they are left alone.",
                "exclusive",
                "listed",
            ),
            "products": mapping(
                "The products that the org has subscribed to.",
                choice("The state of the subscription.", "active", "trial", "not-subscribed"),
            ),
            "authentication": record(
                "How people sign in; may only be stricter than the platform's rules.",
                {
                    "methods": names("The sign-in methods that are allowed.", minItems=1),
                    "mfa": choice("Whether a second factor is required.", "required", "optional"),
                },
            ),
        },
        ("id",),
    ),
)
