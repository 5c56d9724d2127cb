"""Finds the harnesses of all targets, and gives each test a fresh target of each type."""

import importlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hubcfg.applier.target import Writer
from tests.contracts.harness import Harness, MakeStand, Stand

TYPES = sorted(file.stem.removeprefix("harness_") for file in Path(__file__).parent.glob("harness_*.py"))


@pytest.fixture(scope="session", params=TYPES)
def harness(request: pytest.FixtureRequest) -> Harness:
    found: Harness = importlib.import_module(f"tests.contracts.harness_{request.param}").HARNESS
    missing = found.find_missing()
    if missing is not None:
        pytest.fail(f"the target `{found.type}` cannot be tested here: {missing}")
    return found


@pytest.fixture(scope="session")
def make_stand(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStand]:
    """Makes fresh empty targets, each for a block."""
    with harness.run(tmp_path_factory.mktemp(harness.type)) as make:
        yield make


@pytest.fixture
def stand(make_stand: MakeStand) -> Iterator[Stand]:
    """A fresh empty target."""
    with make_stand() as made:
        yield made


@pytest.fixture
def target(stand: Stand) -> Iterator[Writer]:
    """A handle of the fresh empty target."""
    with closing(stand.address.open()) as opened:
        yield opened
