"""Asks Git about the project's work tree."""

import subprocess
from pathlib import Path


def read_revision(root: Path) -> str | None:
    """Returns the commit that the project's files are exactly at, or None: outside Git, or with uncommitted changes."""
    head = run_git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    if head is None:
        return None
    changes = run_git(root, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return head.strip() if changes == "" else None


def run_git(root: Path, *arguments: str) -> str | None:
    """Returns what a Git command prints, or None where it fails or there is no Git."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
