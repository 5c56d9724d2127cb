"""Look up permissions: list them, search them, compare two catalogs."""

from collections.abc import Callable
from typing import Any

import click

from hubcfg.cli.groups import HelpfulGroup
from hubcfg.cli.known import know_definitions
from hubcfg.cli.options import format_option
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import UsageError
from hubcfg.platforms.catalog import Catalog
from hubcfg.views.catalog import render_permissions


def _catalog_options(function: Callable[..., Any]) -> Callable[..., Any]:
    function = click.option("--catalog", metavar="ID", help="The catalog of this id.")(function)
    return click.option("--platform", metavar="ID", help="The catalog of this platform; default: the project's.")(
        function
    )


@click.group("catalog", cls=HelpfulGroup)
def catalog() -> None:
    """Look up permissions: list them, search them, compare two catalogs.

    Without --platform or --catalog it is the catalog that the project's orgs have, or else that of its default platform.
    """


@catalog.command("list", short_help="List the permissions of a catalog.")
@click.argument("pattern", required=False)
@_catalog_options
@format_option("text", "json")
@click.pass_obj
def list_(settings: Settings, pattern: str | None, platform: str | None, catalog: str | None, output: str) -> int:
    """List the permissions of a catalog with their marks, or those that PATTERN means.

    Example: hubcfg catalog list "psa.*.read" --platform onestack
    """
    found = _choose(settings, platform, catalog)
    if pattern is not None:
        from hubcfg.validator.patterns import PatternChecker

        if (slip := PatternChecker(found).check(pattern, ())) is not None:
            raise UsageError(slip.message, help=slip.help)
    names = found.to_names(found.match(pattern)) if pattern is not None else found.names
    permissions = [found.permissions[name] for name in names]
    click.echo(render_permissions(output, found, permissions, pattern=pattern, use_color=settings.use_color()))
    return 0


@catalog.command("search", short_help="Search permissions by words.")
@click.argument("words", metavar="WORD...", nargs=-1, required=True)
@_catalog_options
@format_option("text", "json")
@click.pass_obj
def search(settings: Settings, words: tuple[str, ...], platform: str | None, catalog: str | None, output: str) -> int:
    """Search permissions by words in their names and descriptions; all words must be found, the best matches come first.

    Example: hubcfg catalog search invoice delete --platform onestack
    """
    from hubcfg.views.catalog_search import search_permissions, suggest_words

    found = _choose(settings, platform, catalog)
    permissions = search_permissions(found, words)
    if not permissions:
        near = suggest_words(found, words)
        advice = f"; did you mean `{' '.join(near)}`?" if near else "; fewer words find more"
        settings.note(
            f"no permission of the catalog `{found.id}` has {' and '.join(f'`{word}`' for word in words)}{advice}"
        )
    if permissions or output == "json":
        click.echo(render_permissions(output, found, permissions, words=words, use_color=settings.use_color()))
    return 0


@catalog.command("diff", short_help="Compare two catalogs.")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@format_option("text", "json")
@click.pass_obj
def diff(settings: Settings, before: str, after: str, output: str) -> int:
    """Compare two catalogs, built in or the project's: permissions added and removed, and marks that changed.

    Example: hubcfg catalog diff onestack northwind-catalog
    """
    from hubcfg.views.catalog_diff import compare_catalogs, render_difference

    known = know_definitions(settings, before, after)
    difference = compare_catalogs(known.catalog(before), known.catalog(after))
    click.echo(render_difference(output, difference, use_color=settings.use_color()))
    return 0


def _choose(settings: Settings, platform: str | None, catalog: str | None) -> Catalog:
    if platform is not None and catalog is not None:
        raise UsageError("`--platform` and `--catalog` don't go together", help="`--catalog` alone is enough")
    return know_definitions(settings, platform, catalog).choose_catalog(platform, catalog)


COMMAND = catalog
