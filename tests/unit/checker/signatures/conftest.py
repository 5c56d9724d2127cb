"""Keys that `ssh-keygen` makes once for all tests of signatures."""

import pytest

from tests.unit.checker.signatures.ssh import KeyPair, make_keys


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, KeyPair]:
    """One key of each kind, by name."""
    return make_keys(tmp_path_factory.mktemp("keys"))
