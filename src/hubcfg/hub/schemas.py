"""JSON Schemas of what the hub takes and gives: requests are judged by them, and the API's description shows them."""

from typing import Any, TypeAlias

from hubcfg.core.ids import ID_PATTERN

Schema: TypeAlias = dict[str, Any]

API_VERSION = 1
MAX_SERIAL = 2**53 - 1
PERMISSION_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*){2}$"
_INSTANT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"


def record(
    description: str, fields: dict[str, Schema], required: tuple[str, ...] = (), *, title: str | None = None
) -> Schema:
    """Returns the schema of an object with these fields and no others."""
    head: Schema = {} if title is None else {"title": title}
    return head | {
        "description": description,
        "type": "object",
        "properties": fields,
        "required": list(required),
        "additionalProperties": False,
    }


def text(description: str, **more: Any) -> Schema:
    """Returns the schema of a string."""
    return {"description": description, "type": "string", **more}


def list_of(description: str, items: Schema, **more: Any) -> Schema:
    """Returns the schema of a list."""
    return {"description": description, "type": "array", "items": items, **more}


def map_of(description: str, values: Schema, keys: Schema | None = None) -> Schema:
    """Returns the schema of a map."""
    head: Schema = {"description": description, "type": "object", "additionalProperties": values}
    return head if keys is None else head | {"propertyNames": keys}


def optional(schema: Schema) -> Schema:
    """Returns the schema of the same value or null."""
    return {"oneOf": [schema, {"type": "null"}]}


AUDIENCE = {"description": "Whose access it is.", "enum": ["staff", "client"]}
ORG = text("An org's id.", pattern=ID_PATTERN)
# What else an id may not have is Unicode's business (docs/language.md, "Ids").
USER = text("A user's id.", minLength=1, maxLength=254, pattern=r"^[^/\\\s]+$")
SHA256 = text("A SHA-256 in hex digits.", pattern="^[0-9a-f]{64}$")
PERMISSION = text("A permission.", pattern=PERMISSION_PATTERN)
PERMISSIONS = list_of("Permissions, sorted.", PERMISSION)
INSTANT = text("An instant in UTC.", pattern=_INSTANT_PATTERN)
UNTIL = map_of("When permissions end by themselves.", INSTANT, {"pattern": PERMISSION_PATTERN})
SERIAL = {"description": "A deployment's number.", "type": "integer", "minimum": 1, "maximum": MAX_SERIAL}
ROLE = text("The platform role; only staff have one.")
AUTHENTICATION = record(
    "How the user signs in, on platforms with rules for that.",
    {
        "method": text("The sign-in method."),
        "mfa": {"description": "Whether there is a second factor.", "type": "boolean"},
    },
    ("method", "mfa"),
)
CLIENTS = {
    "description": "`all`, or the clients, sorted.",
    "oneOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}}],
}
SCOPE = {
    "description": "Whom the user works for: clients, or a client user's own company.",
    "oneOf": [
        record("Staff.", {"clients": CLIENTS}, ("clients",)),
        record("A client user.", {"company": text("The company.")}, ("company",)),
    ],
}

ENTRY = record(
    "What a user holds: a bundle's entry, with the permissions in full (docs/bundles.md).",
    {
        "role": ROLE,
        "uid": text("The identity provider's immutable id."),
        "permissions": PERMISSIONS | {"description": "What the user holds, sorted, nothing twice."},
        "products": list_of("The products that the user can open, sorted.", {"type": "string"}),
        "scope": SCOPE,
        "obligations": map_of("Obligations, with the permissions that they come with.", PERMISSIONS),
        "until": UNTIL,
        "manages": {
            "description": "Whose access the user administers.",
            "oneOf": [
                {"const": "all"},
                list_of("Users of the teams that the user leads, sorted.", {"type": "string"}, minItems=1),
            ],
        },
        "suspended": {"description": "Only there for users who are suspended, who hold nothing.", "const": True},
        "authentication": AUTHENTICATION,
    },
    ("permissions", "products", "scope"),
    title="Entry",
)
PERSON = record("A user.", {"audience": AUDIENCE, "user": ENTRY}, ("audience", "user"), title="User")

HEAD = record(
    "All of a bundle but its users and their permission sets, and what the address says (docs/bundles.md).",
    {
        "platform": text("The org's platform."),
        "manage": {
            "description": "Whether people in the target who are not in the bundle are removed (`exclusive`) or left alone (`listed`).",
            "enum": ["exclusive", "listed"],
        },
        "catalog": record(
            "The catalog that the permissions are of.",
            {
                "id": text("The catalog's id."),
                "version": {"description": "Its version; null where it has none.", "type": ["string", "null"]},
                "digest": text(
                    "The digest of the RFC 8785 JSON of the resolved catalog.", pattern="^sha256:[0-9a-f]{64}$"
                ),
            },
            ("id", "version", "digest"),
        ),
        "products": map_of(
            "The products that the org can use, and the state of the subscription.", {"enum": ["active", "trial"]}
        ),
        "clients": map_of(
            "The clients that occur, on platforms that have them.",
            record(
                "A client.",
                {
                    "name": text("Its name."),
                    "departments": list_of("Its departments, sorted.", {"type": "string"}),
                },
                ("name", "departments"),
            ),
        ),
    },
    ("platform", "manage", "catalog", "products"),
    title="Head",
)

