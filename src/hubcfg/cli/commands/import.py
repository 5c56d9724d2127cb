"""Write YAML for what a target or a table holds."""

# ruff: noqa: N999 - a command has the name of its module, and only importlib ever loads this one

import os
from pathlib import Path

import click

from hubcfg.cli.adopting import Adoption, report_adoption
from hubcfg.cli.options import format_option
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import UsageError


@click.command("import")
@click.option("--target", metavar="NAME", help="Import what this target of hubcfg.yaml holds.")
@click.option(
    "--csv",
    "table",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Import people from a table, or from what `hubcfg report --format csv` wrote.",
)
@click.option(
    "--org", metavar="ID", help="Only this org; for a table without a column `org`, the org of all its lines."
)
@click.option(
    "-o",
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write below this folder; default: the project's.",
)
@click.option("--platform", metavar="P", help="The platform, for a table; default: the project's.")
@click.option("--delimiter", type=click.Choice([",", ";", "tab"]), help="What parts the columns; default: found out.")
@click.option(
    "--wildcards", is_flag=True, help="Write `psa.tickets.*` for all of a resource, where nothing of it is sensitive."
)
@format_option("text", "json")
@click.pass_obj
def import_(
    settings: Settings,
    target: str | None,
    table: Path | None,
    org: str | None,
    out: Path | None,
    platform: str | None,
    delimiter: str | None,
    wildcards: bool,
    output: str,
) -> int:
    """Write YAML for what a target or a table holds.

    People who hold the same get a group. What is written compiles to what was there; what cannot be written is said, here
    and above its place. Nothing that is there already is overwritten, and an org that the project has is not imported.

    Example: hubcfg import --csv people.csv --org northwind --platform onestack
    """
    if (target is None) == (table is None):
        raise UsageError("what to import is not clear", help="name either `--target NAME` or `--csv FILE`")
    if target is not None and (platform or delimiter):
        raise UsageError(
            "`--platform` and `--delimiter` are for a table", help="a target says its orgs' platform itself"
        )
    adoption = Adoption(settings, out, only=org, platform=platform, wildcards=wildcards)
    if table is not None:
        return report_adoption(settings, output, adoption.adopt_table(table, "\t" if delimiter == "tab" else delimiter))
    assert target is not None
    return report_adoption(settings, output, adoption.adopt_target(target, dict(os.environ)))


COMMAND = import_
