"""Leads an import from a target or a table to files that are written, and says what came of it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from msgspec import Struct, field

from hubcfg.applier.opening import choose_target, open_target
from hubcfg.checker.check import all_rules
from hubcfg.cli.options import current_instant
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.importing.bundles import read_bundles
from hubcfg.importing.ids import make_id
from hubcfg.importing.importer import Imported, Importer
from hubcfg.importing.notes import Note, show
from hubcfg.importing.people import read_people
from hubcfg.importing.table import read_table
from hubcfg.importing.writing import find_existing, write_files
from hubcfg.parser.document import ParsedFile
from hubcfg.parser.parse import parse_source, parse_sources, parse_text
from hubcfg.parser.sources import PROJECT_FILE, SourceFile
from hubcfg.pipeline import compile_project, discover
from hubcfg.planner.bundles import BundleError
from hubcfg.validator.config import Project
from hubcfg.validator.project import read_project
from hubcfg.views.findings import render_findings
from hubcfg.views.imported import NoteLine, OrgLine, Run, render_import, render_notes


class Adopted(Struct, frozen=True):
    """What came of an import: what was done, or the findings in the table for which nothing was."""

    run: Run | None
    findings: list[Finding] = field(default_factory=list)
    texts: Mapping[str, str] = field(default_factory=dict)


class Adoption:
    """One import into the project where the command runs, or into a new one."""

    def __init__(
        self, settings: Settings, out: Path | None, *, only: str | None, platform: str | None, wildcards: bool
    ) -> None:
        self._root = settings.find_root()
        self._folder = out if out is not None else self._root
        self._only = only
        self._platform = platform
        self._wildcards = wildcards
        self._instant: Instant = current_instant()
        self._has_project = (self._root / PROJECT_FILE).is_file()

    def adopt_target(self, name: str, environment: dict[str, str]) -> Adopted:
        """Imports the orgs of a target; raises HubcfgError where it can't be read, or has no such org."""
        if not self._has_project:
            raise UsageError(
                f"there is no `{PROJECT_FILE}` here, which says where the target `{name}` is",
                help="write one: `hubcfg: 1`, `project: NAME`, and the target below `targets:`; docs/deployment.md shows it",
            )
        project, files = self._read_project()
        reader = open_target(choose_target(project, name), self._root, environment)
        try:
            there = sorted(reader.list_orgs())
            live = {org: reader.read_org(org).live for org in there if self._only in (None, org)}
        finally:
            reader.close()
        source = f"the target {name}"
        live = {org: files_of for org, files_of in live.items() if files_of}
        self._check_only(there, source)
        if not live:
            raise HubcfgError(f"{source} holds nothing" + (f" of the org `{self._only}`" if self._only else ""))
        importer = Importer(project, files, self._instant, wildcards=self._wildcards)
        defined = _defined_orgs(files) if self._is_inside else {}
        lines: list[OrgLine] = []
        written: dict[str, str] = {}
        for org, bundles in live.items():
            try:
                _refuse_defined(org, defined)
                imported = importer.import_org(read_bundles(org, bundles))
                self._refuse_existing(imported)
            except BundleError as error:
                advice = "`hubcfg drift` shows what was changed in the target by hand"
                lines.append(
                    OrgLine(org, refused=f"what {source} holds of `{org}` can't be read: {error}", help=advice)
                )
            except HubcfgError as error:
                lines.append(OrgLine(org, refused=error.message, help=error.help))
            else:
                lines.append(_describe(imported))
                written |= imported.files
        return self._write(source, lines, written, {})

    def adopt_table(self, path: Path, delimiter: str | None) -> Adopted:
        """Imports the orgs of a CSV file; all or none."""
        file = str(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"`{file}` cannot be read: {error.strerror}") from error
        table = read_table(file, data, delimiter=delimiter, org=self._only)
        texts = {file: data.decode("utf-8-sig", "replace")}
        if table.findings and not table.orgs:
            return Adopted(None, table.findings, texts)
        self._check_only(table.orgs, f"`{file}`")
        if not table.orgs:
            raise HubcfgError(f"`{file}` names nobody", help="it has a header alone")
        extra: dict[str, str] = {}
        if self._has_project:
            project, files = self._read_project()
        else:
            text = self._begin_project(self._only or min(table.orgs))
            extra, files = {PROJECT_FILE: text}, []
            found, _ = read_project(parse_text(PROJECT_FILE, text), all_rules())
            assert found is not None
            project = found
        importer = Importer(project, files, self._instant, platform=self._platform, wildcards=self._wildcards)
        defined = _defined_orgs(files) if self._is_inside else {}
        for org in table.orgs:
            if self._only in (None, org):
                _refuse_defined(org, defined)
        orgs, findings = read_people(table, importer, self._only)
        if findings:
            return Adopted(None, findings, texts)
        done = [importer.import_org(org) for org in orgs]
        for one in done:
            self._refuse_existing(one)
        written = {path: text for one in done for path, text in one.files.items()}
        return self._write(file, list(map(_describe, done)), written, extra)

    @property
    def _is_inside(self) -> bool:
        """Whether what is written becomes part of the project."""
        folder, root = self._folder.resolve(), self._root.resolve()
        return self._has_project and (folder == root or root in folder.parents)

    def _check_only(self, there: Iterable[str], source: str) -> None:
        known = sorted(there)
        if self._only is not None and self._only not in known:
            help = did_you_mean(self._only, known) or (f"there are {shorten(known)}" if known else None)
            raise UsageError(f"there is no org `{self._only}` in {source}", help=help)

    def _read_project(self) -> tuple[Project, list[ParsedFile]]:
        parsed = parse_source(SourceFile(PROJECT_FILE, (self._root / PROJECT_FILE).read_bytes))
        project, _ = read_project(parsed, all_rules())
        if project is None:
            raise HubcfgError(f"`{self._root / PROJECT_FILE}` cannot be used", help="`hubcfg validate` says why")
        return project, parse_sources(discover(self._root, project).sources)

    def _begin_project(self, org: str) -> str:
        if self._platform is None:
            help = "`--platform ID` says it; `hubcfg platforms` lists the built-in ones"
            raise UsageError("there is no project here, so nothing says on which platform the people are", help=help)
        return f"hubcfg: 1\nproject: {make_id(org) or 'imported'}-access\nplatform: {self._platform}\n"

    def _refuse_existing(self, imported: Imported) -> None:
        there = find_existing(self._folder, imported.files)
        if there:
            raise HubcfgError(
                f"`{self._folder}` has {shorten(there)} already, and nothing is overwritten",
                help=f"move what is there out of the way, or write `{imported.org}` elsewhere with `-o DIR`",
            )

    def _write(self, source: str, lines: list[OrgLine], files: dict[str, str], extra: dict[str, str]) -> Adopted:
        extra = {path: text for path, text in extra.items() if not find_existing(self._folder, [path])}
        write_files(self._folder, extra | files)
        self._has_project = (self._root / PROJECT_FILE).is_file()
        outstanding, unread = (
            self._look_at([line.org for line in lines if line.files]) if self._is_inside else (None, [])
        )
        return Adopted(Run(source, self._folder, lines, list(extra), outstanding, unread))

    def _look_at(self, orgs: list[str]) -> tuple[int | None, list[str]]:
        """Returns how many permissions and roles of the imported people lack an approval, and which orgs are not read."""
        compiled = compile_project(self._root, as_of=self._instant, hygiene=False)
        if compiled.config is None:
            return None, []
        unread = [org for org in orgs if org not in compiled.config.orgs]
        if compiled.approvals is None:
            return None, unread
        found = [compiled.approvals.orgs[org] for org in orgs if org in compiled.approvals.orgs]
        return sum(one.permissions.bit_count() or 1 for org in found for one in org.missing), unread


