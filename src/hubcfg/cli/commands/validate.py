"""Check a project: everything that can be known without a target."""

import os

import click

from hubcfg.cli.options import as_of_option, base_option, format_option
from hubcfg.cli.progress import shown_progress
from hubcfg.cli.selection import check_names, select_findings
from hubcfg.cli.settings import Settings
from hubcfg.cli.workers import choose_workers, workers_options
from hubcfg.core.instants import Instant
from hubcfg.parser.git import find_prefix
from hubcfg.parts.run import run_project
from hubcfg.views.counts import number
from hubcfg.views.findings import finding_formats, render_findings
from hubcfg.views.summary import summarize_project


@click.command("validate")
@format_option(*finding_formats())
@click.option("--select", multiple=True, metavar="NAME", help="Show only these findings.")
@click.option("--ignore", multiple=True, metavar="NAME", help="Do not show these findings.")
@as_of_option
@base_option
@workers_options
@click.pass_obj
def validate(
    settings: Settings,
    output: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    as_of: Instant,
    base: str | None,
    workers: int | None,
    executor: str | None,
) -> int:
    """Check a project: everything that can be known without a target.

    Exits with 1 where any finding is an error, shown or not.
    """
    check_names(select, ignore)
    root = settings.find_root()
    chosen = choose_workers(workers, executor)
    with shown_progress(settings) as progress:
        cache = settings.open_cache(root) if chosen is None else None
        done = run_project(
            root, as_of=as_of, base=base, environment=os.environ, workers=chosen, cache=cache, progress=progress
        )
    settings.keep(cache, done)
    shown = select_findings(done.findings, select, ignore)
    prefix, use_color = find_prefix(root), settings.use_color()
    known_line = cache.line_at if cache is not None else None
    if text := render_findings(output, shown, done.read, prefix=prefix, use_color=use_color, known_line=known_line):
        click.echo(text)
    if hidden := len(done.findings) - len(shown):
        settings.note(f"{number(hidden, 'more finding')} {'is' if hidden == 1 else 'are'} not shown")
    settings.note(summarize_project(done.project, done.orgs, done.users, len(done.sources), done.base))
    return 1 if done.has_errors else 0


COMMAND = validate
