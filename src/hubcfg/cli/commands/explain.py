"""Explain why a user holds a permission, or why not."""

import click

from hubcfg.cli.looking import compile_for_looking, pick_matching, pick_users
from hubcfg.cli.options import as_of_option, format_option, org_option
from hubcfg.cli.settings import Settings
from hubcfg.core.instants import Instant
from hubcfg.resolver.explain import Explainer
from hubcfg.views.explain import explain_pattern, render_answers
from hubcfg.views.held import terminal_width
from hubcfg.views.places import Lines


@click.command("explain")
@click.argument("user")
@click.argument("permission")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where the answer is no, for scripts.")
@org_option
@format_option("text", "json")
@as_of_option
@click.pass_obj
def explain(
    settings: Settings, user: str, permission: str, exit_code: bool, org: str | None, output: str, as_of: Instant
) -> int:
    """Explain why USER holds PERMISSION, or why not and what would change that.

    PERMISSION may be an alias, or a pattern: then what it matches is explained in short. For every org that has the user,
    unless --org picks one. Exits with 1 where errors keep the access from being known.
    """
    compiled = compile_for_looking(settings, as_of)
    found = pick_users(compiled, org, user)
    matching = pick_matching(settings, [access for access, _ in found], permission)
    answers = [explain_pattern(Explainer(access), one, permission) for access, one in found if access in matching]
    click.echo(
        render_answers(output, answers, Lines(compiled.read), width=terminal_width(), use_color=settings.use_color())
    )
    if not all(answer.is_known for answer in answers):
        return 1
    return 1 if exit_code and not all(answer.is_held for answer in answers) else 0


COMMAND = explain
