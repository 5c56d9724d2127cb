"""Measures hubcfg on synthetic projects: `python -m tests.benchmarks` (with `--full` also the largest, which takes minutes).

Every figure is of a whole process, the median of a few runs, and printed as a ratio against a floor measured in the same run:
draining PyYAML's C events over the same bytes, `python -c pass`, and `import click`. Quote ratios, not seconds. `work` is the
processor time of all processes together, which a busy machine changes less; memory is that of the largest process.
"""

import argparse
import compileall
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.generate import count_bytes, write_one_user_files, write_orgs, write_wide_catalog
from tests.benchmarks.measuring import HUBCFG, Figure, measure, report
from tests.benchmarks.warm import measure_warm

SOURCES = Path(__file__).parents[2] / "src"
EXAMPLES = Path(__file__).parents[2] / "examples"
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


def measure_start(runs: int) -> Figure:
    """Measures what every command pays before it does anything; returns what `import click` takes."""
    bare = measure([sys.executable, "-c", "pass"], runs)
    click = measure([sys.executable, "-c", "import click"], runs)
    report("import click", click, bare, "python -c pass")
    report("hubcfg --version", measure([*HUBCFG, "--version"], runs), click, "import click")
    report("hubcfg --help", measure([*HUBCFG, "--help"], runs), click, "import click")
    quickstart = ["-C", str(EXAMPLES / "quickstart"), "validate"]
    report("validate, quickstart", measure([*HUBCFG, *quickstart], runs), click, "import click")
    return click


def measure_project(name: str, write: Callable[[Path], None], users: int, runs: int) -> tuple[float, float]:
    """Measures compile and validate of one project; returns what compile works for each user, alone and with two workers."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        write(folder)
        drain = measure([sys.executable, "-c", DRAIN, str(folder)], runs)
        print(f"{name}: {count_bytes(folder) / 1e6:.1f} MB, drained in {drain.seconds:.3f} s")
        command = [*HUBCFG, "-C", str(folder)]
        compiled = measure([*command, "compile", "-o", f"{scratch}/out"], runs)
        report("  compile", compiled, drain, "drain", users)
        report("  validate", measure([*command, "validate"], runs), drain, "drain", users)
        with_cache = os.environ | {"HUBCFG_NO_CACHE": "", "XDG_CACHE_HOME": f"{scratch}/cache"}
        fresh = measure(
            [*command, "compile", "-o", f"{scratch}/out"], runs, environment=with_cache,
            before=lambda: shutil.rmtree(f"{scratch}/cache", ignore_errors=True),
        )  # fmt: skip
        report("  compile, which writes the cache", fresh, drain, "drain", users)
        two = measure([*command, "compile", "-o", f"{scratch}/out", "--workers", "2"], runs)
        report("  compile --workers 2", two, drain, "drain", users)
        return compiled.work / users, two.work / users


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each command; the median counts")
    parser.add_argument("--full", action="store_true", help="also 1,000,000 users in 2,000 orgs")
    options = parser.parse_args()
    compileall.compile_dir(SOURCES, quiet=1)  # as an installation does it
    os.environ["HUBCFG_NO_CACHE"] = "1"  # what is measured cold is measured cold each time
    click = measure_start(max(options.runs, 5))
    for orgs in (1, 100):
        measure_warm(max(options.runs, 5), click, orgs)
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
    for name, one, other in zip(("one process", "two workers"), small, large, strict=True):
        print(f"work for each user, largest against smallest, {name}: {other / one:.2f} ×")


if __name__ == "__main__":
    main()
