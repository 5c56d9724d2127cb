"""Clients: the MSP's clients, also called customers or companies."""

from hubcfg.validator.schema import ORG, Kind, document, identifier, list_of, mapping, record, text

KIND = Kind(
    "Clients",
    document(
        "Clients",
        "The org's clients, by id.",
        {
            "org": ORG,
            "clients": mapping(
                "The clients.",
                record(
                    "A client.",
                    {
                        "name": text("The client's name."),
                        "departments": list_of(
                            identifier("A department's id."), "Its departments, where the platform has them."
                        ),
                    },
                ),
                identifier("The client's id.") | {"not": {"const": "all"}},
            ),
        },
        ("org", "clients"),
    ),
    entries="clients",
)
