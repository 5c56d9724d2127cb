"""Changes an org's rows from what they are to what they are to be; rows that stay the same are not written."""

from collections.abc import Collection, Mapping

from hubcfg.applier.sql.copies import read_deployed, read_ever, write_deployed, write_ever
from hubcfg.applier.sql.database import Database, Row
from hubcfg.applier.sql.live import LiveOrg, drop_unused_sets, number_sets, read_live
from hubcfg.applier.sql.rows import HEAD_COLUMNS, SET_COLUMNS, USER_COLUMNS, Encoder, SetContent, parse_bundle
from hubcfg.applier.target import OrgDeployment, StaleError, TargetError
from hubcfg.planner.held import HeldOrg


def read_held(database: Database, org: str) -> HeldOrg:
    """Returns what the tables hold of an org."""
    live = read_live(database, org).encode()
    return HeldOrg(live, read_deployed(database, org, live), read_ever(database, org))


def check_before(database: Database, change: OrgDeployment) -> LiveOrg:
    """Returns an org as the tables have it; raises StaleError where that is not what the deployment was made from."""
    live = read_live(database, change.org)
    if live.encode() != dict(change.before):
        raise StaleError(f"`{change.org}` was changed in the target since it was planned", help="plan again")
    return live


def write_org(database: Database, change: OrgDeployment, live: LiveOrg) -> None:
    """Makes an org what it is to be, with the copy of it and who was ever deployed.

    `live` is what `check_before` gave in the same transaction. What is lost goes before what is gained comes. Raises TargetError
    where the rows do not read back as what was written.
    """
    encoder = Encoder(change.org, database.dialect.write_instant)
    after = {audience: parse_bundle(content) for audience, content in change.after.items()}
    heads = {audience.value: encoder.encode_head(bundle) for audience, bundle in after.items()}
    changed: dict[str, Row] = {}
    for audience, bundle in after.items():
        former = live.bundles[audience]["users"] if audience in live.bundles else {}
        for id, entry in bundle["users"].items():
            if former.get(id) != entry:
                changed[id] = encoder.encode_user(id, entry, bundle)
    numbers = number_sets(database, encoder.sets)
    kept = {id for bundle in after.values() for id in bundle["users"]} - changed.keys()
    gone = live.users.keys() - kept
    _delete(database, "hubcfg_users", "user_id", change.org, gone)
    _delete(database, "hubcfg_bundles", "audience", change.org, live.heads.keys() - heads.keys())
    new_heads = {audience: row for audience, row in heads.items() if live.heads.get(audience) != row}
    _delete(database, "hubcfg_bundles", "audience", change.org, new_heads.keys() & live.heads.keys())
    database.insert("hubcfg_bundles", HEAD_COLUMNS, new_heads.values())
    database.insert("hubcfg_users", USER_COLUMNS, (_with_numbers(row, numbers) for row in changed.values()))
    former_sets = {number for id in gone for number in live.users[id][SET_COLUMNS] if number is not None}
    drop_unused_sets(database, former_sets)
    if not database.query("SELECT 1 FROM hubcfg_orgs WHERE org = ?", (change.org,)):
        database.insert("hubcfg_orgs", ("org",), [(change.org,)])
    write_deployed(database, change, after, gone | changed.keys())
    write_ever(database, change.org, change.ever)
    if read_live(database, change.org).encode() != dict(change.after):
        raise TargetError(
            f"the rows of `{change.org}` do not read back as they were written",
            help="a trigger or a rule on the tables may change them; nothing of this org was kept",
        )


def _delete(database: Database, table: str, column: str, org: str, values: Collection[str]) -> None:
    if values:
        database.run(
            f"DELETE FROM {table} WHERE org = ? AND {column} = ANY_OF(?)", (org, database.many(sorted(values)))
        )


def _with_numbers(row: Row, numbers: Mapping[SetContent, int]) -> Row:
    sets = (None if content is None else numbers[content] for content in row[SET_COLUMNS])
    return (*row[: SET_COLUMNS.start], *sets, *row[SET_COLUMNS.stop :])
