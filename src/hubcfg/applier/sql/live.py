"""Reads what the tables hold of orgs, as bundles, and finds or writes the sets that rows name."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from msgspec import Struct, field

from hubcfg.applier.sql.database import Database, Row
from hubcfg.applier.sql.rows import (
    HEAD_COLUMNS,
    MEMBER_COLUMNS,
    SET_COLUMNS,
    USER_COLUMNS,
    Decoder,
    Kind,
    Members,
    SetContent,
    Value,
    encode_bundle,
    unreadable,
)
from hubcfg.planner.held import OrgFiles
from hubcfg.platforms.grants import Audience

_USERS = f"SELECT {', '.join(USER_COLUMNS)} FROM hubcfg_users"
_HIGHEST = 1 << 53
_HEADS = f"SELECT {', '.join(HEAD_COLUMNS)} FROM hubcfg_bundles"


class LiveOrg(Struct, frozen=True):
    """An org as the tables have it: its rows, and the bundles that they are."""

    heads: Mapping[str, Row] = field(default_factory=dict)
    users: Mapping[str, Row] = field(default_factory=dict)
    bundles: Mapping[Audience, Value] = field(default_factory=dict)

    def encode(self) -> OrgFiles:
        """Returns the bundles' bytes."""
        return {audience: encode_bundle(bundle) for audience, bundle in self.bundles.items()}


def read_live(database: Database, org: str) -> LiveOrg:
    """Returns an org as the tables have it; raises ForeignStateError where its rows are no bundles."""
    heads = database.query(f"{_HEADS} WHERE org = ?", (org,))
    users = database.query(f"{_USERS} WHERE org = ? ORDER BY user_id", (org,))
    return _build(org, heads, users, _read_decoder(database, org))


def read_all_live(database: Database) -> Iterator[tuple[str, LiveOrg]]:
    """Yields each org that has a bundle or a user, one in memory at a time."""
    heads: dict[str, list[Row]] = {}
    for row in database.query(f"{_HEADS} ORDER BY org"):
        heads.setdefault(row[0], []).append(row)
    decoder = _read_decoder(database, None)
    for org, users in groupby(database.stream(f"{_USERS} ORDER BY org, user_id"), key=lambda row: str(row[0])):
        yield org, _build(org, heads.pop(org, []), list(users), decoder)
    for org, rows in heads.items():
        yield org, _build(org, rows, [], decoder)


def _build(org: str, heads: list[Row], users: list[Row], decoder: Decoder) -> LiveOrg:
    by_audience: dict[str, list[Row]] = {row[1]: [] for row in heads}
    for row in users:
        if row[2] not in by_audience:
            raise unreadable(
                f"`users` has `{row[1]}` of `{org}`, who is {row[2]}, and `bundles` has no such row of `{org}`"
            )
        by_audience[row[2]].append(row)
    bundles = {}
    for head in heads:
        try:
            audience = Audience(head[1])
        except ValueError:
            raise unreadable(f"`bundles` has a row of `{org}` for an audience `{head[1]}`") from None
        bundles[audience] = decoder.decode(head, by_audience[head[1]])
    return LiveOrg({row[1]: row for row in heads}, {row[1]: row for row in users}, bundles)


def _read_decoder(database: Database, org: str | None) -> Decoder:
    """Returns what makes bundles of the rows of an org, or of all."""
    members = {
        table: _read_members(
            database, table, "" if org is None else f"SELECT {column} FROM hubcfg_users WHERE org = ?", org
        )
        for table, column in _SET_COLUMN.items()
    }
    companies = database.query("SELECT set_no FROM hubcfg_sets WHERE kind = ?", (Kind.COMPANY.value,))
    return Decoder(members, frozenset(number for (number,) in companies), database.dialect.read_instant)


_SET_COLUMN = dict(zip(MEMBER_COLUMNS, USER_COLUMNS[SET_COLUMNS], strict=True))


