"""Findings as JUnit XML, which nearly every CI system shows as test results.

A file is a suite, a finding a test case: an error is a failure, what is less passes and says so in its output.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from hubcfg.core.finding import Finding
from hubcfg.core.rule import Severity
from hubcfg.views.findings import Surroundings
from hubcfg.views.findings._common import address, remarks, repository_path, span_of

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(findings: Sequence[Finding], surroundings: Surroundings) -> str:
    """Returns one XML document. Where there is nothing to report one test passes: some CI systems refuse a run without any."""
    prefix = surroundings.prefix
    cases = zip(findings, _name_cases(findings), strict=True)
    suites = [
        _suite(file, list(group), prefix)
        for file, group in groupby(cases, key=lambda case: repository_path(case[0].place, prefix))
    ]
    if not suites:
        passed = _element("testcase", {"classname": "hubcfg", "name": "nothing to report"}, depth=2)
        suites = [_element("testsuite", {"name": "hubcfg", **_totals([]), "tests": 1}, passed, depth=1)]
    totals = _totals(findings) | {"tests": max(len(findings), 1)}
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_element("testsuites", {"name": "hubcfg", **totals}, *suites)}'


def _name_cases(findings: Sequence[Finding]) -> list[str]:
    """Returns a name for each finding; without lines, because CI systems compare runs by names."""
    seen: Counter[tuple[str, str]] = Counter()
    names = []
    for finding in findings:
        name = f"{finding.name}: {finding.message}"
        key = (span_of(finding.place).file, name)
        seen[key] += 1
        names.append(name if seen[key] == 1 else f"{name} ({seen[key]})")
    return names


def _suite(file: str, cases: Sequence[tuple[Finding, str]], prefix: str) -> str:
    elements = [_case(file, finding, name, prefix) for finding, name in cases]
    return _element("testsuite", {"name": file, **_totals([finding for finding, _ in cases])}, *elements, depth=1)


def _case(file: str, finding: Finding, name: str, prefix: str) -> str:
    place = span_of(finding.place)
    text = "\n".join([finding.message, *remarks(finding, prefix), f"at {address(place, prefix)}"])
    if finding.severity is Severity.ERROR:
        outcome = _element("failure", {"type": finding.name, "message": finding.message}, _text(text))
    else:
        outcome = _element("system-out", {}, _text(f"{finding.severity.value}: {text}"))
    line = {"line": place.line} if place.line else {}
    return _element("testcase", {"classname": file, "name": name, "file": file, **line}, outcome, depth=2)


def _totals(findings: Sequence[Finding]) -> dict[str, int]:
    failures = sum(finding.severity is Severity.ERROR for finding in findings)
    return {"tests": len(findings), "failures": failures, "errors": 0, "skipped": 0}


def _element(name: str, attributes: Mapping[str, str | int], *content: str, depth: int = 0) -> str:
    """Returns an element; elements in it stand on lines of their own, text is as it is."""
    shown = "".join(f" {key}={quoteattr(_allowed(str(value)))}" for key, value in attributes.items())
    if not content:
        return f"<{name}{shown}/>"
    if not content[0].startswith("<"):
        return f"<{name}{shown}>{''.join(content)}</{name}>"
    indent = "\n" + "  " * depth
    return f"<{name}{shown}>{''.join(f'{indent}  {one}' for one in content)}{indent}</{name}>"


def _text(text: str) -> str:
    return escape(_allowed(text), {"\r": "&#13;"})


def _allowed(text: str) -> str:
    """Returns text without the characters that no XML document may have, `�` in place of each."""
    return _FORBIDDEN.sub("�", text)


RENDER = render_junit
