"""Roles: Hub roles, named bundles of groups and permissions for assignment."""

from hubcfg.validator.schema import ORG, Kind, document, grants, identifier, mapping, record, text

KIND = Kind(
    "Roles",
    document(
        "Roles",
        "Hub roles, by id.",
        {
            "org": ORG,
            "platform": text("Shared by every org of this platform; default, without `org`: the project's platform."),
            "roles": mapping(
                "The roles.",
                record(
                    "A Hub role.",
                    {
                        "name": text("What people call it."),
                        "description": text("What it is for."),
                        "groups": grants("group", "The groups that holders of the role are in."),
                        "permissions": grants("permission", "The permissions that the role gives."),
                    },
                ),
                identifier("The role's id."),
            ),
        },
        ("roles",),
    ),
    entries="roles",
)
