"""The findings about references, made while documents are bound to each other (docs/findings.md, "References")."""

from hubcfg.core.rule import Rule, Table

UNKNOWN_PERMISSION = Rule(
    "unknown-permission",
    Table.REFERENCES,
    """A pattern matches nothing in the catalog.

    Why: a grant of nothing looks like a grant in review, and a misspelt deny takes nothing away.

    Example:
        permissions: [psa.tickets.reed]

    Mend: use the permission that the help line names, or look for it with `hubcfg catalog search WORD`.
    """,
)

MALFORMED_PATTERN = Rule(
    "malformed-pattern",
    Table.REFERENCES,
    """The text is not a permission pattern.

    Why: `*` stands for whole segments only, so that a reviewer can tell what is meant without knowing the catalog.

    Example:
        permissions: [psa.tick*]

    Mend: write one to three segments joined by dots, each a name or `*`, the last `*` where there are fewer than three.
    """,
)


def _unknown(kind: str, what: str, example: str, mend: str) -> Rule:
    doc = f"""{what} that is not defined anywhere.

    Why: what is meant cannot be guessed, and leaving it out silently would change somebody's access.

    Example:
        {example}

    Mend: {mend}
    """
    return Rule(f"unknown-{kind}", Table.REFERENCES, doc)


UNKNOWN_GROUP = _unknown(
    "group",
    "A permission group",
    "groups: [technicain]",
    "use the name that the help line gives, or define the group in a Groups document that the org can see.",
)
UNKNOWN_ROLE = _unknown(
    "role",
    "A Hub role",
    "roles: [service-desk-technican]",
    "use the name that the help line gives, or define the role in a Roles document that the org can see.",
)
UNKNOWN_ORG = _unknown("org", "An org", "org: nothwind", "use the id of an Org document of this project, or add one.")
UNKNOWN_CLIENT = _unknown(
    "client",
    "A client or company",
    "clients: [contosso]",
    "use the id of a client in the org's Clients document, or add it.",
)
UNKNOWN_PRODUCT = _unknown(
    "product",
    "A product",
    "products: {pas: active}",
    "use a product of the org's catalog; `hubcfg catalog list` shows them.",
)
UNKNOWN_USER = _unknown(
    "user",
    "A user, named by a team or a test,",
    "leads: [lee@pilot.example]",
    "use the id of a user of the same org, or add the user.",
)
UNKNOWN_PLATFORM_ROLE = _unknown(
    "platform-role",
    "A platform role",
    "role: membr",
    "use a role of the org's platform; `hubcfg platforms show ID` lists them.",
)
UNKNOWN_PLATFORM = _unknown(
    "platform",
    "A platform or catalog",
    "platform: onestak",
    "use a built-in platform (`hubcfg platforms` lists them) or one that the project defines; a catalog must be the"
    " platform's own or extend it.",
)

INCLUDE_CYCLE = Rule(
    "include-cycle",
    Table.REFERENCES,
    """Groups include, or platforms or catalogs extend, each other in a circle.

    Why: in a circle nothing is defined by anything else; what each member gives could not be explained.

    Example:
        groups:
          day: {includes: [night]}
          night: {includes: [day]}

    Mend: break the circle; put what they share into a third group that both include.
    """,
)

DUPLICATE_ID = Rule(
    "duplicate-id",
    Table.REFERENCES,
    """The same id, or one that looks the same, is defined twice; or two users have one `uid`.

    Ids look the same when they are equal under Unicode's NFKC and case folding. It is also reported where a group takes the
    name of one that the platform has, or that is shared with the org, and where a project defines a built-in platform or
    catalog again. It stands at the later place, in the order of files and lines.

    Why: two people, groups or clients with one name cannot be told apart, neither by hubcfg nor by a reviewer.

    Example:
        users:
          ana@northwind.example: {role: member}
          Ana@northwind.example: {role: admin}

    Mend: keep one of the two; rename the other, or merge it into the first.
    """,
)

RULES = (
    UNKNOWN_PERMISSION,
    MALFORMED_PATTERN,
    UNKNOWN_GROUP,
    UNKNOWN_ROLE,
    UNKNOWN_ORG,
    UNKNOWN_CLIENT,
    UNKNOWN_PRODUCT,
    UNKNOWN_USER,
    UNKNOWN_PLATFORM_ROLE,
    UNKNOWN_PLATFORM,
    INCLUDE_CYCLE,
    DUPLICATE_ID,
)
