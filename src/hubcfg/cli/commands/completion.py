"""Print the script that makes a shell complete hubcfg's commands and options."""

import click

SHELLS = ("bash", "zsh", "fish")

# The name of click's protocol between the script and the program: `_HUBCFG_COMPLETE=bash_complete hubcfg`.
VARIABLE = "_HUBCFG_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the script that makes a shell complete hubcfg's commands and options.

    SHELL is bash (4.4 or later), zsh or fish.

    \b
    For this session:  source <(hubcfg completion bash)
    For good:          hubcfg completion bash > ~/.local/share/bash-completion/completions/hubcfg
                       hubcfg completion zsh > "${fpath[1]}/_hubcfg"
                       hubcfg completion fish > ~/.config/fish/completions/hubcfg.fish
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    # Bash's own class would start a bash to look at its version, and complain about this machine's; the script may be for another.
    click.echo(ShellComplete.source(kind(ctx.find_root().command, {}, "hubcfg", VARIABLE)).rstrip("\n"))
    return 0


COMMAND = completion
