"""Write the access review: who can do what, through what and by whose approval."""

import sys
from pathlib import Path

import click

from hubcfg.cli.judged import judge_project
from hubcfg.cli.looking import count_errors, pick_orgs
from hubcfg.cli.options import as_of_option, base_option, format_option, org_option
from hubcfg.cli.settings import Settings
from hubcfg.cli.writing import write_whole
from hubcfg.core.errors import UsageError
from hubcfg.core.instants import Instant
from hubcfg.parser.git import find_commit, read_revision
from hubcfg.pipeline import Compiled
from hubcfg.views.counts import number
from hubcfg.views.report import FORMATS, gather_review, render_review
from hubcfg.views.report.model import State


@click.command("report")
@format_option(*FORMATS)
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file instead of stdout.",
)
@org_option
@as_of_option
@base_option
@click.pass_obj
def report(settings: Settings, output: str, out: Path | None, org: str | None, as_of: Instant, base: str | None) -> int:
    """Write the access review: who can do what, through what and by whose approval.

    HTML is one file for reading and searching, CSV a line for each permission of each user, Markdown a short version,
    JSON all of it. Exits with 1 where errors keep somebody's access from being known.

    Example: hubcfg report -o access-review.html
    """
    if output == "html" and out is None and sys.stdout.isatty():
        advice = "`-o FILE` writes it to a file, and `--format markdown` is for reading here"
        raise UsageError("HTML is for a browser, not for a terminal", help=advice)
    compiled, config, approvals = judge_project(settings, as_of=as_of, base=base)
    assert compiled.access is not None
    orgs = pick_orgs(compiled, org)
    _note_errors(settings, compiled)
    root = compiled.root
    head = find_commit(root, "HEAD")
    state = State(head, head is not None and read_revision(root) == head)
    review = gather_review(config, compiled.access, orgs, approvals, compiled.findings, compiled.read, state)
    pieces = render_review(output, review)
    if out is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode())
        sys.stdout.buffer.flush()
    else:
        write_whole(out, pieces)
        people = sum(len(one.people) for one in review.orgs)
        settings.note(f"wrote {out}: {number(people, 'person', 'people')} in {number(len(review.orgs), 'org')}")
    return 1 if any(one.unknown for one in review.orgs) else 0


def _note_errors(settings: Settings, compiled: Compiled) -> None:
    errors = count_errors(compiled)
    if errors:
        settings.note(f"note: the project has {number(errors, 'error')}, so this is not deployed as it stands")


COMMAND = report
