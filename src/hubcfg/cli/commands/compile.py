"""Write the permission bundles of every org to a folder."""

import os
from pathlib import Path

import click

from hubcfg.cli.options import as_of_option, base_option, format_option
from hubcfg.cli.progress import shown_progress
from hubcfg.cli.settings import Settings
from hubcfg.cli.workers import choose_workers, workers_options
from hubcfg.core.instants import Instant
from hubcfg.parts.run import run_project
from hubcfg.views.compiled import render_compiled
from hubcfg.views.findings import render_findings
from hubcfg.views.summary import summarize_project


@click.command("compile")
@click.option(
    "-o",
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to write; replaced as a whole.",
)
@click.option("--flat", is_flag=True, help="List each user's permissions in full instead of shared sets.")
@format_option("text", "json")
@as_of_option
@base_option
@workers_options
@click.pass_obj
def compile_(
    settings: Settings,
    out: Path,
    flat: bool,
    output: str,
    as_of: Instant,
    base: str | None,
    workers: int | None,
    executor: str | None,
) -> int:
    """Write the permission bundles of every org to a folder.

    Refuses, and writes nothing, where any finding is an error.
    """
    root = settings.find_root()
    chosen = choose_workers(workers, executor)
    with shown_progress(settings) as progress:
        cache = settings.open_cache(root) if chosen is None else None
        done = run_project(
            root, as_of=as_of, base=base, environment=os.environ, workers=chosen, cache=cache, progress=progress,
            out=out, flat=flat,
        )  # fmt: skip
    settings.keep(cache, done)
    if done.has_errors:
        known_line = cache.line_at if cache is not None else None
        use_color = settings.use_color()
        click.echo(render_findings(output, done.findings, done.read, use_color=use_color, known_line=known_line))
        settings.note(f"nothing was written to {out}: mend the errors first")
        return 1
    click.echo(render_compiled(output, done.findings, out, done.paths, done.manifest))
    settings.note(summarize_project(done.project, done.orgs, done.users, len(done.sources), done.base))
    return 0


COMMAND = compile_
