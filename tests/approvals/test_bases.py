"""What approvals are judged by: the base that is named, the pull request's target, the default branch, and never the author's word."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hubcfg.pipeline import Compiled
from tests.approvals.histories import ENVIRONMENT, History, begin, errors, load_starts, run, step

ATTACK = {"m.yaml": "kind: Users\norg: northwind\nusers: {zoe@northwind.example: {role: admin}}\n"}
GITHUB = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_HEAD_REF": "attack"}
GITLAB = {"CI": "true", "GITLAB_CI": "true"}


@pytest.fixture
def origin(tmp_path: Path) -> History:
    """A repository whose `main` is the project, with a branch `attack` that makes the author an admin, landed nowhere."""
    history = begin(tmp_path / "origin", "onestack")
    history.git("switch", "-q", "-c", "attack")
    history.write({**ATTACK, "trust/allowed_signers": "mallory@northwind.example {key mallory}\n"})
    history.commit()
    history.git("switch", "-q", "main")
    return history


def clone(origin: History, *options: str, branch: str = "attack") -> History:
    """Returns a clone of the repository in which a branch is checked out, as CI has it."""
    root = origin.root.parent / "clone"
    run("git", "clone", "-q", *options, "-b", branch, f"file://{origin.root}", str(root))
    return History(root)


def why_no_base(compiled: Compiled) -> str:
    """Returns what the error says about the base that is missing; nothing may have been judged then."""
    assert compiled.verified is None
    (found,) = [finding for finding in compiled.findings if finding.name == "no-trusted-base"]
    assert found.severity.value == "error"
    assert found.place.file == "hubcfg.yaml"
    return f"{found.message} / {found.help}"


def is_attack_stopped(compiled: Compiled, label: str) -> bool:
    """Whether the attack was judged by a base of this name, and stopped."""
    assert compiled.verified is None
    assert compiled.approvals is not None
    assert compiled.approvals.base.label.startswith(label), compiled.approvals.base.label
    return {"unapproved-change"} == {name for name, _, _ in errors(compiled)}


def test_a_named_base_decides(origin: History) -> None:
    """What `--base` names is the base, and `$HUBCFG_BASE` where nothing else is named."""
    cloned = clone(origin)
    assert is_attack_stopped(cloned.compile(base="origin/main"), "`origin/main` (")
    assert is_attack_stopped(cloned.compile(base=None, environment={"HUBCFG_BASE": "origin/main"}), "`origin/main` (")
    assert is_attack_stopped(cloned.compile(base="origin/main", environment={"HUBCFG_BASE": "HEAD"}), "`origin/main` (")


def test_without_a_name_the_default_branch_of_the_remote_decides(origin: History) -> None:
    """In a clone nothing need be named; an empty variable names nothing."""
    assert is_attack_stopped(clone(origin).compile(base=None, environment={"HUBCFG_BASE": ""}), "`origin/main` (")


def test_without_a_remote_what_is_committed_counts_as_landed(origin: History) -> None:
    """On an unchanged main everything has landed; what is not committed has not."""
    compiled = origin.compile(base=None)
    assert compiled.verified is not None
    assert compiled.approvals is not None
    assert compiled.approvals.base.label.startswith("`HEAD` (")
    origin.write(ATTACK)
    assert is_attack_stopped(origin.compile(base=None), "`HEAD` (")


@pytest.mark.parametrize("named", ["origin/mian", "0123456789abcdef0123456789abcdef01234567", "--output=x", "HEAD~99"])
def test_a_base_that_cannot_be_read_is_an_error(origin: History, named: str) -> None:
    """A base that is named and is not there never falls back to another."""
    assert "can't be read" in why_no_base(clone(origin).compile(base=named))


def test_a_shallow_clone_is_an_error_with_advice(origin: History) -> None:
    """A clone without the target branch can't be judged, and the advice says what CI is to fetch."""
    cloned = clone(origin, "--depth", "1", "--single-branch")
    said = why_no_base(cloned.compile(base="origin/main"))
    assert "shallow clone" in said
    assert "fetch-depth: 0" in said


