"""A project in Git with real keys, a folder that it is deployed to, and the commands that do it, at instants of the test's choice."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.approvals.histories import History
from tests.unit.cli.running import Outcome, Run

NOW = "2026-11-22T00:00:00Z"

PROJECT = """hubcfg: 1
project: acme-access
platform: onestack
approvals: {signers: trust/allowed_signers}
guardrails: {max_removed_users_percent: 20, max_revoked_percent: 50}
targets: {live: {type: directory, path: ../target}}
"""
SIGNERS = """olga@acme.example {key olga}
adam@acme.example {key adam}
fay@acme.example {key fay}
"""
ACME = """kind: Org
id: acme
products: {psa: active, crm: active}
---
kind: Users
org: acme
users:
  olga@acme.example: {role: owner}
  adam@acme.example: {role: admin, uid: a-1}
  kim@acme.example: {role: member, permissions: [psa.tickets.read, psa.tickets.create]}
  lee@acme.example: {role: member, permissions: [psa.tickets.read]}
"""
FABRIKAM = """kind: Org
id: fabrikam
products: {psa: active}
---
kind: Users
org: fabrikam
users:
  fay@acme.example: {role: owner}
  sam@acme.example: {role: member, permissions: [psa.tickets.read, psa.tickets.create]}
"""
FILES = {"hubcfg.yaml": PROJECT, "trust/allowed_signers": SIGNERS, "acme.yaml": ACME, "fabrikam.yaml": FABRIKAM}
SENSITIVE = "psa.tickets.delete"
KIM, LEE, SAM = "kim@acme.example", "lee@acme.example", "sam@acme.example"
OLGA, ADAM, FAY = "olga@acme.example", "adam@acme.example", "fay@acme.example"


def people(org: str, count: int, owner: str, entry: str = "{role: member, permissions: [psa.tickets.read]}") -> str:
    """Returns an org with an owner and as many other people, `p01` and so on."""
    lines = [f"  p{number:02}@acme.example: {entry}" for number in range(1, count + 1)]
    users = "\n".join([f"  {owner}: {{role: owner}}", *lines])
    return (
        f"kind: Org\nid: {org}\nproducts: {{psa: active, crm: active}}\n---\nkind: Users\norg: {org}\nusers:\n{users}\n"
    )


@dataclass
class Site:
    """A work tree and what is deployed of it."""

    history: History
    run: Run
    set_clock: Callable[[str], None]
    now: str = NOW

    @property
    def root(self) -> Path:
        """The work tree."""
        return self.history.root

    @property
    def folder(self) -> Path:
        """The target's folder."""
        return self.root.parent / "target"

    def land(self, files: Mapping[str, str | None] | None = None) -> str:
        """Writes files and commits all that is there."""
        self.history.write(dict(files or {}))
        return self.history.commit()

    def replace(self, file: str, old: str, new: str) -> None:
        """Replaces a text that a file contains."""
        text = (self.root / file).read_text("utf-8")
        assert old in text, (file, old)
        (self.root / file).write_text(text.replace(old, new), "utf-8")

    def command(self, *arguments: str) -> Outcome:
        """Runs a command on the project."""
        self.set_clock(self.now)
        return self.run("-C", str(self.root), *arguments)

    def apply(self, *options: str) -> Outcome:
        """Deploys without being asked, and answers in JSON."""
        return self.command("apply", "--auto-approve", "--format", "json", *options)

    def deploy(self, *options: str) -> Any:
        """Deploys what must be deployed whole, and returns the receipt."""
        outcome = self.apply(*options)
        assert outcome.code == 0, outcome.out + outcome.err
        return outcome.json

    def plan(self, *options: str) -> Any:
        """Returns the plan, which there must be."""
        outcome = self.command("plan", "--as-of", self.now, "--format", "json", *options)
        assert outcome.json["format"] == "hubcfg.plan/1", outcome.out
        return outcome.json

    def rollback(self, serial: int, *options: str) -> Outcome:
        """Goes back without being asked, and answers in JSON."""
        return self.command("rollback", str(serial), "--auto-approve", "--format", "json", *options)

    def drift(self, *options: str) -> Outcome:
        """Looks for drift, and answers in JSON."""
        return self.command("drift", "--as-of", self.now, "--format", "json", *options)

    def records(self) -> list[Any]:
        """Returns the records of the target, the latest first."""
        listed: list[Any] = self.command("history", "--format", "json").json["deployments"]
        return listed

    def bundle_file(self, org: str = "acme", audience: str = "staff") -> Path:
        """Returns the file of an org's bundle in the target."""
        return self.folder / "current" / "orgs" / org / f"{audience}.json"

    def held(self, org: str = "acme") -> dict[str, list[str]]:
        """Returns who holds which permissions of an org's staff in the target; suspended people hold nothing."""
        bundle = json.loads(self.bundle_file(org).read_text("utf-8"))
        return {user: bundle["permission_sets"][entry["set"]] for user, entry in bundle["users"].items()}

    def edit_bundle(self, change: Callable[[Any], object], org: str = "acme") -> None:
        """Changes the bundle of an org's staff by hand, behind hubcfg's back, in the form that hubcfg writes."""
        file = self.bundle_file(org)
        bundle = json.loads(file.read_text("utf-8"))
        change(bundle)
        text = json.dumps(bundle, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        file.write_text(text + "\n", "utf-8")

    def state(self) -> dict[str, bytes | str]:
        """Returns all that lies in the target, but for the lock."""
        return read_tree(self.folder)


def read_tree(folder: Path) -> dict[str, bytes | str]:
    """Returns the files and links below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def found(outcome: Outcome) -> list[tuple[str, str]]:
    """Returns the errors that a command found: each name and message."""
    return [(one["name"], one["message"]) for one in outcome.json["findings"] if one["severity"] == "error"]


def names(outcome: Outcome) -> list[str]:
    """Returns the names of the errors that a command found."""
    return [name for name, _ in found(outcome)]
