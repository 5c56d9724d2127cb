"""Project: `hubcfg.yaml`, the file that makes a folder a project; it has no `kind`."""

from hubcfg.validator.schema import (
    DIALECT,
    Kind,
    Schema,
    choice,
    flag,
    identifier,
    list_of,
    mapping,
    names,
    patterns,
    record,
    text,
)

_PERCENT: Schema = {"type": "number", "minimum": 0, "maximum": 100}

_TARGET_FIELDS: dict[str, Schema] = {
    "type": choice("What kind of target it is.", "directory", "sqlite", "postgresql", "http"),
    "path": text(
        "The folder or file, relative to the project (directory, sqlite); the folder for what the API has no place for (http "
        "with the adapter opspilot365)."
    ),
    "dsn_env": text("The environment variable that holds the connection string (postgresql)."),
    "url": text("The base address of the API (http)."),
    "adapter": choice("Which API it speaks (http).", "hub", "opspilot365"),
    "token_env": text("The environment variable that holds the token (http)."),
    "requests_per_minute": {"type": "integer", "minimum": 1, "description": "At most this many; default 100 (http)."},
}

KIND = Kind(
    "Project",
    {"$schema": DIALECT, "title": "hubcfg.yaml"}
    | record(
        "The project file, hubcfg.yaml.",
        {
            "hubcfg": {"const": 1, "description": "The version of the configuration language."},
            "project": identifier("Names this repository; part of what approvals sign."),
            "platform": text("The platform of orgs that name none."),
            "sources": names("Which files are read, as .gitignore patterns."),
            "approvals": record(
                "How approvals are judged.",
                {
                    "signers": text("The OpenSSH allowed_signers file."),
                    "revoked": text("The file of revoked keys."),
                    "max_age_days": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": 36500,
                        "description": "An approval older than this no longer counts; default 365.",
                    },
                    "allow_self_approval": flag("Whether people may approve for themselves; default false."),
                },
            ),
            "lint": record(
                "Which findings of the table Policy and hygiene are shown, and how.",
                {
                    "ignore": names("Findings that are not shown."),
                    "severity": mapping("Other severities.", choice("The severity.", "error", "warning", "info")),
                },
            ),
            "separation_of_duties": list_of(
                record(
                    "Two sides of which nobody may hold something of each.",
                    {
                        "name": identifier("The constraint's name."),
                        "between": list_of(
                            patterns("One side.", minItems=1),
                            "Exactly two sides.",
                            minItems=2,
                            maxItems=2,
                        )
                        | {"x-due": "exactly two lists of patterns"},
                        "exempt_roles": names("Platform roles whose holders are exempt."),
                    },
                    ("name", "between"),
                ),
                "Separation of duties.",
            ),
            "targets": mapping(
                "Where bundles are deployed.", record("A target.", _TARGET_FIELDS, ("type",)), identifier("Its name.")
            ),
            "guardrails": record(
                "How much one deployment may take away.",
                {
                    "max_removed_users_percent": _PERCENT | {"description": "Default 25."},
                    "max_revoked_percent": _PERCENT | {"description": "Default 50."},
                },
            ),
            "outputs": list_of(
                record(
                    "An extra file, rendered by Jinja2 at compile.",
                    {
                        "template": text("The template's path."),
                        "path": text("The path of the result below the output folder; may contain `{{ org.id }}`."),
                        "per": choice("One file for each org, or one for the project.", "org", "project"),
                    },
                    ("template", "path", "per"),
                ),
                "Extra files.",
            ),
        },
        ("hubcfg", "project"),
    ),
)
