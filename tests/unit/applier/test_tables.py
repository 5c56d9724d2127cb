"""The tables of `sqlite` and `postgresql`: what products ask them, who shares what, and how they are migrated."""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubcfg.applier.sql import schema
from hubcfg.applier.sql.schema import STEPS, Step
from hubcfg.applier.target import ForeignStateError, OrgFiles
from hubcfg.platforms.grants import Audience
from tests.contracts.bundles import CLIENTS, PERMISSIONS, Entry, make_bundle, make_staff, org_files, read_users
from tests.contracts.deployments import Ledger, deploy, make_holder
from tests.contracts.harness import MakeStand
from tests.contracts.harness_postgresql import HARNESS as POSTGRESQL
from tests.contracts.harness_postgresql import PostgresqlStand
from tests.contracts.harness_sqlite import HARNESS as SQLITE
from tests.contracts.harness_sqlite import SqliteStand
from tests.reference.projects import examples

TablesStand = SqliteStand | PostgresqlStand
DOCS = Path(__file__).parents[3] / "docs" / "tables.md"
QUERIES = dict(re.findall(r"^```sql (\w+)\n(.*?)^```", DOCS.read_text(), re.MULTILINE | re.DOTALL))
INSTANTS = (
    "2026-12-31T23:59:59.999999Z",
    "2027-01-01T00:00:00.000000Z",
    "2027-01-01T00:00:00.499999Z",
    "2027-01-01T00:00:00.500000Z",
    "9999-01-01T00:00:00.000000Z",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def make_stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStand]:
    """Makes fresh targets that keep tables."""
    with {"sqlite": SQLITE, "postgresql": POSTGRESQL}[request.param].run(tmp_path) as make:
        yield make


@pytest.fixture
def stand(make_stand: MakeStand) -> Iterator[TablesStand]:
    """A fresh target that keeps tables."""
    with make_stand() as made:
        yield made  # type: ignore[misc]  # these two harnesses make these two


