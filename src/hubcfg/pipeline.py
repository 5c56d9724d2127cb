"""The line as code: files → documents → configuration → access → verified → bundles."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from hubcfg.checker.approvals.base import Base, TrustFiles, make_base
from hubcfg.checker.approvals.check import ApprovalReport
from hubcfg.checker.approvals.rules import NO_TRUSTED_BASE
from hubcfg.checker.check import Verified, all_rules, check_access, judge_findings, rest_on_approvals
from hubcfg.checker.memory import OrgMemory
from hubcfg.core.errors import HubcfgError
from hubcfg.core.finding import Finding, find
from hubcfg.core.instants import Instant
from hubcfg.core.places import Span
from hubcfg.core.progress import Progress, silent
from hubcfg.core.rule import Severity
from hubcfg.emitter.emit import emit_bundles, emit_manifest
from hubcfg.parser.base_choice import BASE_VARIABLE, TREE_ITSELF, BaseChoice, choose_base
from hubcfg.parser.cache import ParseCache
from hubcfg.parser.comments import IgnoreComment, find_ignore_comments
from hubcfg.parser.document import ParsedFile
from hubcfg.parser.git import read_revision
from hubcfg.parser.locating import SpanMemory, finding_order, locate_findings
from hubcfg.parser.parse import decode, parse_bytes, parse_source, parse_sources
from hubcfg.parser.rules import INVALID_PROJECT
from hubcfg.parser.sources import (
    DEFAULT_SOURCES,
    IGNORE_FILE,
    PROJECT_FILE,
    Discovery,
    SourceFile,
    find_detour,
    find_sources,
    read_within,
    unreadable,
)
from hubcfg.resolver.access import Access
from hubcfg.resolver.resolve import resolve_access
from hubcfg.revision import Knowledge, Known, Revision, find_retired, find_spent, read_base, trust_paths
from hubcfg.validator.config import Config, Project
from hubcfg.validator.memory import BindMemory
from hubcfg.validator.project import read_project
from hubcfg.validator.shape import document_kinds

if TYPE_CHECKING:
    from concurrent.futures import Executor  # slow to import, and only needed where there is one


class Authority(Struct, frozen=True):
    """By what a deployment is judged: the base, and the hex SHA-256 of the payloads of approvals that had gone out of use.

    `clone` is where Git is asked, for a project that lies elsewhere than in its own clone.
    """

    choice: BaseChoice
    retired: frozenset[str] = frozenset()
    clone: Path | None = None


class Compiled(Struct, frozen=True, dict=True):
    """What came of a project: its findings, and as much of each stage as there is.

    `config` and `access` may be there in spite of errors, for looking; `verified` is there only where no error stands. `parsed`
    are its files, and `memory` is what is remembered of its orgs.
    """

    root: Path
    findings: list[Finding]
    sources: dict[str, SourceFile]
    config: Config | None = None
    access: Access | None = None
    verified: Verified | None = None
    approvals: ApprovalReport | None = None
    outputs: dict[str, bytes] = field(default_factory=dict)
    clone: Path | None = None
    parsed: Sequence[ParsedFile] = ()
    memory: OrgMemory | None = None

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def hashes(self) -> dict[str, str]:
        """Returns the hex SHA-256 of the files as they were read, by path."""
        return {file.path: file.key.hex() for file in self.parsed if file.key}

    def read(self, file: str) -> str | None:
        """Returns the text of a source file, or None where it cannot be read."""
        return _read(self.sources, file)

    def emit(self, *, flat: bool = False) -> dict[str, bytes]:
        """Returns all files of the output folder by path: the org files and the manifest.

        Raises HubcfgError where the project has errors.
        """
        if self.verified is None:
            raise HubcfgError("there are no bundles, because the project has errors")
        bundles = emit_bundles(self.verified, flat=flat)
        files = {bundle.path: bundle.content for bundle in bundles}
        manifest = emit_manifest(self.verified, bundles, self.outputs, read_revision(self.root))
        return files | self.outputs | {"manifest.json": manifest}

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The org files by path, as `compile` writes them."""
        return {path: content for path, content in self.emit().items() if path.startswith("orgs/")}


