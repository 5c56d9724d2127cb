"""Database files for the contract suite."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hubcfg.platforms.grants import Audience
from tests.contracts.harness import Address, MakeStand, Unit

STATEMENTS = {
    "newer tables": "UPDATE hubcfg_meta SET schema_version = 1000",
    "no version": "DELETE FROM hubcfg_meta",
    "a table of the same name": "DROP TABLE hubcfg_meta; CREATE TABLE hubcfg_meta (note TEXT)",
    "a table is missing": "DROP TABLE hubcfg_records",
    "another column": "ALTER TABLE hubcfg_users RENAME COLUMN uid TO badge",
    "newer record": """UPDATE hubcfg_records SET record = CAST('{"format": "hubcfg.deployment/2", "serial": 1}' AS BLOB)""",
    "broken record": "UPDATE hubcfg_records SET record = CAST('{' AS BLOB)",
    "another serial": """UPDATE hubcfg_records SET record = CAST('{"serial": 2}' AS BLOB)""",
    "no record": "DELETE FROM hubcfg_records",
    "broken JSON": "UPDATE hubcfg_users SET products = '['",
    "not text": "UPDATE hubcfg_users SET uid = CAST(x'ff' AS TEXT)",
    "a user without a bundle": "DELETE FROM hubcfg_bundles",
    "newer bundle": "UPDATE hubcfg_bundles SET format = 'hubcfg.bundle/2'",
    "broken copy": "UPDATE hubcfg_deployed SET digest = ''; UPDATE hubcfg_deployed_parts SET content = x'00'",
}


@dataclass(frozen=True)
class SqliteStand:
    """A file that is not there yet, and somebody with a SQLite shell."""

    address: Address

    @property
    def file(self) -> Path:
        return self.address.root / "deploy" / "hub.db"

    def run(self, statement: str) -> None:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.executescript(statement)

    def suspend(self, org: str, audience: Audience, user: str) -> None:
        self._change("UPDATE hubcfg_users SET suspended = 1", org, audience, user)

    def remove(self, org: str, audience: Audience, user: str) -> None:
        self._change("DELETE FROM hubcfg_users", org, audience, user)

    def _change(self, statement: str, org: str, audience: Audience, user: str) -> None:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            condition = "WHERE org = ? AND audience = ? AND user_id = ?"
            assert connection.execute(f"{statement} {condition}", (org, audience.value, user)).rowcount == 1

    def spoil(self, way: str) -> None:
        match way:
            case "no database":
                self.file.write_text("Dear diary, " * 1000)
            case "damaged":
                content = self.file.read_bytes()
                self.file.write_bytes(content[:4096] + b"\x5a" * (len(content) - 4096))
            case _:
                self.run(STATEMENTS[way])


class SqliteHarness:
    type = "sqlite"
    unit = Unit.TARGET
    pace = 0.5
    ways_to_spoil = ("no database", "damaged", *STATEMENTS)

    def find_missing(self) -> str | None:
        return None

    @contextmanager
    def run(self, folder: Path) -> Iterator[MakeStand]:
        @contextmanager
        def make() -> Iterator[SqliteStand]:
            with tempfile.TemporaryDirectory(dir=folder) as root:
                yield SqliteStand(Address("sqlite", {"path": "deploy/hub.db"}, Path(root)))

        yield make


HARNESS = SqliteHarness()
