"""Begin a project that validates and compiles at once."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hubcfg.cli.options import format_option
from hubcfg.cli.scaffold import Beginning, make_id, render_project, write_project
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import UsageError
from hubcfg.core.ids import ID_PATTERN, find_user_id_fault
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.parser.git import run_git
from hubcfg.platforms.builtin import builtin_names

DEFAULT_PLATFORM = "onestack"


def _complete_platform(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in builtin_names() if name.startswith(incomplete)]


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--platform", metavar="P", shell_complete=_complete_platform, help="A built-in platform; default: onestack."
)
@click.option("--name", metavar="NAME", help="The organization's name; default: after the org's id or the folder.")
@click.option("--org", metavar="ID", help="The org's id; default: after the name.")
@click.option("--owner", metavar="EMAIL", help="Who holds the root role; default: owner@ORG.example, to be replaced.")
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The owner's public SSH key, which will sign approvals.",
)
@format_option("text", "json")
@click.pass_obj
def init(
    settings: Settings,
    folder: Path,
    platform: str | None,
    name: str | None,
    org: str | None,
    owner: str | None,
    key: Path | None,
    output: str,
) -> int:
    """Begin a project that validates and compiles at once, in DIR or here.

    Writes hubcfg.yaml, an org with its people and what they may do, tests, a CI workflow, hooks for pre-commit and
    settings for editors. On a terminal it asks for what is not given. Nothing that is there already is overwritten.

    Example: hubcfg init acme --platform onestack --name "Acme IT" --owner ana@acme.example --key ~/.ssh/id_ed25519.pub
    """
    from hubcfg.cli.known import know_builtin
    from hubcfg.views.begun import render_begun

    root = settings.folder / folder
    ask = _ask if sys.stdin.isatty() and sys.stdout.isatty() and output == "text" else _take_default
    platform = _check_platform(platform) if platform else ask("Platform", DEFAULT_PLATFORM, _check_platform)
    name = _check_name(name) if name else ask("Name of the organization", _default_name(root, org), _check_name)
    org = _check_org(org) if org else ask("Its id", make_id(name) or "my-org", _check_org)
    default_owner = f"owner@{org[:60]}.example"
    owner = _check_owner(owner) if owner else ask("Who owns it (e-mail address)", default_owner, _check_owner)
    known = know_builtin()
    bound = known.platform(platform)
    branch = _read_branch(root)
    public = _read_key(key) if key is not None else None
    beginning = Beginning(bound, known.catalog(bound.catalog), org, name, owner, _default_branch(branch), public)
    files = render_project(beginning)
    write_project(root, files)
    click.echo(
        render_begun(
            output,
            root,
            project=beginning.project,
            platform=platform,
            org=org,
            owner=owner,
            files=list(files),
            is_repository=branch is not None,
            use_color=settings.use_color(),
        )
    )
    return 0


def _read_key(file: Path) -> str:
    """Returns the public key of a key file, for the signers file."""
    from hubcfg.checker.signatures.faults import Fault
    from hubcfg.checker.signatures.keygen import read_key_file

    key = read_key_file(file)
    if isinstance(key, Fault):
        raise UsageError(f"`{file}` can't sign approvals: {key.message}", help=key.help)
    return key.line


def _take_default(_question: str, default: str, check: Callable[[str], str]) -> str:
    return check(default)


def _ask(question: str, default: str, check: Callable[[str], str]) -> str:
    def convert(value: Any) -> str:
        try:
            return check(str(value))
        except UsageError as error:
            raise click.UsageError(f"{error.message}; {error.help}") from error

    answer: str = click.prompt(question, default=default, value_proc=convert, err=True)
    return answer


def _check_platform(platform: str) -> str:
    names = builtin_names()
    if platform not in names:
        advice = did_you_mean(platform, names) or f"there are {shorten(names, 10)}"
        raise UsageError(f"there is no built-in platform `{platform}`", help=advice)
    return platform


def _check_name(name: str) -> str:
    stripped = name.strip()
    if not stripped or not stripped.isprintable() or len(stripped) > 200:
        raise UsageError("the organization's name must be one line of text", help='for example `--name "Acme IT"`')
    return stripped


def _check_org(org: str) -> str:
    if not re.search(ID_PATTERN, org):
        advice = (
            "an id has lower-case letters, digits and `-`, begins with a letter or digit, and at most 63 characters"
        )
        near = make_id(org)
        raise UsageError(f"`{org}` can't be an org's id", help=f"did you mean `{near}`?" if near else advice)
    return org


def _check_owner(owner: str) -> str:
    fault = find_user_id_fault(owner)
    if fault is not None:
        raise UsageError(f"the user id {owner!r} {fault}", help="use the owner's e-mail address")
    return owner


def _default_name(root: Path, org: str | None) -> str:
    words = (org or make_id(root.resolve().name) or "my-org").split("-")
    return " ".join(word.capitalize() for word in words)


def _default_branch(current: str | None) -> str:
    """Returns the branch that changes go to, as far as the current one tells."""
    return current if current in ("main", "master", "trunk") else "main"


def _read_branch(root: Path) -> str | None:
    """Returns the branch of the Git work tree that the project is begun in, or None outside any."""
    there = next((folder for folder in (root, *root.absolute().parents) if folder.is_dir()), Path())
    branch = run_git(there, "symbolic-ref", "--short", "HEAD")
    return None if branch is None else branch.strip()


COMMAND = init
