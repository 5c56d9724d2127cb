"""The project as a Git revision has it: what approvals are judged by."""

import hashlib
import posixpath
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hubcfg.checker.approvals.approval import payload_of
from hubcfg.checker.approvals.base import DEFAULT_REVOKED, TrustFiles
from hubcfg.checker.check import all_rules
from hubcfg.parser.document import Document, ParsedFile, Value
from hubcfg.parser.git import (
    REGULAR_FILES,
    Repository,
    find_past_contents,
    find_repository,
    list_changes,
    list_files,
    read_objects,
)
from hubcfg.parser.parse import parse_source, parse_sources
from hubcfg.parser.sources import DEFAULT_SOURCES, IGNORE_FILE, PROJECT_FILE, SourceFile, select_sources
from hubcfg.validator.config import Config, Project
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import validate_documents


@dataclass(frozen=True, slots=True)
class Revision:
    """A project as some tree has it."""

    config: Config
    files: TrustFiles


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
    everything = list_files(repository, commit, modes=None) if repository is not None else None
    changes = list_changes(root, commit)
    if repository is None or everything is None or changes is None:
        return f"the files of {commit[:10]} can't be read"
    prefix = repository.prefix
    modes = {entry.path: entry.mode for entry in everything}
    for name in (PROJECT_FILE, IGNORE_FILE):
        if modes.get(prefix + name, REGULAR_FILES[0]) not in REGULAR_FILES:
            return f"its `{name}` is a link or no file at all"
    entries = [entry for entry in everything if entry.mode in REGULAR_FILES]
    if prefix + PROJECT_FILE not in modes:
        projects = {entry.path: entry.object_id for entry in entries if posixpath.basename(entry.path) == PROJECT_FILE}
        return _find_moved(repository, projects, tree.config.project.id)
    objects = {entry.path.removeprefix(prefix): entry.object_id for entry in entries if entry.path.startswith(prefix)}
    return _BaseReader(repository, objects, {path.removeprefix(prefix) for path in changes}, parsed, tree).read()


def find_retired(approvals: Iterable[Document], retired: Collection[str]) -> frozenset[str]:
    """Returns the ids of those approvals whose payload's hex SHA-256 is among the `retired` ones."""
    return frozenset(
        str(one.value["id"])
        for one in approvals
        if isinstance(one.value, dict) and hashlib.sha256(payload_of(one.value)).hexdigest() in retired
    )


def find_spent(root: Path, commit: str, new: Iterable[Document]) -> frozenset[str]:
    """Returns the ids of those approvals that were part of the project at an earlier commit on the way to this one.

    `new` are approvals that the commit itself does not have. The id is part of what is signed, so one that comes back has it
    still; it is told from another of the same id by its payload.
    """
    approvals = {str(one.value["id"]): payload_of(one.value) for one in new if isinstance(one.value, dict)}
    repository = find_repository(root) if approvals else None
    if repository is None:
        return frozenset()
    return frozenset(
        id
        for id, payload in approvals.items()
        if any(payload in _payloads(content) for content in find_past_contents(repository, commit, id))
    )


def _payloads(content: bytes) -> list[bytes]:
    """Returns what the signatures of the approvals in a file of the past cover."""
    values: list[Value] = [
        one.value for one in parse_source(SourceFile("past.yaml", partial(bytes, content))).documents
    ]
    return [payload_of(value) for value in values if isinstance(value, dict) and value.get("kind") == "Approval"]


def _find_moved(repository: Repository, projects: Mapping[str, str], id: str) -> str | None:
    """Returns where the project was before, if anywhere: a `hubcfg.yaml` that is gone, or one with the same `project`."""
    contents = read_objects(repository, projects.values())
    for path, object_id in projects.items():
        if not (repository.top / path).is_file():
            return f"the project was at `{path}` before, and has moved"
        project, _ = read_project(parse_source(SourceFile(path, partial(contents.__getitem__, object_id))), ())
        if project is not None and project.id == id:
            return f"the project `{id}` is at `{path}`, and would be a second time here"
    return None


class _MissingObjectError(Exception):
    """An object of the base is not in the repository; raised and caught within the reader."""


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
        """Returns the project, or what is wrong: what cannot be read of it must not pass for absent."""
        try:
            return self._read_all()
        except _MissingObjectError as error:
            return f"`{error}` can't be read in it; does the clone have all its objects?"

    def _read_all(self) -> "Revision | str":
        self._fetch([PROJECT_FILE, IGNORE_FILE])
        project, _ = read_project(parse_source(self._source(PROJECT_FILE)), all_rules())
        if project is None:
            return "its `hubcfg.yaml` can't be used"
        manifests = [path for path in self._objects if posixpath.basename(path) == "manifest.json"]
        self._fetch(manifests)
        try:
            names = select_sources(
                self._objects, self._read, project.sources or DEFAULT_SOURCES, project.output_folders
            )
        except ValueError:
            return f"its `{IGNORE_FILE}` or the `sources` of its `{PROJECT_FILE}` can't be used"
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
        for path, object_id in wanted.items():
            if object_id not in read:
                raise _MissingObjectError(path)
            self._contents[path] = read[object_id]

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
