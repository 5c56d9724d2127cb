"""Imports what projects compile to, as the tests of importing do it."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hubcfg.checker.check import all_rules
from hubcfg.core.instants import Instant, parse_instant
from hubcfg.emitter.bundle import build_bundles
from hubcfg.importing.bundles import read_bundles
from hubcfg.importing.importer import Imported, Importer
from hubcfg.parser.document import ParsedFile
from hubcfg.parser.parse import parse_sources, parse_text
from hubcfg.pipeline import compile_project, discover
from hubcfg.planner.held import OrgFiles
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.resolve import resolve_access
from hubcfg.validator.config import Config, Project
from hubcfg.validator.project import read_project
from tests.reference.files import write_project
from tests.reference.projects import Project as RandomProject

EXAMPLES = Path(__file__).parents[3] / "examples"
NOW = "2026-12-01T09:00:00Z"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: str = NOW) -> Instant:
    """Returns an instant by its text."""
    found = parse_instant(text)
    assert found is not None
    return found


def read_files(root: Path) -> tuple[Project, list[ParsedFile]]:
    """Returns a folder's project and its files."""
    project, _ = read_project(parse_text("hubcfg.yaml", (root / "hubcfg.yaml").read_text("utf-8")), all_rules())
    assert project is not None
    return project, parse_sources(discover(root, project).sources)


def live_bundles(config: Config, at: Instant) -> dict[str, OrgFiles]:
    """Returns what a target would hold of a configuration, approvals aside."""
    orgs = resolve_access(config, at).orgs
    return {id: {one.audience: one.content for one in build_bundles(access)} for id, access in orgs.items()}


def import_folder(root: Path, at: Instant, *, wildcards: bool = False) -> list[tuple[OrgFiles, Imported]]:
    """Returns of each org of a folder what a target would hold, and what importing that gives."""
    compiled = compile_project(root, as_of=at, hygiene=False)
    assert compiled.config is not None
    importer = Importer(*read_files(root), at, wildcards=wildcards)
    live = live_bundles(compiled.config, at)
    return [(files, importer.import_org(read_bundles(org, files))) for org, files in live.items()]


def import_random(project: RandomProject, *, wildcards: bool = False) -> list[tuple[OrgFiles, Imported]]:
    """Returns the same of a random project."""
    with tempfile.TemporaryDirectory() as folder:
        write_project(project, Path(folder), order=0)
        return import_folder(
            Path(folder), Instant((project.at - EPOCH) // timedelta(microseconds=1)), wildcards=wildcards
        )


STAFF, CLIENT = Audience.STAFF, Audience.CLIENT


def importer_for(platform: str, at: str = NOW) -> Importer:
    """Returns an importer into an empty project."""
    text = f"hubcfg: 1\nproject: p\nplatform: {platform}\n"
    project, _ = read_project(parse_text("hubcfg.yaml", text), all_rules())
    assert project is not None
    return Importer(project, [], instant(at))