def test_a_tag_cannot_take_the_place_of_a_branch(origin: History) -> None:
    """A tag or branch that anybody may push and that is called like the target does not become the base."""
    origin.git("tag", "origin/main", "attack")
    cloned = clone(origin)
    cloned.git("fetch", "-q", "--tags")
    said = why_no_base(cloned.compile(base="origin/main"))
    assert "could be any of `refs/tags/origin/main`, `refs/remotes/origin/main`, which differ" in said
    assert is_attack_stopped(cloned.compile(base="refs/remotes/origin/main"), "`origin/main` (")


def test_objects_cannot_be_replaced(origin: History) -> None:
    """A replacement object does not change what a revision is."""
    cloned = clone(origin)
    cloned.git("replace", cloned.git("rev-parse", "origin/main"), cloned.git("rev-parse", "HEAD"))
    assert is_attack_stopped(cloned.compile(base="origin/main"), "`origin/main` (")


def test_an_old_commit_lets_nobody_back_in(tmp_path: Path) -> None:
    """The tip of the target decides: who was admin when the branch began, and has been removed since, approves nothing."""
    history = begin(tmp_path, "onestack")
    history.git("switch", "-q", "-c", "attack")
    history.git("switch", "-q", "main")
    lines = "\n".join(line for line in (tmp_path / "users.yaml").read_text().split("\n") if "adam@" not in line)
    history.write({"users.yaml": lines, "approvals/adam-admin.yaml": None})
    assert history.compile().verified is not None
    history.commit()
    tip = history.git("rev-parse", "main")
    history.git("update-ref", "refs/remotes/origin/main", tip)
    history.git("switch", "-q", "attack")
    history.write(
        {
            "m.yaml": "kind: Users\norg: northwind\nusers: {zoe@northwind.example: {role: member, permissions: [psa.tickets.delete]}}\n"
        }
    )
    history.approve("adam", id="a", grants=[{"user": "zoe@northwind.example", "permissions": ["psa.tickets.delete"]}])
    history.commit()
    compiled = history.compile(base=None, environment={**GITHUB, "GITHUB_BASE_REF": "main"})
    assert ("approver-not-entitled", "approvals/a.yaml") in {(name, file) for name, file, _ in errors(compiled)}
    assert compiled.approvals is not None
    assert compiled.approvals.base.label == f"`origin/main` ({tip[:10]})"


