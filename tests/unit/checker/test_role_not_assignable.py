"""A role that can't be moved by configuration, judged by the holders of a base."""

from pathlib import Path

import pytest

from hubcfg.checker.rules.role_not_assignable import RULE, check
from hubcfg.checker.scope import OrgCheck, holders_by_role
from hubcfg.core.instants import parse_instant
from hubcfg.pipeline import compile_project

USERS = """\
kind: Org
id: panel
platform: msp-panel
---
kind: Users
org: panel
users:
  o@panel.example: {role: owner}
  u@panel.example: {role: msp-user, clients: all}
"""


def _check(root: Path, base_holders: dict[str, frozenset[str]] | None) -> OrgCheck:
    (root / "hubcfg.yaml").write_text("hubcfg: 1\nproject: test\n")
    (root / "org.yaml").write_text(USERS)
    instant = parse_instant("2026-11-22")
    assert instant is not None
    compiled = compile_project(root, as_of=instant)
    assert compiled.config is not None
    assert compiled.access is not None
    check = OrgCheck(compiled.config.project, compiled.access.orgs["panel"])
    check.base_holders = base_holders
    return check


@pytest.mark.parametrize(
    ("base_holders", "found"),
    [
        (None, 0),
        ({"owner": frozenset({"o@panel.example"})}, 0),
        ({"owner": frozenset({"u@panel.example"})}, 1),
        ({"owner": frozenset({"o@panel.example", "x@panel.example"})}, 1),
        ({}, 1),
    ],
)
def test_holders_must_be_those_of_the_base(
    tmp_path: Path, base_holders: dict[str, frozenset[str]] | None, found: int
) -> None:
    """Without a base any holder is accepted; with one the holders must be its, no more and no fewer."""
    assert [finding.rule for finding in check(_check(tmp_path, base_holders))] == [RULE] * found


def test_holders_by_role_name_every_role(tmp_path: Path) -> None:
    """The holders of an org are listed for each role of its platform, those without any among them."""
    holders = holders_by_role(_check(tmp_path, None).org)
    assert holders["owner"] == {"o@panel.example"}
    assert holders["msp-user"] == {"u@panel.example"}
    assert holders["end-client"] == frozenset()
