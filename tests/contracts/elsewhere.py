"""Another process that uses the same target: run as a program, and the handle of it that tests have."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hubcfg.applier.target import LockedError, StaleError
from hubcfg.core.errors import HubcfgError
from tests.contracts.bundles import make_staff
from tests.contracts.deployments import deploy, make_deployment, make_holder
from tests.contracts.harness import Address

ROOT = Path(__file__).parents[2]


class Elsewhere:
    """A process that waits for orders, and answers each with a line."""

    def __init__(self, address: Address) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.contracts.elsewhere"],
            cwd=ROOT,
            env={**os.environ, **address.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.send(address.to_json())
        assert self.receive() == "ready"

    def send(self, value: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, order: str) -> Any:
        """Gives an order and returns the answer: `ok`, or the name of the error."""
        self.send(order)
        return self.receive()

    def kill(self) -> None:
        """Ends the process at once, so that it can clean nothing up."""
        self.process.kill()
        self.process.wait()


@contextmanager
def elsewhere(address: Address) -> Iterator[Elsewhere]:
    """Gives another process that has opened the target, and ends it."""
    other = Elsewhere(address)
    try:
        yield other
    finally:
        other.kill()
        assert other.process.stdin is not None
        assert other.process.stdout is not None
        try:
            other.process.stdin.close()
        except BrokenPipeError:
            pass
        other.process.stdout.close()


def main() -> None:
    """Serves orders: `deploy` as a whole, or `lock`, `finish` (deploy under that lock), `unlock`."""

    def answer(value: object) -> None:
        print(json.dumps(value), flush=True)

    lines = iter(sys.stdin)
    address = Address.from_json(json.loads(next(lines)))
    with closing(address.open()) as writer:
        answer("ready")
        held = None
        for line in lines:
            changes = {"northwind": make_staff("northwind", f"process-{os.getpid()}@x.example")}
            try:
                match json.loads(line):
                    case "deploy":
                        outcome = deploy(writer, changes, "elsewhere")
                    case "lock":
                        held = writer.lock(make_holder("elsewhere"))
                        held.__enter__()
                        outcome = None
                    case "finish":
                        outcome = writer.deploy(make_deployment(writer, changes))
                    case _:
                        assert held is not None
                        held.__exit__(None, None, None)
                        outcome = None
            except (LockedError, StaleError, HubcfgError) as error:
                answer(type(error).__name__)
            else:
                answer("ok" if outcome is None or outcome.record is not None else "nothing recorded")


if __name__ == "__main__":
    main()
