"""What hubcfg did not write, or cannot read, is left alone and named."""

from contextlib import closing

import pytest

from hubcfg.applier.target import ForeignStateError, Reader
from tests.contracts.bundles import make_staff
from tests.contracts.deployments import deploy
from tests.contracts.harness import Harness, MakeStand


def read_all(target: Reader) -> None:
    """Reads what a plan needs."""
    target.read_status()
    target.read_org("northwind")


def test_foreign_state_is_refused(harness: Harness, make_stand: MakeStand) -> None:
    """A target that cannot be read is neither read nor written, and both say what is wrong and what to do."""
    assert harness.ways_to_spoil
    for way in harness.ways_to_spoil:
        with make_stand() as stand, closing(stand.address.open()) as target:
            deploy(target, {"northwind": make_staff("northwind", "lea@x.example")})
            made = target.read_status()
            assert made.serial == 1
            stand.spoil(way)
            with closing(stand.address.open()) as other:
                with pytest.raises(ForeignStateError) as caught:
                    read_all(other)
                assert caught.value.help
                with pytest.raises(ForeignStateError):
                    deploy(other, {"northwind": {}})
