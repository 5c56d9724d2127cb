"""Tests: what must stay true about who can do what."""

from hubcfg.validator.schema import ORG, Kind, document, instant, list_of, names, patterns, record, text

KIND = Kind(
    "Tests",
    document(
        "Tests",
        "Assertions about users of the org.",
        {
            "org": ORG,
            "tests": list_of(
                record(
                    "One assertion.",
                    {
                        "name": text("The fact, in words."),
                        "user": text("The user's id."),
                        "can": patterns("All that these match, for the user's audience, is held."),
                        "cannot": patterns("Nothing that these match is held."),
                        "as_of": instant("The instant to look at; default: that of the run."),
                        "products": names("Exactly the products that the user can open."),
                        "scope": record(
                            "Exactly the user's scope.",
                            {
                                "clients": {
                                    "if": {"type": "array"},
                                    "then": names("The clients."),
                                    "else": {"const": "all", "x-due": "`all` or a list of clients"},
                                },
                                "company": text("A client user's company."),
                            },
                        ),
                    },
                    ("name", "user"),
                ),
                "The assertions.",
            ),
        },
        ("org", "tests"),
    ),
)
