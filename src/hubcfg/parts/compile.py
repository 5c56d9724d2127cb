"""The line for a project in parts: scan files, bind what the orgs have in common, and have each org worked on by itself.

What comes out is the same to the byte as from `compile_project`; memory grows with the largest org, not with the project.
"""

import pickle
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from hubcfg import __version__
from hubcfg.checker.check import Verified, all_rules, check_parts
from hubcfg.core.fanout import CHUNKS, map_ordered, sees_files, split_chunks
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.progress import Progress, silent
from hubcfg.core.rule import Severity
from hubcfg.core.transport import unpack_findings
from hubcfg.emitter.emit import Shard, emit_manifest
from hubcfg.emitter.folder import NewFolder, write_shard
from hubcfg.parser.base_choice import choose_base
from hubcfg.parser.document import ParsedFile
from hubcfg.parser.git import read_revision
from hubcfg.parser.sources import SourceFile, load_source
from hubcfg.parts.allotment import Allotment, KnownParts, group_parts, has_strays
from hubcfg.parts.work import Part, PartResult, Setting, read_results, work_on
from hubcfg.pipeline import Compiled, Start, find_trusted_base, locator, read_comments, start_project
from hubcfg.revision import Revision
from hubcfg.validator.config import Config
from hubcfg.validator.parts import validate_commons
from hubcfg.validator.scan import Scan, scan_files

# How many files are read as one task at most.
MAX_FILES = 128


class CompiledParts(Struct, frozen=True):
    """What came of a project that was compiled in parts: its findings, and how much there is of it.

    `verified` is there only where no error stands; `manifest` then is that of the folder that was published, whose files are
    `paths`.
    """

    root: Path
    findings: list[Finding]
    sources: dict[str, SourceFile]
    config: Config
    users: int
    base_label: str | None
    verified: Verified | None
    shards: list[Shard] = field(default_factory=list)

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def emit_manifest(self) -> bytes:
        """Returns the manifest of the shards. To be called only where the project is verified."""
        assert self.verified is not None
        return emit_manifest(self.verified, self.shards, {}, read_revision(self.root))


def compile_in_parts(
    root: Path,
    executor: Executor,
    *,
    as_of: Instant,
    base: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: NewFolder | None = None,
    is_flat: bool = False,
    progress: Progress = silent,
) -> CompiledParts | Compiled | None:
    """Compiles the project at `root` as `compile_project` does, each org by itself in other processes.

    Where a `folder` is given the org files are written to it; it is for the caller to publish it, where the result is verified. A
    `Compiled` comes back where `hubcfg.yaml` can't be used, and None for a project that can't be taken apart: one with `outputs`,
    whose templates may show all orgs at once.
    """
    start = start_project(root)
    if isinstance(start, Compiled):
        return start
    if start.project.outputs:
        return None
    return _PartsCompiler(root, start, executor, as_of, folder, is_flat, progress).compile(base, environment or {})


