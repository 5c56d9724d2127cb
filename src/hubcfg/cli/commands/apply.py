"""Deploy the project to a target."""

from pathlib import Path

import click

from hubcfg.cli.deploying import deploy, deploying_options, environment, target_option
from hubcfg.cli.options import base_option, current_instant, format_option
from hubcfg.cli.settings import Settings
from hubcfg.cli.workers import open_executor, workers_options
from hubcfg.core.errors import OutsideError, UsageError
from hubcfg.deployment import Request
from hubcfg.planner.plan import Origin


@click.command("apply")
@click.argument("saved", metavar="[PLAN]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@target_option
@deploying_options
@format_option("text", "json")
@base_option
@workers_options
@click.pass_obj
def apply(
    settings: Settings,
    saved: Path | None,
    target: str | None,
    bootstrap: bool,
    allowed: tuple[str, ...],
    auto_approve: bool,
    output: str,
    base: str | None,
    workers: int | None,
    executor: str | None,
) -> int:
    """Deploy the project to a target.

    Plans, shows and asks. PLAN is a file that `hubcfg plan --out` saved: the project is compiled afresh all the same, and
    deployed only where the result, the sources and the target are those that the plan was made from.

    Example: hubcfg apply plan.json --auto-approve
    """
    origin = None if saved is None else _read_saved(saved)
    if origin is not None and origin.target is None:
        raise UsageError(
            f"the plan compares with {origin.against}, so there is no target to apply it to",
            help="plan for a target: `hubcfg plan --out FILE`",
        )
    if origin is not None and target not in (None, origin.target):
        raise UsageError(
            f"the plan is for the target `{origin.target}`, not for `{target}`", help="leave out `--target`"
        )
    with open_executor(workers, executor) as pool:
        root = settings.find_root()
        request = Request(
            root,
            current_instant(),
            target if origin is None else origin.target,
            base,
            bootstrap,
            environment=environment(),
            executor=pool,
            cache=settings.open_cache(root),
        )
        return deploy(settings, request, saved=origin, is_approved=auto_approve, allowed=allowed, output=output)


def _read_saved(path: Path) -> Origin:
    from hubcfg.planner.saved import read_origin

    try:
        return read_origin(path.read_text("utf-8"))
    except OSError as error:
        raise OutsideError(f"`{path}` can't be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise OutsideError(f"`{path}` is no saved plan: it is not UTF-8") from error


COMMAND = apply
