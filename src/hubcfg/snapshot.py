"""The project as the work tree or a Git revision has it, resolved for looking: what `diff` compares.

Nothing is checked out, and what two trees have in common is parsed once.
"""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from hubcfg.checker.check import all_rules
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.rule import Severity, Table
from hubcfg.parser.document import ParsedFile
from hubcfg.parser.git import (
    REGULAR_FILES,
    Repository,
    TreeEntry,
    find_commit,
    find_git_fault,
    find_namesakes,
    find_repository,
    is_shallow,
    list_changes,
    list_files,
    read_objects,
)
from hubcfg.parser.parse import parse_source
from hubcfg.parser.sources import DEFAULT_SOURCES, IGNORE_FILE, PROJECT_FILE, SourceFile, select_sources
from hubcfg.pipeline import discover
from hubcfg.resolver.access import Access
from hubcfg.resolver.resolve import resolve_access
from hubcfg.validator.config import Project
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import ShapedFile, shape_file, validate_documents

_LINK, _OTHER_REPOSITORY = "120000", "160000"
_UNSEEN = "unseen.yaml"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A project as some tree has it.

    `errors` are the findings for which its access may not be all known; `has_project` tells whether there is a hubcfg.yaml,
    without which there are no orgs.
    """

    label: str
    commit: str | None
    access: Access
    errors: tuple[Finding, ...]
    has_project: bool = True


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit that is compared: its files below the project's root, by path."""

    name: str
    commit: str
    entries: dict[str, TreeEntry]

    @property
    def label(self) -> str:
        """How to call it."""
        return f"`{self.name}` ({self.commit[:10]})"

    def paths(self) -> list[str]:
        """Returns the paths of its files; of another repository below the root one that stands for all that may be in it."""
        others = [path for path, entry in self.entries.items() if entry.mode == _OTHER_REPOSITORY]
        return [*self.entries.keys() - set(others), *(f"{path}/{_UNSEEN}" for path in others)]


@dataclass(frozen=True, slots=True)
class _Read:
    """The files of a tree as parsed, and for those of a commit which contents they are."""

    files: list[ParsedFile]
    access: Access
    objects: dict[str, str] = field(default_factory=dict)


def read_snapshots(root: Path, before: str, after: str | None, as_of: Instant) -> tuple[Snapshot, Snapshot]:
    """Returns the project as the revision `before` has it, and as `after` does: another revision, or None for the work tree.

    Raises UsageError for a revision that is not there, and HubcfgError where a hubcfg.yaml cannot be used.
    """
    return _SnapshotReader(root, as_of).read(before, after)


