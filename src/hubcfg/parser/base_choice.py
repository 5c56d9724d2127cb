"""Which revision approvals are judged by: the one that is named, a pull request's target, or the default branch.

The author of a change must not be the one who chooses (docs/approvals.md, "The trusted base").
"""

import json
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from hubcfg.parser.git import (
    find_commits,
    find_namesakes,
    find_repository,
    is_shallow,
    open_repository,
    run_git,
)

BASE_VARIABLE = "HUBCFG_BASE"
_NAME_IT = f"name it with `--base` or `{BASE_VARIABLE}`"


class BaseChoice(Struct, frozen=True):
    """Which revision is the base: its commit and how to call it.

    Without a commit `fault` says why that is an error; where it is None too, the tree itself has to serve.
    """

    label: str
    commit: str | None = None
    fault: str | None = None
    advice: str | None = None


TREE_ITSELF = BaseChoice("the tree itself")


class _System(Struct, frozen=True):
    """A CI system, by its variables: what tells it, what tells a pull request, and what names that one's target branch."""

    sign: str
    pull_request: str
    target: str | None


_SYSTEMS = (
    _System("GITHUB_ACTIONS", "GITHUB_HEAD_REF", "GITHUB_BASE_REF"),
    _System("GITLAB_CI", "CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
    _System("BITBUCKET_BUILD_NUMBER", "BITBUCKET_PR_ID", "BITBUCKET_PR_DESTINATION_BRANCH"),
    _System("TF_BUILD", "SYSTEM_PULLREQUEST_PULLREQUESTID", "SYSTEM_PULLREQUEST_TARGETBRANCH"),
    _System("JENKINS_URL", "CHANGE_ID", "CHANGE_TARGET"),
    _System("BUILDKITE", "BUILDKITE_PULL_REQUEST", "BUILDKITE_PULL_REQUEST_BASE_BRANCH"),
    _System("DRONE", "DRONE_PULL_REQUEST", "DRONE_TARGET_BRANCH"),
    _System("APPVEYOR", "APPVEYOR_PULL_REQUEST_NUMBER", "APPVEYOR_REPO_BRANCH"),
    _System("CIRCLECI", "CIRCLE_PULL_REQUEST", None),
    _System("TRAVIS", "TRAVIS_PULL_REQUEST", "TRAVIS_BRANCH"),
)
_NO = ("", "0", "false", "no")
# GitHub's events that run on what somebody proposes, but do not say its target as `pull_request` does.
_GITHUB_PROPOSALS = ("pull_request", "merge_group", "issue_comment", "workflow_run", "check_run", "check_suite")


def choose_base(root: Path, named: str | None, environment: Mapping[str, str]) -> BaseChoice:
    """Returns the revision that approvals are judged by.

    `named` is `--base`; `environment` is where `HUBCFG_BASE` and the CI system's variables are looked up.
    """
    repository, fault = open_repository(root)
    if fault is not None:
        return BaseChoice("nothing", fault=fault, advice="mend the repository or Git's access to it")
    wanted = named or environment.get(BASE_VARIABLE) or None
    if wanted is not None:
        return read_named(root, wanted)
    system = next((one for one in _SYSTEMS if environment.get(one.sign, "").lower() not in _NO), None)
    if system is not None and _is_pull_request(system, environment):
        return _choose_target(root, system, environment)
    if repository is None:
        return TREE_ITSELF
    if system is None and environment.get("CI", "").lower() in _NO:
        return _choose_default(root)
    if not find_commits(root, ["HEAD"]):
        return TREE_ITSELF
    if system is not None:
        return _choose_for_push(root, environment)
    return BaseChoice("nothing", fault="this CI system is not known to hubcfg, and no base is named",
                      advice=f"name the target branch with `--base` or `{BASE_VARIABLE}`")  # fmt: skip


def _is_pull_request(system: _System, environment: Mapping[str, str]) -> bool:
    if environment.get(system.pull_request, "").lower() not in _NO:
        return True
    return system.sign == "GITHUB_ACTIONS" and environment.get("GITHUB_EVENT_NAME", "").startswith(_GITHUB_PROPOSALS)


def _choose_target(root: Path, system: _System, environment: Mapping[str, str]) -> BaseChoice:
    target = environment.get(system.target, "").removeprefix("refs/heads/") if system.target else ""
    if not target:
        return BaseChoice("nothing", fault="this is a pull request, and its target branch can't be told",
                          advice=_NAME_IT)  # fmt: skip
    return read_named(root, f"refs/remotes/origin/{target}")


def _choose_for_push(root: Path, environment: Mapping[str, str]) -> BaseChoice:
    """Chooses for a branch that was pushed: what is on the default branch has landed, and any other is a proposal.

    Where the system does not say which branch is the default one, the clone has to.
    """
    pushed, default = environment.get("CI_COMMIT_BRANCH"), environment.get("CI_DEFAULT_BRANCH")
    if "GITHUB_EVENT_PATH" in environment:
        pushed = environment.get("GITHUB_REF", "").removeprefix("refs/heads/")
        default = _read_github_default(environment["GITHUB_EVENT_PATH"])
    if default and pushed != default:
        return read_named(root, f"refs/remotes/origin/{default}")
    return _choose_default(root)


def _read_github_default(path: str) -> str | None:
    """Returns the name of the default branch, which GitHub writes into the file about the event."""
    try:
        event = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    repository = event.get("repository") if isinstance(event, dict) else None
    name = repository.get("default_branch") if isinstance(repository, dict) else None
    return name if isinstance(name, str) else None


def read_named(root: Path, wanted: str) -> BaseChoice:
    """Returns the base that a revision names, or why it can't be one."""
    if find_repository(root) is None:
        return BaseChoice(wanted, fault=f"the base `{wanted}` was named, but this is no Git repository",
                          advice="run hubcfg in a clone of the repository, where there is `git`")  # fmt: skip
    namesakes = find_namesakes(root, wanted)
    if namesakes:
        shown = ", ".join(f"`{ref}`" for ref in namesakes)
        return BaseChoice(wanted, fault=f"the base `{wanted}` could be any of {shown}, which differ",
                          advice=f"write `{namesakes[-1]}` in full, or delete the others")  # fmt: skip
    commit = find_commits(root, [wanted]).get(wanted)
    if commit is not None:
        return BaseChoice(f"`{wanted.removeprefix('refs/remotes/')}` ({commit[:10]})", commit)
    advice = "name a branch or commit that this clone has fetched"
    if is_shallow(root):
        advice = "this is a shallow clone: let CI fetch the whole history (`fetch-depth: 0`)"
    return BaseChoice(wanted, fault=f"the base `{wanted}` can't be read", advice=advice)


def _choose_default(root: Path) -> BaseChoice:
    names = {"refs/remotes/origin/HEAD": "origin's default branch", "HEAD": "`HEAD`"}
    found = find_commits(root, names)
    if "HEAD" not in found:
        return TREE_ITSELF
    for name, label in names.items():
        commit = found.get(name)
        if commit is not None:
            branch = run_git(root, "rev-parse", "--abbrev-ref", name) if name != "HEAD" else None
            shown = f"`{branch.strip()}`" if branch and branch.strip() else label
            return BaseChoice(f"{shown} ({commit[:10]})", commit)
    return TREE_ITSELF
