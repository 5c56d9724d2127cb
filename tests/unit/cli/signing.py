"""A small project in Git with real SSH keys, for the tests of `hubcfg approve` and `hubcfg approvals`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PEOPLE = ("olga@northwind.example", "ada@northwind.example", "kim@northwind.example", "fay@fabrikam.example")
OLGA, ADA, KIM, FAY = PEOPLE
LEE, SAM = "lee@northwind.example", "sam@fabrikam.example"

PROJECT = """hubcfg: 1
project: northwind-access
platform: onestack
approvals: {signers: trust/allowed_signers}
"""
NORTHWIND = """kind: Org
id: northwind
products: {psa: active, rmm: active}
---
kind: Groups
org: northwind
groups:
  desk: {permissions: [psa.tickets.delete, psa.tickets.read]}
---
kind: Users
org: northwind
users:
  olga@northwind.example: {role: owner}
  ada@northwind.example: {role: admin}
  kim@northwind.example: {uid: 7d0e4f, role: member, permissions: [psa.tickets.read]}
  lee@northwind.example: {role: member, permissions: [psa.tickets.read]}
"""
FABRIKAM = """kind: Org
id: fabrikam
products: {psa: active}
---
kind: Users
org: fabrikam
users:
  fay@fabrikam.example: {role: owner}
  sam@fabrikam.example: {role: member, permissions: [psa.tickets.read]}
"""
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": "tester" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def need(program: str) -> str:
    """Returns the path of a program that the tests cannot do without, and says clearly where it is missing."""
    path = shutil.which(program)
    assert path is not None, f"these tests need `{program}`: install Git and OpenSSH's client programs"
    return path


def execute(*command: str, folder: Path | None = None, stdin: bytes = b"") -> str:
    """Runs a program that must succeed, and returns what it prints."""
    need(command[0])
    done = subprocess.run(
        command, cwd=folder, input=stdin, capture_output=True, check=False, env={**os.environ, **_ENVIRONMENT}
    )
    assert done.returncode == 0, (command, done.stderr.decode())
    return done.stdout.decode()


@dataclass(frozen=True)
class Project:
    """The project's folder and the folder of everybody's keys."""

    root: Path
    keys: Path

    def key(self, person: str) -> str:
        """Returns the path of a person's private key."""
        return str(self.keys / person.split("@")[0])

    def replace(self, file: str, old: str, new: str) -> None:
        """Replaces a text that the file contains."""
        path = self.root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def commit(self) -> None:
        """Commits everything."""
        execute("git", "add", "-A", folder=self.root)
        execute("git", "commit", "-qm", "Change", folder=self.root)

    def ask_for_more(self) -> None:
        """Changes what needs approvals, in both orgs: Kim's group and Lee's role, Sam's permission."""
        self.replace("northwind.yaml", "{uid: 7d0e4f, role: member,", "{uid: 7d0e4f, role: member, groups: [desk],")
        self.replace("northwind.yaml", "lee@northwind.example: {role: member, permissions: [psa.tickets.read]}",
                     "lee@northwind.example: {role: admin}")  # fmt: skip
        self.replace("fabrikam.yaml", "[psa.tickets.read]", "[psa.tickets.read, psa.tickets.delete]")

    def approvals(self) -> list[Path]:
        """Returns the files of approvals, by name."""
        return sorted((self.root / "approvals").rglob("*.yaml"))


def make_project(folder: Path) -> Project:
    """Writes the project, makes everybody's keys and a stray one; nothing is approved, and nothing is committed."""
    project = Project(folder / "project", folder / "keys")
    (project.root / "trust").mkdir(parents=True)
    project.keys.mkdir()
    lines = []
    for person in (*PEOPLE, "stray@elsewhere.example"):
        path = project.key(person)
        execute("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", path)
        if person in PEOPLE:
            lines.append(f"{person} {Path(path + '.pub').read_text()}")
    (project.root / "trust" / "allowed_signers").write_text("".join(lines))
    for name, text in (("hubcfg", PROJECT), ("northwind", NORTHWIND), ("fabrikam", FABRIKAM)):
        (project.root / f"{name}.yaml").write_text(text)
    execute("git", "init", "-q", "-b", "main", folder=project.root)
    return project


@contextmanager
def agent(folder: Path, *keys: str) -> Iterator[str]:
    """Runs an SSH agent of its own that holds these keys, and yields its socket."""
    socket = str(folder / "agent")
    process = subprocess.Popen([need("ssh-agent"), "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not Path(socket).exists():
            assert process.poll() is None, "the agent ended at once"
        environment = {**os.environ, "SSH_AUTH_SOCK": socket}
        for key in keys:
            subprocess.run([need("ssh-add"), "-q", key], check=True, env=environment)
        yield socket
    finally:
        process.terminate()
        process.wait()


def plain(text: str, project: Project) -> str:
    """Returns a text with what differs from run to run written the same: folders, days, instants, commits, fingerprints."""
    text = text.replace(str(project.root.parent), "…").replace("\r\n", "\n")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<instant>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d", "<day>", text)
    return re.sub(r"SHA256:\S+", "<key>", re.sub(r"\([0-9a-f]{10}\)", "(<commit>)", text))
