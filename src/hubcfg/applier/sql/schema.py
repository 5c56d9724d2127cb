"""The tables, and the steps that bring older ones up to date (docs/tables.md, "Versions")."""

from msgspec import Struct

from hubcfg.applier.sql.database import Database
from hubcfg.applier.target import ForeignStateError


class Step(Struct, frozen=True):
    """Brings the tables from the version before to `version`; its statements name the dialect's types in braces."""

    version: int
    statements: tuple[str, ...]


_FIRST = Step(
    1,
    (
        "CREATE TABLE {t}meta (id INTEGER PRIMARY KEY CHECK (id = 1), schema_version INTEGER NOT NULL,"
        " serial {big} NOT NULL){strict}",
        "CREATE TABLE {t}lock (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, token {text},"
        " holder {text}){strict}",
        # What products read: who holds what.
        "CREATE TABLE {t}bundles (org {text} NOT NULL, audience {text} NOT NULL, format {text} NOT NULL,"
        " platform {text} NOT NULL, manage {text} NOT NULL, catalog {text} NOT NULL, products {text} NOT NULL,"
        " clients {text}, rest {text}, PRIMARY KEY (org, audience)){strict}",
        "CREATE TABLE {t}users (org {text} NOT NULL, user_id {text} NOT NULL, audience {text} NOT NULL, role {text},"
        " uid {text}, suspended {bool} NOT NULL, permission_set {big} NOT NULL, client_set {big} NOT NULL,"
        " ending_set {big}, obligation_set {big}, products {text} NOT NULL, manages {text}, authentication {text},"
        " rest {text}, PRIMARY KEY (org, user_id)){clustered}",
        "CREATE INDEX {i}users_permission_set ON {t}users (permission_set)",
        "CREATE INDEX {i}users_client_set ON {t}users (client_set)",
        "CREATE INDEX {i}users_ending_set ON {t}users (ending_set) WHERE ending_set IS NOT NULL",
        "CREATE INDEX {i}users_obligation_set ON {t}users (obligation_set) WHERE obligation_set IS NOT NULL",
        "CREATE TABLE {t}sets (set_no {big} NOT NULL PRIMARY KEY, kind {text} NOT NULL, digest {text} NOT NULL){strict}",
        "CREATE INDEX {i}sets_digest ON {t}sets (digest)",
        "CREATE TABLE {t}permissions (set_no {big} NOT NULL, permission {text} NOT NULL,"
        " PRIMARY KEY (set_no, permission)){clustered}",
        "CREATE TABLE {t}clients (set_no {big} NOT NULL, client {text} NOT NULL, PRIMARY KEY (set_no, client)){clustered}",
        "CREATE TABLE {t}endings (set_no {big} NOT NULL, permission {text} NOT NULL, ends_at {instant},"
        " PRIMARY KEY (set_no, permission)){clustered}",
        "CREATE TABLE {t}obligations (set_no {big} NOT NULL, permission {text} NOT NULL, obligation {text} NOT NULL,"
        " PRIMARY KEY (set_no, permission, obligation)){clustered}",
        "CREATE VIEW {t}held AS SELECT u.org, u.user_id, u.audience, u.role, p.permission, e.ends_at, (SELECT"
        " {join_obligations} FROM {t}obligations o WHERE o.set_no = u.obligation_set AND o.permission = p.permission)"
        " AS obligations, u.client_set FROM {t}users u JOIN {t}permissions p ON p.set_no = u.permission_set"
        " LEFT JOIN {t}endings e ON e.set_no = u.ending_set AND e.permission = p.permission"
        " WHERE NOT u.suspended AND (e.ends_at IS NULL OR e.ends_at > {now})",
        "CREATE VIEW {t}allowed AS SELECT h.org, h.user_id, h.audience, h.role, h.permission, c.client, h.ends_at,"
        " h.obligations FROM {t}held h JOIN {t}clients c ON c.set_no = h.client_set",
        # What hubcfg remembers.
        "CREATE TABLE {t}deployed (org {text} NOT NULL, audience {text} NOT NULL, digest {text} NOT NULL,"
        " PRIMARY KEY (org, audience)){strict}",
        "CREATE TABLE {t}deployed_parts (org {text} NOT NULL, audience {text} NOT NULL, part INTEGER NOT NULL,"
        " digest {text} NOT NULL, content {bytes} NOT NULL, PRIMARY KEY (org, audience, part)){strict}",
        "CREATE TABLE {t}orgs (org {text} NOT NULL PRIMARY KEY){clustered}",
        "CREATE TABLE {t}ever (org {text} NOT NULL, user_id {text} NOT NULL, PRIMARY KEY (org, user_id)){clustered}",
        "CREATE TABLE {t}records (serial {big} NOT NULL PRIMARY KEY, record {bytes} NOT NULL){strict}",
        "CREATE TABLE {t}sources (serial {big} NOT NULL PRIMARY KEY, archive {bytes} NOT NULL){strict}",
        "CREATE TABLE {t}journal (id INTEGER PRIMARY KEY CHECK (id = 1), serial {big} NOT NULL,"
        " beginning {bytes} NOT NULL){strict}",
        "CREATE TABLE {t}journal_done (serial {big} NOT NULL, org {text} NOT NULL, PRIMARY KEY (serial, org)){strict}",
        "INSERT INTO {t}meta VALUES (1, 0, 0)",
        "INSERT INTO {t}lock VALUES (1, 0, NULL, NULL)",
    ),
)