PULL_REQUESTS = {
    "GitHub": {**GITHUB, "GITHUB_BASE_REF": "main"},
    "GitLab": {**GITLAB, "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"},
    "Bitbucket": {"CI": "true", "BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_ID": "7", "BITBUCKET_PR_DESTINATION_BRANCH": "main"},
    "Azure": {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_PULLREQUESTID": "7", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
    "Jenkins": {"JENKINS_URL": "https://ci.example", "CHANGE_ID": "7", "CHANGE_TARGET": "main"},
    "Buildkite": {"CI": "true", "BUILDKITE": "true", "BUILDKITE_PULL_REQUEST": "7", "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main"},
    "Drone": {"CI": "true", "DRONE": "true", "DRONE_PULL_REQUEST": "7", "DRONE_TARGET_BRANCH": "main"},
    "AppVeyor": {"CI": "True", "APPVEYOR": "True", "APPVEYOR_PULL_REQUEST_NUMBER": "7", "APPVEYOR_REPO_BRANCH": "main"},
    "Travis": {"CI": "true", "TRAVIS": "true", "TRAVIS_PULL_REQUEST": "7", "TRAVIS_BRANCH": "main"},
}  # fmt: skip


@pytest.mark.parametrize("environment", PULL_REQUESTS.values(), ids=PULL_REQUESTS)
def test_in_ci_the_target_of_the_pull_request_decides(origin: History, environment: dict[str, str]) -> None:
    """In a CI system that is known the target's tip is the base, and an error where the clone lacks it."""
    cloned = clone(origin)
    assert is_attack_stopped(cloned.compile(base=None, environment=environment), "`origin/main` (")
    cloned.git("update-ref", "-d", "refs/remotes/origin/main")
    assert "can't be read" in why_no_base(cloned.compile(base=None, environment=environment))


PROPOSALS = {
    "CircleCI tells no target": {"CI": "true", "CIRCLECI": "true", "CIRCLE_PULL_REQUEST": "https://example/pull/7"},
    "GitHub's merge queue tells none": {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "merge_group"},
    "nor a comment on GitHub": {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "issue_comment"},
    "GitHub, its variable taken away": GITHUB,
    "an unknown system": {"CI": "1"},
}


@pytest.mark.parametrize("environment", PROPOSALS.values(), ids=PROPOSALS)
def test_in_ci_a_check_does_not_pass_on_the_authors_word(origin: History, environment: dict[str, str]) -> None:
    """Where the target can't be told, or the CI system is not known, a base has to be named."""
    cloned = clone(origin)
    assert "HUBCFG_BASE" in why_no_base(cloned.compile(base=None, environment=environment))
    assert is_attack_stopped(cloned.compile(base="origin/main", environment=environment), "`origin/main` (")


def test_a_variable_that_says_no_is_no_ci(origin: History) -> None:
    """`CI=false` is what people set who want none."""
    assert clone(origin, branch="main").compile(base=None, environment={"CI": "false"}).verified is not None


def test_a_push_to_the_default_branch_is_judged_against_itself(origin: History) -> None:
    """What is on the default branch has landed."""
    cloned = clone(origin, branch="main")
    for environment in (
        {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"},
        {**GITLAB, "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"},
    ):
        assert cloned.compile(base=None, environment=environment).verified is not None


def test_a_push_to_another_branch_is_judged_by_the_default_one(origin: History, tmp_path: Path) -> None:
    """A branch that was pushed has not landed, though no pull request is open; even where the clone knows no default."""
    cloned = clone(origin)
    cloned.git("remote", "set-head", "origin", "--delete")
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"repository": {"default_branch": "main"}}))
    pushes = (
        {**GITLAB, "CI_COMMIT_BRANCH": "attack", "CI_DEFAULT_BRANCH": "main"},
        {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/attack", "GITHUB_EVENT_PATH": str(event)},
    )
    for environment in pushes:
        assert is_attack_stopped(cloned.compile(base=None, environment=environment), "`origin/main` (")
    cloned.git("update-ref", "-d", "refs/remotes/origin/main")
    for environment in pushes:
        assert "can't be read" in why_no_base(cloned.compile(base=None, environment=environment))


def test_outside_git_the_tree_itself_serves_and_says_so(tmp_path: Path) -> None:
    """Without Git, and before the first commit, the tree's own people and keys judge, and the output says it."""
    history = History(tmp_path)
    step(history, load_starts()["onestack"])
    for count in range(2):
        compiled = history.compile(base=None)
        assert compiled.verified is not None, errors(compiled)
        (said,) = [finding for finding in compiled.findings if finding.name == "no-trusted-base"]
        assert (said.severity.value, said.place.file) == ("info", "hubcfg.yaml")
        assert "judged by the tree itself" in said.message
        if count == 0:
            history.start()  # a repository without a commit
    history.write(ATTACK)
    assert [name for name, _, _ in errors(history.compile(base=None))] == ["unapproved-change"]


def test_outside_git_a_named_base_or_a_pull_request_is_an_error(tmp_path: Path) -> None:
    """A source archive has no target branch to judge by."""
    history = History(tmp_path)
    step(history, load_starts()["onestack"])
    assert "is no Git repository" in why_no_base(history.compile(base="main"))
    environment = {**GITHUB, "GITHUB_BASE_REF": "main"}
    assert "is no Git repository" in why_no_base(history.compile(base=None, environment=environment))


def test_a_repository_that_git_does_not_read_is_not_taken_for_none(origin: History) -> None:
    """A broken repository, or one of a foreign owner, does not make the author's tree its own judge."""
    (origin.root / ".git" / "HEAD").write_text("nonsense\n")
    assert "`git` does not read this repository" in why_no_base(origin.compile(base=None))


def test_without_git_installed_a_repository_is_an_error(origin: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """That there is no `git` is said clearly."""
    monkeypatch.setenv("PATH", str(origin.root))
    assert "`git` is not installed" in why_no_base(origin.compile(base=None))


def test_objects_that_are_missing_are_not_taken_for_absent(origin: History) -> None:
    """A base whose files can't all be read is an error: what is missing might be what matters."""
    history = origin
    history.write({"users.yaml": "kind: Users\norg: northwind\nusers: {olga@northwind.example: {role: owner}}\n"})
    blob = history.git("rev-parse", "main:users.yaml")
    (history.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert "can't be read" in why_no_base(history.compile())


def test_a_project_that_moves_does_not_lose_its_past(origin: History) -> None:
    """A project in another folder than in the base is not a new one, also where something stays behind."""
    inner = origin.root / "inner"
    inner.mkdir()
    for name in origin.git("ls-files").split("\n"):
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(origin.root / name, inner / name)
    moved = History(inner)
    assert "the project was at `hubcfg.yaml` before, and has moved" in why_no_base(moved.compile())
    (origin.root / "hubcfg.yaml").write_text("hubcfg: 1\nproject: stub\n")
    assert "the project `northwind-access` is at `hubcfg.yaml`" in why_no_base(moved.compile())


def test_a_second_project_in_the_repository_begins_without_a_base(origin: History) -> None:
    """A new project beside another one has nothing to be compared with, which is said."""
    origin.write({"inner/hubcfg.yaml": "hubcfg: 1\nproject: other\nplatform: onestack\n"})
    compiled = History(origin.root / "inner").compile()
    assert compiled.verified is not None
    assert [finding.severity.value for finding in compiled.findings] == ["info"]


def test_a_base_whose_project_is_a_link_is_an_error(origin: History) -> None:
    """A link in the base leads nowhere, and is not taken for no project."""
    text = (origin.root / "hubcfg.yaml").read_text()
    origin.write({"config.txt": text, "hubcfg.yaml": "link: config.txt"})
    origin.commit()
    origin.write({"hubcfg.yaml": None})
    origin.write({"hubcfg.yaml": text, **ATTACK})
    assert "its `hubcfg.yaml` is a link" in why_no_base(origin.compile())


def test_a_submodule_does_not_hold_the_trust_files(origin: History) -> None:
    """Files of another repository are not part of any base, so they are not trusted in the tree either."""
    (origin.root / "trust" / ".git").write_text("gitdir: elsewhere\n")
    found = [(name, file, message) for name, file, message in errors(origin.compile()) if name == "unreadable-file"]
    assert [file for _, file, _ in found] == ["trust/allowed_signers", "trust/revoked"]
    assert all("`trust` is another repository" in message for _, _, message in found)


def test_a_work_tree_that_differs_from_what_is_committed_is_what_is_judged(origin: History) -> None:
    """Files that no commit has yet count as the change; files of the base that are gone count in the base."""
    origin.write({"users.yaml": None, **ATTACK})
    assert ("unapproved-change", "m.yaml") in {(name, file) for name, file, _ in errors(origin.compile())}


def test_the_command_line_names_the_base(origin: History) -> None:
    """`approvals list` says by what it judges; `validate` fails on the attack whoever runs it."""
    cloned = clone(origin)

    def hubcfg(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hubcfg", "-C", str(cloned.root), *arguments, "--as-of", "2026-11-22"]
        return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)

    listed = hubcfg("approvals", "list")
    assert "origin/main" in listed.stdout + listed.stderr
    checked = hubcfg("validate")
    assert checked.returncode == 1
    assert "unapproved-change" in checked.stdout
