"""`hubcfg import`: what a target or a table holds becomes a project's files, and a plan then shows no change."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hubcfg.views.schemas import output_schemas
from tests.unit.cli.running import Outcome, Run

EXAMPLES = Path(__file__).parents[3] / "examples"
PEOPLE = """\
org,user,name,role,groups,permissions,company
acme,ana@acme.example,Ana,owner,,,
acme,bo@acme.example,Bo,member,technician,,
acme,cy@acme.example,,member,technician,psa.dispatch.read,
acme,pat@contoso.example,,,client-admin,,contoso
"""


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path


@pytest.fixture(autouse=True)
def outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "HUBCFG_BASE", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(variable, raising=False)


def document(outcome: Outcome) -> Any:
    """Returns the JSON of an import, which must fit its schema."""
    schema = output_schemas()["hubcfg.import/1"]
    assert [error.message for error in Draft202012Validator(schema).iter_errors(outcome.json)] == []
    return outcome.json


def table(folder: Path, text: str = PEOPLE) -> str:
    """Writes a table, and returns its path."""
    path = folder / "people.csv"
    path.write_text(text, "utf-8")
    return str(path)


def test_importing_and_planning_shows_no_change(hubcfg: Run, tmp_path: Path, key: Path) -> None:
    """A deployed org whose files are lost is imported and approved: `plan` has nothing to change, sensitive grants included."""
    root = tmp_path / "acme"
    begin = ["--org", "acme", "--name", "Acme", "--owner", "ana@acme.example", "--key", f"{key}.pub"]
    assert hubcfg("init", str(root), *begin).code == 0
    users = root / "users" / "staff.yaml"
    text = users.read_text("utf-8")
    users.write_text(text.replace("    roles: [", "    permissions: [psa.tickets.delete]\n    roles: ["), "utf-8")
    approve = ["approve", "--all", "--as", "ana@acme.example", "--key", str(key), "--reason", "Everyday work"]
    assert hubcfg("-C", str(root), *approve).code == 0
    assert hubcfg("-C", str(root), "apply", "--bootstrap", "--auto-approve").code == 0
    for folder in ("orgs", "groups", "roles", "users", "tests", "approvals"):
        shutil.rmtree(root / folder, ignore_errors=True)
    outcome = hubcfg("-C", str(root), "import", "--target", "local")
    assert outcome.code == 0
    assert outcome.err.startswith("1 sensitive permission or role lacks an approval: `hubcfg approve --all")
    assert hubcfg("-C", str(root), "fmt", "--check").code == 0
    assert hubcfg("-C", str(root), *approve).code == 0
    outcome = hubcfg("-C", str(root), "plan", "--detailed-exitcode")
    assert (outcome.code, "nothing to change" in outcome.out) == (0, True)


def test_an_org_that_the_project_has_is_not_imported(hubcfg: Run, tmp_path: Path, key: Path) -> None:
    """It is refused with the file that has it; outside the project it may be written, for looking."""
    root = tmp_path / "acme"
    assert hubcfg("init", str(root), "--org", "acme", "--owner", "ana@acme.example", "--key", f"{key}.pub").code == 0
    assert hubcfg("-C", str(root), "apply", "--bootstrap", "--auto-approve").code == 0
    before = sorted(root.rglob("*.yaml"))
    outcome = hubcfg("-C", str(root), "import", "--target", "local", "--format", "json")
    (org,) = document(outcome)["orgs"]
    assert (outcome.code, org["refused"]) == (1, "the project has the org `acme` already, in `orgs/acme.yaml`")
    assert sorted(root.rglob("*.yaml")) == before
    outcome = hubcfg("-C", str(root), "import", "--target", "local", "-o", str(tmp_path / "look"), "--format", "json")
    assert (outcome.code, document(outcome)["orgs"][0]["files"]) == (0, ["orgs/acme.yaml", "users/acme.yaml"])
    assert document(outcome)["outstanding"] is None


def test_a_table_begins_a_project(hubcfg: Run, tmp_path: Path) -> None:
    """Where there is no project, a table gives one that validates, in canonical form."""
    root = tmp_path / "new"
    root.mkdir()
    arguments = ["import", "--csv", table(tmp_path), "--platform", "onestack", "--format", "json"]
    written = document(hubcfg("-C", str(root), *arguments))
    assert written["others"] == ["hubcfg.yaml"]
    (org,) = written["orgs"]
    assert (org["users"], org["groups"], org["clients"], org["notes"]) == (4, 0, 1, [])
    assert (root / "users" / "acme.yaml").read_text("utf-8") == (
        "kind: Users\norg: acme\nusers:\n"
        "  ana@acme.example: {name: Ana, role: owner}\n"
        "  bo@acme.example: {name: Bo, role: member, groups: [technician]}\n"
        "  cy@acme.example: {role: member, groups: [technician], permissions: [psa.dispatch.read]}\n"
        "  pat@contoso.example: {audience: client, company: contoso, groups: [client-admin]}\n"
    )
    assert hubcfg("-C", str(root), "fmt", "--check").code == 0
    findings = hubcfg("-C", str(root), "validate", "--format", "json").json["findings"]
    assert {one["name"] for one in findings if one["severity"] == "error"} == set()


def test_a_review_is_imported_elsewhere(hubcfg: Run, tmp_path: Path) -> None:
    """What `report --format csv` writes of an example gives people who hold what the review says."""
    review, root = tmp_path / "review.csv", tmp_path / "new"
    root.mkdir()
    example = ["-C", str(EXAMPLES / "quickstart"), "report", "--format", "csv"]
    assert hubcfg(*example, "-o", str(review)).code == 0
    outcome = hubcfg("-C", str(root), "import", "--csv", str(review), "--platform", "onestack", "--format", "json")
    assert (outcome.code, document(outcome)["orgs"][0]["notes"]) == (0, [])
    again = tmp_path / "again.csv"
    assert hubcfg("-C", str(root), "report", "--format", "csv", "-o", str(again)).code == 0
    assert held(review) == held(again)


def held(review: Path) -> set[tuple[str, ...]]:
    """Returns who holds what in a review, by the columns that do not say through what."""
    import csv

    with review.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        tuple(row[name] for name in ("org", "user", "name", "role", "permission", "until", "scope")) for row in rows
    }


def test_nothing_is_overwritten(hubcfg: Run, tmp_path: Path) -> None:
    """A file that is there already is named, and nothing is written, neither beside it nor in its place."""
    root = tmp_path / "new"
    (root / "users").mkdir(parents=True)
    (root / "users" / "acme.yaml").write_text("kept\n")
    outcome = hubcfg("-C", str(root), "import", "--csv", table(tmp_path), "--platform", "onestack")
    assert (outcome.code, outcome.err) == (
        1,
        f"error: `{root}` has `users/acme.yaml` already, and nothing is overwritten\n"
        "  help: move what is there out of the way, or write `acme` elsewhere with `-o DIR`\n",
    )
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["acme.yaml"]


def test_findings_in_a_table_are_shown_with_their_lines(hubcfg: Run, tmp_path: Path) -> None:
    """A table with faults writes nothing, exits with 1 and shows each at its line; as JSON they are findings."""
    path = table(tmp_path, "org,user,role\nacme,bo,membr\n")
    arguments = ["-C", str(tmp_path), "import", "--csv", path, "--platform", "onestack"]
    outcome = hubcfg(*arguments)
    assert outcome.code == 1
    assert f"error[unknown-platform-role]: the platform `onestack` has no role `membr`\n --> {path}:2:1" in outcome.out
    assert outcome.err == "nothing was written: mend the table first\n"
    assert [one["line"] for one in hubcfg(*arguments, "--format", "json").json["findings"]] == [2]
    assert list(tmp_path.rglob("*.yaml")) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "what to import is not clear"),
        (["--target", "prod", "--csv", "PEOPLE"], "what to import is not clear"),
        (["--target", "prod"], "there is no `hubcfg.yaml` here, which says where the target `prod` is"),
        (["--target", "prod", "--platform", "onestack"], "`--platform` and `--delimiter` are for a table"),
        (["--csv", "PEOPLE"], "there is no project here, so nothing says on which platform the people are"),
        (["--csv", "PEOPLE", "--platform", "onestack", "--org", "acne"], "there is no org `acne` in `PEOPLE`"),
    ],
)  # fmt: skip
def test_what_can_not_be_asked_for(hubcfg: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    """What does not go together, or is not there, is a usage error."""
    path = table(tmp_path)
    outcome = hubcfg("-C", str(tmp_path), "import", *[path if one == "PEOPLE" else one for one in arguments])
    assert (outcome.code, outcome.err.splitlines()[0]) == (2, f"error: {message.replace('PEOPLE', path)}")


def test_one_org_of_several_is_chosen(hubcfg: Run, tmp_path: Path) -> None:
    """`--org` imports that one alone, of a table and of a target."""
    text = "org,user,role\none,a,owner\ntwo,b,owner\n"
    outcome = hubcfg(
        "-C", str(tmp_path), "import", "--csv", table(tmp_path, text), "--platform", "msp-panel", "--org", "two",
        "--format", "json",
    )  # fmt: skip
    assert [org["org"] for org in document(outcome)["orgs"]] == ["two"]
    assert json.loads(outcome.out)["others"] == ["hubcfg.yaml"]
    assert "project: two-access\n" in (tmp_path / "hubcfg.yaml").read_text("utf-8")


def test_files_that_the_project_does_not_read_are_told_of(hubcfg: Run, tmp_path: Path) -> None:
    """Where `sources:` leaves out what was written, nothing would come of it: that is said."""
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: p\nplatform: onestack\nsources: [people/*.yaml]\n")
    outcome = hubcfg("-C", str(tmp_path), "import", "--csv", table(tmp_path))
    said = "the project does not read what was written of `acme`: `sources:` or `.hubcfgignore` leaves it out\n"
    assert (outcome.code, outcome.err) == (0, said)
