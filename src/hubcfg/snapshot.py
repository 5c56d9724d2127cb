"""The project as the work tree or a Git revision has it, resolved for looking: what `diff` compares.

Nothing is checked out, and what two trees have in common is parsed once.
"""

import posixpath
from collections.abc import Iterable
from functools import partial
from itertools import chain
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hubcfg.checker.check import all_rules
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.rule import Severity, Table
from hubcfg.parser.cache import ParseCache
from hubcfg.parser.document import ParsedFile
from hubcfg.parser.git import (
    REGULAR_FILES,
    Repository,
    TreeEntry,
    find_commits,
    find_unchanged,
    is_shallow,
    list_differences,
    list_files,
    namesakes_of,
    open_repository,
    read_objects,
)
from hubcfg.parser.parse import parse_bytes, parse_source, parse_sources
from hubcfg.parser.sources import DEFAULT_SOURCES, IGNORE_FILE, PROJECT_FILE, SourceFile, select_sources
from hubcfg.pipeline import discover
from hubcfg.resolver.access import Access
from hubcfg.resolver.resolve import resolve_access
from hubcfg.revision import Known
from hubcfg.validator.config import Project
from hubcfg.validator.memory import BindMemory
from hubcfg.validator.project import read_project
from hubcfg.validator.roster import Packed, Roster
from hubcfg.validator.shape_memory import ShapeMemory
from hubcfg.validator.validate import validate_documents

_LINK, _OTHER_REPOSITORY = "120000", "160000"
_UNSEEN = "unseen.yaml"


class Snapshot(Struct, frozen=True):
    """A project as some tree has it.

    `errors` are the findings for which its access may not be all known; `has_project` tells whether there is a hubcfg.yaml,
    without which there are no orgs.
    """

    label: str
    commit: str | None
    access: Access
    errors: tuple[Finding, ...]
    has_project: bool = True


class _Commit(Struct, frozen=True):
    """A commit that is compared: its files below the project's root, by path."""

    name: str
    commit: str
    entries: dict[str, TreeEntry]

    @property
    def label(self) -> str:
        """How to call it."""
        return f"`{self.name.removeprefix('refs/remotes/')}` ({self.commit[:10]})"

    def paths(self) -> list[str]:
        """Returns the paths of its files; of another repository below the root one that stands for all that may be in it."""
        others = [path for path, entry in self.entries.items() if entry.mode == _OTHER_REPOSITORY]
        return [*self.entries.keys() - set(others), *(f"{path}/{_UNSEEN}" for path in others)]


class _Read(Struct, frozen=True):
    """The files of a tree as parsed; `regular` are those of a commit that are no links and of no other repository."""

    files: list[ParsedFile]
    access: Access
    regular: frozenset[str] = frozenset()


def read_snapshots(
    root: Path, before: str, after: str | None, as_of: Instant, cache: ParseCache | None = None
) -> tuple[Snapshot, Snapshot]:
    """Returns the project as the revision `before` has it, and as `after` does: another revision, or None for the work tree.

    What a `cache` knows is not read again. Raises UsageError for a revision that is not there, and HubcfgError where a hubcfg.yaml cannot be used.
    """
    return _SnapshotReader(root, as_of, cache).read(before, after)


