"""Options that several parts of the suite share."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--bless`: files that tests compare with are rewritten to what the code gives now."""
    parser.addoption("--bless", action="store_true", help="rewrite golden files and documentation to what is given now")


@pytest.fixture
def bless(request: pytest.FixtureRequest) -> bool:
    """Whether files that a test compares with are to be rewritten."""
    return bool(request.config.getoption("--bless"))