def _read_members(database: Database, table: str, of: str, parameter: object) -> dict[int, Members]:
    condition = f" WHERE set_no IN ({of})" if of else ""
    columns = ", ".join(("set_no", *MEMBER_COLUMNS[table]))
    found: dict[int, list[tuple[str, ...]]] = {}
    for number, *member in database.query(f"SELECT {columns} FROM {table}{condition}", (parameter,) if of else ()):
        found.setdefault(number, []).append(tuple(member))
    return {number: tuple(sorted(members)) for number, members in found.items()}


def number_sets(database: Database, contents: Iterable[SetContent]) -> dict[SetContent, int]:
    """Returns the numbers of sets; writes those that are not there.

    A set whose members were changed by hand is not taken for what it was: other orgs may still have it, and keep it.
    """
    wanted = {content: content.digest for content in contents}
    numbers: dict[SetContent, int] = {}
    candidates: dict[tuple[str, str], list[int]] = {}
    rows = database.query(
        "SELECT set_no, kind, digest FROM hubcfg_sets WHERE digest = ANY_OF(?)", (database.many(wanted.values()),)
    )
    for number, kind, digest in rows:
        candidates.setdefault((kind, digest), []).append(number)
    stored = {
        table: _read_members(
            database, table, "SELECT set_no FROM hubcfg_sets WHERE digest = ANY_OF(?)", database.many(wanted.values())
        )
        for table in MEMBER_COLUMNS
    }
    for content, digest in wanted.items():
        for number in candidates.get((content.kind.value, digest), ()):
            if _normalise(database, content, stored[content.kind.table].get(number, ())) == content.members:
                numbers[content] = number
    _write_sets(database, {one: digest for one, digest in wanted.items() if one not in numbers}, numbers)
    return numbers


def _normalise(database: Database, content: SetContent, members: Members) -> Members:
    """Returns members as they were written: a database may give instants in another form than it takes them."""
    if content.kind is not Kind.ENDINGS:
        return members
    dialect = database.dialect
    read = [(name, dialect.read_instant(moment)) for name, moment in members]
    return tuple(sorted((name, dialect.write_instant(moment)) for name, moment in read if moment is not None))


def _write_sets(database: Database, missing: Mapping[SetContent, str], numbers: dict[SetContent, int]) -> None:
    if not missing:
        return
    # A number is not given again while rows of it are left anywhere, be it by hand.
    highest = max(
        database.query(f"SELECT coalesce(max({column}), 0) FROM {table} WHERE {column} IS NOT NULL")[0][0]
        for table, column in [
            ("hubcfg_sets", "set_no"),
            *((table, "set_no") for table in MEMBER_COLUMNS),
            *(("hubcfg_users", column) for column in _SET_COLUMN.values()),
        ]
    )
    if highest >= _HIGHEST:
        raise unreadable(f"the tables have a set of the number {highest}, above which there is no room for another")
    for number, content in enumerate(missing, start=highest + 1):
        numbers[content] = number
    rows = [(numbers[content], content.kind.value, digest) for content, digest in missing.items()]
    database.insert("hubcfg_sets", ("set_no", "kind", "digest"), rows)
    for table, columns in MEMBER_COLUMNS.items():
        members = [(numbers[one], *member) for one in missing if one.kind.table == table for member in one.members]
        if members:
            database.insert(table, ("set_no", *columns), members)


def drop_unused_sets(database: Database, numbers: Iterable[int]) -> None:
    """Deletes those of some sets that no user names any more."""
    wanted = database.many(sorted(set(numbers)))
    used = [f"SELECT 1 FROM hubcfg_users u WHERE u.{column} = s.set_no" for column in _SET_COLUMN.values()]
    condition = " AND ".join(f"NOT EXISTS ({one})" for one in used)
    found = database.query(f"SELECT s.set_no FROM hubcfg_sets s WHERE s.set_no = ANY_OF(?) AND {condition}", (wanted,))
    unused = database.many(number for (number,) in found)
    if found:
        for table in (*MEMBER_COLUMNS, "hubcfg_sets"):
            database.run(f"DELETE FROM {table} WHERE set_no = ANY_OF(?)", (unused,))