class _SnapshotReader:
    def __init__(self, root: Path, as_of: Instant, cache: ParseCache | None) -> None:
        self._root = root
        self._as_of = as_of
        # What the sides have in common is read, checked and bound once.
        self._known = Known(BindMemory(parse_bytes if cache is None else cache.parse_bytes), cache)
        self._shapes = ShapeMemory(set() if cache is None else cache.fitting)
        self._packed: Packed | None = None if cache is None else cache.roster
        self._blobs: dict[str, bytes] = {}

    def read(self, before: str, after: str | None) -> tuple[Snapshot, Snapshot]:
        """Returns both sides; the later one is read first, and the earlier one only where it differs."""
        repository = self._find_repository()
        commits = self._find_commits([before] if after is None else [before, after])
        if after is None:
            old = self._list(repository, before, commits[before])
            later, read = self._read_tree()
            blobs = {file.path: file.blob for file in read.files}
            entries = {path: one for path, one in old.entries.items() if path in blobs and one.mode in REGULAR_FILES}
            differing = {path: one.object_id for path, one in entries.items() if one.object_id != blobs[path]}
            changed = differing.keys() - find_unchanged(repository, differing)
            known = {file.path: file for file in read.files if file.path in entries and file.path not in changed}
        else:
            new = self._list(repository, after, commits[after])
            old = self._list(repository, before, commits[before], new)
            later, read = self._read_commit(repository, new, {})
            known = {
                file.path: file
                for file in read.files
                if file.path in read.regular and old.entries.get(file.path) == new.entries[file.path]
            }
        earlier = self._read_commit(repository, old, known)[0]
        if self._known.cache is not None:
            self._known.cache.save()
        return earlier, later

    def _find_repository(self) -> Repository:
        repository, fault = open_repository(self._root)
        if fault is not None:
            raise HubcfgError(fault, help="mend the repository or Git's access to it")
        if repository is None:
            raise HubcfgError(
                "this is no Git repository", help="`diff` compares revisions: run it in a clone, where there is `git`"
            )
        return repository

    def _find_commits(self, names: list[str]) -> dict[str, str]:
        """Returns the commits that the names mean; raises UsageError where one means none, or more than one."""
        namesakes = {name: namesakes_of(name) for name in names}
        found = find_commits(self._root, [*names, *chain.from_iterable(namesakes.values())])
        for name in names:
            alike = [ref for ref in namesakes[name] if ref in found]
            if len({found[ref] for ref in alike}) > 1:
                shown = ", ".join(f"`{ref}`" for ref in alike)
                raise UsageError(f"`{name}` could be any of {shown}, which differ", help=f"write `{alike[-1]}` in full")
            if name not in found:
                advice = "name a branch, tag or commit that this clone has"
                if ".." in name:
                    advice = "give the two revisions as two words"
                elif is_shallow(self._root):
                    advice = "this is a shallow clone: fetch the whole history (`git fetch --unshallow`)"
                raise UsageError(f"there is no revision `{name}`", help=advice)
        return found

    def _list(self, repository: Repository, name: str, commit: str, beside: _Commit | None = None) -> _Commit:
        """Returns a commit with its files; those that it has in common with the one `beside` it are not listed again."""
        listed = (
            list_files(repository, commit, modes=None)
            if beside is None
            else list_differences(repository, beside.commit, commit)
        )
        if listed is None:
            raise HubcfgError(f"the files of `{name}` can't be read", help="does the clone have all its objects?")
        prefix = repository.prefix
        entries = {} if beside is None else dict(beside.entries)
        for entry in listed:
            if entry.path.startswith(prefix):
                path = entry.path.removeprefix(prefix)
                if entry.mode:
                    entries[path] = entry
                else:
                    entries.pop(path, None)
        return _Commit(name, commit, entries)

    def _read_tree(self) -> tuple[Snapshot, _Read]:
        source = SourceFile(PROJECT_FILE, (self._root / PROJECT_FILE).read_bytes)
        if not (self._root / PROJECT_FILE).is_file():
            raise HubcfgError("there is no `hubcfg.yaml` here", help="`-C DIR` looks elsewhere")
        project, findings = self._read_project(source, "the work tree")
        discovery = discover(self._root, project)
        sources, cache = (*discovery.sources, *discovery.unreadable), self._known.cache
        files = parse_sources(sources) if cache is None else cache.parse_sources(self._root, sources, None)
        return self._resolve("the work tree", None, project, files, [*findings, *discovery.findings])

    def _read_commit(
        self, repository: Repository, commit: _Commit, known: dict[str, ParsedFile]
    ) -> tuple[Snapshot, _Read]:
        """Reads the project of a commit; `known` are files that are the same there."""
        contents = _Contents(repository, commit, self._blobs)
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
        files = self._parse(contents, names, known)
        kept = [file for file, name in zip(files, names, strict=True) if not contents.is_passed_over(name)]
        snapshot, read = self._resolve(commit.label, commit.commit, project, kept, findings)
        return snapshot, replace(read, regular=frozenset(name for name in names if _is_regular(commit, name)))

    def _parse(self, contents: "_Contents", names: list[str], known: dict[str, ParsedFile]) -> list[ParsedFile]:
        wanted = [name for name in names if name not in known]
        commit = contents.commit
        regular = {name: commit.entries[name].object_id for name in wanted if _is_regular(commit, name)}
        parsed = known | self._known.parse(regular, contents.fetch_bytes)
        contents.fetch([name for name in wanted if name not in regular])
        return [parsed[name] if name in parsed else parse_source(contents.source(name)) for name in names]

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
        # What is remembered of users is of some tree: the first side takes it, and the other is bound by what it has otherwise.
        packed, self._packed = self._packed, None
        roster = None if packed is None else Roster(packed, files)
        config, found = validate_documents(project, files, self._shapes, self._known.memory, roster)
        access = resolve_access(config, self._as_of)
        errors = tuple(
            finding
            for finding in (*findings, *found)
            if finding.severity is Severity.ERROR and finding.rule.table in (Table.LANGUAGE, Table.REFERENCES)
        )
        return Snapshot(label, commit, access, errors), _Read(files, access)