def compile_project(
    root: Path,
    *,
    as_of: Instant,
    base: str | None = None,
    environment: Mapping[str, str] | None = None,
    hygiene: bool = True,
    executor: "Executor | None" = None,
    authority: Authority | None = None,
    cache: ParseCache | None = None,
    progress: Progress = silent,
) -> Compiled:
    """Compiles the project at `root` as of an instant. What is wrong with it is in the findings; nothing is written.

    With an `authority` it is compiled for a deployment: judged by that, each org by itself. Without `hygiene` the table Policy and hygiene is left out, for commands that only look; nothing is verified then. An
    `executor` spreads the reading of files over processes; the result is the same to the byte.

    `base` is the revision that approvals are judged by, where one is named; `environment` is where else it is looked for
    (docs/approvals.md, "The trusted base"). A `cache` saves reading again what an earlier run has read (docs/performance.md);
    `progress` is told how far the run has come.
    """
    start = start_project(root)
    if isinstance(start, Compiled):
        return start
    project, sources, to_read, trust = start.project, start.sources, start.to_read, start.trust
    known = Known(BindMemory(parse_bytes if cache is None else cache.parse_bytes), cache)
    if executor is None and progress is not silent:
        to_read = _watched(to_read, progress)
    files = parse_sources(to_read, executor) if cache is None else cache.parse_sources(root, to_read, executor)
    config, found = known.validate(project, files)
    findings = [*start.findings, *found, *start.late_findings]
    progress("resolving", 0, 0)
    access = resolve_access(config, as_of)
    choice = authority.choice if authority is not None else choose_base(root, base, environment or {})
    retired = authority.retired if authority is not None else frozenset()
    clone = authority.clone if authority is not None and authority.clone is not None else root
    trusted, faults = find_trusted_base(clone, choice, Revision(config, trust), files if clone == root else [], known)
    if trusted is not None and retired:
        trusted = replace(trusted, spent=trusted.spent | find_retired(config.approvals, retired))
    memory = known.open_memory()
    comments = read_comments([start.project_file, *files], sources)
    verified, approvals, findings = check_access(
        config, access, trusted, trust, [*findings, *faults], locator(sources, executor, cache), comments, hygiene=hygiene,
        by_org=authority is not None, progress=progress, memory=memory,
    )  # fmt: skip
    access = access if approvals is None else rest_on_approvals(access, approvals)
    outputs: dict[str, bytes] = {}
    if verified is not None and project.outputs:
        outputs, findings, verified = _render(verified, findings, root, sources)
    if cache is not None:
        cache.save()
    files = [start.project_file, *files]
    return Compiled(root, findings, sources, config, access, verified, approvals, outputs, clone, files, memory)


class Start(Struct, frozen=True):
    """What is known of a project before its files are read: what it says, which files there are, and what is wrong so far.

    `late_findings` are those that are told after those of the files.
    """

    project: Project
    project_file: ParsedFile
    findings: list[Finding]
    late_findings: list[Finding]
    to_read: tuple[SourceFile, ...]
    sources: dict[str, SourceFile]
    trust: TrustFiles


def start_project(root: Path) -> Start | Compiled:
    """Reads `hubcfg.yaml` and looks what files there are; what is returned is all there is where that file can't be used."""
    project_source = SourceFile(PROJECT_FILE, (root / PROJECT_FILE).read_bytes)
    sources = {PROJECT_FILE: project_source}
    if not (root / PROJECT_FILE).exists():
        missing = find(
            INVALID_PROJECT,
            "there is no `hubcfg.yaml` here",
            Span(PROJECT_FILE),
            help="`hubcfg init` begins a project; `-C DIR` looks elsewhere",
        )
        return Compiled(root, [missing], sources)
    project_file = parse_source(project_source)
    project, findings = read_project(project_file, all_rules())
    if project is None:
        return Compiled(root, _judge(findings, None, sources, [project_file]), sources)
    discovery = discover(root, project)
    sources |= {source.path: source for source in (*discovery.sources, *discovery.in_outputs, *discovery.unreadable)}
    trust = read_trust_files(root, project)
    trust_files = {trust.signers_path: trust.signers, trust.revoked_path: trust.revoked}
    sources |= {
        path: SourceFile(path, partial(read_within, root, path))
        for path, content in trust_files.items()
        if path and content is not None
    }
    late = [*discovery.findings, *_find_hidden_sources(discovery), *_find_detours(root, project)]
    to_read = (*discovery.sources, *discovery.unreadable)
    return Start(project, project_file, findings, late, to_read, sources, trust)


def find_trusted_base(
    root: Path, choice: BaseChoice, tree: Revision, files: list[ParsedFile], known: Knowledge
) -> tuple[Base | None, list[Finding]]:
    """Returns the trusted base; None, with the finding that says why, where one is due and cannot be had."""
    fault, advice = choice.fault, choice.advice
    if fault is None and choice.commit is not None:
        before = read_base(root, choice.commit, {file.path: file for file in files}, tree, known)
        if isinstance(before, Revision):
            trusted = make_base(choice.label, before.config, before.files, is_tree=False, tree_files=tree.files)
            new = [document for document in tree.config.approvals if not trusted.is_standing(document)]
            return replace(trusted, spent=find_spent(root, choice.commit, new)), []
        fault, advice = before, f"name the revision to judge by with `--base` or `{BASE_VARIABLE}`"
        if before is None:
            choice = TREE_ITSELF
    if fault is None:
        return make_base(choice.label, tree.config, tree.files, is_tree=True), []
    place = tree.config.project.document.first_key()
    return None, [find(NO_TRUSTED_BASE, f"there is nothing to judge approvals by: {fault}", place, help=advice)]


