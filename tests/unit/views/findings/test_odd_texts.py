"""Whatever stands in files, their names and messages: each format can be read back, and says what went in."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hubcfg.checker.check import all_rules
from hubcfg.core.finding import Edit, EditAction, Finding, Fix, Related
from hubcfg.core.places import Span
from hubcfg.core.rule import Severity
from hubcfg.views.findings import render_findings
from tests.npm import npm_package
from tests.unit.views.findings.readers import read_commands, sarif_path

ODD = "\r\n\t%:,;=\"'<>&[]()`\\\x00\x1b\x7f\x85\u2028\ufeff\ufffe\ud800\udcff😀é]] "
TEXT = st.text(st.sampled_from(ODD) | st.characters(), max_size=12)
PARTS = st.sampled_from(
    ["]](1)", "[x](https://example.com)", "%0A", "%250A", "::error::", "##[error]", "]]>", "&#10;", "<!--"]
)
TEXTS = st.lists(TEXT | PARTS, max_size=3).map("".join)
NAMES = TEXTS.map(lambda text: f"{text}/a.yaml".replace("\0", "").lstrip("/"))
SOURCE = "abc 😀\r\ndef\n\nghi\rjkl"
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@st.composite
def spans(draw: Any, files: st.SearchStrategy[str] = NAMES) -> Span:
    file = draw(files)
    if draw(st.integers(0, 5)) == 0:
        return Span(file)
    line, column = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    if draw(st.booleans()):
        return Span(file, line, column, line, column + draw(st.integers(0, 3)))
    return Span(file, line, column, line + draw(st.integers(1, 3)), draw(st.integers(1, 4)))


def fixes() -> st.SearchStrategy[Fix]:
    place = NAMES.map(lambda file: Span(file, 1, 1, 1, 4))
    edit = st.builds(Edit, place, st.just(EditAction.REPLACE), TEXTS)
    return st.builds(Fix, TEXTS, st.lists(edit, min_size=1, max_size=2).map(tuple))


FINDINGS = st.lists(
    st.builds(
        Finding,
        st.sampled_from(all_rules()),
        TEXTS,
        spans(st.sampled_from(["a.yaml", "."]) | NAMES),
        st.none() | TEXTS,
        st.lists(st.builds(Related, TEXTS, spans()), max_size=5).map(tuple),
        st.none() | fixes(),
        st.sampled_from(Severity),
        st.lists(TEXTS | st.integers(0, 9), max_size=3).map(tuple),
    ),
    max_size=4,
)
PREFIXES = st.sampled_from(["", "clients/a b/", "50%:,/"])


def render(format: str, findings: list[Finding], prefix: str = "") -> str:
    text = render_findings(format, findings, lambda _: SOURCE, prefix=prefix)
    text.encode("utf-8")
    return text


def encodable(text: str) -> str:
    """What is left of a text of which not all can be encoded."""
    return re.sub("[\ud800-\udfff]", "�", text)


def path_of(finding: Finding, prefix: str) -> str:
    assert isinstance(finding.place, Span)
    return prefix + ("hubcfg.yaml" if finding.place.file == "." else finding.place.file)


def said_about(finding: Finding) -> Iterator[str]:
    """The texts that each format for people must give."""
    yield finding.message
    yield finding.help or ""
    yield from (one.message for one in finding.related[:3])


@given(FINDINGS, PREFIXES)
def test_github_commands_read_back(findings: list[Finding], prefix: str) -> None:
    """Each finding is one line, whatever its texts, and the command has its properties and words."""
    commands = read_commands(render("github", findings, prefix))
    names = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
    for command, finding in zip(commands, sorted(findings, key=lambda one: [*names].index(one.severity)), strict=True):
        assert (command.name, command.properties["title"]) == (names[finding.severity], finding.name)
        is_fileless = finding.place == Span(".") or getattr(finding.place, "file", "") == "."
        assert command.properties.get("file") == (None if is_fileless else encodable(path_of(finding, prefix)))
        assert command.message.startswith(encodable(finding.message))
        for text in said_about(finding):
            assert encodable(text) in command.message
        check_lines(command.properties)


def check_lines(properties: dict[str, str]) -> None:
    """GitHub refuses columns of a place that ends on another line; an end never lies before its beginning."""
    assert ("col" in properties) == ("endColumn" in properties)
    if "col" in properties:
        assert properties["line"] == properties["endLine"]
        assert int(properties["col"]) <= int(properties["endColumn"])
    if "line" in properties:
        assert int(properties["line"]) <= int(properties["endLine"])


@given(FINDINGS, PREFIXES)
def test_junit_reads_back(findings: list[Finding], prefix: str) -> None:
    """An XML parser finds every finding with its words; characters that XML forbids are `�`."""
    suites = ElementTree.fromstring(render("junit", findings, prefix).encode("utf-8"))

    def shown(text: str) -> str:
        return FORBIDDEN.sub("�", text)

    cases = list(suites.iter("testcase"))
    assert int(suites.get("tests", "")) == len(cases) == max(len(findings), 1)
    assert int(suites.get("failures", "")) == sum(finding.severity is Severity.ERROR for finding in findings)
    assert sum(int(suite.get("tests", "")) for suite in suites) == len(cases)
    keys = [(case.get("classname"), case.get("name")) for case in cases]
    for case, finding in zip(cases if findings else [], findings, strict=True):
        assert case.get("file") == case.get("classname") == shown(path_of(finding, prefix))
        assert (case.get("name") or "").startswith(shown(f"{finding.name}: {finding.message}"))
        (outcome,) = case
        assert outcome.tag == ("failure" if finding.severity is Severity.ERROR else "system-out")
        assert outcome.get("message") == (shown(finding.message) if outcome.tag == "failure" else None)
        for text in said_about(finding):
            assert shown(text) in (outcome.text or "")
    assert max(Counter(keys).values()) == 1 or any(FORBIDDEN.search(finding.message) for finding in findings)


@given(FINDINGS, PREFIXES)
def test_gitlab_reads_back(findings: list[Finding], prefix: str) -> None:
    """Every finding is an issue with what GitLab demands, and no two have one fingerprint."""
    issues = json.loads(render("gitlab", findings, prefix))
    for issue, finding in zip(issues, findings, strict=True):
        assert issue["check_name"] == finding.name
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["path"] == encodable(path_of(finding, prefix))
        assert issue["location"]["lines"]["begin"] >= 1
        for text in said_about(finding):
            assert encodable(text) in issue["description"]
    assert len({issue["fingerprint"] for issue in issues}) == len(findings)


@cache
def sarif_schema() -> Any:
    """The official JSON Schema, from the package that publishes it."""
    path = npm_package("@microsoft/sarif-multitool-linux") / "sarif-2.1.0.json"
    return jsonschema_rs.validator_for(json.loads(path.read_text("utf-8-sig")))


@settings(deadline=None, max_examples=40)
@given(FINDINGS, PREFIXES)
def test_sarif_reads_back(findings: list[Finding], prefix: str) -> None:
    """It fits the official schema; paths, messages, related places and fixes are what went in."""
    document = json.loads(render("sarif", findings, prefix))
    assert [error.message for error in sarif_schema().iter_errors(document)] == []
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({finding.name for finding in findings})
    for result, finding in zip(run["results"], findings, strict=True):
        assert result["ruleId"] == rules[result["ruleIndex"]]["id"] == finding.name
        assert sarif_path(result["locations"][0]) == on_disk(path_of(finding, prefix))
        text = result["message"]["text"]
        for said in said_about(finding):
            assert without_links(encodable(said)) in text
        related = result.get("relatedLocations", [])
        assert [sarif_path(one) for one in related] == [
            on_disk(path_of_related(one, prefix)) for one in finding.related
        ]
        assert re.findall(r"\]\((.*?)\)", text) == [str(one["id"]) for one in related[:3]], "all links are ours"
        for fix in result.get("fixes", []):
            assert finding.fix is not None
            inserted = [one.get("insertedContent", {"text": ""})["text"] for one in replacements(fix)]
            assert Counter(inserted) <= Counter(encodable(edit.text) for edit in finding.fix.edits)


def replacements(fix: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for change in fix["artifactChanges"]:
        yield from change["replacements"]


def on_disk(path: str) -> bytes:
    """The bytes of a path; of what can stand for no byte, `�`."""
    return re.sub("[\ud800-\udc7f\udd00-\udfff]", "�", path).encode("utf-8", "surrogateescape")


def path_of_related(one: Related, prefix: str) -> str:
    assert isinstance(one.place, Span)
    return prefix + one.place.file


def without_links(text: str) -> str:
    """A text as SARIF has it: `](`, which viewers take for a link, is broken up."""
    return text.replace("](", "] (")


@given(FINDINGS)
def test_fingerprints_stay_when_lines_move(findings: list[Finding]) -> None:
    """The same findings, three lines further down, with other items before them in the same list and other wording."""
    before = json.loads(render("gitlab", findings))
    moved = [
        replace(finding, place=shifted(finding.place), path=tuple(shifted_step(step) for step in finding.path))
        for finding in findings
    ]
    text = render_findings("gitlab", moved, lambda _: f"# one\n\n# two\n{SOURCE}")
    after = json.loads(text)
    assert [issue["fingerprint"] for issue in after] == [issue["fingerprint"] for issue in before]


def shifted(place: Any) -> Span:
    return replace(place, line=place.line + 3, end_line=place.end_line + 3) if place.line else place


def shifted_step(step: str | int) -> str | int:
    return step + 1 if isinstance(step, int) else step


BASE = Finding(all_rules()[0], "there is no `x` in 3 places", Span("a.yaml", 1, 1, 1, 4), path=("users", "kim", 2))


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (replace(BASE, message="in 4 places no `x` can be found"), True),
        (replace(BASE, severity=Severity.INFO, help="look elsewhere"), True),
        (replace(BASE, path=("users", "kim", 0)), True),
        (replace(BASE, message="there is no `y` in 3 places"), False),
        (replace(BASE, path=("users", "dana", 2)), False),
        (replace(BASE, rule=all_rules()[1]), False),
        (replace(BASE, place=Span("b.yaml", 1, 1, 1, 4)), False),
        (replace(BASE, place=Span("a.yaml", 1, 1, 1, 3)), False),
    ],
)
def test_what_a_fingerprint_is_made_of(other: Finding, is_same: bool) -> None:
    """Rule, file, keys, the words marked and those quoted; not the wording, the advice or the position in a list."""
    prints = [json.loads(render("gitlab", [one]))[0]["fingerprint"] for one in (BASE, other)]
    assert (prints[0] == prints[1]) is is_same


def test_equal_findings_of_a_file_are_numbered() -> None:
    """The first keeps its fingerprint when a second, equal one comes; the second has its own; SARIF has the same ones."""
    alone = json.loads(render("gitlab", [BASE]))
    both = json.loads(render("gitlab", [BASE, BASE]))
    assert both[0]["fingerprint"] == alone[0]["fingerprint"] != both[1]["fingerprint"]
    results = json.loads(render("sarif", [BASE, BASE]))["runs"][0]["results"]
    assert [one["partialFingerprints"] for one in results] == [{"hubcfgFinding/v1": one["fingerprint"]} for one in both]
