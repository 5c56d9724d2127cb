"""What a deployment consists of and is made from: the bundles by org, the project's files, and what of them is hidden."""

from pathlib import Path

from hubcfg.checker.approvals.base import Base
from hubcfg.checker.check import Verified
from hubcfg.emitter.emit import emit_bundles
from hubcfg.parser.sources import IGNORE_FILE, read_within
from hubcfg.pipeline import Compiled
from hubcfg.planner.held import OrgFiles
from hubcfg.validator.config import Project


def group_files(verified: Verified) -> dict[str, OrgFiles]:
    """Returns the bundles of what is verified, by org."""
    found: dict[str, dict[object, bytes]] = {}
    for bundle in emit_bundles(verified):
        found.setdefault(bundle.org, {})[bundle.audience] = bundle.content
    return found  # type: ignore[return-value]  # keys are audiences


def read_all_sources(compiled: Compiled, root: Path, project: Project) -> dict[str, bytes]:
    """Returns all that a project is made from, by path: its documents, trust files, ignore file and templates."""
    files = {}
    for path, source in compiled.sources.items():
        files[path] = source.read()
    for path in (IGNORE_FILE, *(output.template for output in project.outputs)):
        try:
            files[path] = read_within(root, path)
        except OSError:
            continue  # a template that is not there is a finding of its own
    return files


def find_hidden(base: Base, compiled: Compiled, root: Path) -> tuple[str, ...]:
    """Returns the files that the base reads, and that are still there but not read any more."""
    if base.is_tree:
        return ()
    return tuple(sorted(file for file in base.config.files - compiled.sources.keys() if (root / file).is_file()))
