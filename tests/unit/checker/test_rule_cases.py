"""Every finding fires where its cases say, on the very words, and is silent elsewhere."""

from pathlib import Path

import pytest

from hubcfg.checker.check import all_rules
from hubcfg.core.rule import Severity
from tests.rule_cases import CASES, Case, describe, load_cases, run_case


@pytest.mark.parametrize("case", load_cases(), ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    """The finding comes as often as the case expects, in place and words, and no other error comes with it."""
    compiled = run_case(case, tmp_path)
    found = [describe(finding, compiled) for finding in compiled.findings if finding.name == case.finding]
    expected = case.expect if case.fires else []
    assert [one["at"] for one in found] == [one["at"] for one in expected], found
    for one, wanted in zip(found, expected, strict=True):
        assert one["words"] == wanted["words"], one
        assert wanted.get("says", "") in one["says"], one
        assert wanted.get("help", "") in one["help"], one
        assert wanted.get("severity", one["severity"]) == one["severity"], one
    others = {finding.name for finding in compiled.findings if finding.severity is Severity.ERROR} - {case.finding}
    assert others == set(case.also), [describe(finding, compiled) for finding in compiled.findings]


@pytest.mark.parametrize("name", [rule.name for rule in all_rules()])
def test_every_finding_has_cases(name: str) -> None:
    """Each finding has a case file with inputs that fire and inputs that stay silent."""
    cases = [case for case in load_cases() if case.finding == name]
    assert (CASES / f"{name}.yaml").is_file()
    assert any(case.fires for case in cases)
    assert any(not case.fires for case in cases)
