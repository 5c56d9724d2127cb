"""The findings of the language itself, made while files are read and their shape is checked (docs/findings.md, "Language")."""

from hubcfg.core.rule import Rule, Table

INVALID_YAML = Rule(
    "invalid-yaml",
    Table.LANGUAGE,
    """The file is not YAML from this place on.

    Why: nothing after a syntax error can be trusted to mean what it looks like, so the document is not used at all.

    Example:
        role:member

    Mend: write what the help line shows. The common slips are a tab where spaces are due, a missing space after `:`
    or `-`, and text that contains `: ` or ` #` without quotes.
    """,
)

UNQUOTED_WILDCARD = Rule(
    "unquoted-wildcard",
    Table.LANGUAGE,
    """A pattern that begins with `*` stands without quotes, where YAML takes it for an alias.

    Why: an unquoted `*` starts a reference to an anchor in YAML, so the pattern never reaches hubcfg.

    Example:
        permissions: [*.*.read]

    Mend: quote it: `"*.*.read"`. `hubcfg fix` does it for you.
    """,
)

DUPLICATE_KEY = Rule(
    "duplicate-key",
    Table.LANGUAGE,
    """The same key stands twice in one map.

    Why: of two values for one key a reader sees either; most YAML readers silently take the last one.

    Example:
        ana@northwind.example: {role: member}
        ana@northwind.example: {role: admin}

    Mend: merge the two entries, or rename the one that is wrong.
    """,
)

FORBIDDEN_YAML = Rule(
    "forbidden-yaml",
    Table.LANGUAGE,
    """YAML that hubcfg's profile leaves out because reviewers cannot see what it means.

    Why: tags, merge keys, keys that are not text, nesting beyond 64 levels, aliases that unfold to a flood, and
    invisible or text-reversing characters make a file mean something else than what it shows.

    Example:
        <<: *defaults

    Mend: write the thing out plainly; for shared permissions define a group and name it.
    """,
)

SCHEMA_VIOLATION = Rule(
    "schema-violation",
    Table.LANGUAGE,
    """The document does not fit the schema of its kind: an unknown or missing field, a wrong type or value.

    Why: a field that hubcfg does not know has no effect, and a grant with a misspelt `expires` would never end.

    Example:
        users:
          ana@northwind.example: {rol: member}

    Mend: the help line names the nearest field, or the form that is due. Values are never converted: where text
    is due, a number, a boolean or an empty value must be quoted or replaced.
    """,
)

INVALID_PROJECT = Rule(
    "invalid-project",
    Table.LANGUAGE,
    """`hubcfg.yaml` is missing, lies below another one, or is of a language version that this hubcfg does not know.

    Why: the project file decides what is read; a second one, or YAML hidden in an output folder, could make part of a
    project vanish without anybody noticing.

    Example:
        hubcfg: 2

    Mend: keep exactly one `hubcfg.yaml`, at the root, that says `hubcfg: 1`; keep sources out of output folders.
    """,
)

UNREADABLE_FILE = Rule(
    "unreadable-file",
    Table.LANGUAGE,
    """The file cannot be read: it is not UTF-8, access is denied, or it is a link that leads out of the project.

    Why: a file that is passed over silently is a grant, or a denial, that silently has no effect.

    Example:
        users/sales.yaml -> /home/bo/sales.yaml

    Mend: save the file as UTF-8, give hubcfg the right to read it, or put the file itself in place of the link.
    """,
)

RULES = (
    INVALID_YAML,
    UNQUOTED_WILDCARD,
    DUPLICATE_KEY,
    FORBIDDEN_YAML,
    SCHEMA_VIOLATION,
    INVALID_PROJECT,
    UNREADABLE_FILE,
)
