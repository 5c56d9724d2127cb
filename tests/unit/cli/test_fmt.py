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


def test_only_sources(
    hubcfg: Run, project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For hooks: of the files that are given those are formatted that some project reads, wherever the command runs."""
    inner, nowhere = project / "vendor", tmp_path_factory.mktemp("nowhere") / "clients.yaml"
    (project / ".hubcfgignore").write_text("/vendor/\n/ignored.yaml\n")
    for path in (inner / "access", project / ".github"):
        path.mkdir(parents=True)
    (inner / "hubcfg.yaml").write_text("hubcfg: 1\nproject:  inner\nplatform: onestack\nsources: [access/]\n")
    left = [
        project / ".github/ci.yaml",
        project / ".github/hubcfg.yaml",
        project / ".x.yaml",
        project / "ignored.yaml",
        inner / "loose.yaml",
        nowhere,
    ]
    formatted = [inner / "access/clients.yaml", project / "clients.yaml"]
    for path in (*left, *formatted):
        path.write_text(UNTIDY)
    (project / "link.yaml").symlink_to(nowhere)
    monkeypatch.chdir(project / ".github")
    given = [*left, *formatted, inner / "hubcfg.yaml", Path("../link.yaml")]
    outcome = hubcfg("fmt", "--only-sources", *(str(path) for path in given))
    assert (outcome.code, outcome.err) == (0, "3 files, 3 formatted\n")
    assert [path.read_text() for path in left] == [UNTIDY] * len(left)
    assert [path.read_text() for path in formatted] == [TIDY] * len(formatted)
    assert "project: inner\n" in (inner / "hubcfg.yaml").read_text()


def test_only_sources_of_a_broken_project(hubcfg: Run, project: Path) -> None:
    """Where hubcfg.yaml can't be understood nobody knows what its sources are, and only it is formatted."""
    (project / "hubcfg.yaml").write_text("hubcfg:  99\nproject: test\n")
    given = [str(project / "clients.yaml"), str(project / "hubcfg.yaml")]
    outcome = hubcfg("fmt", "--only-sources", *given)
    assert (outcome.code, outcome.err) == (0, "1 file, 1 formatted\n")
    assert (project / "clients.yaml").read_text() == UNTIDY


@pytest.mark.parametrize("content", [b"a: [1\n", b"\xff\xfe", b"a: !!str b\n"])
def test_refused(hubcfg: Run, project: Path, content: bytes) -> None:
    """What cannot be formatted without loss stays as it is, and is an error."""
    (project / "clients.yaml").write_bytes(content)
    outcome = hubcfg("-C", str(project), "fmt")
    assert outcome.code == 1
    assert "clients.yaml is left as it is" in outcome.err
    assert (project / "clients.yaml").read_bytes() == content
