"""The project as a Git revision has it: what approvals are judged by."""

import hashlib
import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hubcfg.checker.approvals.approval import payload_of
from hubcfg.checker.approvals.base import DEFAULT_REVOKED, TrustFiles
from hubcfg.checker.check import all_rules
from hubcfg.checker.memory import OrgMemory, Remembered, find_verified
from hubcfg.core.finding import Finding
from hubcfg.parser.cache import ParseCache, RememberedBase
from hubcfg.parser.document import Document, ParsedFile, Value
from hubcfg.parser.git import (
    REGULAR_FILES,
    Repository,
    find_past_contents,
    find_prefix,
    find_repository,
    find_unchanged,
    list_files,
    read_objects,
)
from hubcfg.parser.parse import blob_id, parse_bytes, parse_source
from hubcfg.parser.sources import DEFAULT_SOURCES, IGNORE_FILE, PROJECT_FILE, SourceFile, select_sources
from hubcfg.validator.config import Config, Project
from hubcfg.validator.memory import BindMemory
from hubcfg.validator.project import read_project
from hubcfg.validator.roster import Packed, Roster, pack_roster
from hubcfg.validator.shape_memory import ShapeMemory
from hubcfg.validator.twin import FirstTree, bind_changes
from hubcfg.validator.validate import shape_file, validate_documents


class Revision(Struct, frozen=True):
    """A project as some tree has it."""

    config: Config
    files: TrustFiles


class Knowledge(Protocol):
    """What is known when a base is read."""

    def parse(
        self, objects: Mapping[str, str], fetch: Callable[[list[str]], Mapping[str, bytes]]
    ) -> dict[str, ParsedFile]:
        """Returns the files whose paths and object ids are given; `fetch` gives the contents of some paths."""

    def validate(self, project: Project, files: list[ParsedFile]) -> tuple[Config, list[Finding]]:
        """Returns the configuration of files, of the work tree or as `parse` gave them, and what is wrong with them."""


class Known:
    """What is known when a base is read: what this run has bound, and what earlier ones have read."""

    def __init__(self, memory: BindMemory | None = None, cache: ParseCache | None = None) -> None:
        self.memory = memory
        self.cache = cache
        self._checks: OrgMemory | None = None
        self._has_begun = False
        self._tree: FirstTree | None = None

    def parse(
        self, objects: Mapping[str, str], fetch: Callable[[list[str]], Mapping[str, bytes]]
    ) -> dict[str, ParsedFile]:
        """Returns the parsed files whose paths and object ids are given; `fetch` gives the contents of some paths."""
        if self.cache is not None:
            return self.cache.parse_objects(objects, fetch)
        contents = fetch(list(objects))
        return {path: parse_bytes(path, contents[path]) for path in objects}

    def validate(self, project: Project, files: list[ParsedFile]) -> tuple[Config, list[Finding]]:
        """Returns what `validate_documents` does."""
        if self.cache is None:
            return validate_documents(project, files, memory=self.memory)
        shapes = ShapeMemory(self.cache.fitting)
        # What is remembered is of the work tree, which is the first that is asked about, whatever is wrong with it.
        is_first, self._has_begun = not self._has_begun, True
        if not is_first:
            return validate_documents(project, files, shapes, self.memory)
        remembered: dict[str, Remembered] = self.cache.checks or {}
        roster, documents = None, dict[str, bytes]()
        if self.cache.roster is not None:
            roster = Roster(self.cache.roster, files)
            documents = roster.digest_orgs(project)
            roster.trust(find_verified(documents, remembered))
        config, findings = validate_documents(project, files, shapes, self.memory, roster)
        self._tree = self.memory.first if self.memory is not None else None
        if self._tree is not None:
            memory = self._checks = OrgMemory(documents, remembered, config.orgs)

            def pack() -> tuple[Packed, dict[str, Remembered]]:
                packed = pack_roster(config, files)
                return packed, memory.pack(Roster(packed, files).digest_orgs(project))

            self.cache.keep_orgs(pack, lambda: memory.fresh)
        return config, findings

    def open_memory(self) -> OrgMemory | None:
        """Returns what rules found in earlier runs, where the tree is such that this counts."""
        return self._checks

    def bind_changes(self, project: Project, gone: list[ParsedFile], new: list[ParsedFile]) -> Config | None:
        """Returns the configuration of the work tree with `new` files in place of those that are `gone`.

        Returns None where that can't be told without the others.
        """
        first = self._tree
        if first is None:
            return None
        shapes = ShapeMemory(set() if self.cache is None else self.cache.fitting)
        return bind_changes(first, project, gone, new, lambda file: next(shapes(shape_file, [file]))[1:] == ([], False))

    def recall_base(self, commit: str, prefix: str) -> RememberedBase | None:
        """Returns what is remembered of the project in a commit, whose folder in the repository is `prefix`."""
        return self.cache.recall_base(commit, prefix) if self.cache is not None else None

    def keep_base(self, commit: str, prefix: str, project: str, objects: Mapping[str, str], trust: TrustFiles) -> None:
        """Remembers it: the ids of its hubcfg.yaml and of its sources, and its trust files."""
        if self.cache is not None:
            self.cache.keep_base(commit, prefix, project, objects, (trust.signers, trust.revoked))


NOTHING_KNOWN = Known()


