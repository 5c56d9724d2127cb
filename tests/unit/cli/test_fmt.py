"""`hubcfg fmt` writes canonical files, says what it changed, and leaves alone what it cannot keep whole."""

from pathlib import Path

import pytest

from tests.unit.cli.running import Run

UNTIDY = 'org: acme\nkind: Clients\nclients:\n    contoso:   {name: "Contoso"}   # the first\n'
TIDY = "kind: Clients\norg: acme\nclients:\n  contoso: {name: Contoso}  # the first\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: test\nplatform: onestack\n")
    (tmp_path / "clients.yaml").write_text(UNTIDY)
    return tmp_path


def test_fmt(hubcfg: Run, project: Path) -> None:
    """Only files that change are named and written."""
    outcome = hubcfg("-C", str(project), "fmt")
    assert (outcome.code, outcome.out) == (0, "formatted clients.yaml\n")
    assert (project / "clients.yaml").read_text() == TIDY
    assert hubcfg("-C", str(project), "fmt", "--check").code == 0


def test_check(hubcfg: Run, project: Path) -> None:
    outcome = hubcfg("-C", str(project), "fmt", "--check")
    assert (outcome.code, outcome.out) == (1, "would format clients.yaml\n")
    assert (project / "clients.yaml").read_text() == UNTIDY


def test_named_files(hubcfg: Run, project: Path) -> None:
    """Files and folders may be named, in a project or not."""
    assert hubcfg("fmt", str(project / "clients.yaml")).code == 0
    assert (project / "clients.yaml").read_text() == TIDY
    assert hubcfg("fmt", str(project / "no-such.yaml")).code == 2


@pytest.mark.parametrize("content", [b"a: [1\n", b"\xff\xfe", b"a: !!str b\n"])
def test_refused(hubcfg: Run, project: Path, content: bytes) -> None:
    """What cannot be formatted without loss stays as it is, and is an error."""
    (project / "clients.yaml").write_bytes(content)
    outcome = hubcfg("-C", str(project), "fmt")
    assert outcome.code == 1
    assert "clients.yaml is left as it is" in outcome.err
    assert (project / "clients.yaml").read_bytes() == content
