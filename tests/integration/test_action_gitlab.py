"""The GitLab template, its jobs run for real: reports, the note on the merge request, deployment and drift."""

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from hubcfg import __version__
from tests.docs.pages import ROOT, Page
from tests.integration.actions.forges import Forge, serve
from tests.integration.actions.pipeline import TEMPLATE, JobRan, job, load, run_job
from tests.integration.actions.repositories import (
    GROUPS,
    PEOPLE,
    Repository,
    copy_to,
    files,
    git,
    held,
    land,
    people,
    propose,
    write,
)

MARK = "<!-- hubcfg plan -->"
TOKEN, BOT, SERVER = "glpat-of-the-project", "project_11_bot", "https://gitlab.example/acme/access"
WIDER = GROUPS.replace("psa.tickets.create]", "psa.tickets.create, psa.tickets.assign]")
UNAPPROVED = "{role: member, groups: [desk], permissions: [psa.tickets.delete]}"


@pytest.fixture
def forge() -> Iterator[Forge]:
    """GitLab's API, on this machine."""
    with serve(Forge(TOKEN, BOT, is_github=False)) as served:
        yield served


def check(repository: Repository, forge: Forge, **variables: str) -> JobRan:
    """Runs the check of a merge request."""
    told = {
        "CI_API_V4_URL": forge.address,
        "CI_PROJECT_ID": "11",
        "CI_PROJECT_URL": SERVER,
        "CI_PIPELINE_URL": f"{SERVER}/-/pipelines/5",
        "CI_COMMIT_SHA": repository.head,
        "CI_DEFAULT_BRANCH": "main",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_PROJECT_ID": "11",
        "CI_MERGE_REQUEST_PROJECT_URL": SERVER,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "HUBCFG_COMMENT_TOKEN": TOKEN,
    }
    return run_job("hubcfg-check", repository.root, told | variables)


def two_lines(root: Path) -> Repository:
    """Returns a change of two lines: two people get a permission each."""
    extra = dict.fromkeys((3, 9), "{role: member, groups: [desk, sales]}")
    return propose(root, {"users.yaml": people(extra)})


def test_a_change_gets_one_note_that_is_kept_up_to_date(forge: Forge, tmp_path: Path) -> None:
    """The note is found again among those of others, on whatever page GitLab has it, and updated."""
    for number in range(130):
        forge.add(f"note {number}", "kim")
    ran = check(propose(tmp_path / "a", {"groups.yaml": WIDER}), forge)
    assert ran.code == 0, ran.log
    assert f"{PEOPLE} permissions gained" in forge.bodies[-1]
    for number in range(120):
        forge.add(f"later {number}", "lee")
    later = two_lines(tmp_path / "b")
    ran = check(later, forge)
    assert ran.code == 0, ran.log
    (body,) = [one for one in forge.bodies if one.startswith(MARK)]
    assert "p003@acme.example" in body
    assert f'commit {later.head[:10]} · <a href="{SERVER}/-/pipelines/5">the run</a>' in body
    assert len(forge.comments) == 251


def test_reports_are_whole_whether_the_job_passes_or_fails(forge: Forge, tmp_path: Path) -> None:
    """Test results and code quality are written in either case; errors fail the job; the note has them first."""
    repository = propose(tmp_path / "w", {"users.yaml": people({9: UNAPPROVED})})
    ran = check(repository, forge)
    assert ran.code == 1
    reports = job("hubcfg-check")["artifacts"]["reports"]
    suites = ElementTree.parse(repository.root / reports["junit"]).getroot()
    assert suites.tag == "testsuites"
    assert [*suites.iter("failure")]
    (issue,) = [one for one in json.loads((repository.root / reports["codequality"]).read_text("utf-8"))
                if one["severity"] == "critical"]  # fmt: skip
    assert issue["location"]["path"] == "users.yaml"
    (body,) = forge.bodies
    assert body.splitlines()[1].startswith("**hubcfg: 1 error.")
    assert f"({SERVER}/-/blob/{repository.head}/users.yaml#L13)" in body


def test_without_a_token_the_artifacts_have_the_plan(forge: Forge, tmp_path: Path) -> None:
    """No token, no note, no failure: the job says so."""
    repository = two_lines(tmp_path / "w")
    ran = check(repository, forge, HUBCFG_COMMENT_TOKEN="")
    assert ran.code == 0, ran.log
    assert forge.requests == []
    assert "no comment: `HUBCFG_COMMENT_TOKEN` is not set" in ran.log
    assert "**hubcfg plan: wider**" in (repository.root / "hubcfg-check/summary.md").read_text("utf-8")


def test_a_token_that_may_not_write_is_no_failure(forge: Forge, tmp_path: Path) -> None:
    """A token of too low a role is refused: the job says so and passes."""
    forge.may_write = False
    ran = check(two_lines(tmp_path / "w"), forge)
    assert ran.code == 0, ran.log
    assert "no comment: the token may not write one" in ran.log