class _PartsCompiler:
    """Compiles one project in parts."""

    def __init__(
        self,
        root: Path,
        start: Start,
        executor: Executor,
        as_of: Instant,
        folder: NewFolder | None,
        is_flat: bool,
        progress: Progress,
    ) -> None:
        self._root = root
        self._start = start
        self._executor = executor
        self._as_of = as_of
        self._folder = folder
        self._is_flat = is_flat
        self._progress = progress
        self._is_near = sees_files(executor)
        self._scan = Scan()

    def compile(self, base: str | None, environment: Mapping[str, str]) -> CompiledParts | None:
        """Returns what comes of the project; None where it can't be taken apart."""
        start, root = self._start, self._root
        self._read()
        tree = {file.path: file for file in self._scan.files}
        config, found, commons = validate_commons(start.project, self._scan.files)
        known = KnownParts(tree, self._executor)
        choice = choose_base(root, base, environment)
        stubs = [ParsedFile(file.path, (), blob=file.blob) for file in self._scan.files]
        trusted, faults = find_trusted_base(root, choice, Revision(config, start.trust), stubs, known)
        if trusted is not None and has_strays(config, trusted):
            return None
        results = self._work(Allotment(self._scan, self._load_texts, config, commons, trusted, known))
        if not commons.is_partial and any(one.is_partial for one in results):
            # Something could not be used that only its org could tell; rules that would miss it are silent everywhere.
            config, commons = replace(config, is_partial=True), replace(commons, is_partial=True)
            results = self._work(Allotment(self._scan, self._load_texts, config, commons, trusted, known))
        earlier = [
            *start.findings,
            *unpack_findings(self._scan.findings, {rule.name: rule for rule in all_rules()}),
            *found,
        ]
        earlier += [finding for one in results for finding in one.bound]
        earlier += [*start.late_findings, *faults]
        earlier += [finding for one in results for finding in one.checked]
        approvals = {one.id: one.approvals for one in results if one.approvals is not None}
        if trusted is not None and not trusted.is_tree:
            trusted = replace(trusted, roots={id: one.roots for id, one in approvals.items()})
        comments = read_comments([start.project_file], start.sources)
        comments |= {file.path: list(file.comments) for file in self._scan.files if file.comments}
        verified, findings = check_parts(
            config, self._as_of, trusted, start.trust, earlier, [facts for one in results for facts in one.facts],
            approvals, locator(start.sources), comments, hygiene=True,
        )  # fmt: skip
        shards = [shard for one in results for shard in one.shards]
        if verified is not None and self._folder is not None and {one.org for one in shards} != config.orgs.keys():
            raise RuntimeError("an org was verified that has not been emitted")
        users = sum(one.users for one in results)
        label = trusted.label if trusted is not None else None
        return CompiledParts(root, findings, start.sources, config, users, label, verified, shards)

    def _read(self) -> None:
        sources = self._start.to_read
        chunks = split_chunks(sources, max(CHUNKS, len(sources) // MAX_FILES))
        sent = chunks if self._is_near else ([load_source(one) for one in chunk] for chunk in chunks)
        done = 0
        self._progress("reading files", 0, len(sources))
        for packed in map_ordered(scan_files, sent, self._executor):
            self._scan.add(packed)
            done = len(self._scan.files)
            self._progress("reading files", done, len(sources))

    def _work(self, allotment: Allotment) -> list[PartResult]:
        """Has every org worked on; those that are new after the others, because they rest on what those approve."""
        results = {one.id: one for one in self._spread(allotment.parts(allotment.known_orgs), allotment)}
        if allotment.new_orgs:
            allotment.learn(results.values())
            results |= {one.id: one for one in self._spread(allotment.parts(allotment.new_orgs), allotment)}
        return [results[id] for id in sorted(results)]

    def _spread(self, parts: Iterable[Part], allotment: Allotment) -> Iterator[PartResult]:
        setting = pickle.dumps(self._setting(allotment))
        total = len(allotment.known_orgs) + len(allotment.new_orgs)
        self._progress("checking orgs", 0, total)
        done = 0
        for packed in map_ordered(partial(work_on, setting), group_parts(parts, allotment.task_bytes), self._executor):
            for result in read_results(packed):
                done += 1
                yield self._store(result)
            self._progress("checking orgs", done, total)

    def _store(self, result: PartResult) -> PartResult:
        """Writes the shards that have been handed back."""
        shards = []
        for shard in result.shards:
            if shard.content is not None and self._folder is not None:
                write_shard(self._folder.path, shard.path, shard.content)
            shards.append(replace(shard, content=None))
        return replace(result, shards=shards)

    def _setting(self, allotment: Allotment) -> Setting:
        near = self._is_near
        folder = str(self._folder.path) if near and self._folder is not None else None
        return Setting(
            version=__version__,
            instant=self._as_of,
            root=str(self._root.resolve()) if near else None,
            commons=allotment.commons,
            files=self._start.trust,
            base=allotment.base_setting(),
            emits=self._folder is not None,
            is_flat=self._is_flat,
            folder=folder,
        )

    def _load_texts(self, files: Iterable[str]) -> dict[str, bytes] | None:
        """Returns the bytes of files, where they have to be sent along."""
        if self._is_near:
            return None
        texts = {}
        for file in files:
            source = self._start.sources.get(file)
            with suppress(OSError):
                if source is not None:
                    texts[file] = source.read()
        return texts
