"""What a deployment consists of and is made from: the bundles by org, the project's files, and what of them is hidden."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hubcfg.applier.target import StaleError
from hubcfg.checker.approvals.base import Base
from hubcfg.checker.check import Verified
from hubcfg.checker.memory import OrgMemory
from hubcfg.emitter.bundle import build_bundles
from hubcfg.parser.sources import IGNORE_FILE, read_within
from hubcfg.pipeline import Compiled
from hubcfg.planner.held import OrgFiles
from hubcfg.planner.plan import hash_files
from hubcfg.platforms.grants import Audience
from hubcfg.validator.config import Project


class OrgBundles:
    """The bundles of what is verified, by org; made where it is not known what they come to, or where somebody wants them."""

    def __init__(self, verified: Verified, memory: OrgMemory | None = None) -> None:
        self._orgs = verified.access.orgs
        self._memory = memory
        self._files: dict[str, OrgFiles] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._orgs)

    def files(self, org: str) -> OrgFiles:
        """Returns the bundles of an org; none of one that there is not."""
        if org not in self._orgs:
            return {}
        if org not in self._files:
            self._files[org] = {one.audience: one.content for one in build_bundles(self._orgs[org])}
        return self._files[org]

    def hashes(self, org: str) -> dict[Audience, str]:
        """Returns the hex SHA-256 of an org's bundles."""
        if org not in self._orgs:
            return {}
        known = self._memory.recall_hashes(org) if self._memory is not None else None
        if known is not None:
            return {Audience(audience): sha for audience, sha in known.items()}
        hashes = hash_files(self.files(org))
        if self._memory is not None:
            self._memory.keep_hashes(self._orgs[org].org, {audience.value: sha for audience, sha in hashes.items()})
        return hashes


def hash_sources(compiled: Compiled, root: Path, project: Project) -> dict[str, str]:
    """Returns the hex SHA-256 of all that a project is made from, by path.

    These are its documents, trust files, ignore file and templates. What has been read for compiling is not read again.
    """
    hashes, read = {}, compiled.hashes()
    for path, source in compiled.sources.items():
        known = read.get(path)
        hashes[path] = hashlib.sha256(source.read()).hexdigest() if known is None else known
    for path in (IGNORE_FILE, *(output.template for output in project.outputs)):
        try:
            hashes[path] = hashlib.sha256(read_within(root, path)).hexdigest()
        except OSError:
            continue  # a template that is not there is a finding of its own
    return hashes


def read_source(compiled: Compiled, root: Path, path: str) -> bytes:
    """Returns one of these files; raises OSError where it cannot be read."""
    source = compiled.sources.get(path)
    return read_within(root, path) if source is None else source.read()


def read_sources(hashes: Mapping[str, str], read: Callable[[str], bytes]) -> dict[str, bytes]:
    """Returns the files that have these hashes; raises StaleError where one has been changed since it was compiled."""
    files = {}
    for path, known in hashes.items():
        try:
            content = read(path)
        except OSError:
            content = None
        if content is None or hashlib.sha256(content).hexdigest() != known:
            raise StaleError(f"`{path}` was changed while hubcfg was at work on it", help="plan again, and apply that")
        files[path] = content
    return files


def find_hidden(base: Base, compiled: Compiled, root: Path) -> tuple[str, ...]:
    """Returns the files that the base reads, and that are still there but not read any more."""
    if base.is_tree:
        return ()
    return tuple(sorted(file for file in base.config.files - compiled.sources.keys() if (root / file).is_file()))