# In an answer the users are described by what every entry has; `hubcfg schema bundle` prints the format in full.
BUNDLE = {
    "title": "Bundle",
    "description": "An org file in the format `hubcfg.bundle/1` (docs/bundles.md), canonical JSON and a newline.",
    "type": "object",
    "properties": {
        **HEAD["properties"],
        "format": {"const": "hubcfg.bundle/1"},
        "org": ORG,
        "audience": AUDIENCE,
        "permission_sets": map_of("Lists of permissions by the SHA-256 of their canonical JSON.", PERMISSIONS),
        "users": map_of(
            "The users by id.",
            {"type": "object", "properties": {"set": SHA256}, "required": ["set", "products", "scope"]},
        ),
    },
    "required": ["format", "org", "audience", *HEAD["required"], "permission_sets", "users"],
    "additionalProperties": False,
}

ORGS = record(
    "The orgs that the hub has anything of, or once had by a deployment.",
    {
        "orgs": list_of(
            "The orgs, by id.",
            record(
                "An org.",
                {
                    "org": ORG,
                    "bundles": record("The SHA-256 of each live bundle.", {"staff": SHA256, "client": SHA256}),
                },
                ("org", "bundles"),
            ),
        )
    },
    ("orgs",),
    title="Orgs",
)
PAGE = record(
    "Users, by id; `next` is the `after` of the next page, null on the last one.",
    {"users": map_of("The users.", ENTRY), "next": optional(text("The last id of this page."))},
    ("users", "next"),
    title="Users",
)
IDS = list_of("Ids of users.", {"type": "string"})
EVER = record("Who was ever deployed to an org.", {"ever": IDS}, ("ever",), title="Ever")

HOLDER = record(
    "The process that holds the lock; `who` and `since` are for people, the rest tells whether it still runs.",
    {
        "who": text("Who it is."),
        "since": text("Since when."),
        "host": text("The machine."),
        "pid": {"description": "The process.", "type": "integer", "minimum": 0, "maximum": MAX_SERIAL},
        "boot": text("Tells one start of the machine from another; empty where unknown."),
        "started": text("Tells the process from another one of the same number; empty where unknown."),
    },
    ("who", "since", "host", "pid", "boot", "started"),
    title="Holder",
)
STATE = record(
    "Where the hub stands.",
    {
        "api": {"description": "The version of this API.", "const": API_VERSION},
        "serial": {"description": "The last record's serial; 0 before the first.", "type": "integer", "minimum": 0},
        "record_sha256": optional(SHA256),
        "lock": optional(HOLDER),
        "interrupted": optional(
            record(
                "The deployment that began and has not ended: it runs now, or was interrupted.",
                {
                    "serial": SERIAL,
                    "beginning": text("What was written down when it began."),
                    "done": list_of("The orgs that it finished.", {"type": "string"}),
                },
                ("serial", "beginning", "done"),
            )
        ),
    },
    ("api", "serial", "record_sha256", "lock", "interrupted"),
    title="State",
)
DEPLOYMENT = record(
    "A deployment that begins.",
    {"serial": SERIAL, "beginning": text("What is known of it from the start, as JSON text.")},
    ("serial", "beginning"),
    title="Deployment",
)
FINISHED = record(
    "An org that a deployment has finished.",
    {
        "serial": SERIAL,
        "files": record("The org's bundles.", {"staff": text("The text."), "client": text("The text.")}),
        "ever": IDS | {"description": "Who was ever deployed to it."},
    },
    ("serial", "files", "ever"),
    title="Finished",
)
NEW_RECORD = record(
    "The record of a deployment.",
    {
        "serial": SERIAL,
        "record": text("The record: the text of a JSON object with the same `serial`, kept as it is."),
        "sources": text("The archive of what it was made from, in base64.", contentEncoding="base64"),
    },
    ("serial", "record"),
    title="NewRecord",
)
RECORDED = record(
    "The record that was kept.",
    {"serial": SERIAL, "record_sha256": SHA256},
    ("serial", "record_sha256"),
    title="Recorded",
)
RECORDS = record(
    "Records in the order of their serials; `next` is the `after` of the next page, null on the last one.",
    {"records": list_of("The texts of the records.", {"type": "string"}), "next": optional(SERIAL)},
    ("records", "next"),
    title="Records",
)

QUESTION = record(
    "May this user do this, for this client, now?",
    {
        "org": text("The org."),
        "user": text("The user."),
        "permission": text("The permission."),
        "client": text("The client; left out: for anybody at all."),
    },
    ("org", "user", "permission"),
    title="Question",
)
VERDICT = record(
    "The answer.",
    {
        "allowed": {"description": "Whether it is allowed now.", "type": "boolean"},
        "reason": text("Why, or why not."),
        "until": optional(INSTANT),
        "obligations": list_of("What has to be met besides, such as `manager-approval`.", {"type": "string"}),
    },
    ("allowed", "reason", "until", "obligations"),
    title="Verdict",
)

TECHNICIAN = record("A technician who is invited.", {"role": text("The role.")}, ("role",), title="Technician")
TECHNICIAN_PERMISSIONS = record(
    "What a technician may do.",
    {
        "role": text("The role."),
        "permissions": PERMISSIONS,
        "customers": CLIENTS | {"description": "`all`, or the ids of the customers."},
        "managerApproval": PERMISSIONS | {"description": "Those that a manager has to approve each time."},
        "authentication": AUTHENTICATION,
        "until": UNTIL,
    },
    ("role", "permissions", "customers"),
    title="TechnicianPermissions",
)

HEALTH = record("The server answers.", {"status": {"const": "ok"}}, ("status",), title="Health")
PROBLEM = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
