"""Gets the programs of tests/tools from npm, once for an environment, for tests that ask what others make of hubcfg's output."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

TOOLS = Path(__file__).with_name("tools")


@cache
def npm_package(name: str) -> Path:
    """Returns the folder of an installed package of tests/tools; the test fails, and says why, where there is none to be had.

    What is installed lies in the Python environment, not in the tree, and is what package-lock.json says to the byte. No
    script of a package is run.
    """
    folder = _install() / "node_modules" / name
    assert folder.is_dir(), f"{name} is not listed in {TOOLS / 'package.json'}"
    return folder


def _install() -> Path:
    files = [TOOLS / "package.json", TOOLS / "package-lock.json"]
    state = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    home = Path(sys.prefix) / "hubcfg-tools"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:  # workers of pytest-xdist wait for the first of them
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = home / state
        if not folder.is_dir():
            _run_npm(folder, files)
    return folder


def _run_npm(folder: Path, files: list[Path]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail("this test needs npm, which is not installed (Debian: apt-get install npm)", pytrace=False)
    begun = folder.with_suffix(".begun")
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir()
    for file in files:
        shutil.copy(file, begun)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=begun, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        said = f"{done.stdout}{done.stderr}"
        pytest.fail(f"npm can't install the tools that this test needs (tests/tools):\n{said}", pytrace=False)
    begun.rename(folder)
