"""Compiles a project the way that fits: as a whole in this process, or in parts where there is an executor."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.progress import Progress, silent
from hubcfg.core.rule import Severity
from hubcfg.parser.cache import ParseCache
from hubcfg.parser.parse import decode
from hubcfg.parser.sources import SourceFile
from hubcfg.pipeline import Compiled, compile_project

if TYPE_CHECKING:  # slow to import, and only needed where there are workers
    from concurrent.futures import Executor

    from hubcfg.emitter.folder import NewFolder
    from hubcfg.parts.compile import CompiledParts

MANIFEST = "manifest.json"


class Outcome(Struct, frozen=True):
    """What is to be told of a project: its findings, how much there is of it, and the files that have been written.

    `project` is its id, None where `hubcfg.yaml` can't be used; `base` is what approvals were judged by, where they were.
    `compiled` is what it came to, where that was compiled as a whole.
    """

    findings: list[Finding]
    sources: dict[str, SourceFile]
    project: str | None = None
    orgs: int = 0
    users: int = 0
    base: str | None = None
    paths: tuple[str, ...] = ()
    manifest: bytes = b""
    compiled: Compiled | None = None

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
    workers: "AbstractContextManager[Executor] | None" = None,
    cache: ParseCache | None = None,
    progress: Progress = silent,
    out: Path | None = None,
    flat: bool = False,
) -> Outcome:
    """Compiles a project, and writes its bundles to the folder `out` where one is named and nothing stands against it.

    Where there are `workers` nothing is remembered for later runs: a `cache` holds a project as a whole.
    """
    if workers is not None:
        from hubcfg.emitter.folder import new_folder  # slow to import, as all that is imported further down

        # The workers go first: what is written aside is removed when nobody writes there any more.
        with ExitStack() as stack:
            folder = stack.enter_context(new_folder(out)) if out is not None else None
            executor = stack.enter_context(workers)
            done = _run_parts(root, executor, folder, as_of, base, environment, flat, progress)
            if done is not None:
                return done
            compiled = compile_project(root, as_of=as_of, base=base, environment=environment, executor=executor)
        return _emit(compiled, out, flat, progress)
    compiled = compile_project(root, as_of=as_of, base=base, environment=environment, cache=cache, progress=progress)
    return _emit(compiled, out, flat, progress)


def _run_parts(
    root: Path,
    executor: "Executor",
    folder: "NewFolder | None",
    as_of: Instant,
    base: str | None,
    environment: Mapping[str, str],
    flat: bool,
    progress: Progress,
) -> Outcome | None:
    from hubcfg.parts.compile import compile_in_parts

    parts = compile_in_parts(
        root, executor, as_of=as_of, base=base, environment=environment, folder=folder, is_flat=flat, progress=progress
    )
    if parts is None:
        return None
    if isinstance(parts, Compiled):
        return _outcome(parts)
    if folder is None or parts.verified is None:
        return _outcome_of_parts(parts)
    manifest = parts.emit_manifest()
    folder.publish({MANIFEST: manifest})
    return _outcome_of_parts(parts, (*(shard.path for shard in parts.shards), MANIFEST), manifest)


def _emit(compiled: Compiled, out: Path | None, flat: bool, progress: Progress) -> Outcome:
    if out is None or compiled.has_errors:
        return _outcome(compiled)
    from hubcfg.emitter.folder import write_folder

    progress("writing bundles", 0, 0)
    files = compiled.emit(flat=flat)
    write_folder(out, files)
    return _outcome(compiled, tuple(files), files[MANIFEST])


def _outcome(compiled: Compiled, paths: tuple[str, ...] = (), manifest: bytes = b"") -> Outcome:
    config, approvals = compiled.config, compiled.approvals
    if config is None:
        return Outcome(compiled.findings, compiled.sources, compiled=compiled)
    users = sum(len(org.users) for org in config.orgs.values())
    label = approvals.base.label if approvals is not None else None
    return Outcome(
        compiled.findings,
        compiled.sources,
        config.project.id,
        len(config.orgs),
        users,
        label,
        paths,
        manifest,
        compiled,
    )


def _outcome_of_parts(parts: "CompiledParts", paths: tuple[str, ...] = (), manifest: bytes = b"") -> Outcome:
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
