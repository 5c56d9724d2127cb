"""Git repositories as CI has them: a target branch, a proposed change, and the two merged for the run."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PEOPLE = 240
PROJECT = "hubcfg: 1\nproject: acme-access\nplatform: onestack\ntargets:\n  local: {type: directory, path: ../target}\n"
ORG = "kind: Org\nid: acme\nname: Acme IT\nproducts: {psa: active, crm: active}\n"
GROUPS = """kind: Groups
org: acme
groups:
  desk: {permissions: [psa.tickets.read, psa.tickets.create]}
  sales: {permissions: [crm.contacts.read]}
"""
TESTS = """kind: Tests
org: acme
tests:
  - {name: the desk reads tickets, user: p001@acme.example, can: [psa.tickets.read]}
"""
_IDENTITY = {f"GIT_{who}_{what}": "kim@acme.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def people(extra: Mapping[int, str] = {}, count: int = PEOPLE) -> str:
    """Returns the users: an owner, and as many of the desk as asked for; `extra` replaces the entry of some."""
    lines = ["kind: Users", "org: acme", "users:", "  olga@acme.example: {role: owner}"]
    default = "{role: member, groups: [desk]}"
    lines += [f"  p{number:03}@acme.example: {extra.get(number, default)}" for number in range(1, count + 1)]
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Returns the files of the target branch."""
    return {"hubcfg.yaml": PROJECT, "org.yaml": ORG, "groups.yaml": GROUPS, "users.yaml": people(), "tests.yaml": TESTS}


@dataclass(frozen=True)
class Repository:
    """A clone in the state that a run has it in. `head` is the change's own last commit."""

    root: Path
    head: str

    def git(self, *arguments: str) -> str:
        """Runs Git."""
        return git(self.root, *arguments)


def git(root: Path, *arguments: str) -> str:
    """Runs Git in a folder, as somebody without any settings; returns what it prints."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=environment | _IDENTITY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.strip()


def write(root: Path, changed: Mapping[str, str | None], folder: str = ".") -> None:
    """Writes files below a folder; None removes one."""
    for name, text in changed.items():
        path = root / folder / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def propose(
    root: Path,
    change: Mapping[str, str | None],
    *,
    before: Mapping[str, str] | None = None,
    branch: str = "change",
    folder: str = ".",
    landed_since: Mapping[str, str] | None = None,
) -> Repository:
    """Returns a repository with a change merged with its target, as a pull request's run has it checked out.

    Remote branches are there and no local ones. `landed_since` came to the target after the two were merged for this run.
    """
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    write(root, before if before is not None else files(), folder)
    _commit(root, "Begin")
    git(root, "checkout", "-q", "-b", branch)
    write(root, change, folder)
    _commit(root, "Change")
    head = git(root, "rev-parse", "HEAD")
    git(root, "checkout", "-q", "--detach", "main")
    git(root, "merge", "-q", "--no-ff", "-m", "Merge", branch)
    merged = git(root, "rev-parse", "HEAD")
    if landed_since is not None:
        git(root, "checkout", "-q", "main")
        write(root, landed_since, folder)
        _commit(root, "Meanwhile")
    git(root, "update-ref", "refs/remotes/origin/main", "main")
    git(root, "update-ref", f"refs/remotes/origin/{branch}", branch)
    git(root, "checkout", "-q", "--detach", merged)
    git(root, "branch", "-q", "-D", "main", branch)
    return Repository(root, head)


def land(root: Path, landed: Mapping[str, str] | None = None) -> Repository:
    """Returns a repository with what has landed, as the run of a push to the default branch has it checked out."""
    root.mkdir(parents=True, exist_ok=True)
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "main")
    write(root, landed if landed is not None else files())
    _commit(root, "Land")
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    return Repository(root, git(root, "rev-parse", "HEAD"))


def held(bundle: Path, user: str) -> list[str]:
    """Returns what somebody holds by a deployed bundle."""
    content = json.loads(bundle.read_text("utf-8"))
    names: list[str] = content["permission_sets"][content["users"][user]["set"]]
    return names


def _commit(root: Path, message: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)


def copy_to(repository: Repository, folder: Path) -> Repository:
    """Returns another clone in the same state."""
    shutil.copytree(repository.root, folder, symlinks=True)
    return Repository(folder, repository.head)
