"""A command with commands of its own, which names the nearest one where somebody mistypes it."""

import click


class HelpfulGroup(click.Group):
    """A group in which an unknown command is a usage error with the nearest name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command that the arguments name."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            from hubcfg.core.nearest import nearest

            near = nearest(name, self.list_commands(ctx))
            hint = f" Did you mean '{near[0]}'?" if near else f" `{ctx.command_path} --help` lists the commands."
            raise click.UsageError(f"There is no command '{name}'.{hint}", ctx)
        return super().resolve_command(ctx, args)
