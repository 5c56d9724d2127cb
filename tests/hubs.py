"""Reference hubs as processes of their own on this machine's loopback, for tests of what speaks to them."""

import json
import os
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

TOKEN = "t0k3n.of-a~test"
TABLES = (
    "heads",
    "sets",
    "members",
    "users",
    "deployed",
    "ever",
    "finished",
    "records",
    "running",
    "done",
    "answers",
    "technicians",
)


@dataclass
class RunningHub:
    """A hub that listens at `port`, with its data in `file`."""

    process: subprocess.Popen[bytes]
    port: int
    file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, str]:
        """Sends a request as some other client would, and returns the answer with its ETag."""
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **(headers or {})},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            return json.loads(content) if content else None, answer.headers.get("ETag", "")

    def read_user(self, org: str, user: str) -> tuple[Any, str]:
        """Returns a user as the hub has one, with the ETag."""
        return self.ask("GET", user_path(org, user))

    def run(self, *statements: str) -> None:
        """Changes the hub's data behind its back."""
        with closing(sqlite3.connect(self.file, timeout=30, isolation_level=None)) as connection:
            connection.executescript("BEGIN IMMEDIATE;" + ";".join(statements) + ";COMMIT;")

    def wipe(self) -> None:
        """Makes the hub forget everything."""
        self.run(*(f"DELETE FROM {table}" for table in TABLES), "UPDATE lock SET holder = NULL")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def user_path(org: str, user: str) -> str:
    return f"/v1/orgs/{quote(org, safe='')}/users/{quote(user, safe='')}"


def start_hub(file: Path, *options: str, port: int = 0) -> RunningHub:
    """Starts a hub without a limit of requests, and returns it once it listens."""
    command = [sys.executable, "-m", "hubcfg", "hub", "serve", "--data", str(file), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--token-env", "HUB_TOKEN", *(options or ("--rate", "0"))],
        env={**os.environ, "HUB_TOKEN": TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    with process.stderr:
        line = process.stderr.readline().decode()
    prefix = "listening on http://127.0.0.1:"
    assert line.startswith(prefix), line
    return RunningHub(process, int(line.removeprefix(prefix)), file)


@contextmanager
def running_hub(folder: Path, *options: str) -> Iterator[RunningHub]:
    """Gives a hub of its own for a block."""
    hub = start_hub(folder / "hub.sqlite", *options)
    try:
        yield hub
    finally:
        hub.stop()