def read_trust_files(root: Path, project: Project) -> TrustFiles:
    """Returns the signers and the revoked file of a project in a folder.

    What a link leads to does not count: in a revision the link would be all there is.
    """
    signers_path, revoked_path = trust_paths(project)

    def read(path: str | None) -> bytes | None:
        try:
            return read_within(root, path) if path is not None and find_detour(root, path) is None else None
        except OSError:
            return None

    return TrustFiles(signers_path, read(signers_path), revoked_path, read(revoked_path))


def _find_detours(root: Path, project: Project) -> list[Finding]:
    """Returns what is wrong with the files that decide what the project is, and whom it trusts."""
    names = (PROJECT_FILE, IGNORE_FILE, *trust_paths(project))
    return [
        unreadable(name, why) for name in names if name is not None and (why := find_detour(root, name)) is not None
    ]


def _render(
    verified: Verified,
    findings: list[Finding],
    root: Path,
    sources: dict[str, SourceFile],
    kept: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[dict[str, bytes], list[Finding], Verified | None]:
    """Renders the project's outputs; what is wrong with one stands against the whole."""
    from hubcfg.emitter.outputs import render_outputs  # the template engine is slow to import, and seldom used

    outputs, faults = render_outputs(verified, lambda name: read_within(root, name), kept)
    if not faults:
        return outputs, findings, verified
    located = locator(sources)(faults)
    return {}, sorted([*findings, *located], key=finding_order), None


def render_again(compiled: Compiled, root: Path, kept: Mapping[str, Mapping[str, Any]]) -> Compiled:
    """Returns the same with outputs over some orgs more, which are left out and stay as they were deployed."""
    assert compiled.verified is not None
    outputs, findings, verified = _render(compiled.verified, compiled.findings, root, compiled.sources, kept)
    return replace(compiled, outputs=outputs, findings=findings, verified=verified)


def discover(root: Path, project: Project) -> Discovery:
    """Returns the source files of a project in a folder."""
    return find_sources(root, project.sources or DEFAULT_SOURCES, project.output_folders)


def _judge(
    findings: Iterable[Finding], project: Project | None, sources: dict[str, SourceFile], files: list[ParsedFile]
) -> list[Finding]:
    return judge_findings(findings, project, locator(sources), read_comments(files, sources))


def locator(
    sources: dict[str, SourceFile], executor: "Executor | None" = None, memory: SpanMemory | None = None
) -> Callable[[Iterable[Finding]], list[Finding]]:
    """Returns what gives findings their lines, by the text of the project's files."""
    return lambda findings: locate_findings(findings, lambda file: _read(sources, file), executor, memory)


def read_comments(files: Iterable[ParsedFile], sources: dict[str, SourceFile]) -> dict[str, list[IgnoreComment]]:
    """Returns the ignore comments of files, by their paths."""
    comments = {}
    for file in files:
        text = _read(sources, file.path) if file.has_ignores else None
        if text is not None:
            comments[file.path] = find_ignore_comments(file.path, text)
    return comments


def _watched(sources: Sequence[SourceFile], progress: Progress) -> tuple[SourceFile, ...]:
    """Returns the same files; reading one of them is told."""

    def read(index: int, source: SourceFile) -> bytes:
        progress("reading files", index, len(sources))
        return source.read()

    return tuple(SourceFile(one.path, partial(read, index, one)) for index, one in enumerate(sources))


def _find_hidden_sources(discovery: Discovery) -> list[Finding]:
    """An output folder is not read, so YAML of ours in it would vanish from the project without a trace."""
    kinds = document_kinds()
    return [
        find(
            INVALID_PROJECT,
            f"a {document.value['kind']} document in an output folder is not part of the project",
            document.place("kind"),
            help="move the file out of the folder, or delete it",
        )
        for source in discovery.in_outputs
        for document in parse_source(source).documents
        if isinstance(document.value, dict) and document.value.get("kind") in kinds
    ]


def _read(sources: dict[str, SourceFile], file: str) -> str | None:
    source = sources.get(file)
    try:
        return decode(source.read()) if source is not None else None
    except (OSError, UnicodeDecodeError):
        return None
