"""What the tests of commands share."""

import pytest

from tests.unit.cli.running import Run, runner


@pytest.fixture
def hubcfg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command without colours and with 100 columns."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    return runner(capsys)
