"""Targets give back the very bytes that they were given, whatever the bundles say."""

import shutil
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubcfg.applier.target import Writer
from hubcfg.core.instants import Instant, parse_instant
from hubcfg.pipeline import compile_project
from hubcfg.planner.held import OrgFiles
from hubcfg.platforms.grants import Audience
from tests.contracts.bundles import org_files
from tests.contracts.deployments import Ledger
from tests.contracts.harness import Harness, MakeStand
from tests.reference.projects import examples

EXAMPLES = Path(__file__).parents[2] / "examples"
ORGS = ("northwind", "pilot", "0")


@cache
def compile_example(name: str, folder: Path) -> dict[str, OrgFiles]:
    """Returns the org files of an example project, compiled outside Git, as its approvals count."""
    instant = parse_instant("2026-12-01T00:00:00Z")
    assert instant is not None
    if not (folder / name).exists():
        shutil.copytree(EXAMPLES / name, folder / name)
    orgs: dict[str, dict[Audience, bytes]] = {}
    for path, content in compile_project(folder / name, as_of=Instant(instant)).files.items():
        _, org, file = path.split("/")
        orgs.setdefault(org, {})[Audience(file.removesuffix(".json"))] = content
    return dict(orgs)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for copies of the examples."""
    return tmp_path_factory.mktemp("examples")


@pytest.mark.parametrize("name", ["quickstart", "onestack", "msp-panel", "opspilot365"])
def test_examples_read_back(name: str, compiled: Path, target: Writer) -> None:
    """The bundles of the example projects read back to the byte."""
    orgs = compile_example(name, compiled)
    assert orgs
    ledger = Ledger()
    ledger.deploy(target, orgs)
    ledger.check(target)


def _settings(harness: Harness, count: int) -> settings:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    tries = max(5, round(examples(count) * harness.pace))
    return settings(max_examples=tries, deadline=None, suppress_health_check=checks)


def test_random_bundles_read_back(harness: Harness, make_stand: MakeStand) -> None:
    """Whatever users' ids and entries look like, an org's files read back to the byte, and so do those that replace them."""

    @_settings(harness, 40)
    @given(st.tuples(org_files("northwind"), org_files("northwind")))
    def check(versions: tuple[OrgFiles, OrgFiles]) -> None:
        with make_stand() as stand, closing(stand.address.open()) as target:
            ledger = Ledger()
            for files in versions:
                ledger.deploy(target, {"northwind": files})
                ledger.check(target)

    check()


def test_random_sequences_of_deployments_read_back(harness: Harness, make_stand: MakeStand) -> None:
    """After any sequence of deployments of some orgs, emptied ones among them, the target holds what the last of each said."""
    changes = st.fixed_dictionaries({}, optional={org: st.just({}) | org_files(org, max_users=3) for org in ORGS})

    @_settings(harness, 20)
    @given(st.lists(changes, min_size=1, max_size=5))
    def check(sequence: list[dict[str, OrgFiles]]) -> None:
        with make_stand() as stand, closing(stand.address.open()) as target:
            ledger = Ledger()
            for deployment in sequence:
                # Only what was there can be emptied.
                ledger.deploy(target, {org: files for org, files in deployment.items() if files or org in ledger.orgs})
            ledger.check(target)

    check()