def read_base(
    root: Path, commit: str, parsed: Mapping[str, ParsedFile], tree: Revision, known: Knowledge = NOTHING_KNOWN
) -> "Revision | str | None":
    """Returns the project as a commit has it.

    `parsed` are the work tree's files: those that the commit has unchanged are not read again, and where nothing differs
    the result is the `tree` itself. Returns None where the commit has no project yet, and a text that says what is wrong where
    the project was elsewhere: a project that moves must not lose its past.
    """
    if isinstance(known, Known) and (remembered := _recall_base(root, commit, parsed, tree, known)) is not None:
        return remembered
    repository = find_repository(root)
    everything = list_files(repository, commit, modes=None) if repository is not None else None
    if repository is None or everything is None:
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
    return _BaseReader(
        repository, commit, objects, _find_changes(repository, root, objects, parsed), parsed, tree, known
    ).read()


def _recall_base(
    root: Path, commit: str, parsed: Mapping[str, ParsedFile], tree: Revision, known: "Known"
) -> Revision | None:
    """Returns the project as a commit has it where that is known, and differs from the work tree in users' files alone."""
    prefix = find_prefix(root)
    remembered = known.recall_base(commit, prefix)
    if remembered is None or remembered.project != _identify_project_file(root):
        return None
    project = tree.config.project
    signers, revoked = trust_paths(project)
    files = TrustFiles(signers, remembered.trust[0], revoked, remembered.trust[1])
    objects = remembered.objects
    changes = {path for path, id in objects.items() if id != (parsed[path].blob if path in parsed else None)}
    if not changes:
        return Revision(tree.config, files)
    repository = find_repository(root)
    if repository is None:
        return None
    both = {path: id for path in changes if path in parsed and (id := objects[path]) is not None}
    changes -= find_unchanged(repository, both)
    before = {path: id for path in changes if (id := objects[path]) is not None}
    reader = _BaseReader(repository, commit, before, changes, parsed, tree, known)
    try:
        old = reader.parse(list(before))
    except _MissingObjectError:
        return None
    config = known.bind_changes(
        project, [parsed[path] for path in sorted(changes) if path in parsed], [old[path] for path in sorted(before)]
    )
    return None if config is None else Revision(config, files)


def _find_changes(
    repository: Repository, root: Path, objects: Mapping[str, str], parsed: Mapping[str, ParsedFile]
) -> set[str]:
    """Returns the project's files that are not in the work tree as they are in the commit."""
    blobs = {path: file.blob for path, file in parsed.items()} | {PROJECT_FILE: _identify_project_file(root)}
    changes = {path for path, blob in blobs.items() if objects.get(path) != blob}
    return changes - find_unchanged(repository, {path: objects[path] for path in changes if path in objects})


def _identify_project_file(root: Path) -> str:
    """Returns the id that Git gives hubcfg.yaml as it is; empty where it can't be read."""
    try:
        return blob_id((root / PROJECT_FILE).read_bytes())
    except OSError:
        return ""


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
        commit: str,
        objects: dict[str, str],
        changes: set[str],
        parsed: Mapping[str, ParsedFile],
        tree: Revision,
        known: Knowledge,
    ) -> None:
        self._repository = repository
        self._commit = commit
        self._objects = objects
        self._changes = changes
        self._parsed = parsed
        self._tree = tree
        self._known = known
        self._contents: dict[str, bytes] = {}

    def read(self) -> "Revision | str":
        """Returns the project, or what is wrong: what cannot be read of it must not pass for absent."""
        try:
            return self._read_all()
        except _MissingObjectError as error:
            return f"`{error}` can't be read in it; does the clone have all its objects?"

    def _read_all(self) -> "Revision | str":
        manifests = [path for path in self._objects if path.endswith("manifest.json")]
        is_same_project = PROJECT_FILE not in self._changes
        trusted = [path for path in trust_paths(self._tree.config.project) if path is not None]
        self._fetch([PROJECT_FILE, IGNORE_FILE, *manifests, *(trusted if is_same_project else ())])
        project: Project | None = self._tree.config.project
        if not is_same_project:
            project, _ = read_project(parse_bytes(PROJECT_FILE, self._read(PROJECT_FILE)), all_rules())
        if project is None:
            return "its `hubcfg.yaml` can't be used"
        try:
            names = select_sources(
                self._objects, self._read, project.sources or DEFAULT_SOURCES, project.output_folders
            )
        except ValueError:
            return f"its `{IGNORE_FILE}` or the `sources` of its `{PROJECT_FILE}` can't be used"
        files = self._trust_files(project)
        if is_same_project and isinstance(self._known, Known):
            sources = {name: self._objects[name] for name in names}
            prefix = self._repository.prefix
            self._known.keep_base(self._commit, prefix, self._objects[PROJECT_FILE], sources, files)
        if is_same_project and set(names) == self._parsed.keys() and self._changes.isdisjoint(names):
            return Revision(self._tree.config, files)
        same = {name: self._parsed[name] for name in names if name in self._parsed and name not in self._changes}
        parsed = self.parse([name for name in names if name not in same])
        config, _ = self._known.validate(project, [same.get(name) or parsed[name] for name in names])
        return Revision(config, files)

    def parse(self, names: list[str]) -> dict[str, ParsedFile]:
        """Returns files of the commit, parsed. Raises `_MissingObjectError` where one can't be read."""
        return self._known.parse({name: self._objects[name] for name in names}, self._fetch)

    def _trust_files(self, project: Project) -> TrustFiles:
        paths = trust_paths(project)
        self._fetch([path for path in paths if path is not None])
        signers, revoked = (self._contents.get(path) if path is not None else None for path in paths)
        return TrustFiles(paths[0], signers, paths[1], revoked)

    def _fetch(self, paths: list[str]) -> Mapping[str, bytes]:
        wanted = {path: self._objects[path] for path in paths if path in self._objects and path not in self._contents}
        read = read_objects(self._repository, wanted.values())
        for path, object_id in wanted.items():
            if object_id not in read:
                raise _MissingObjectError(path)
            self._contents[path] = read[object_id]
        return self._contents

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
