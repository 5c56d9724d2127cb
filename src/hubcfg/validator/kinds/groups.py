"""Groups: permission groups, of one org or shared by every org of a platform."""

from hubcfg.validator.schema import ORG, Kind, choice, document, grants, identifier, mapping, record, text

GROUP = record(
    "A permission group.",
    {
        "name": text("What people call it."),
        "description": text("What it is for."),
        "audience": choice("Who may be in it.", "staff", "client"),
        "includes": grants("group", "Groups whose permissions this one has as well."),
        "permissions": grants("permission", "The permissions that the group gives."),
    },
)

KIND = Kind(
    "Groups",
    document(
        "Groups",
        "Permission groups, by id.",
        {
            "org": ORG,
            "platform": text("Shared by every org of this platform; default, without `org`: the project's platform."),
            "groups": mapping("The groups.", GROUP, identifier("The group's id.")),
        },
        ("groups",),
    ),
    entries="groups",
)