class _SnapshotReader:
    def __init__(self, root: Path, as_of: Instant) -> None:
        self._root = root
        self._as_of = as_of
        # A file stays in memory as long as its shape is remembered, so its identity is its own.
        self._shapes: dict[int, tuple[ParsedFile, ShapedFile]] = {}

    def read(self, before: str, after: str | None) -> tuple[Snapshot, Snapshot]:
        """Returns both sides; the later one is read first, and the earlier one only where it differs."""
        repository = self._find_repository()
        old = self._find(repository, before)
        if after is None:
            tree, read = self._read_tree()
            changes = list_changes(self._root, old.commit)
            if changes is None:
                raise HubcfgError(f"`git` can't tell what differs between {old.label} and the work tree")
            changed = {path.removeprefix(repository.prefix) for path in changes}
            known = {file.path: file for file in read.files if file.path not in changed}
            return self._read_commit(repository, old, known)[0], tree
        new = self._find(repository, after)
        snapshot, read = self._read_commit(repository, new, {})
        known = {
            file.path: file
            for file in read.files
            if file.path in old.entries and old.entries[file.path].object_id == read.objects.get(file.path)
        }
        return self._read_commit(repository, old, known)[0], snapshot

    def _find_repository(self) -> Repository:
        fault = find_git_fault(self._root)
        if fault is not None:
            raise HubcfgError(fault, help="mend the repository or Git's access to it")
        repository = find_repository(self._root)
        if repository is None:
            raise HubcfgError(
                "this is no Git repository", help="`diff` compares revisions: run it in a clone, where there is `git`"
            )
        return repository

    def _find(self, repository: Repository, name: str) -> _Commit:
        namesakes = find_namesakes(self._root, name)
        if namesakes:
            shown = ", ".join(f"`{ref}`" for ref in namesakes)
            raise UsageError(f"`{name}` could be any of {shown}, which differ", help=f"write `{namesakes[-1]}` in full")
        commit = find_commit(self._root, name)
        if commit is None:
            advice = "name a branch, tag or commit that this clone has"
            if ".." in name:
                advice = "give the two revisions as two words"
            elif is_shallow(self._root):
                advice = "this is a shallow clone: fetch the whole history (`git fetch --unshallow`)"
            raise UsageError(f"there is no revision `{name}`", help=advice)
        entries = list_files(repository, commit, modes=None)
        if entries is None:
            raise HubcfgError(f"the files of `{name}` can't be read", help="does the clone have all its objects?")
        prefix = repository.prefix
        below = {entry.path.removeprefix(prefix): entry for entry in entries if entry.path.startswith(prefix)}
        return _Commit(name, commit, below)

    def _read_tree(self) -> tuple[Snapshot, _Read]:
        source = SourceFile(PROJECT_FILE, (self._root / PROJECT_FILE).read_bytes)
        if not (self._root / PROJECT_FILE).is_file():
            raise HubcfgError("there is no `hubcfg.yaml` here", help="`-C DIR` looks elsewhere")
        project, findings = self._read_project(source, "the work tree")
        discovery = discover(self._root, project)
        files = [parse_source(one) for one in (*discovery.sources, *discovery.unreadable)]
        return self._resolve("the work tree", None, project, files, [*findings, *discovery.findings])

    def _read_commit(
        self, repository: Repository, commit: _Commit, known: dict[str, ParsedFile]
    ) -> tuple[Snapshot, _Read]:
        """Reads the project of a commit; `known` are files that are the same there."""
        contents = _Contents(repository, commit)
        if PROJECT_FILE not in commit.entries:
            access = Access(self._as_of, {})
            return Snapshot(commit.label, commit.commit, access, (), has_project=False), _Read([], access)
        for name in (PROJECT_FILE, IGNORE_FILE):
            if name in commit.entries and commit.entries[name].mode not in REGULAR_FILES:
                raise HubcfgError(f"the `{name}` of {commit.label} is a link or no file at all")
        manifests = [path for path in commit.entries if posixpath.basename(path) == "manifest.json"]
        contents.fetch([PROJECT_FILE, IGNORE_FILE, *manifests])
        project, findings = self._read_project(contents.source(PROJECT_FILE), commit.label)
        patterns = project.sources or DEFAULT_SOURCES
        names = select_sources(commit.paths(), contents.read, patterns, project.output_folders)
        contents.fetch([name for name in names if name not in known])
        files = [known[name] if name in known else parse_source(contents.source(name)) for name in names]
        kept = [file for file, name in zip(files, names, strict=True) if not contents.is_passed_over(name)]
        snapshot, read = self._resolve(commit.label, commit.commit, project, kept, findings)
        objects = {name: commit.entries[name].object_id for name in names if name in commit.entries}
        return snapshot, replace(read, objects=objects)

    def _read_project(self, source: SourceFile, label: str) -> tuple[Project, list[Finding]]:
        project, findings = read_project(parse_source(source), all_rules())
        if project is None:
            raise HubcfgError(
                f"the `hubcfg.yaml` of {label} can't be used: {findings[0].message}", help=findings[0].help
            )
        return project, findings

    def _resolve(
        self, label: str, commit: str | None, project: Project, files: list[ParsedFile], findings: list[Finding]
    ) -> tuple[Snapshot, _Read]:
        config, found = validate_documents(project, files, self._remember)
        access = resolve_access(config, self._as_of)
        errors = tuple(
            finding
            for finding in (*findings, *found)
            if finding.severity is Severity.ERROR and finding.rule.table in (Table.LANGUAGE, Table.REFERENCES)
        )
        return Snapshot(label, commit, access, errors), _Read(files, access)

    def _remember(self, _function: Any, files: Iterable[ParsedFile]) -> Iterator[ShapedFile]:
        """Checks the shape of files, of each once for both sides: this is the only work that is done by file."""
        for file in files:
            if id(file) not in self._shapes:
                self._shapes[id(file)] = (file, shape_file(file))
            yield self._shapes[id(file)][1]


class _Contents:
    """The contents of a commit's files, read in batches."""

    def __init__(self, repository: Repository, commit: _Commit) -> None:
        self._repository = repository
        self._commit = commit
        self._found: dict[str, bytes] = {}

    def fetch(self, paths: Iterable[str]) -> None:
        """Reads files, all by one process; raises HubcfgError where one is not there: what is not read must not pass for absent."""
        entries = self._commit.entries
        wanted = {path: entries[path].object_id for path in paths if path in entries and path not in self._found}
        read = read_objects(self._repository, wanted.values())
        for path, object_id in wanted.items():
            if object_id not in read:
                advice = "does the clone have all its objects?"
                raise HubcfgError(f"`{path}` of {self._commit.label} can't be read", help=advice)
            self._found[path] = read[object_id]

    def read(self, path: str) -> bytes:
        """Returns the bytes of a file; raises OSError where there are none."""
        entry = self._commit.entries.get(path)
        if entry is None and posixpath.basename(path) == _UNSEEN:
            raise OSError("its folder is another repository, whose files Git keeps elsewhere")
        if entry is None or path not in self._found:
            raise FileNotFoundError(2, "No such file in the revision", path)
        if entry.mode == _LINK and not self.is_passed_over(path):
            raise OSError("it is a link that leads out of the project")
        return self._found[path]

    def source(self, path: str) -> SourceFile:
        """Returns a file as something to parse."""
        return SourceFile(path, partial(self.read, path))

    def is_passed_over(self, path: str) -> bool:
        """Whether a file is a link to something else in the project, which is read by itself."""
        entry = self._commit.entries.get(path)
        if entry is None or entry.mode != _LINK or path not in self._found:
            return False
        target = posixpath.join(posixpath.dirname(path), self._found[path].decode("utf-8", "surrogateescape"))
        inside = posixpath.normpath(target)
        return inside in self._commit.entries or any(one.startswith(inside + "/") for one in self._commit.entries)
