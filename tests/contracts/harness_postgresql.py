"""Databases of a real PostgreSQL server for the contract suite."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hubcfg.platforms.grants import Audience
from tests.contracts.harness import Address, MakeStand, Unit
from tests.postgres import Server, shared_server

STATEMENTS = {
    "newer tables": "UPDATE hubcfg.meta SET schema_version = 1000",
    "no version": "DELETE FROM hubcfg.meta",
    "a table of the same name": "DROP TABLE hubcfg.meta; CREATE TABLE hubcfg.meta (note text)",
    "a table is missing": "DROP TABLE hubcfg.records",
    "another column": "ALTER TABLE hubcfg.users RENAME COLUMN uid TO badge",
    "newer record": """UPDATE hubcfg.records SET record = '{"format": "hubcfg.deployment/2", "serial": 1}'""",
    "broken record": "UPDATE hubcfg.records SET record = '{'",
    "another serial": """UPDATE hubcfg.records SET record = '{"serial": 2}'""",
    "no record": "DELETE FROM hubcfg.records",
    "broken JSON": "UPDATE hubcfg.users SET products = '['",
    "endless end": (
        "ALTER TABLE hubcfg.endings DROP CONSTRAINT endings_ends_at_check; INSERT INTO hubcfg.endings"
        " SELECT permission_set, 'x', 'infinity' FROM hubcfg.users; UPDATE hubcfg.users SET ending_set = permission_set"
    ),
    "a user without a bundle": "DELETE FROM hubcfg.bundles",
    "newer bundle": "UPDATE hubcfg.bundles SET format = 'hubcfg.bundle/2'",
    "broken copy": "UPDATE hubcfg.deployed SET digest = ''; UPDATE hubcfg.deployed_parts SET content = 'x'",
}


@dataclass(frozen=True)
class PostgresqlStand:
    """A database without the schema, and somebody with psql."""

    address: Address
    server: Server
    database: str

    def run(self, statement: str) -> None:
        with self.server.connect(self.database) as connection:
            connection.execute(statement.encode())

    def suspend(self, org: str, audience: Audience, user: str) -> None:
        self._change("UPDATE hubcfg.users SET suspended = true", org, audience, user)

    def remove(self, org: str, audience: Audience, user: str) -> None:
        self._change("DELETE FROM hubcfg.users", org, audience, user)

    def _change(self, statement: str, org: str, audience: Audience, user: str) -> None:
        with self.server.connect(self.database) as connection:
            condition = "WHERE org = %s AND audience = %s AND user_id = %s"
            changed = connection.execute(f"{statement} {condition}".encode(), (org, audience.value, user))
            assert changed.rowcount == 1

    def spoil(self, way: str) -> None:
        self.run(STATEMENTS[way])


class PostgresqlHarness:
    type = "postgresql"
    unit = Unit.ORG
    pace = 0.3
    ways_to_spoil = tuple(STATEMENTS)

    def find_missing(self) -> str | None:
        """Returns None: a machine without PostgreSQL fails when the server is to start, and says what to install."""
        return None

    @contextmanager
    def run(self, folder: Path) -> Iterator[MakeStand]:
        @contextmanager
        def make() -> Iterator[PostgresqlStand]:
            server = shared_server()
            with server.database() as name:
                address = Address("postgresql", {"dsn_env": "HUB_DSN"}, folder, {"HUB_DSN": server.dsn(name)})
                yield PostgresqlStand(address, server, name)

        yield make


HARNESS = PostgresqlHarness()
