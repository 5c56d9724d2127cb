"""What CI systems are told about a small project: golden files, validity, exit codes, paths in the repository."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from hubcfg import __version__
from hubcfg.checker.check import all_rules
from hubcfg.core.instants import parse_instant
from hubcfg.parser.editing import apply_edits
from hubcfg.parser.git import find_prefix
from hubcfg.pipeline import Compiled, compile_project
from hubcfg.views.findings import finding_formats, render_findings
from hubcfg.views.findings.sarif import PROJECT_PAGE, render_rule
from tests.npm import npm_package
from tests.unit.cli.running import Run, runner
from tests.unit.views.findings.readers import read_commands, replace, sarif_path

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "tests" / "golden" / "formats"
PREFIX = "clients/northwind/"
FILES = {"github": "github.txt", "gitlab": "gitlab.json", "junit": "junit.xml", "sarif": "findings.sarif"}
CI_FORMATS = sorted(FILES)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The golden project, outside Git, with what not every system can check out: a file of an odd name, and one in Latin-1."""
    root = tmp_path_factory.mktemp("formats") / "project"
    shutil.copytree(GOLDEN / "project", root)
    (root / "staff.yaml").rename(root / "50%, or so: staff.yaml")
    (root / "latin.yaml").write_bytes("kind: Groups\n# café\n".encode("latin-1"))
    instant = parse_instant("2026-12-01")
    assert instant is not None
    return compile_project(root, as_of=instant)


@pytest.fixture
def hubcfg(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command."""
    return runner(capsys)


def render(format: str, compiled: Compiled, prefix: str = PREFIX) -> str:
    return render_findings(format, compiled.findings, compiled.read, prefix=prefix)


def write_project(root: Path, users: str = "") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "hubcfg.yaml").write_text("hubcfg: 1\nproject: p\nplatform: onestack\n")
    org = "kind: Org\nid: a\nproducts: {psa: active}\n---\nkind: Users\norg: a\nusers:\n  o@a.example: {role: owner}\n"
    (root / "org.yaml").write_text(org + users)
    return root


@pytest.mark.parametrize("format", CI_FORMATS)
def test_golden(format: str, compiled: Compiled, bless: bool) -> None:
    """Each format of the golden project's findings is byte for byte what is in tests/golden/formats."""
    text = render(format, compiled).replace(f'"{__version__}"', '"VERSION"') + "\n"
    golden = GOLDEN / FILES[format]
    if bless:
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


def test_golden_project_has_what_formats_differ_in(compiled: Compiled) -> None:
    """All severities, help, related places, both kinds of edit, a file without a line, a path that needs escapes."""
    findings = compiled.findings
    assert {finding.severity.value for finding in findings} == {"error", "warning", "info"}
    actions = {edit.action.value for finding in findings if finding.fix for edit in finding.fix.edits}
    assert actions == {"replace", "remove item"}
    assert any(finding.related and finding.help for finding in findings)
    places = [json.loads(render_findings("json", [finding], compiled.read))["findings"][0] for finding in findings]
    assert any(place["line"] is None for place in places)
    assert any({"%", ",", ":"} <= set(place["file"]) for place in places)


def test_every_format_is_offered(hubcfg: Run) -> None:
    """`--format` takes the four formats of CI systems besides text and json."""
    assert finding_formats() == ["text", "github", "gitlab", "json", "junit", "sarif"]
    assert "[text|github|gitlab|json|junit|sarif]" in hubcfg("validate", "--help").out


@pytest.mark.parametrize("format", CI_FORMATS)
def test_exit_codes_are_those_of_validate(format: str, hubcfg: Run, tmp_path: Path) -> None:
    """Errors give 1, warnings and less give 0, whatever the format; wrong usage gives 2 and writes nothing to stdout."""
    bad = write_project(tmp_path / "bad", "  k@a.example: {role: membr}\n")
    assert hubcfg("-C", str(bad), "validate", "--format", format).code == 1
    weak = write_project(tmp_path / "weak", "  k@a.example: {role: member}\n")
    outcome = hubcfg("-C", str(weak), "validate", "--format", format)
    assert (outcome.code, "user-without-access" in outcome.out) == (0, True)
    outcome = hubcfg("-C", str(weak), "validate", "--format", format, "--select", "nonsense")
    assert (outcome.code, outcome.out) == (2, "")


def test_nothing_found_is_valid_output(hubcfg: Run, tmp_path: Path) -> None:
    """Without findings: no command at all, an empty list, no results, and one test that passes."""
    root = write_project(tmp_path)

    def output(format: str) -> str:
        outcome = hubcfg("-C", str(root), "validate", "--format", format, "--select", "deprecated-permission")
        assert outcome.code == 0
        return outcome.out

    assert output("github") == ""
    assert json.loads(output("gitlab")) == []
    run = json.loads(output("sarif"))["runs"][0]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])
    suites = ElementTree.fromstring(output("junit"))
    assert (suites.get("tests"), suites.get("failures")) == ("1", "0")
    assert [case.get("name") for case in suites.iter("testcase")] == ["nothing to report"]
    assert not list(suites.iter("failure"))