STEPS: tuple[Step, ...] = (_FIRST,)

# What the first version has; a later one may add columns, so more than these is no surprise.
_TABLES = ("meta", "lock", "bundles", "users", "sets", "permissions", "clients", "endings", "obligations")
_MEMORY = ("orgs", "deployed", "deployed_parts", "ever", "records", "sources", "journal", "journal_done")


def read_version(database: Database) -> int:
    """Returns the version of the tables, 0 where there are none.

    Raises ForeignStateError where they are of a later version than this hubcfg knows, or not ours.
    """
    found = database.find_tables()
    if not found.keys() & {*_TABLES, *_MEMORY, "held", "allowed"}:
        return 0
    if not {"id", "schema_version", "serial"} <= found.get("meta", frozenset()):
        raise _foreign(f"it has tables named like hubcfg's ({_list(found)}), but no `meta` that says their version")
    rows = database.query("SELECT schema_version FROM hubcfg_meta WHERE id = 1")
    if len(rows) != 1 or type(rows[0][0]) is not int:
        raise _foreign("its table `meta` does not say the version of the tables")
    version: int = rows[0][0]
    if version > STEPS[-1].version:
        advice = "deploy with that hubcfg or a later one; nothing here was changed"
        raise ForeignStateError(
            f"its tables have version {version}, from a later hubcfg than this one, which knows {STEPS[-1].version}",
            help=advice,
        )
    missing = [name for name in (*_TABLES, *_MEMORY) if name not in found]
    if version < 1 or missing:
        raise _foreign(
            f"its tables say version {version}, but `{missing[0] if missing else 'meta'}` is not as it has to be"
        )
    return version


def migrate(database: Database, version: int) -> None:
    """Brings tables of a version up to the latest, within the transaction that the caller has begun."""
    types = database.dialect.types
    for step in STEPS:
        if step.version > version:
            for statement in step.statements:
                database.define(statement.format(**types))
            database.run("UPDATE hubcfg_meta SET schema_version = ? WHERE id = 1", (step.version,))


def _foreign(message: str) -> ForeignStateError:
    advice = "give hubcfg a database of its own, or put back what a backup has; docs/tables.md describes the tables"
    return ForeignStateError(message, help=advice)


def _list(names: dict[str, frozenset[str]]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
