"""The fixes that findings of policy and hygiene carry touch the very words, and only where that is safe."""

from pathlib import Path

from hubcfg.core.finding import Edit, EditAction, Finding
from hubcfg.core.places import Span
from tests.rule_cases import Case, run_case

PROJECT = b"hubcfg: 1\nproject: test\nplatform: onestack\n"
ORG = """\
kind: Org
id: acme
catalog: more
products: {psa: active}
---
kind: Catalog
id: more
extends: onestack
products: {psa: {resources: {tickets: {actions: {close: {deprecated: true, replaced_by: psa.tickets.finish}, finish: {}}}}}}
aliases: {"psa.cases.*": psa.tickets.*}
---
kind: Users
org: acme
users:
  olga@acme.example: {role: owner}
"""


def findings(tmp_path: Path, name: str, user: str) -> list[Finding]:
    """Returns the findings of a name about one more user, on the sixteenth line."""
    files = {"hubcfg.yaml": PROJECT, "org.yaml": f"{ORG}  ann@acme.example: {user}\n".encode()}
    compiled = run_case(Case(name, name, True, files, [], (), "2026-11-22"), tmp_path)
    return [finding for finding in compiled.findings if finding.name == name]


def edits(finding: Finding) -> list[tuple[EditAction, str, int, int]]:
    """Returns the edits of a finding's fix: action, text and columns."""
    assert finding.fix is not None
    return [
        (edit.action, edit.text, span.column, span.end_column) for edit in finding.fix.edits if (span := _span(edit))
    ]


def _span(edit: Edit) -> Span:
    assert isinstance(edit.place, Span)
    assert edit.place.line == 16
    return edit.place


def test_what_stands_twice_is_removed_as_an_item(tmp_path: Path) -> None:
    """The second of two equal entries goes, as a whole item of the list."""
    (found,) = findings(
        tmp_path, "redundant-grant", "{role: member, permissions: [psa.tickets.read, psa.tickets.read]}"
    )
    assert edits(found) == [(EditAction.REMOVE_ITEM, "", 68, 84)]


def test_what_only_comes_from_elsewhere_is_left_to_the_author(tmp_path: Path) -> None:
    """Which of a wider and a narrower grant was meant, no fix can know."""
    (found,) = findings(tmp_path, "redundant-grant", "{role: member, permissions: [psa.tickets.*, psa.tickets.read]}")
    assert found.fix is None


def test_an_alias_is_replaced_by_what_it_stands_for(tmp_path: Path) -> None:
    """The right name takes the place of the alias, in a deny as in a grant."""
    user = "{role: member, permissions: [psa.cases.*], deny: [psa.cases.delete]}"
    granted, denied = findings(tmp_path, "deprecated-permission", user)
    assert edits(granted) == [(EditAction.REPLACE, "psa.tickets.*", 50, 61)]
    assert edits(denied) == [(EditAction.REPLACE, "psa.tickets.delete", 71, 87)]


def test_a_deprecated_permission_is_replaced_where_it_grants_only(tmp_path: Path) -> None:
    """A deny of the old permission must stay as long as the old permission can be granted."""
    user = "{role: member, permissions: [psa.tickets.close, psa.tickets.read], deny: [psa.tickets.close]}"
    granted, denied = findings(tmp_path, "deprecated-permission", user)
    assert edits(granted) == [(EditAction.REPLACE, "psa.tickets.finish", 50, 67)]
    assert denied.fix is None
