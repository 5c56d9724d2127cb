"""Runs the command line: finds the command, and turns whatever happens into output and an exit code."""

import ast
import errno
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hubcfg import __version__
from hubcfg.cli.groups import HelpfulGroup
from hubcfg.core.errors import HubcfgError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = Path(__file__).with_name("commands")

EXIT_OUTSIDE = 3
EXIT_BUG = 70
EXIT_INTERRUPTED = 130

# What the system says where a disk or a quota is full, or a disk is broken: no bug of ours.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class LazyGroup(HelpfulGroup):
    """A group whose commands are modules of `hubcfg.cli.commands`, imported only when they run.

    Listing them reads the first line of each module's docstring from its source, so that help loads nothing it does not show.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of the commands, sorted."""
        return sorted(path.stem.replace("_", "-") for path in COMMANDS.glob("*.py") if path.stem != "__init__")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command, imported."""
        module = cmd_name.replace("-", "_")
        if not module.isidentifier() or not (COMMANDS / f"{module}.py").is_file() or module == "__init__":
            return None
        import importlib

        command = importlib.import_module(f"hubcfg.cli.commands.{module}").COMMAND
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list["CompletionItem"]:
        """Completes the names of commands without importing any: a shell asks at every press of the key."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=_first_line_of(name)) for name in names]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands."""
        rows = [(name, _first_line_of(name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _first_line_of(command: str) -> str:
    with (COMMANDS / f"{command.replace('-', '_')}.py").open(encoding="utf-8") as file:
        line = file.readline().strip()
    text = ast.literal_eval(line if line.endswith('"""') and len(line) > 3 else line + '"""')
    return str(text)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hubcfg", message="%(prog)s %(version)s")
@click.option("-C", "folder", metavar="DIR", default=".", help="Look for hubcfg.yaml from here upwards.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the output.")
@click.option("-q", "--quiet", is_flag=True, help="Only results and errors, no notes.")
@click.option("-v", "--verbose", is_flag=True, help="Say more, and show the traceback of a bug.")
@click.option("--no-cache", is_flag=True, help="Read everything anew, and remember nothing.")
@click.pass_context
def cli(ctx: click.Context, folder: str, color: str, quiet: bool, verbose: bool, no_cache: bool) -> None:
    """Permissions as code: validate, explain and compile who can do what."""
    from hubcfg.cli.settings import Settings

    # What is kept outlasts the command where `main` ends the process with it.
    ctx.obj = Settings(Path(folder), color, quiet, verbose, not no_cache, ctx.obj if isinstance(ctx.obj, list) else [])


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits."""
    kept: list[object] = []
    code = EXIT_OUTSIDE  # where not even what is wrong can be written
    try:
        code = run(sys.argv[1:] if arguments is None else arguments, kept)
        for stream in (sys.stdout, sys.stderr):
            if not stream.closed:
                stream.flush()
    except BrokenPipeError:
        pass  # whoever read the output has enough of it
    except OSError:
        code = code or EXIT_OUTSIDE
    # All is written. Taking apart what a large project came to would take as long as starting Python.
    os._exit(code)


def run(arguments: Sequence[str], kept: list[object] | None = None) -> int:
    """Runs the command line and returns its exit code (docs/cli.md, "Exit codes").

    `kept` is given where the process ends with it: it takes what need not be taken apart, and an interrupted process then is
    not interrupted once more.
    """
    # One command builds millions of values that live to its end and form no cycles: looking for cycles among them would
    # take longer than all the rest.
    gc.disable()
    try:
        result = cli.main(list(arguments), prog_name="hubcfg", standalone_mode=False, obj=kept)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as exit:
        return exit.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        usage = "" if error.ctx is None else error.ctx.get_usage() + "\n"
        return _fail(arguments, 2, error.format_message(), None, prefix=usage)
    except click.ClickException as error:
        return _fail(arguments, error.exit_code, error.format_message(), None)
    except HubcfgError as error:
        return _fail(arguments, error.exit_code, error.message, error.help)
    except (KeyboardInterrupt, click.exceptions.Abort):
        if kept is not None:
            import signal

            signal.signal(signal.SIGINT, signal.SIG_IGN)
        message = "interrupted; nothing is half-written"
        click.echo(message, err=True)
        if _wants_json(arguments):
            _write_json_error(message, None)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough of it; leave without Python's own complaint about it.
        sys.stderr.close()
        return 0
    except Exception as error:  # the one place where a bug becomes an exit code
        if isinstance(error, OSError) and error.errno in _FULL:
            where = f" to `{error.filename}`" if error.filename else ""
            return _fail(arguments, EXIT_OUTSIDE, f"can't write{where}: {str(error.strerror).lower()}", None)
        return _report_bug(arguments, error)


def _fail(arguments: Sequence[str], code: int, message: str, help: str | None, prefix: str = "") -> int:
    if _wants_json(arguments):
        _write_json_error(message, help)
    else:
        click.echo(f"{prefix}error: {message}", err=True)
        if help:
            click.echo(f"  help: {help}", err=True)
    return code


def _report_bug(arguments: Sequence[str], error: Exception) -> int:
    where = _innermost_frame(error)
    message = f"this is a bug in hubcfg {__version__}: {type(error).__name__}: {error} ({where})"
    if "-v" in arguments or "--verbose" in arguments:
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True)
    return _fail(
        arguments, EXIT_BUG, message, "nothing was written; `hubcfg -v …` shows where it happened, please report that"
    )


def _innermost_frame(error: Exception) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "" if frame is None else f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"


def _wants_json(arguments: Sequence[str]) -> bool:
    pairs = zip(arguments, [*arguments, ""][1:], strict=True)
    return any(one == "--format=json" or (one == "--format" and two == "json") for one, two in pairs)


def _write_json_error(message: str, help: str | None) -> None:
    import json

    error: dict[str, Any] = {"message": message, "help": help}
    counts = {"error": 0, "warning": 0, "info": 0}
    document = {"format": "hubcfg.findings/1", "findings": [], "counts": counts, "error": error}
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
