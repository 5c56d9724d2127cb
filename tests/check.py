"""Checks everything that a change must keep: form, lint, types, the direction of imports, and the tests.

Run it with any Python 3.11 or later and nothing else: `python3 tests/check.py`. It sets up a virtual environment in `.venv` (or
in the folder that `--venv` names), and again whenever pyproject.toml has changed. What follows goes to pytest:
`python3 tests/check.py tests/docs -x`. CI runs the same.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Runs all checks, the later ones even where an earlier one failed; returns 1 where one did."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", metavar="DIR", help="the environment to use")
    parser.add_argument("--only", action="append", metavar="CHECK", help="run this check only (repeatable)")
    options, pytest_arguments = parser.parse_known_args()
    checks = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy"],
        "imports": ["lint-imports"],
        "tests": ["pytest", "-n", "auto", "-q", *pytest_arguments],
    }
    if unknown := set(options.only or ()) - checks.keys():
        parser.error(f"there is no check {', '.join(sorted(unknown))}; there are {', '.join(checks)}")
    tools = prepare(options.venv.absolute())
    failed = [
        name
        for name, (tool, *arguments) in checks.items()
        if (not options.only or name in options.only) and not run(name, [str(tools / tool), *arguments])
    ]
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def prepare(folder: Path) -> Path:
    """Returns the folder with the programs of an environment that has the project and what its checks need."""
    tools = folder / ("Scripts" if os.name == "nt" else "bin")
    stamp = folder / ".hubcfg-checks"
    state = hashlib.sha256(f"{ROOT}\n".encode() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != state:
        print(f"setting up {folder}", flush=True)
        venv.create(folder, with_pip=True, clear=stamp.is_file())
        subprocess.run([tools / "python", "-m", "pip", "install", "-q", "-e", f"{ROOT}[dev]"], check=True)
        stamp.write_text(state)
    return tools


def run(name: str, command: list[str]) -> bool:
    """Runs one check and says how it went and how long it took."""
    print(f"── {name}", flush=True)
    begin = time.monotonic()
    is_good = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    print(f"── {name}: {'passed' if is_good else 'FAILED'} in {time.monotonic() - begin:.0f} s", flush=True)
    return is_good


if __name__ == "__main__":
    sys.exit(main())
