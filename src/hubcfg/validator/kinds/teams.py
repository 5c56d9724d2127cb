"""Teams: who leads whom, on platforms that have teams."""

from hubcfg.validator.schema import ORG, Kind, document, identifier, mapping, names, record

KIND = Kind(
    "Teams",
    document(
        "Teams",
        "The org's teams, by id.",
        {
            "org": ORG,
            "teams": mapping(
                "The teams.",
                record(
                    "A team.",
                    {"leads": names("The users who lead the team."), "members": names("The users in the team.")},
                ),
                identifier("The team's id."),
            ),
        },
        ("org", "teams"),
    ),
    entries="teams",
)
