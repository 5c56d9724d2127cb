"""`hubcfg fix` makes the changes that are safe, and no others."""

from pathlib import Path

import pytest

from tests.unit.cli.running import Run

BEFORE = """\
kind: Org
id: acme
products: {psa: active, rmm: active}
---
# people
kind: Users
org: acme
users:
  olga@acme.example: {role: owner}   # the owner
  dan@acme.example:
    role: member
    permissions: [psa.tickets.read, psa.tickets.read, rmm.endpoints.read]  # twice
    deny: [*.alerts.resolve]
  eva@acme.example:
    role: member
    permissions:
      - psa.tickets.read
      - psa.tickets.read
      - psa.tickets.create
"""
AFTER = """\
kind: Org
id: acme
products: {psa: active, rmm: active}
---
# people
kind: Users
org: acme
users:
  olga@acme.example: {role: owner}   # the owner
  dan@acme.example:
    role: member
    permissions: [psa.tickets.read, rmm.devices.read]  # twice
    deny: ["*.alerts.resolve"]
  eva@acme.example:
    role: member
    permissions:
      - psa.tickets.read
      - psa.tickets.create
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: test\nplatform: onestack\n")
    (tmp_path / "acme.yaml").write_text(BEFORE)
    return tmp_path


def test_fix(hubcfg: Run, project: Path) -> None:
    """Repetitions go, aliases become what they mean, wildcards get quotes; all else stays to the letter."""
    outcome = hubcfg("-C", str(project), "fix")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "acme.yaml:12: remove the repetition",
        "acme.yaml:12: write `rmm.devices.read`",
        'acme.yaml:13: quote it: "*.alerts.resolve"',
        "acme.yaml:18: remove the repetition",
    ]
    assert (project / "acme.yaml").read_text() == AFTER
    assert hubcfg("-C", str(project), "fix").out == ""


def test_check_writes_nothing(hubcfg: Run, project: Path) -> None:
    """`--check` says what there is to fix, exits with 1, and leaves the files alone."""
    assert hubcfg("-C", str(project), "fix", "--check").code == 1
    assert (project / "acme.yaml").read_text() == BEFORE


def test_marks_and_line_ends_stay(hubcfg: Run, project: Path) -> None:
    """A byte order mark and CRLF line ends survive."""
    (project / "acme.yaml").write_bytes(b"\xef\xbb\xbf" + BEFORE.replace("\n", "\r\n").encode())
    assert hubcfg("-C", str(project), "fix").code == 0
    assert (project / "acme.yaml").read_bytes() == b"\xef\xbb\xbf" + AFTER.replace("\n", "\r\n").encode()


def test_repeated_clients(hubcfg: Run, tmp_path: Path) -> None:
    """A client named twice is no finding, but `fix` removes the second."""
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: test\nplatform: msp-panel\n")
    (tmp_path / "acme.yaml").write_text(
        "kind: Org\nid: acme\n---\nkind: Clients\norg: acme\nclients: {contoso: {}}\n---\nkind: Users\norg: acme\nusers:\n"
        "  olga@acme.example: {role: owner}\n  dan@acme.example: {role: msp-user, clients: [contoso, contoso]}\n"
    )
    assert hubcfg("-C", str(tmp_path), "fix").out == "acme.yaml:12: remove the second `contoso`\n"
    assert "clients: [contoso]}" in (tmp_path / "acme.yaml").read_text()
