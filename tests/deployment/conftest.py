"""What the tests of deployments share."""

from pathlib import Path

import pytest

from hubcfg.core.instants import parse_instant
from tests.approvals.histories import History
from tests.deployment.sites import FILES, Site
from tests.unit.cli.running import Run, runner


@pytest.fixture
def hubcfg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command without colours and with 100 columns."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    return runner(capsys)


@pytest.fixture
def begun(hubcfg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A project whose two orgs are approved and committed, and of which nothing is deployed."""

    def set_clock(now: str) -> None:
        instant = parse_instant(now)
        assert instant is not None
        for module in ("cli.commands.apply", "cli.commands.rollback", "cli.deploying"):
            monkeypatch.setattr(f"hubcfg.{module}.current_instant", lambda: instant)

    history = History(tmp_path / "project", "acme.example", "acme", "acme-access")
    history.start()
    site = Site(history, hubcfg, set_clock)
    history.write(dict(FILES))
    admin = [{"user": "adam@acme.example", "uid": "a-1", "role": "admin"}]
    history.approve("olga", id="adam-admin", approved_at="2026-10-01T12:00:00Z", grants=admin)
    history.commit("Begin")
    return site


@pytest.fixture
def site(begun: Site) -> Site:
    """The same, deployed."""
    begun.deploy()
    return begun
