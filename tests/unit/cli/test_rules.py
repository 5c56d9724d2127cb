"""`hubcfg rules`: every finding is listed and explained."""

import pytest

from hubcfg.checker.check import all_rules
from hubcfg.core.rule import Rule
from hubcfg.views.rules import rule_sections
from tests.unit.cli.running import Run


def test_all_are_listed_by_table(hubcfg: Run) -> None:
    """Each finding has a line with its level and meaning below the heading of its table."""
    lines = hubcfg("rules").out.splitlines()
    listed, table = {}, ""
    for line in lines[:-1]:
        if line.startswith("  "):
            name, severity, meaning = line.split(None, 2)
            listed[name] = (table, severity, meaning)
        elif line:
            table = line
    assert listed == {rule.name: (rule.table.value, rule.severity.value, rule.summary) for rule in all_rules()}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_each_is_explained(hubcfg: Run, rule: Rule) -> None:
    """Every finding says what it means, why it matters, shows an example and says how to mend it."""
    sections = rule_sections(rule)
    assert sections.keys() == {"meaning", "why", "example", "mend"}
    assert all(sections.values())
    assert sections["meaning"].endswith(".")
    text = hubcfg("rules", rule.name).out
    assert text.startswith(f"{rule.severity.value}[{rule.name}] ({rule.table.value})\n\n{rule.summary}\n")
    assert ("neither ignored nor lowered" in text) is rule.is_protected
    assert (f"# hubcfg: ignore[{rule.name}]" in text) is not rule.is_protected


def test_json_has_the_parts(hubcfg: Run) -> None:
    """The JSON twin has the parts of the documentation as fields, the example with its line breaks."""
    document = hubcfg("rules", "unused-bundle", "--format", "json").json
    assert document["format"] == "hubcfg.rules/1"
    (rule,) = document["rules"]
    assert rule["example"].startswith("groups:\n  old-desk: {permissions: [psa.tickets.read]}")
    assert (rule["severity"], rule["can_be_ignored"]) == ("info", True)
    assert len(hubcfg("rules", "--format", "json").json["rules"]) == len(all_rules())


def test_an_unknown_name_is_wrong_usage(hubcfg: Run) -> None:
    """The nearest finding is named."""
    outcome = hubcfg("rules", "unused-bundel")
    assert (outcome.code, outcome.out) == (2, "")
    assert "did you mean `unused-bundle`?" in outcome.err
