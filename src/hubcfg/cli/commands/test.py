"""Run the project's tests: what its Tests documents say must be so."""

import click

from hubcfg.cli.looking import compile_for_looking, pick_orgs
from hubcfg.cli.options import as_of_option, format_option, org_option
from hubcfg.cli.settings import Settings
from hubcfg.core.instants import Instant, format_instant
from hubcfg.views.held import terminal_width
from hubcfg.views.tests import render_outcomes
from hubcfg.views.tests.run import run_tests


@click.command("test")
@org_option
@format_option("text", "json")
@as_of_option
@click.pass_obj
def test(settings: Settings, org: str | None, output: str, as_of: Instant) -> int:
    """Run the project's tests: what its Tests documents say must be so.

    A test with an `as_of` of its own looks at that instant, the others at the run's. Exits with 1 where any failed.
    """
    compiled = compile_for_looking(settings, as_of)
    orgs, sources = pick_orgs(compiled, org), compiled.sources.values()
    outcomes = run_tests(orgs, compiled.findings, sources, compiled.read, is_whole=org is None)
    text = render_outcomes(
        output, outcomes, format_instant(as_of), width=terminal_width(), use_color=settings.use_color()
    )
    click.echo(text)
    return 0 if all(outcome.has_passed for outcome in outcomes) else 1


COMMAND = test
