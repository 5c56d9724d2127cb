"""Make the safe changes that findings suggest."""

import click

from hubcfg.checker.repetitions import find_repeated_ids
from hubcfg.cli.options import current_instant
from hubcfg.cli.settings import Settings
from hubcfg.cli.sources import write_source
from hubcfg.core.finding import Edit, Finding
from hubcfg.core.places import Span
from hubcfg.parser.editing import apply_edits
from hubcfg.parser.locating import locate_findings
from hubcfg.pipeline import Compiled, compile_project
from hubcfg.views.counts import number

# A change may uncover another (a quoted wildcard may turn out to be an alias); no chain of them is longer than this.
MAX_ROUNDS = 10


@click.command("fix")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where there is something to fix.")
@click.pass_obj
def fix(settings: Settings, check: bool) -> int:
    """Make the safe changes that findings suggest.

    Quotes wildcards, writes aliases and renamed permissions as what they mean, and removes repetitions from lists. What a
    grant means never changes.
    """
    root = settings.find_root()
    made = 0
    for _ in range(MAX_ROUNDS):
        compiled = compile_project(root, as_of=current_instant())
        changes = _changes(compiled)
        for file, edits in changes.items():
            for edit, finding in edits:
                assert isinstance(edit.place, Span)
                click.echo(f"{file}:{edit.place.line}: {finding.fix.title if finding.fix else finding.message}")
        made += sum(map(len, changes.values()))
        if check or not _write(compiled, changes):
            break
    settings.note(f"{number(made, 'change')} {'to make' if check else 'made'}")
    return 1 if check and made else 0


def _changes(compiled: Compiled) -> dict[str, list[tuple[Edit, Finding]]]:
    findings = list(compiled.findings)
    if compiled.config is not None:
        findings += locate_findings(find_repeated_ids(compiled.config), compiled.read)
    changes: dict[str, list[tuple[Edit, Finding]]] = {}
    for finding in findings:
        for edit in finding.fix.edits if finding.fix is not None else ():
            assert isinstance(edit.place, Span)
            changes.setdefault(edit.place.file, []).append((edit, finding))
    return changes


def _write(compiled: Compiled, changes: dict[str, list[tuple[Edit, Finding]]]) -> bool:
    """Writes the changed files; returns whether any did change."""
    has_changed = False
    for file, edits in changes.items():
        data = compiled.sources[file].read()
        text = data.decode("utf-8-sig")
        changed = apply_edits(text, [edit for edit, _ in edits])
        if changed != text:
            mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
            write_source(compiled.root / file, mark + changed.encode())
            has_changed = True
    return has_changed


COMMAND = fix