def ask(stand: TablesStand, query: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Returns the rows of a documented query, asked as a product would."""
    if isinstance(stand, SqliteStand):
        with closing(sqlite3.connect(f"{stand.file.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query, parameters).fetchall()
    worded = re.sub(r":(\w+)", r"%(\1)s", query).replace("hubcfg_", "hubcfg.")
    with stand.server.connect(stand.database) as connection:
        return connection.execute(worded.encode(), parameters).fetchall()


def run(stand: TablesStand, statement: str) -> None:
    """Carries out a statement by hand; tables are named as SQLite has them."""
    stand.run(statement if isinstance(stand, SqliteStand) else statement.replace("hubcfg_", "hubcfg."))


def may(entry: Entry | None, permission: str, client: str, now: str) -> bool:
    """Says from the bundle alone whether a user may do something for a client at an instant."""
    if entry is None or entry.get("suspended") or permission not in entry["permissions"]:
        return False
    until = entry.get("until", {}).get(permission)
    if until is not None:
        whole, _, fraction = until.removesuffix("Z").partition(".")
        if now >= f"{whole}.{fraction.ljust(6, '0')}Z":
            return False
    scope = entry["scope"]
    if "company" in scope:
        return bool(scope["company"] == client)
    return scope["clients"] == "all" or client in scope["clients"]


def test_query_answers_as_the_bundle_does(make_stand: MakeStand) -> None:
    """The documented query says yes exactly where the bundle does: suspension, `until` to the microsecond, and scope counted."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

    @settings(max_examples=examples(8), deadline=None, suppress_health_check=checks)
    @given(org_files("northwind"), org_files("pilot"))
    def check(northwind: OrgFiles, pilot: OrgFiles) -> None:
        with make_stand() as stand, closing(stand.address.open()) as target:
            assert isinstance(stand, TablesStand)
            deploy(target, {"northwind": northwind, "pilot": pilot})
            answered, expected = {}, {}
            for org, files in (("northwind", northwind), ("pilot", pilot)):
                users = {id: entry for content in files.values() for id, entry in read_users(content).items()}
                for user in [*users, "nobody@x.example"]:
                    for permission in PERMISSIONS:
                        for client in (CLIENTS[0], CLIENTS[2], "unknown"):
                            for now in INSTANTS:
                                key = (org, user, permission, client, now)
                                names = ("org", "user", "permission", "client", "now")
                                expected[key] = may(users.get(user), permission, client, now)
                                answered[key] = dict(zip(names, key, strict=True))
            assert ask_all(stand, QUERIES["at"], answered) == expected

    check()


def ask_all(stand: TablesStand, query: str, asked: Mapping[Any, Mapping[str, object]]) -> dict[Any, bool]:
    """Returns for each set of parameters whether a query gives one row; asserts that it never gives more."""
    answers = {}
    if isinstance(stand, SqliteStand):
        with closing(sqlite3.connect(stand.file)) as connection:
            for key, parameters in asked.items():
                answers[key] = len(connection.execute(query, parameters).fetchall())
    else:
        worded = re.sub(r":(\w+)", r"%(\1)s", query).replace("hubcfg_", "hubcfg.").encode()
        with stand.server.connect(stand.database) as connection:
            for key, parameters in asked.items():
                answers[key] = len(connection.execute(worded, parameters).fetchall())
    assert set(answers.values()) <= {0, 1}
    return {key: bool(count) for key, count in answers.items()}


def test_views_answer_now(stand: TablesStand) -> None:
    """The views leave out what has ended, who is suspended and other clients' users, and name obligations."""
    base = {"role": "technician", "permissions": list(PERMISSIONS), "products": ["devices"]}
    ends = {PERMISSIONS[0]: "2020-01-01T00:00:00Z", PERMISSIONS[1]: "9000-01-01T00:00:00Z"}
    owed = {"ticket": [PERMISSIONS[2]], "second-person": [PERMISSIONS[2]]}
    users = {
        "lea@x.example": base | {"scope": {"clients": ["contoso"]}, "until": ends, "obligations": owed},
        "bo@x.example": base | {"scope": {"clients": "all"}, "suspended": True},
        "kim@x.example": base | {"scope": {"clients": []}},
        "zoe@x.example": base | {"scope": {"clients": "all"}},
    }
    with closing(stand.address.open()) as target:
        deploy(target, {"northwind": {Audience.STAFF: make_bundle("northwind", users)}})

    def allowed(user: str, permission: str, client: str | None = None) -> str | bool | None:
        asked = {"org": "northwind", "user": f"{user}@x.example", "permission": permission}
        query = QUERIES["held" if client is None else "allowed"]
        rows = ask(stand, query, asked if client is None else asked | {"client": client})
        return rows[0][0] if rows else False

    assert allowed("lea", PERMISSIONS[0], "contoso") is False
    assert allowed("lea", PERMISSIONS[1], "contoso") is None
    assert allowed("lea", PERMISSIONS[1], "fabrikam") is False
    assert allowed("lea", PERMISSIONS[1]) is None
    assert allowed("lea", PERMISSIONS[2], "contoso") == "second-person,ticket"
    assert allowed("bo", PERMISSIONS[1], "contoso") is False
    assert allowed("bo", PERMISSIONS[1]) is False
    assert allowed("kim", PERMISSIONS[1], "contoso") is False
    assert allowed("kim", PERMISSIONS[1]) is None
    assert allowed("zoe", PERMISSIONS[1], "contoso") is None
    assert allowed("nobody", PERMISSIONS[1]) is False


def make_large(count: int) -> OrgFiles:
    """Returns an org in which every table is large."""
    names = [f"p{i // 40:02}.r{i // 5 % 8}.a{i % 5}" for i in range(600)]
    roles = [names[i * 9 : i * 9 + 60] for i in range(60)]
    users: dict[str, Entry] = {}
    for i in range(count):
        role = i % 60
        entry: Entry = {"role": f"role-{role}", "permissions": roles[role], "products": ["devices"], "uid": str(i)}
        entry["scope"] = {"clients": "all" if i % 2 else sorted(f"c{(i + j) % 3000:04}" for j in range(3))}
        if i % 20 == 0:
            entry["until"] = {roles[role][0]: f"2099-01-02T{i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}Z"}
        if i % 3 == 0:
            entry["obligations"] = {"ticket": roles[role][: 1 + i // 60 % 59]}
        users[f"user-{i:06}@x.example"] = entry
    return {Audience.STAFF: make_bundle("northwind", users)}


def test_query_scans_nothing_at_100_000_users(stand: TablesStand) -> None:
    """At 100,000 users every table of the documented queries is looked up by an index, and none is read through."""
    with closing(stand.address.open()) as target:
        large = make_large(100_000)
        deploy(target, {"northwind": large})
        held = target.read_org("northwind")
        assert hashlib.sha256(held.live[Audience.STAFF]).digest() == hashlib.sha256(large[Audience.STAFF]).digest()
    parameters = {"org": "northwind", "user": "user-000060@x.example", "permission": "p00.r0.a0", "client": "c0061"}
    parameters["now"] = "2026-12-01T00:00:00.000000Z"
    for name, query in QUERIES.items():
        used = {key: value for key, value in parameters.items() if f":{key}" in query}
        assert len(ask(stand, query, used)) == 1, name
        if isinstance(stand, SqliteStand):
            plan = [str(row[3]) for row in ask(stand, f"EXPLAIN QUERY PLAN {query}", used)]
            tables = [line for line in plan if line.startswith(("SEARCH", "SCAN"))]
            assert len(tables) >= 3
            assert all(line.startswith("SEARCH") and "USING" in line for line in tables), plan
        else:
            run(stand, "ANALYZE")
            ((plan,),) = ask(stand, f"EXPLAIN (FORMAT JSON) {query}", used)
            nodes = list(walk(plan[0]["Plan"]))
            assert {node["Relation Name"] for node in nodes if "Relation Name" in node} >= {"users", "permissions"}
            assert not [node for node in nodes if "Seq Scan" in node["Node Type"]], json.dumps(plan, indent=1)


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields a node of a query plan and all below it."""
    yield node
    for inner in node.get("Plans", []):
        yield from walk(inner)


def count_rows(stand: TablesStand, table: str) -> int:
    """Returns how many rows a table has."""
    return int(ask(stand, f"SELECT count(*) FROM hubcfg_{table}", {})[0][0])


def test_orgs_share_sets_and_unused_ones_go(stand: TablesStand) -> None:
    """Users of all orgs who hold the same name the same sets, which stay as long as anybody does."""
    sets = ("sets", "permissions", "clients", "endings", "obligations")
    with closing(stand.address.open()) as target:
        deploy(target, {"northwind": make_staff("northwind", "lea@x.example", "bo@x.example")})
        sizes = {table: count_rows(stand, table) for table in sets}
        assert sizes == {"sets": 2, "permissions": 2, "clients": 1, "endings": 0, "obligations": 0}
        deploy(target, {"pilot": make_staff("pilot", "ana@x.example")})
        assert {table: count_rows(stand, table) for table in sets} == sizes
        deploy(target, {"northwind": {}})
        assert {table: count_rows(stand, table) for table in sets} == sizes
        deploy(target, {"pilot": {}})
        assert {table: count_rows(stand, table) for table in sets} == dict.fromkeys(sets, 0)


def test_a_set_changed_by_hand_is_mended_org_by_org(stand: TablesStand) -> None:
    """A permission added to a shared set shows for every org that has it; deploying one org leaves the others as they are."""
    files = {org: make_staff(org, f"ana@{org}.example") for org in ("northwind", "pilot")}
    with closing(stand.address.open()) as target:
        deploy(target, files)
        run(
            stand, "INSERT INTO hubcfg_permissions SELECT permission_set, 'x.y.z' FROM hubcfg_users WHERE org = 'pilot'"
        )
        tampered = {org: dict(target.read_org(org).live) for org in files}
        for org in files:
            ((entry),) = read_users(tampered[org][Audience.STAFF]).values()
            assert "x.y.z" in entry["permissions"]
            assert dict(target.read_org(org).deployed) == files[org]
        deploy(target, {"northwind": files["northwind"]})
        assert dict(target.read_org("northwind").live) == files["northwind"]
        assert dict(target.read_org("pilot").live) == tampered["pilot"]
        deploy(target, {"pilot": files["pilot"]})
        assert dict(target.read_org("pilot").live) == files["pilot"]
        assert count_rows(stand, "sets") == 2


@pytest.mark.parametrize(
    ("statement", "field", "value"),
    [
        ("UPDATE hubcfg_users SET role = 'emperor'", "role", "emperor"),
        ("UPDATE hubcfg_users SET permission_set = 4711", "permissions", []),
        ("UPDATE hubcfg_users SET client_set = 4711", "scope", {"clients": []}),
        ("UPDATE hubcfg_clients SET client = 'contoso'", "scope", {"clients": ["contoso"]}),
        ('UPDATE hubcfg_users SET rest = \'{"shoe":["44"]}\'', "shoe", ["44"]),
        ("ALTER TABLE hubcfg_users ADD COLUMN note TEXT", "role", "technician"),
    ],
)
def test_changes_by_hand_show_as_what_they_mean(stand: TablesStand, statement: str, field: str, value: object) -> None:
    """What can be said in a bundle is shown, however odd; a later deployment puts it right."""
    ledger = Ledger()
    files = make_staff("northwind", "lea@x.example")
    with closing(stand.address.open()) as target:
        ledger.deploy(target, {"northwind": files})
        run(stand, statement)
        held = target.read_org("northwind")
        assert read_users(held.live[Audience.STAFF])["lea@x.example"][field] == value
        ledger.deploy(target, {"northwind": files})
        ledger.check(target)


def test_one_change_writes_one_row(stand: TablesStand) -> None:
    """A deployment that changes one user of many writes that user's row and one part of the copy."""
    people = [f"user-{i}@x.example" for i in range(300)]
    with closing(stand.address.open()) as target:
        deploy(target, {"northwind": make_staff("northwind", *people)})
        for table in ("users", "deployed_parts", "ever", "permissions"):
            written = f"INSERT INTO notes SELECT '{table}'" if isinstance(stand, SqliteStand) else ""
            if written:
                events = [("insert", "INSERT"), ("delete", "DELETE"), ("update", "UPDATE")]
                for name, event in events:
                    stand.run(
                        f"CREATE TABLE IF NOT EXISTS notes (name TEXT); CREATE TRIGGER {name}_{table} AFTER {event}"
                        f" ON hubcfg_{table} BEGIN {written}; END"
                    )
        before = versions(stand)
        changed = dict(target.read_org("northwind").live)
        bundle = json.loads(changed[Audience.STAFF])
        bundle["users"][people[7]]["suspended"] = True
        changed[Audience.STAFF] = json.dumps(bundle, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        deploy(target, {"northwind": changed})
        after = versions(stand)
    if isinstance(stand, SqliteStand):
        assert sorted(after["notes"]) == ["deployed_parts", "deployed_parts", "users", "users"]
    else:
        assert {table: len(after[table] - before[table]) for table in after} == {
            "users": 1,
            "deployed_parts": 1,
            "ever": 0,
            "permissions": 0,
        }


def versions(stand: TablesStand) -> dict[str, Any]:
    """Returns what tells rows that were written again: in PostgreSQL their versions, in SQLite what triggers noted."""
    if isinstance(stand, SqliteStand):
        return {"notes": [name for (name,) in ask(stand, "SELECT name FROM notes", {})]}
    tables = ("users", "deployed_parts", "ever", "permissions")
    return {
        table: set(ask(stand, f"SELECT CAST(ctid AS text), CAST(xmin AS text) FROM hubcfg_{table}", {}))
        for table in tables
    }


def test_copy_outlasts_what_is_done_to_the_rows(make_stand: MakeStand) -> None:
    """After any sequence of deployments, the copy of the last one is whole where all rows that products read are gone."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

    @settings(max_examples=examples(8), deadline=None, suppress_health_check=checks)
    @given(st.lists(org_files("northwind", max_users=8), min_size=1, max_size=4))
    def check(versions: list[OrgFiles]) -> None:
        with make_stand() as made, closing(made.address.open()) as target:
            assert isinstance(made, TablesStand)
            for files in versions:
                deploy(target, {"northwind": files})
            run(made, "DELETE FROM hubcfg_users")
            run(made, "DELETE FROM hubcfg_bundles")
            held = target.read_org("northwind")
            assert (dict(held.live), dict(held.deployed)) == ({}, versions[-1])
            deploy(target, {"northwind": versions[0]})
            run(made, "DELETE FROM hubcfg_users")
            run(made, "DELETE FROM hubcfg_bundles")
            assert dict(target.read_org("northwind").deployed) == versions[0]

    check()


def test_migration(stand: TablesStand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of an earlier version are read as they will be, without a change, and migrated with the next lock; then a hubcfg
    that knows the earlier version alone refuses them."""
    ledger = Ledger()
    files = make_staff("northwind", "lea@x.example")
    with closing(stand.address.open()) as target:
        ledger.deploy(target, {"northwind": files})
    added = Step(2, ("CREATE TABLE {t}extra (note {text})", "UPDATE {t}users SET uid = 'migrated'"))
    with monkeypatch.context() as patch, closing(stand.address.open()) as target:
        patch.setattr(schema, "STEPS", (*STEPS, added))
        for module in ("sqlite", "postgresql"):
            patch.setattr(f"hubcfg.applier.targets.{module}.STEPS", (*STEPS, added))
        assert read_users(target.read_org("northwind").live[Audience.STAFF])["lea@x.example"]["uid"] == "migrated"
        assert ask(stand, "SELECT schema_version FROM hubcfg_meta", {}) == [(1,)]
        assert ask(stand, "SELECT uid FROM hubcfg_users", {}) == [(None,)]
        with target.lock(make_holder()):
            pass
        assert ask(stand, "SELECT schema_version FROM hubcfg_meta", {}) == [(2,)]
        assert ask(stand, "SELECT count(*) FROM hubcfg_extra", {}) == [(0,)]
        deploy(target, {"northwind": files})
    with closing(stand.address.open()) as target:
        with pytest.raises(ForeignStateError, match="version 2"):
            target.read_status()
        with pytest.raises(ForeignStateError, match="version 2"), target.lock(make_holder()):
            pass


def test_a_migration_that_fails_changes_nothing(stand: TablesStand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a migration that fails in the middle nothing is left."""
    ledger = Ledger()
    with closing(stand.address.open()) as target:
        ledger.deploy(target, {"northwind": make_staff("northwind", "lea@x.example")})
        with monkeypatch.context() as patch:
            broken = Step(2, ("CREATE TABLE {t}extra (note {text})", "DROP TABLE {t}never_there"))
            patch.setattr(schema, "STEPS", (*STEPS, broken))
            with pytest.raises(ForeignStateError), target.lock(make_holder()):
                pass
        ledger.check(target)


@given(st.text(), st.text())
def test_instants_of_sqlite_compare_as_text(one: str, other: str) -> None:
    """Two instants, whatever their fractions, compare as text as they do in time."""
    from hubcfg.applier.targets.sqlite import DIALECT
    from hubcfg.core.instants import Instant, format_instant

    first, second = (Instant(int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)) for text in (one, other))
    written = [DIALECT.write_instant(format_instant(instant)) for instant in (first, second)]
    assert (written[0] < written[1]) == (first < second)
    assert [DIALECT.read_instant(text) for text in written] == [format_instant(first), format_instant(second)]