def test_a_fork_is_judged_by_the_target_project(forge: Forge, tmp_path: Path) -> None:
    """A pipeline of the fork has the author's `origin`; the branch that decides is fetched from where the change goes."""
    parent = land(tmp_path / "parent.git")
    forked = copy_to(parent, tmp_path / "fork")
    write(forked.root, {"trust.yaml": "# ours\n", "users.yaml": people({9: UNAPPROVED})})
    git(forked.root, "add", "-A")
    git(forked.root, "commit", "-q", "-m", "Take it")
    git(forked.root, "update-ref", "refs/remotes/origin/main", "HEAD")
    told = {"CI_PROJECT_ID": "12", "HUBCFG_COMMENT_TOKEN": "", "CI_MERGE_REQUEST_PROJECT_URL": str(tmp_path / "parent")}
    ran = check(forked, forge, **told)
    assert ran.code == 1
    assert "unapproved-sensitive-grant" in ran.log
    ran = check(forked, forge, **told | {"CI_MERGE_REQUEST_PROJECT_URL": str(tmp_path / "private")})
    assert ran.code == 1
    assert "let a member run the pipeline in the target project" in ran.log


def test_the_default_branch_is_validated_without_a_plan(forge: Forge, tmp_path: Path) -> None:
    """After a merge there is nothing to compare with; reports are written and nobody is told anything."""
    repository = land(tmp_path / "w")
    told = {"CI_COMMIT_BRANCH": "main", "CI_MERGE_REQUEST_IID": "", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": ""}
    ran = check(repository, forge, **told)
    assert ran.code == 0, ran.log
    assert forge.requests == []
    assert (repository.root / "hubcfg-check/junit.xml").is_file()
    assert not (repository.root / "hubcfg-check/plan.md").exists()


def test_what_has_landed_is_deployed_and_watched(tmp_path: Path) -> None:
    """What is on the branch's tip is deployed, and nothing of an old job that is started again; drift fails its job."""
    told = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "HUBCFG_TARGET": "local"}
    repository = land(tmp_path / "w")
    ran = run_job("hubcfg-deploy", repository.root, told)
    assert ran.code == 0, ran.log
    staff = tmp_path / "target/current/orgs/acme/staff.json"
    assert held(staff, "p009@acme.example") == ["psa.tickets.create", "psa.tickets.read"]
    first = repository.head
    repository = land(repository.root, {**files(), "groups.yaml": WIDER})
    git(repository.root, "checkout", "-q", "--detach", first)
    ran = run_job("hubcfg-deploy", repository.root, told)
    assert (ran.code, "nothing deployed: the branch has moved on" in ran.log) == (0, True)
    assert "psa.tickets.assign" not in held(staff, "p009@acme.example")
    git(repository.root, "checkout", "-q", "--detach", repository.head)
    ran = run_job("hubcfg-deploy", repository.root, told)
    assert ran.code == 0, ran.log
    assert "psa.tickets.assign" in held(staff, "p009@acme.example")
    assert run_job("hubcfg-drift", repository.root, told).code == 0
    content = json.loads(staff.read_text("utf-8"))
    del content["users"]["p009@acme.example"]
    staff.write_text(json.dumps(content), "utf-8")
    ran = run_job("hubcfg-drift", repository.root, told)
    assert ran.code == 2, ran.log
    assert "p009@acme.example" in ran.log


def test_a_guardrail_is_lifted_by_name_alone(tmp_path: Path) -> None:
    """Most people gone in one change is refused, until somebody names the guardrail in the pipeline's variables."""
    told = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "HUBCFG_TARGET": "local"}
    repository = land(tmp_path / "w")
    assert run_job("hubcfg-deploy", repository.root, told).code == 0
    repository = land(repository.root, {**files(), "users.yaml": people(count=20)})
    ran = run_job("hubcfg-deploy", repository.root, told)
    assert ran.code == 1
    assert "removed-users" in ran.log
    ran = run_job("hubcfg-deploy", repository.root, told | {"HUBCFG_ALLOW": "removed-users revoked"})
    assert ran.code == 0, ran.log


def test_jobs_have_what_protects_them() -> None:
    """The whole history, one deployment at a time that nothing interrupts, environments, and no deployment without a target."""
    deploy, drift = job("hubcfg-deploy"), job("hubcfg-drift")
    assert {job(name)["variables"]["GIT_DEPTH"] for name in ("hubcfg-check", "hubcfg-deploy", "hubcfg-drift")} == {"0"}
    assert (deploy["resource_group"], deploy["interruptible"]) == ("hubcfg-deploy", "false")
    assert deploy["environment"]["name"] != drift["environment"]["name"]
    assert {rule["if"].startswith("$HUBCFG_TARGET && ") for one in (deploy, drift) for rule in one["rules"]} == {True}
    assert load()["variables"]["HUBCFG_VERSION"] == __version__


def test_the_documentation_s_include_is_of_this_template() -> None:
    """The address in docs/ci.md is of this version's file, and its `integrity` is that file's."""
    (text,) = [block.text for block in Page(ROOT / "docs" / "ci.md").blocks if block.file == "acme/.gitlab-ci.yml"]
    (include,) = yaml.safe_load(text)["include"]
    path = TEMPLATE.relative_to(ROOT).as_posix()
    assert include["remote"] == f"https://raw.githubusercontent.com/hubcfg/hubcfg/v{__version__}/{path}"
    assert include["integrity"] == f"sha256-{b64encode(sha256(TEMPLATE.read_bytes()).digest()).decode()}"
