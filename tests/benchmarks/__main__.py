"""Measures hubcfg on synthetic projects: `python -m tests.benchmarks` (with `--full` also the largest, which takes minutes).

Every figure is of a whole process, the median of a few runs, and printed as a ratio against a floor measured in the same run:
draining PyYAML's C events over the same bytes, `python -c pass`, and `import click`. Quote ratios, not seconds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.generate import count_bytes, write_one_user_files, write_orgs, write_wide_catalog

EXAMPLES = Path(__file__).parents[2] / "examples"
HUBCFG = [sys.executable, "-m", "hubcfg"]
DRAIN = """
import os, sys
from yaml import CSafeLoader
from yaml.events import StreamEndEvent
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith(".yaml"):
            with open(os.path.join(folder, name), "rb") as file:
                get = CSafeLoader(file.read()).get_event
            while get().__class__ is not StreamEndEvent:
                pass
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one command took: the median of its runs in seconds, and the most memory of one process in MiB."""

    seconds: float
    memory: float


def measure(command: list[str], runs: int) -> Figure:
    """Runs a command a few times; it must succeed."""
    seconds, memory = [], 0.0
    for _ in range(runs):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        memory = max(memory, usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024))
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(f"this failed: {' '.join(command)}")
    return Figure(statistics.median(seconds), memory)


def report(name: str, figure: Figure, floor: Figure, floor_name: str, users: int | None = None) -> None:
    """Prints one line: the figure, its ratio to the floor, memory, and the time for each user."""
    each = f"  {figure.seconds / users * 1e6:7.1f} µs a user" if users else ""
    ratio = figure.seconds / floor.seconds
    print(
        f"{name:<44} {figure.seconds:8.3f} s = {ratio:6.2f} × {floor_name:<13} {figure.memory:7.0f} MiB{each}",
        flush=True,
    )


def measure_start(runs: int) -> None:
    """Measures what every command pays before it does anything."""
    bare = measure([sys.executable, "-c", "pass"], runs)
    click = measure([sys.executable, "-c", "import click"], runs)
    report("import click", click, bare, "python -c pass")
    report("hubcfg --version", measure([*HUBCFG, "--version"], runs), click, "import click")
    report("hubcfg --help", measure([*HUBCFG, "--help"], runs), click, "import click")
    quickstart = ["-C", str(EXAMPLES / "quickstart"), "validate"]
    report("validate, quickstart", measure([*HUBCFG, *quickstart], runs), click, "import click")


def measure_project(name: str, write: Callable[[Path], None], users: int, runs: int) -> float:
    """Measures compile and validate of one project; returns the seconds that compile takes for each user."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        write(folder)
        drain = measure([sys.executable, "-c", DRAIN, str(folder)], runs)
        print(f"{name}: {count_bytes(folder) / 1e6:.1f} MB, drained in {drain.seconds:.3f} s")
        compiled = measure([*HUBCFG, "-C", str(folder), "compile", "-o", f"{scratch}/out"], runs)
        report("  compile", compiled, drain, "drain", users)
        report("  validate", measure([*HUBCFG, "-C", str(folder), "validate"], runs), drain, "drain", users)
        return compiled.seconds / users


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each command; the median counts")
    parser.add_argument("--full", action="store_true", help="also 1,000,000 users in 2,000 orgs")
    options = parser.parse_args()
    measure_start(max(options.runs, 5))
    small = measure_project(
        "10,000 one-user files", lambda folder: write_one_user_files(folder, 10_000), 10_000, options.runs
    )
    large = measure_project(
        "100,000 users in 50 orgs", lambda folder: write_orgs(folder, 100_000, 50), 100_000, options.runs
    )
    measure_project("13,000 permissions, 2,000 groups, 5,000 users", write_wide_catalog, 5_000, options.runs)
    if options.full:
        large = measure_project(
            "1,000,000 users in 2,000 orgs", lambda folder: write_orgs(folder, 1_000_000, 2_000), 1_000_000, 1
        )
    print(f"time for each user, largest against smallest: {large / small:.2f} ×")


if __name__ == "__main__":
    main()
