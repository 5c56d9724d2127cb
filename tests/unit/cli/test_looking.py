"""The commands that look at access, on a small project: what they print is what stands in tests/cases/looking."""

import json
import shlex
from pathlib import Path

import jsonschema
import pytest

from hubcfg.cli.main import run

LOOKING = Path(__file__).parents[2] / "cases" / "looking"
SCHEMAS = Path(__file__).parents[3] / "src" / "hubcfg" / "views" / "schemas"
EXPECTED = sorted((LOOKING / "expected").glob("*.txt"))
AS_OF = "2026-11-22"


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("NO_COLOR", "1")


def look(root: Path, *arguments: str, as_of: str = AS_OF) -> int:
    return run(["-C", str(root), *arguments, "--as-of", as_of])


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_a_command_prints_what_is_expected(path: Path, capsys: pytest.CaptureFixture[str], bless: bool) -> None:
    """A file's first line is a command, what follows its output, its last line the exit code."""
    command = path.read_text("utf-8").splitlines()[0]
    code = look(LOOKING / "input", *shlex.split(command.removeprefix("$ hubcfg "), posix=True))
    given = f"{command}\n{capsys.readouterr().out}exit {code}\n"
    if bless:
        path.write_text(given, "utf-8")
    assert given == path.read_text("utf-8")


@pytest.mark.parametrize("path", [path for path in EXPECTED if "json" in path.stem], ids=lambda path: path.stem)
def test_json_fits_its_schema(path: Path) -> None:
    """JSON output is one document that fits the published schema of its format."""
    text = "\n".join(path.read_text("utf-8").splitlines()[1:-1])
    document = json.loads(text)
    name = document["format"].removeprefix("hubcfg.").removesuffix("/1")
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "anna@acme.example"], "did you mean `ana@acme.example`?"),
        (["show", "ana@acme.org"], "did you mean `ana@acme.example`?"),
        (["show", "vic@acme.example", "--org", "globex"], "there is one in `acme`"),
        (["show", "ana@acme.example", "--org", "acne"], "did you mean `acme`?"),
        (["explain", "ana@acme.example", "psa.tikets.read"], "did you mean `psa.tickets.read`"),
        (["explain", "ana@acme.example", "psa.tickets"], "did you mean `psa.tickets.*`?"),
        (["who-can", "psa.tickets.raed"], "did you mean `psa.tickets.read`"),
    ],
)
def test_an_unknown_name_is_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A user, org or permission that does not exist ends with exit code 2 and the nearest name."""
    assert look(LOOKING / "input", *arguments) == 2
    assert message in capsys.readouterr().err


BROKEN = """kind: Org
id: acme
products: {psa: active}
---
kind: Groups
org: acme
groups:
  desk: {permissions: [psa.tikets.read]}
---
kind: Users
org: acme
users:
  olga@acme.example: {role: owner}
  dan@acme.example: {role: member, groups: [desk]}
"""
FAULTY_TESTS = """kind: Tests
org: acme
tests:
  - {name: unknown user, user: nobody@acme.example, cannot: [psa.*]}
  - {name: access not known, user: dan@acme.example, cannot: [psa.*]}
  - {name: unknown permission, user: olga@acme.example, cannot: [psa.tikets.*]}
  - {name: misspelt field, user: olga@acme.example, cant: [psa.*]}
  - {name: not a list, user: olga@acme.example, cannot: psa.*}
  - {user: olga@acme.example, can: [psa.*]}
  - {name: good, user: olga@acme.example, can: [psa.*]}
---
kind: Tests
org: acne
tests:
  - {name: unknown org, user: olga@acme.example, can: [psa.*]}
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Returns a project with errors, in which the access of some is known."""
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: broken\nplatform: onestack\n")
    (tmp_path / "acme.yaml").write_text(BROKEN)
    return tmp_path


def test_access_that_errors_hide_is_never_shown(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a user whose group is in error nothing is claimed, and the exit code is 1; others are shown all the same."""
    assert look(broken, "show", "dan@acme.example") == 1
    shown = capsys.readouterr()
    assert "not known because of errors" in shown.out
    assert "the project has an error" in shown.err
    assert look(broken, "explain", "dan@acme.example", "psa.tickets.read") == 1
    assert "not known because of errors" in " ".join(capsys.readouterr().out.split())
    assert look(broken, "who-can", "psa.tickets.read", "--format", "json") == 1
    org = json.loads(capsys.readouterr().out)["orgs"][0]
    assert (org["unknown"], [user["user"] for user in org["users"]]) == (["dan@acme.example"], ["olga@acme.example"])
    assert look(broken, "show", "olga@acme.example") == 0


def test_a_test_that_cannot_be_judged_has_failed(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests with errors in them, of users whose access is not known or of unknown orgs fail, though they claim little."""
    (broken / "tests.yaml").write_text(FAULTY_TESTS)
    assert look(broken, "test", "--format", "json") == 1
    tests = json.loads(capsys.readouterr().out)["tests"]
    assert [test["name"] for test in tests if test["passed"]] == ["good"]
    assert len(tests) == 8
    assert [test["line"] for test in tests] == [4, 5, 6, 7, 8, 9, 10, 15]


def test_tests_in_an_unreadable_file_do_not_vanish(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that can't be read to its end may have held tests: that is a failure of its own."""
    (broken / "tests.yaml").write_text("kind: Tests\norg: acme\ntests:\n  - {name: a, user: olga@acme.example\n")
    assert look(broken, "test") == 1
    assert "tests in it may not have been run" in " ".join(capsys.readouterr().out.split())


def test_can_that_matches_nothing_for_the_audience_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A client user who `can` what only staff may hold is a failed test, not an empty truth."""
    for path in (LOOKING / "input").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "failing.yaml").write_text(
        "kind: Tests\norg: acme\ntests:\n  - {name: crm, user: pat@contoso.example, can: [crm.*]}\n"
    )
    assert look(tmp_path, "test") == 1
    assert "it matches nothing that a client user may hold" in capsys.readouterr().out


def test_an_org_whose_catalog_lacks_the_pattern_is_left_out(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where orgs have different catalogs, only those that know the pattern are looked at, and a note names the others."""
    (broken / "panel.yaml").write_text(
        "kind: Org\nid: panel\nplatform: msp-panel\n---\n"
        "kind: Users\norg: panel\nusers:\n  olga@acme.example: {role: owner}\n"
    )
    assert look(broken, "explain", "olga@acme.example", "panel.clients.view", "--format", "json") == 0
    shown = capsys.readouterr()
    assert [answer["org"] for answer in json.loads(shown.out)["answers"]] == ["panel"]
    assert "not in the org acme" in shown.err
    assert look(broken, "who-can", "panel.clients.view") == 0
    assert "1 user of 1 in panel holds it" in capsys.readouterr().out


def test_a_project_file_that_cannot_be_used_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a usable hubcfg.yaml there is nothing to look at, and the exit code is 1."""
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 2\nproject: later\n")
    assert look(tmp_path, "who-can", "psa.tickets.read") == 1
    assert "the project can't be read" in capsys.readouterr().err
