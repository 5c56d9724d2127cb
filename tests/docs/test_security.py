"""The table of attacks in SECURITY.md says what the tests of tests/approvals try, and which findings stop it."""

import re
from pathlib import Path

import yaml

from hubcfg.checker.check import all_rules
from hubcfg.core.rule import Table
from tests.docs.pages import ROOT

CASES = ROOT / "tests" / "cases" / "approvals"
_ROW = re.compile(r"^\| (?P<attack>[^|]+) \| (?P<rule>[^|]+) \| (?P<findings>[^|]*) \| (?P<tried>[^|]+) \|$", re.M)


def _rows() -> list[re.Match[str]]:
    text = (ROOT / ".github" / "SECURITY.md").read_text("utf-8")
    table = text.partition("## What each attack meets")[2].partition("\n## ")[0]
    return [row for row in _ROW.finditer(table) if row["attack"] != "attack" and set(row["attack"]) != {"-"}]


def _stopping(file: Path) -> set[str]:
    return {stopped["finding"] for case in yaml.safe_load(file.read_text("utf-8")) for stopped in case["stopped"]}


def test_each_attack_is_stopped_by_the_findings_that_the_table_names() -> None:
    """A finding beside an attack stops some case of the files beside it; and exists."""
    names = {rule.name for rule in all_rules()}
    rows = _rows()
    assert len(rows) > 25
    for row in rows:
        files = re.findall(r"[\w/]+\.yaml", row["tried"])
        found = set(re.findall(r"`([a-z-]+)`", row["findings"]))
        for file in files:
            assert (CASES / file).is_file(), file
        if files:
            assert found <= names, row["attack"]
            assert found <= {name for file in files for name in _stopping(CASES / file)}, row["attack"]


def test_the_table_names_every_file_of_attacks() -> None:
    """Each file of attacks stands in the table, with every finding about approvals that stops one of its cases."""
    of_approvals = {rule.name for rule in all_rules() if rule.table is Table.APPROVALS} - {"no-eligible-approver"}
    rows = _rows()
    listed = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row["findings"])}
    for file in sorted(CASES.glob("*.yaml")):
        if not isinstance(yaml.safe_load(file.read_text("utf-8")), list):
            continue  # the projects that the attacks begin from
        assert any(file.name in row["tried"] for row in rows), file.name
        assert _stopping(file) & of_approvals <= listed, file.name


def test_what_apply_guards_is_tried_where_the_table_says() -> None:
    """A finding beside an attack on a deployment is expected by one of the tests of deployments that stand beside it."""
    tried = [(row, re.findall(r"tests/deployment/\w+\.py", row["tried"])) for row in _rows()]
    assert sum(bool(files) for _, files in tried) > 10
    for row, files in tried:
        text = "".join((ROOT / file).read_text("utf-8") for file in files)
        for name in re.findall(r"`([a-z-]+)`", row["findings"]) if files else ():
            assert f'"{name}"' in text or f"{name}:" in text, (row["attack"], name)


def test_what_else_the_table_refers_to_is_there() -> None:
    """Test modules and folders that the table names exist."""
    for row in _rows():
        for path in re.findall(r"(?:tests/[\w/.]+|test_\w+\.py)", row["tried"]):
            where = ROOT / path if path.startswith("tests/") else ROOT / "tests" / "approvals" / path
            assert where.exists(), path
