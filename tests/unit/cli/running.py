"""Runs a command of hubcfg in this process, as a test does it: arguments in; exit code and both outputs out."""

import gc
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from hubcfg.cli.main import run


@dataclass(frozen=True)
class Outcome:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output as the JSON document that it must be."""
        return json.loads(self.out)


Run = Callable[..., Outcome]


def runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """Returns a function that runs a command."""

    def run_command(*arguments: str) -> Outcome:
        capsys.readouterr()
        try:
            code = run(arguments)
        finally:
            gc.enable()
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_command
