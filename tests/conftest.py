"""Options that several parts of the suite share."""

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--bless`: files that tests compare with are rewritten to what the code gives now."""
    parser.addoption("--bless", action="store_true", help="rewrite golden files and documentation to what is given now")


@pytest.fixture
def bless(request: pytest.FixtureRequest) -> bool:
    """Whether files that a test compares with are to be rewritten."""
    return bool(request.config.getoption("--bless"))


@pytest.fixture(autouse=True)
def _outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the CI system that the suite may run in: which base approvals are judged by depends on it."""
    for name in list(os.environ):
        if name in ("CI", "HUBCFG_BASE") or name.startswith(("GITHUB_", "GITLAB_", "CI_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _without_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the user's cache alone: tests that are about the cache open one of their own."""
    monkeypatch.setenv("HUBCFG_NO_CACHE", "1")
