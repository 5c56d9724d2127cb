"""A PostgreSQL server of the tests' own: real, on a free port, in a folder that goes with it.

Each process of pytest-xdist that needs one has one. There is no skipping: a machine without PostgreSQL fails.
"""

import atexit
import getpass
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psycopg

MISSING = "PostgreSQL is missing: apt-get install postgresql"


def find_programs() -> Path | None:
    """Returns the folder with `initdb` and its like: in PATH, else where Debian puts the latest."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    folders = [file.parent for file in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name.partition(".")[0]), default=None)


@dataclass
class Server:
    """A running server."""

    programs: Path
    folder: Path
    port: int
    password: str
    user: str
    spare: list[str] = field(default_factory=list)
    made: int = 0

    def dsn(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """Returns a connection string."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """Connects as the superuser, every statement by itself."""
        return psycopg.connect(self.dsn(database), autocommit=True)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Gives an empty database for a block; one that was emptied is used again."""
        if self.spare:
            name = self.spare.pop()
        else:
            self.made += 1
            name = f"hub{self.made}"
            with self.connect() as connection:
                connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
        yield name
        with self.connect(name) as connection:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            connection.execute(f"SELECT pg_terminate_backend(pid) {others}".encode())
            connection.execute(b"DROP SCHEMA IF EXISTS hubcfg CASCADE")
        self.spare.append(name)

    def control(self, *arguments: str) -> None:
        """Runs pg_ctl, and waits until it is done."""
        command = [self.programs / "pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", *arguments]
        self._run(*command)

    def restart(self) -> None:
        """Lets the server crash and come back: no session is ended in good order."""
        self.control("restart", "-m", "immediate")

    def start(self) -> None:
        """Makes the data folder and starts the server in it; what it says it has written is on the disk."""
        (self.folder / "password").write_text(self.password)
        if os.geteuid() == 0:
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, self.user)
        auth = ("--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}")
        self._run(
            self.programs / "initdb", "-D", self.folder / "data", "-U", "postgres", "-E", "UTF8", "--locale=C", *auth
        )
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=60 -c fsync=on"
        self.control("start", "-o", options)

    def _run(self, *command: Path | str) -> None:
        # A server refuses to run as root.
        other = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}
        with (self.folder / "output").open("ab") as output:
            done = subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                **(other if os.geteuid() == 0 else {}),  # type: ignore[call-overload]  # what a map spells out
            )
        assert done.returncode == 0, (self.folder / "output").read_text()


@cache
def shared_server() -> Server:
    """Returns the server of this process's tests, which is started at its first use and stopped when the process ends."""
    stack = ExitStack()
    server = stack.enter_context(run_server())
    atexit.register(stack.close)
    return server


@contextmanager
def run_server() -> Iterator[Server]:
    """Starts a server for a block. Fails where PostgreSQL is not installed."""
    programs = find_programs()
    assert programs is not None, MISSING
    folder = Path(tempfile.mkdtemp(prefix="hubcfg-postgres-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(programs, folder, port, secrets.token_hex(8), _choose_user())
    try:
        server.start()
        yield server
    finally:
        try:
            if (folder / "data" / "postmaster.pid").exists():
                server.control("stop", "-m", "immediate")
        finally:
            shutil.rmtree(folder)


def _choose_user() -> str:
    if os.geteuid() != 0:
        return getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
