"""Say what the findings mean, with an example and how to mend each."""

import click

from hubcfg.checker.check import all_rules
from hubcfg.cli.options import format_option
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import UsageError
from hubcfg.core.nearest import did_you_mean
from hubcfg.views.rules import render_rule, render_rules


def _complete_name(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return sorted(rule.name for rule in all_rules() if rule.name.startswith(incomplete))


@click.command("rules")
@click.argument("name", required=False, shell_complete=_complete_name)
@format_option("text", "json")
@click.pass_obj
def rules(settings: Settings, name: str | None, output: str) -> int:
    """Say what the findings mean, with an example and how to mend each.

    Without NAME it lists all findings that there are; with it, explains that one.

    Example: hubcfg rules unused-bundle
    """
    known = {rule.name: rule for rule in all_rules()}
    if name is None:
        click.echo(render_rules(output, list(known.values()), use_color=settings.use_color()))
        return 0
    if name not in known:
        raise UsageError(f"there is no finding `{name}`", help=did_you_mean(name, known) or "`hubcfg rules` lists them")
    click.echo(render_rule(output, known[name], use_color=settings.use_color()))
    return 0


COMMAND = rules
