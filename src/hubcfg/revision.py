"""The project as a Git revision has it, and which revision approvals are judged by."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hubcfg.checker.approvals.base import DEFAULT_REVOKED, TrustFiles
from hubcfg.checker.check import all_rules
from hubcfg.parser.document import ParsedFile
from hubcfg.parser.git import (
    Repository,
    find_commit,
    find_repository,
    is_shallow,
    list_changes,
    list_files,
    read_objects,
    run_git,
)
from hubcfg.parser.parse import parse_source, parse_sources
from hubcfg.parser.sources import DEFAULT_SOURCES, PROJECT_FILE, SourceFile, select_sources
from hubcfg.validator.config import Config, Project
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import validate_documents

BASE_VARIABLE = "HUBCFG_BASE"

# CI systems that are known by a variable of theirs: which variable names the target branch of a pull request.
_TARGET_BRANCHES = (
    ("GITHUB_ACTIONS", "GITHUB_BASE_REF"),
    ("GITLAB_CI", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
    ("BITBUCKET_BUILD_NUMBER", "BITBUCKET_PR_DESTINATION_BRANCH"),
    ("TF_BUILD", "SYSTEM_PULLREQUEST_TARGETBRANCH"),
    ("JENKINS_URL", "CHANGE_TARGET"),
    ("BUILDKITE", "BUILDKITE_PULL_REQUEST_BASE_BRANCH"),
    ("DRONE", "DRONE_TARGET_BRANCH"),
    ("APPVEYOR", "APPVEYOR_REPO_BRANCH"),
    ("CIRCLECI", ""),
    ("TRAVIS", "TRAVIS_BRANCH"),
)
# What tells a pull request from a push, where the variable of the target branch alone does not.
_PULL_REQUEST_MARKS = {
    "GITHUB_ACTIONS": "GITHUB_HEAD_REF",
    "GITLAB_CI": "CI_MERGE_REQUEST_IID",
    "BITBUCKET_BUILD_NUMBER": "BITBUCKET_PR_ID",
    "TF_BUILD": "SYSTEM_PULLREQUEST_PULLREQUESTID",
    "JENKINS_URL": "CHANGE_ID",
    "BUILDKITE": "BUILDKITE_PULL_REQUEST",
    "DRONE": "DRONE_PULL_REQUEST",
    "APPVEYOR": "APPVEYOR_PULL_REQUEST_NUMBER",
    "CIRCLECI": "CIRCLE_PULL_REQUEST",
    "TRAVIS": "TRAVIS_PULL_REQUEST",
}


@dataclass(frozen=True, slots=True)
class BaseChoice:
    """Which revision is the base: its commit and how to call it; or no revision, and either why that is an error or not.

    `is_default` says that nobody named it.
    """

    label: str
    commit: str | None = None
    fault: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """A project as some tree has it."""

    config: Config
    files: TrustFiles


def choose_base(root: Path, named: str | None, environment: Mapping[str, str]) -> BaseChoice:
    """Returns the revision that approvals are judged by (docs/approvals.md, "The trusted base").

    `named` is `--base`; `environment` is where `HUBCFG_BASE` and the CI system's variables are looked up.
    """
    repository = find_repository(root)
    wanted = named or environment.get(BASE_VARIABLE) or None
    if wanted is not None:
        return _read_named(root, repository, wanted)
    if repository is None or find_commit(root, "HEAD") is None:
        return BaseChoice("the tree itself")
    if environment.get("CI") or any(environment.get(system) for system, _ in _TARGET_BRANCHES):
        return _choose_in_ci(root, environment)
    return _default_branch(root)


def _read_named(root: Path, repository: Repository | None, wanted: str) -> BaseChoice:
    if repository is None:
        return BaseChoice(wanted, fault=f"the base `{wanted}` was named, but this is no Git repository",
                          advice="run hubcfg in a clone of the repository")  # fmt: skip
    commit = find_commit(root, wanted)
    if commit is not None:
        return BaseChoice(f"`{wanted}` ({commit[:10]})", commit)
    advice = "name a branch or commit of this clone"
    if is_shallow(root):
        advice = "this is a shallow clone: let CI fetch the whole history (`fetch-depth: 0`)"
    return BaseChoice(wanted, fault=f"the base `{wanted}` can't be read", advice=advice)


def _choose_in_ci(root: Path, environment: Mapping[str, str]) -> BaseChoice:
    for system, variable in _TARGET_BRANCHES:
        if not environment.get(system):
            continue
        mark = environment.get(_PULL_REQUEST_MARKS[system], "")
        if mark in ("", "false"):
            return _default_branch(root)  # a push: what is on the default branch has landed
        target = environment.get(variable, "").removeprefix("refs/heads/") if variable else ""
        if not target:
            return BaseChoice("nothing", fault="this is a pull request, and its target branch can't be told",
                              advice=f"name it with `--base` or `{BASE_VARIABLE}`")  # fmt: skip
        return _read_named(root, find_repository(root), f"refs/remotes/origin/{target}")
    return BaseChoice("nothing", fault="this CI system is not known to hubcfg, and no base is named",
                      advice=f"name the target branch with `--base` or `{BASE_VARIABLE}`")  # fmt: skip


def _default_branch(root: Path) -> BaseChoice:
    for name, label in (("refs/remotes/origin/HEAD", "origin's default branch"), ("HEAD", "`HEAD`")):
        commit = find_commit(root, name)
        if commit is not None:
            branch = run_git(root, "rev-parse", "--abbrev-ref", name) if name != "HEAD" else None
            shown = f"`{branch.strip()}`" if branch and branch.strip() else label
            return BaseChoice(f"{shown} ({commit[:10]})", commit)
    return BaseChoice("the tree itself")


def bind_revision(
    project: Project, sources: list[SourceFile], parsed: Mapping[str, ParsedFile] | None = None
) -> Config:
    """Returns the configuration that sources come to; `parsed` are files that have been read already, by path."""
    known = parsed or {}
    fresh = {file.path: file for file in parse_sources(source for source in sources if source.path not in known)}
    files = [fresh.get(source.path) or known[source.path] for source in sources]
    config, _ = validate_documents(project, files)
    return config


def read_base(root: Path, commit: str, parsed: Mapping[str, ParsedFile], tree: Revision) -> "Revision | str | None":
    """Returns the project as a commit has it.

    `parsed` are the work tree's files: those that the commit has unchanged are not read again, and where nothing differs
    the result is the `tree` itself. Returns None where the commit has no project yet, and a text that says what is wrong where
    the project was elsewhere: a project that moves must not lose its past.
    """
    repository = find_repository(root)
    entries = list_files(repository, commit) if repository is not None else None
    changes = list_changes(root, commit)
    if repository is None or entries is None or changes is None:
        return f"the files of {commit[:10]} can't be read"
    project_path = repository.prefix + PROJECT_FILE
    if project_path not in {entry.path for entry in entries}:
        return _find_moved(repository, [entry.path for entry in entries])
    prefix = repository.prefix
    objects = {entry.path.removeprefix(prefix): entry.object_id for entry in entries if entry.path.startswith(prefix)}
    return _BaseReader(repository, objects, {path.removeprefix(prefix) for path in changes}, parsed, tree).read()


def _find_moved(repository: Repository, paths: list[str]) -> str | None:
    moved = [
        path for path in paths if posixpath.basename(path) == PROJECT_FILE and not (repository.top / path).is_file()
    ]
    return f"the project was at `{moved[0]}` before, and has moved" if moved else None


class _BaseReader:
    """Reads the project of a commit, as little of it as differs from the work tree."""

    def __init__(
        self,
        repository: Repository,
        objects: dict[str, str],
        changes: set[str],
        parsed: Mapping[str, ParsedFile],
        tree: Revision,
    ) -> None:
        self._repository = repository
        self._objects = objects
        self._changes = changes
        self._parsed = parsed
        self._tree = tree
        self._contents: dict[str, bytes] = {}

    def read(self) -> "Revision | str":
        """Returns the project, or what is wrong."""
        self._fetch([PROJECT_FILE, ".hubcfgignore"])
        project, _ = read_project(parse_source(self._source(PROJECT_FILE)), all_rules())
        if project is None:
            return "its `hubcfg.yaml` can't be used"
        outputs = [str(target.options.get("path", "")) for target in project.targets if target.type == "directory"]
        manifests = [path for path in self._objects if posixpath.basename(path) == "manifest.json"]
        self._fetch(manifests)
        names = select_sources(self._objects, self._read, project.sources or DEFAULT_SOURCES, outputs)
        is_same = set(names) == set(self._parsed) and not self._changes & {*names, PROJECT_FILE}
        files = self._trust_files(project)
        if is_same:
            return Revision(self._tree.config, files)
        unchanged = {path: file for path, file in self._parsed.items() if path not in self._changes and path in names}
        self._fetch([name for name in names if name not in unchanged])
        return Revision(bind_revision(project, [self._source(name) for name in names], unchanged), files)

    def _trust_files(self, project: Project) -> TrustFiles:
        paths = trust_paths(project)
        self._fetch([path for path in paths if path is not None])
        signers, revoked = (self._contents.get(path) if path is not None else None for path in paths)
        return TrustFiles(paths[0], signers, paths[1], revoked)

    def _fetch(self, paths: list[str]) -> None:
        wanted = {path: self._objects[path] for path in paths if path in self._objects and path not in self._contents}
        read = read_objects(self._repository, wanted.values())
        self._contents |= {path: read[object_id] for path, object_id in wanted.items() if object_id in read}

    def _source(self, path: str) -> SourceFile:
        return SourceFile(path, lambda: self._read(path))

    def _read(self, path: str) -> bytes:
        if path not in self._contents:
            raise FileNotFoundError(2, "No such file in the base", path)
        return self._contents[path]


def trust_paths(project: Project) -> tuple[str | None, str | None]:
    """Returns the paths of a project's signers and revoked files."""
    signers, revoked = project.approvals.signers, project.approvals.revoked
    return (
        posixpath.normpath(signers) if signers is not None else None,
        posixpath.normpath(revoked) if revoked is not None else DEFAULT_REVOKED,
    )
