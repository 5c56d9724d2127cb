"""Reads a target that keeps tables: all of `Reader` but the connection."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager

from hubcfg.applier.sql import ledger
from hubcfg.applier.sql.database import Database
from hubcfg.applier.sql.live import read_all_live
from hubcfg.applier.sql.writing import read_held
from hubcfg.applier.target import Status
from hubcfg.planner.held import NOTHING_HELD, HeldOrg
from hubcfg.platforms.grants import Audience


class TablesReader(ABC):
    """A target that keeps tables, as far as it is read."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Database | None]:
        """Gives a snapshot for a block; None where the tables are not there yet. Nothing is changed by it."""

    def read_status(self) -> Status:
        """Returns where the target stands; a target that has never been written to has serial 0."""
        with self.reading() as database:
            return Status(0) if database is None else ledger.read_status(database)

    def list_orgs(self) -> Mapping[str, Mapping[Audience, str]]:
        """Returns the orgs that the tables have anything of, or that were ever deployed, with the hex SHA-256 of each bundle."""
        with self.reading() as database:
            if database is None:
                return {}
            found: dict[str, dict[Audience, str]] = {
                org: {} for (org,) in database.query("SELECT org FROM hubcfg_orgs")
            }
            for org, live in read_all_live(database):
                found[org] = {
                    audience: hashlib.sha256(content).hexdigest() for audience, content in live.encode().items()
                }
            return found

    def read_org(self, org: str) -> HeldOrg:
        """Returns what the tables hold of an org; NOTHING_HELD where that is nothing."""
        with self.reading() as database:
            return NOTHING_HELD if database is None else read_held(database, org)

    def read_records(self) -> list[bytes]:
        """Returns all records as the tables have them, in the order of serials."""
        with self.reading() as database:
            return [] if database is None else ledger.read_records(database)

    def read_sources(self, serial: int) -> bytes | None:
        """Returns the archive of the sources of a deployment; None where there is none."""
        with self.reading() as database:
            return None if database is None else ledger.read_sources(database, serial)