def _is_regular(commit: _Commit, path: str) -> bool:
    return path in commit.entries and commit.entries[path].mode in REGULAR_FILES


class _Contents:
    """The contents of a commit's files, read in batches; `blobs` are contents that are known, by their ids."""

    def __init__(self, repository: Repository, commit: _Commit, blobs: dict[str, bytes]) -> None:
        self.commit = commit
        self._repository = repository
        self._blobs = blobs

    def fetch(self, paths: Iterable[str]) -> None:
        """Reads files, all by one process; raises HubcfgError where one is not there: what is not read must not pass for absent."""
        entries = self.commit.entries
        wanted = {path: entries[path].object_id for path in paths if path in entries}
        self._blobs |= read_objects(self._repository, [one for one in wanted.values() if one not in self._blobs])
        for path, object_id in wanted.items():
            if object_id not in self._blobs:
                advice = "does the clone have all its objects?"
                raise HubcfgError(f"`{path}` of {self.commit.label} can't be read", help=advice)

    def fetch_bytes(self, paths: list[str]) -> dict[str, bytes]:
        """Returns the bytes of regular files; raises HubcfgError where one is not there."""
        self.fetch(paths)
        return {path: self._blobs[self.commit.entries[path].object_id] for path in paths}

    def read(self, path: str) -> bytes:
        """Returns the bytes of a file; raises OSError where there are none."""
        entry = self.commit.entries.get(path)
        if entry is None and posixpath.basename(path) == _UNSEEN:
            raise OSError("its folder is another repository, whose files Git keeps elsewhere")
        if entry is None or entry.object_id not in self._blobs:
            raise FileNotFoundError(2, "No such file in the revision", path)
        if entry.mode == _LINK and not self.is_passed_over(path):
            raise OSError("it is a link that leads out of the project")
        return self._blobs[entry.object_id]

    def source(self, path: str) -> SourceFile:
        """Returns a file as something to parse."""
        return SourceFile(path, partial(self.read, path))

    def is_passed_over(self, path: str) -> bool:
        """Whether a file is a link to something else in the project, which is read by itself."""
        entry = self.commit.entries.get(path)
        if entry is None or entry.mode != _LINK or entry.object_id not in self._blobs:
            return False
        target = posixpath.join(
            posixpath.dirname(path), self._blobs[entry.object_id].decode("utf-8", "surrogateescape")
        )
        inside = posixpath.normpath(target)
        return inside in self.commit.entries or any(one.startswith(inside + "/") for one in self.commit.entries)