@pytest.mark.parametrize("top", ["folder", "file"])
def test_paths_are_those_of_the_repository(top: str, hubcfg: Run, tmp_path: Path) -> None:
    """In a project below the top of its repository, or of a worktree, files go by their path from that top."""
    root = write_project(tmp_path / "clients" / "acme", "  k@a.example: {role: membr}\n")
    if top == "folder":
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    else:
        (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    path = "clients/acme/org.yaml"
    select = ["validate", "--select", "schema-violation", "--select", "unknown-platform-role", "--format"]

    def output(format: str) -> str:
        return hubcfg("-C", str(root), *select, format).out

    assert {command.properties["file"] for command in read_commands(output("github").rstrip("\n"))} == {path}
    assert {issue["location"]["path"] for issue in json.loads(output("gitlab"))} == {path}
    run = json.loads(output("sarif"))["runs"][0]
    assert {sarif_path(result["locations"][0]) for result in run["results"]} == {path.encode()}
    assert run["automationDetails"]["id"] == "hubcfg/clients/acme/"
    assert {case.get("file") for case in ElementTree.fromstring(output("junit")).iter("testcase")} == {path}
    assert {finding["file"] for finding in json.loads(output("json"))["findings"]} == {"org.yaml"}


def test_a_project_at_the_top_or_outside_a_repository_has_no_prefix(tmp_path: Path) -> None:
    """The prefix is empty there, and ends with `/` anywhere else."""
    assert find_prefix(tmp_path) == ""
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_prefix(tmp_path) == ""
    assert find_prefix(tmp_path / "a" / "b") == "a/b/"


def test_github_has_errors_first_and_places_in_the_message(compiled: Compiled) -> None:
    """GitHub shows ten of a kind and logs only messages, so what is bad comes first, and each message ends with its place."""
    commands = read_commands(render("github", compiled))
    assert len(commands) == len(compiled.findings)
    names = [command.name for command in commands]
    assert names == sorted(names, key=["error", "warning", "notice"].index)
    for command in commands:
        where = command.properties["file"]
        if "line" in command.properties:
            where += f":{command.properties['line']}:{command.properties['col']}"
        assert command.message.endswith(f"\nat {where}")


def test_sarif_fits_the_official_schema(compiled: Compiled, tmp_path: Path) -> None:
    """The published JSON Schema accepts it, and so does the validator that comes with it, without an error or a warning."""
    multitool = npm_package("@microsoft/sarif-multitool-linux")
    written = tmp_path / "hubcfg.sarif"
    written.write_text(render("sarif", compiled), "utf-8")
    schema = json.loads((multitool / "sarif-2.1.0.json").read_text("utf-8-sig"))
    jsonschema.validate(json.loads(written.read_text("utf-8")), schema)
    judged = validate_sarif(multitool, written)
    assert judged == []
    broken = json.loads(written.read_text("utf-8"))
    broken["runs"][0]["results"][0]["ruleIndex"] = 999
    written.write_text(json.dumps(broken))
    assert validate_sarif(multitool, written) != [], "the validator sees a rule that does not exist"


def validate_sarif(multitool: Path, file: Path) -> list[Any]:
    """Returns what the official validator has against a file; its notes are about style, and some of them ask the network."""
    program = multitool / "Sarif.Multitool"
    program.chmod(0o755)
    report = file.with_suffix(".judged")
    options = ["--output", str(report), "--level", "Error;Warning", "--log", "ForceOverwrite", "--quiet", "true"]
    environment = os.environ | {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    done = subprocess.run(
        [program, "validate", file, *options], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert report.is_file(), done.stdout + done.stderr
    runs = json.loads(report.read_text("utf-8-sig"))["runs"]
    return [(one["ruleId"], one["message"]) for run in runs for one in run["results"]]


def test_sarif_fixes_are_those_of_fix(compiled: Compiled) -> None:
    """The replacements of each fix make of a file what `hubcfg fix` makes of it."""
    results = json.loads(render("sarif", compiled))["runs"][0]["results"]
    seen = 0
    for finding, result in zip(compiled.findings, results, strict=True):
        assert (finding.fix is not None) == ("fixes" in result)
        if finding.fix is not None:
            (change,) = result["fixes"][0]["artifactChanges"]
            text = compiled.read(finding.place.file)
            assert text is not None
            assert replace(text, change["replacements"]) == apply_edits(text, finding.fix.edits)
            seen += 1
    assert seen >= 2


def test_sarif_fixes_reach_the_end_of_a_file(hubcfg: Run, tmp_path: Path) -> None:
    """A change of the last words of a file that ends without a line break stays within its last line."""
    root = write_project(tmp_path, "  k@a.example:\n    role: member\n    permissions:\n      - *")
    results = json.loads(hubcfg("-C", str(root), "validate", "--format", "sarif").out)["runs"][0]["results"]
    (fix,) = [fix for result in results if result["ruleId"] == "unquoted-wildcard" for fix in result["fixes"]]
    (one,) = fix["artifactChanges"][0]["replacements"]
    lines = (root / "org.yaml").read_text().split("\n")
    assert one["deletedRegion"]["endLine"] == len(lines)
    assert one["deletedRegion"]["endColumn"] == len(lines[-1]) + 1


def test_sarif_regions_mark_the_words(compiled: Compiled) -> None:
    """Columns count code points: behind an emoji they still mark the permission."""
    results = json.loads(render("sarif", compiled))["runs"][0]["results"]
    marked = set()
    for finding, result in zip(compiled.findings, results, strict=True):
        region = result["locations"][0]["physicalLocation"]["region"]
        lines = (compiled.read(finding.place.file) or "").split("\n")
        if "endColumn" in region:
            marked.add(
                (finding.name, lines[region["startLine"] - 1][region["startColumn"] - 1 : region["endColumn"] - 1])
            )
    assert ("redundant-grant", "psa.tickets.read") in marked
    assert ("unknown-permission", "psa.tickets.reed") in marked


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_every_rule_is_documented_in_sarif(rule: Any) -> None:
    """Its texts are within GitHub's limits, none is empty, and the link leads to its section in the documentation."""
    described = render_rule(rule)
    for text in (described["shortDescription"]["text"], described["fullDescription"]["text"]):
        assert 10 < len(text) <= 1024
    help = described["help"]
    for part in ("Why", "Example", "Mend"):
        assert re.search(rf"^{part}:\s+\S", help["text"], re.MULTILINE)
        assert re.search(rf"^\*\*{part}:\*\*\s+\S", help["markdown"], re.MULTILINE)
    page, _, anchor = described["helpUri"].partition("#")
    assert page == f"{PROJECT_PAGE}/blob/main/docs/findings.md"
    assert f"\n### `{anchor}`\n" in (ROOT / "docs" / "findings.md").read_text("utf-8")


def test_the_project_page_is_that_of_the_package() -> None:
    """`informationUri` is what pyproject.toml gives as the source."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["urls"]["Source"] == PROJECT_PAGE
