"""Run the reference hub: a small server that keeps bundles and answers who may do what."""

import os
from pathlib import Path

import click

from hubcfg.cli.groups import HelpfulGroup
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import OutsideError, UsageError


@click.group("hub", cls=HelpfulGroup)
def hub() -> None:
    """Run the reference hub: a small server that keeps bundles and answers who may do what.

    It speaks the API of the http target with the adapter `hub`, so that deploying can be tried on one machine.
    """


@hub.command("serve", short_help="Run the hub until it is told to stop.")
@click.option(
    "--data",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="The SQLite file that it keeps everything in; created where there is none.",
)
@click.option("--host", default="127.0.0.1", help="The address to listen on; default: 127.0.0.1.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8365, help="The port; default: 8365, 0 takes a free one."
)
@click.option("--token-env", metavar="NAME", required=True, help="The environment variable that holds the token.")
@click.option(
    "--read-token-env",
    "read_token_envs",
    metavar="NAME",
    multiple=True,
    help="A variable that holds a token which may only read and check; can be given several times.",
)
@click.option(
    "--rate",
    type=click.IntRange(0, 1_000_000),
    default=100,
    metavar="N",
    help="How many requests a minute a token may make; default: 100, 0 is any number.",
)
@click.pass_obj
def serve(
    settings: Settings, data: Path, host: str, port: int, token_env: str, read_token_envs: tuple[str, ...], rate: int
) -> int:
    """Run the hub until it is told to stop.

    It says `listening on` with its address when it accepts requests. SIGTERM (exit code 0) and Ctrl-C (130) end it after the
    requests that run.

    Example: HUB_TOKEN=… hubcfg hub serve --data hub.sqlite --token-env HUB_TOKEN
    """
    import gc
    import signal

    try:
        from hubcfg.hub.serving import serve as run
        from hubcfg.hub.tokens import Tokens
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("starlette", "uvicorn"):
            raise
        help = "`pip install 'hubcfg[hub]'` installs what it needs"
        raise UsageError(f"the hub needs `{missing}`, which is not installed", help=help) from error
    tokens = Tokens([_read_token(token_env)], [_read_token(name) for name in read_token_envs])
    # Other commands end soon and never look for cycles; a server runs for long.
    gc.enable()
    stopped_by = run(data, tokens, host, port, rate, lambda address: click.echo(f"listening on {address}", err=True))
    if stopped_by is signal.SIGINT:
        settings.note("interrupted; everything that was answered is kept")
        return 130
    return 0


@hub.command("openapi", short_help="Print the OpenAPI description of the hub.")
@click.option("-o", "--out", metavar="PATH", type=click.Path(path_type=Path), help="Write to this file.")
@click.pass_obj
def openapi(settings: Settings, out: Path | None) -> int:
    """Print the OpenAPI description of the hub, as it serves it at /openapi.json.

    Example: hubcfg hub openapi --out hub-openapi.json
    """
    from hubcfg.hub.routes import write_description

    text = write_description()
    if out is None:
        click.echo(text, nl=False)
        return 0
    try:
        out.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise OutsideError(f"`{out}` cannot be written: {error.strerror}") from error
    settings.note(f"wrote {out}")
    return 0


def _read_token(variable: str) -> str:
    token = os.environ.get(variable, "")
    if not token.strip():
        raise UsageError(f"the environment variable `{variable}` is not set, or empty", help="it has to hold a token")
    if token != token.strip() or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"what `{variable}` holds cannot be a token",
            help="a token is made of visible ASCII characters, without spaces",
        )
    return token


COMMAND = hub