def report_adoption(settings: Settings, output: str, adopted: Adopted) -> int:
    """Says what came of an import, and returns the exit code: 1 where something that was asked for was not written."""
    use_color = settings.use_color()
    if adopted.run is None:
        click.echo(render_findings(output, adopted.findings, adopted.texts.get, use_color=use_color))
        settings.note("nothing was written: mend the table first")
        return 1
    run = adopted.run
    click.echo(render_import(output, run, use_color=use_color))
    for line in render_notes(run) if output == "text" else ():
        settings.note(line) if not line.startswith(("error:", "  help:")) else click.echo(line, err=True)
    return 1 if any(one.refused is not None for one in run.orgs) else 0


def _defined_orgs(files: Iterable[ParsedFile]) -> dict[str, str]:
    """Returns the orgs that documents of the project are about, each with a file that says so: the Org's, if there is one."""
    found: dict[str, str] = {}
    orgs: dict[str, str] = {}
    for file in files:
        for document in file.documents:
            value = document.value if isinstance(document.value, dict) else {}
            is_org = value.get("kind") == "Org"
            org = value.get("id" if is_org else "org")
            if isinstance(org, str) and value.get("kind") != "Approval":
                (orgs if is_org else found).setdefault(org, file.path)
    return found | orgs


def _refuse_defined(org: str, defined: Mapping[str, str]) -> None:
    if org in defined:
        raise HubcfgError(
            f"the project has the org `{org}` already, in `{defined[org]}`",
            help="`hubcfg plan` compares it with a target; `-o DIR` outside the project writes it elsewhere, for looking",
        )


def _describe(imported: Imported) -> OrgLine:
    return OrgLine(
        org=imported.org,
        files=tuple(imported.files),
        lines=sum(text.count("\n") for text in imported.files.values()),
        users=imported.users,
        groups=imported.groups,
        clients=imported.clients,
        teams=imported.teams,
        notes=tuple(map(_describe_note, imported.notes)),
    )


def _describe_note(note: Note) -> NoteLine:
    user = None if note.user is None else show(note.user)
    return NoteLine(user, note.about, note.kind.value, note.names, note.reason, note.sentence(8))
