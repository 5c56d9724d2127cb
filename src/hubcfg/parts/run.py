"""Compiles a project the way that fits: as a whole in this process, or in parts where there is an executor."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.progress import Progress, silent
from hubcfg.core.rule import Severity
from hubcfg.emitter.folder import new_folder, write_folder
from hubcfg.parser.cache import ParseCache
from hubcfg.parser.parse import decode
from hubcfg.parser.sources import SourceFile
from hubcfg.parts.compile import CompiledParts, compile_in_parts
from hubcfg.pipeline import Compiled, compile_project

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be told of a project: its findings, how much there is of it, and the files that have been written.

    `project` is its id, None where `hubcfg.yaml` can't be used; `base` is what approvals were judged by, where they were.
    """

    findings: list[Finding]
    sources: dict[str, SourceFile]
    project: str | None = None
    orgs: int = 0
    users: int = 0
    base: str | None = None
    paths: tuple[str, ...] = ()
    manifest: bytes = b""

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def read(self, file: str) -> str | None:
        """Returns the text of a source file, or None where it cannot be read."""
        source = self.sources.get(file)
        try:
            return decode(source.read()) if source is not None else None
        except (OSError, UnicodeDecodeError):
            return None


def run_project(
    root: Path,
    *,
    as_of: Instant,
    base: str | None,
    environment: Mapping[str, str],
    executor: Executor | None = None,
    cache: ParseCache | None = None,
    progress: Progress = silent,
    out: Path | None = None,
    flat: bool = False,
) -> Outcome:
    """Compiles a project, and writes its bundles to the folder `out` where one is named and nothing stands against it.

    Where there is an executor nothing is remembered for later runs: a `cache` holds a project as a whole.
    """
    if executor is not None:
        if out is None:
            parts = compile_in_parts(root, executor, as_of=as_of, base=base, environment=environment, progress=progress)
        else:
            with new_folder(out) as folder:
                parts = compile_in_parts(
                    root,
                    executor,
                    as_of=as_of,
                    base=base,
                    environment=environment,
                    folder=folder,
                    is_flat=flat,
                    progress=progress,
                )
                if isinstance(parts, CompiledParts) and parts.verified is not None:
                    manifest = parts.emit_manifest()
                    folder.publish({MANIFEST: manifest})
                    paths = (*(shard.path for shard in parts.shards), MANIFEST)
                    return _outcome_of_parts(parts, paths, manifest)
        if isinstance(parts, CompiledParts):
            return _outcome_of_parts(parts)
        if parts is not None:
            return _outcome(parts)
    compiled = compile_project(
        root,
        as_of=as_of,
        base=base,
        environment=environment,
        executor=executor,
        cache=cache,
        progress=progress,
    )
    if out is None or compiled.has_errors:
        return _outcome(compiled)
    progress("writing bundles", 0, 0)
    files = compiled.emit(flat=flat)
    write_folder(out, files)
    return _outcome(compiled, tuple(files), files[MANIFEST])


def _outcome(compiled: Compiled, paths: tuple[str, ...] = (), manifest: bytes = b"") -> Outcome:
    config, approvals = compiled.config, compiled.approvals
    if config is None:
        return Outcome(compiled.findings, compiled.sources)
    users = sum(len(org.users) for org in config.orgs.values())
    label = approvals.base.label if approvals is not None else None
    return Outcome(
        compiled.findings, compiled.sources, config.project.id, len(config.orgs), users, label, paths, manifest
    )


def _outcome_of_parts(parts: CompiledParts, paths: tuple[str, ...] = (), manifest: bytes = b"") -> Outcome:
    config = parts.config
    return Outcome(
        parts.findings,
        parts.sources,
        config.project.id,
        len(config.orgs),
        parts.users,
        parts.base_label,
        paths,
        manifest,
    )
