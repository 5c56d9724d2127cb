"""Errors about the run itself; what is wrong with the user's files is a finding, never an exception."""


class HubcfgError(Exception):
    """The run cannot go on: the message says what happened, `help` what to do.

    `exit_code` is the process's exit code (docs/cli.md, "Exit codes").
    """

    exit_code = 1

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UsageError(HubcfgError):
    """The command line asks for something that does not exist or does not go together."""

    exit_code = 2


class OutsideError(HubcfgError):
    """A target, the file system or an external program failed."""

    exit_code = 3
