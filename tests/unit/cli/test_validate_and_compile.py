"""`validate` shows what is found, `compile` writes bundles or nothing."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.running import Run

USERS = """\
kind: Org
id: acme
products: {psa: active}
---
kind: Groups
org: acme
groups:
  idle: {permissions: [psa.tickets.read]}
---
kind: Users
org: acme
users:
  olga@acme.example: {role: owner}
  dan@acme.example: {role: member, permissions: [psa.tickets.create]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "hubcfg.yaml").write_text("hubcfg: 1\nproject: test\nplatform: onestack\n")
    (folder / "acme.yaml").write_text(USERS)
    return folder


def test_select_and_ignore(hubcfg: Run, project: Path) -> None:
    """Options choose what is shown; what is not shown is counted on stderr."""
    selected = hubcfg("-C", str(project), "validate", "--select", "unused-bundle")
    assert "info[unused-bundle]" in selected.out
    assert "1 more finding is not shown" in selected.err
    assert "unused-bundle" not in hubcfg("-C", str(project), "validate", "--ignore", "unused-bundle").out


def test_errors_that_are_not_shown_count(hubcfg: Run, project: Path) -> None:
    """The exit code is about all findings: nothing can be selected away."""
    (project / "more.yaml").write_text("kind: Users\norg: acmee\nusers: {}\n")
    assert hubcfg("-C", str(project), "validate", "--select", "unused-bundle").code == 1


def test_validate_as_json(hubcfg: Run, project: Path) -> None:
    """Lines and columns count from 1, in code points; counts are by severity."""
    document = hubcfg("-C", str(project), "validate", "--format", "json").json
    (finding,) = [one for one in document["findings"] if one["name"] == "unused-bundle"]
    assert {key: finding[key] for key in ("file", "line", "column", "end_line", "end_column", "severity")} == {
        "file": "acme.yaml", "line": 8, "column": 3, "end_line": 8, "end_column": 7, "severity": "info",
    }  # fmt: skip
    assert document["counts"] == {"error": 0, "warning": 0, "info": 2}


def test_upwards(hubcfg: Run, project: Path) -> None:
    """hubcfg.yaml is found upwards from where one stands."""
    (project / "deep" / "er").mkdir(parents=True)
    assert hubcfg("-C", str(project / "deep" / "er"), "validate").code == 0


def test_compile(hubcfg: Run, project: Path, tmp_path: Path) -> None:
    """The manifest names each org file with its digest and users; JSON says the same as text."""
    outcome = hubcfg(
        "-C", str(project), "compile", "-o", str(tmp_path / "out"), "--as-of", "2026-12-01", "--format", "json"
    )
    assert outcome.code == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert outcome.json["manifest"] == manifest
    assert manifest["as_of"] == "2026-12-01T00:00:00Z"
    assert manifest["files"]["orgs/acme/staff.json"]["users"] == 2
    assert not (tmp_path / "out" / "orgs" / "acme" / "client.json").exists()


def test_flat(hubcfg: Run, project: Path, tmp_path: Path) -> None:
    """`--flat` lists each user's permissions instead of shared sets."""
    hubcfg("-C", str(project), "compile", "-o", str(tmp_path / "out"), "--flat")
    bundle = json.loads((tmp_path / "out" / "orgs" / "acme" / "staff.json").read_text())
    assert bundle["users"]["dan@acme.example"]["permissions"] == ["psa.tickets.create"]
    assert "permission_sets" not in bundle


def test_errors_write_nothing(hubcfg: Run, project: Path, tmp_path: Path) -> None:
    """A project with errors leaves an earlier output as it is."""
    hubcfg("-C", str(project), "compile", "-o", str(tmp_path / "out"))
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    (project / "more.yaml").write_text("kind: Users\norg: acmee\nusers: {}\n")
    outcome = hubcfg("-C", str(project), "compile", "-o", str(tmp_path / "out"))
    assert outcome.code == 1
    assert "unknown-org" in outcome.out
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
