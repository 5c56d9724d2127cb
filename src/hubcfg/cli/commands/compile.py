"""Write the permission bundles of every org to a folder."""

import os
from pathlib import Path

import click

from hubcfg.cli.options import as_of_option, base_option, format_option, worker_pool, workers_option
from hubcfg.cli.settings import Settings
from hubcfg.core.instants import Instant
from hubcfg.emitter.folder import write_folder
from hubcfg.pipeline import compile_project
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
@workers_option
@click.pass_obj
def compile_(
    settings: Settings, out: Path, flat: bool, output: str, as_of: Instant, base: str | None, workers: int
) -> int:
    """Write the permission bundles of every org to a folder.

    Refuses, and writes nothing, where any finding is an error.
    """
    root = settings.find_root()
    with worker_pool(workers) as pool:
        cache = settings.open_cache(root)
        compiled = compile_project(root, as_of=as_of, base=base, environment=os.environ, executor=pool, cache=cache)
    if compiled.has_errors:
        click.echo(render_findings(output, compiled.findings, compiled.read, use_color=settings.use_color()))
        settings.note(f"nothing was written to {out}: mend the errors first")
        return 1
    files = compiled.emit(flat=flat)
    write_folder(out, files)
    click.echo(render_compiled(output, compiled.findings, out, files))
    settings.note(summarize_project(compiled.config, compiled.approvals, len(compiled.sources)))
    return 0


COMMAND = compile_
