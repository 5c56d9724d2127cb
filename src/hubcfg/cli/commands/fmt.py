"""Write source files in their canonical form, comments kept."""

from pathlib import Path

import click

from hubcfg.cli.settings import Settings
from hubcfg.cli.sources import choose_sources, keep_sources, write_source
from hubcfg.views.counts import number


@click.command("fmt")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a file is not in its canonical form.")
@click.option("--only-sources", is_flag=True, help="Leave out given files that no project reads; for hooks.")
@click.pass_obj
def fmt(settings: Settings, paths: tuple[Path, ...], check: bool, only_sources: bool) -> int:
    """Write source files in their canonical form, comments kept.

    Formats the given files, or the sources of the project: `hubcfg fmt`, `hubcfg fmt users/sales.yaml`.
    """
    from hubcfg.parser.formatting import UnformattableSource, format_source

    changed = refused = 0
    sources = choose_sources(settings, paths)
    if paths and only_sources:
        sources = keep_sources(sources)
    for source in sources:
        try:
            data = source.read()
            formatted = format_source(data.decode("utf-8")).encode()
        except UnicodeDecodeError as error:
            refused += _refuse(source.path, f"it is not UTF-8 (byte {error.start + 1})")
            continue
        except OSError as error:
            refused += _refuse(source.path, str(error.strerror))
            continue
        except UnformattableSource as error:
            refused += _refuse(source.path, str(error))
            continue
        if formatted != data:
            changed += 1
            click.echo(f"{'would format' if check else 'formatted'} {source.path}")
            if not check:
                write_source(source.file, formatted)
    settings.note(f"{number(len(sources), 'file')}, {changed} {'to format' if check else 'formatted'}")
    return 1 if refused or (check and changed) else 0


def _refuse(path: str, why: str) -> int:
    click.echo(f"error: {path} is left as it is: {why}", err=True)
    return 1


COMMAND = fmt
