"""Databases of a real PostgreSQL server for the tests of that target."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hubcfg.applier.target import Writer
from tests.contracts.harness_postgresql import HARNESS, PostgresqlStand


@pytest.fixture
def database(tmp_path: Path) -> Iterator[PostgresqlStand]:
    """A fresh database."""
    with HARNESS.run(tmp_path) as make, make() as made:
        assert isinstance(made, PostgresqlStand)
        yield made


@pytest.fixture
def target(database: PostgresqlStand) -> Iterator[Writer]:
    """A handle of the fresh database; test modules of other targets have their own fixture of this name."""
    with closing(database.address.open()) as opened:
        yield opened
