"""A small project in two states, and `hubcfg apply` as a process of its own, undisturbed or killed at a system call."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from hubcfg.platforms.grants import Audience
from tests.contracts.harness import Stand

MISSING = "strace is missing: apt-get install strace"
# What changes files, makes them durable, or says something to a server.
CALLS = (
    "write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "unlink,unlinkat,mkdir,mkdirat,rmdir,sendto,sendmsg"
)

PLATFORM = """\
kind: Platform
id: small
catalog: small
subscriptions: false
roles:
  boss: {root: true, approves: true, baseline: {allow: ["*"]}, ceiling: {allow: ["*"]}, access: full, products: all, scope: all}
  worker: {ceiling: {allow: ["*"]}, access: full, products: granted, scope: all}
---
kind: Catalog
id: small
products:
  desk:
    resources:
      tickets: {actions: {read: {access: read}, create: {}, close: {}, move: {}}}
"""
# By state and org: what the workers of an org hold. In every org somebody only gains, only loses, comes, goes, or does both.
HELD: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "a": {
        org: {"gina": ("read",), "lou": ("read", "create"), "mia": ("close",), "gus": ("read",), "sam": ("move",)}
        for org in ("east", "north", "west")
    },
    "b": {
        org: {"gina": ("read", "create"), "lou": ("read",), "mia": ("move",), "ned": ("close",), "sam": ("move",)}
        for org in ("east", "north", "west")
    },
}


@dataclass
class Applies:
    """A project that deploys to one target."""

    root: Path
    stand: Stand
    bundles: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Writes the project, and compiles both of its states to know what must come of them."""
        options = self.stand.address.options
        target = {"type": self.stand.address.type, **options}
        if "path" in target:
            target["path"] = str(self.stand.address.root / str(target["path"]))
        guardrails = {"max_removed_users_percent": 100, "max_revoked_percent": 100}
        settings = {"hubcfg": 1, "project": "faults", "targets": {"t": target}, "guardrails": guardrails}
        (self.root / "hubcfg.yaml").write_text(json.dumps(settings))
        (self.root / "platform.yaml").write_text(PLATFORM)
        for state in HELD:
            self.write(state)
            folder = self.root / f"compiled-{state}"
            done = self.run("compile", "-o", str(folder))
            assert done.returncode == 0, done.stdout + done.stderr
            self.bundles[state] = {path.parent.name: path.read_bytes() for path in folder.glob("orgs/*/staff.json")}
            shutil.rmtree(folder)

    def write(self, state: str) -> None:
        """Makes the project's files those of a state."""
        documents = []
        for org, people in HELD[state].items():
            users: dict[str, object] = {f"boss@{org}.example": {"role": "boss"}}
            for name, actions in people.items():
                users[f"{name}@{org}.example"] = {
                    "role": "worker",
                    "permissions": [f"desk.tickets.{action}" for action in actions],
                }
            documents.append({"kind": "Org", "id": org, "platform": "small"})
            documents.append({"kind": "Users", "org": org, "users": users})
        (self.root / "orgs.yaml").write_text("\n---\n".join(json.dumps(one) for one in documents))

    def run(self, *arguments: str, before: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
        """Runs hubcfg as a process; `before` is what runs it."""
        return subprocess.run(
            [*before, sys.executable, "-m", "hubcfg", "-C", str(self.root), *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start_apply(self) -> "subprocess.Popen[bytes]":
        """Starts an apply, and does not wait for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "hubcfg", "-C", str(self.root), "apply", "--auto-approve", "--bootstrap"],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def environment(self) -> dict[str, str]:
        """Returns the environment of the processes: without caches of bytecode, whose writing would be counted."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "HUBCFG_NO_CACHE": "1", **self.stand.address.environment}

    def apply(self, *before: str) -> "subprocess.CompletedProcess[str]":
        """Applies the project as it stands."""
        return self.run("apply", "--auto-approve", "--bootstrap", before=before)

    def list_calls(self) -> list[tuple[str, int]]:
        """Applies, and returns its system calls that change or send anything: each name, and the how manieth of its name it is."""
        log = self.root / ".strace"
        done = self.apply("strace", "-f", "-qq", "-e", f"trace={CALLS}", "-o", str(log))
        assert done.returncode == 0, done.stdout + done.stderr
        # Every thread and program that is run has counts of its own; the one that ends last is hubcfg itself.
        lines = [line.split(None, 1) for line in log.read_text(errors="replace").splitlines()]
        names = [match[1] for line in lines if line[0] == lines[-1][0] and (match := re.match(r"(\w+)\(", line[1]))]
        return [(name, names[: number + 1].count(name)) for number, name in enumerate(names)]

    def apply_killed_at(self, call: tuple[str, int]) -> "subprocess.CompletedProcess[str]":
        """Applies, and kills the process at a system call, before that does anything."""
        log, (name, number) = self.root / ".strace", call
        inject = f"inject={name}:signal=KILL:when={number}"
        return self.apply("strace", "-f", "-qq", "-e", f"trace={CALLS}", "-e", inject, "-o", str(log))

    def read(self) -> dict[str, bytes]:
        """Returns what the target holds, by org."""
        with closing(self.stand.address.open()) as writer:
            writer.read_status()
            return {org: bytes(writer.read_org(org).live.get(Audience.STAFF, b"")) for org in writer.list_orgs()}


def find_strace() -> str | None:
    """Returns what is missing to kill processes at system calls; None where nothing is."""
    return None if shutil.which("strace") else MISSING
