"""Print the JSON Schemas of source files and outputs, for editors and other tools."""

from pathlib import Path

import click

from hubcfg.cli.options import format_option
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import OutsideError, UsageError
from hubcfg.core.nearest import did_you_mean
from hubcfg.platforms.catalog import Catalog
from hubcfg.views.json_schema import Published, find_published, published_schemas, render_schema, render_schemas


def _complete_name(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [one.name for one in published_schemas() if one.name.casefold().startswith(incomplete.casefold())]


@click.command("schema")
@click.argument("name", metavar="[KIND]", required=False, shell_complete=_complete_name)
@click.option(
    "--all", "is_all", is_flag=True, help="One schema for all source files, told apart by `kind`; for editors."
)
@click.option(
    "--with-catalog",
    "catalog",
    metavar="[ID]",
    is_flag=False,
    flag_value="",
    help="Describe every permission of a catalog where patterns stand; default: the project's.",
)
@click.option(
    "-o",
    "--out",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Write to this file; without KIND, all schemas to this folder.",
)
@format_option("text", "json")
@click.pass_obj
def schema(
    settings: Settings, name: str | None, is_all: bool, catalog: str | None, out: Path | None, output: str
) -> int:
    """Print the JSON Schemas of source files and outputs, for editors and other tools.

    Without KIND it lists them. KIND is a kind of document, `hubcfg.yaml`, or the format of an output such as `bundle`.

    Example: hubcfg schema --all --with-catalog --out .vscode/hubcfg.schema.json
    """
    published = published_schemas(_find_catalog(settings, catalog))
    if is_all and name is not None:
        raise UsageError("`--all` and a KIND don't go together", help="`--all` is one schema for all kinds")
    if is_all or name is not None:
        text = render_schema(_find(published, "all" if name is None else name).schema)
        if out is None:
            click.echo(text)
        else:
            _write(out, text)
            settings.note(f"wrote {out}")
    elif out is not None:
        for one in published:
            _write(out / one.file, render_schema(one.schema))
        settings.note(f"wrote {len(published)} schemas to {out}")
    else:
        click.echo(render_schemas(output, published, use_color=settings.use_color()))
    return 0


def _find(published: list[Published], name: str) -> Published:
    found = find_published(published, name)
    if found is None:
        known = {one.name for one in published} | {Path(one.file).stem for one in published}
        raise UsageError(f"there is no schema `{name}`", help=did_you_mean(name, known) or "`hubcfg schema` lists them")
    return found


def _find_catalog(settings: Settings, id: str | None) -> Catalog | None:
    if id is None:
        return None
    from hubcfg.cli.known import know_definitions

    known = know_definitions(settings, id or None)
    if id and find_published(published_schemas(), id) and id not in known.definitions.catalog_ids():
        raise UsageError(
            f"`{id}` is a kind, not a catalog", help=f"write the kind first: `hubcfg schema {id} --with-catalog`"
        )
    return known.catalog(id) if id else known.choose_catalog(None, None, "--with-catalog ID")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", "utf-8", newline="\n")
    except OSError as error:
        raise OutsideError(f"`{path}` cannot be written: {error.strerror}") from error


COMMAND = schema
