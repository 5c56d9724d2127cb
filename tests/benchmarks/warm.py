"""How long repeated runs take: after an edit of one file, and the comparison of two revisions that differ in one."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.generate import write_one_user_files
from tests.benchmarks.measuring import HUBCFG, Figure, measure, report

FILES = 10_000
TARGET = "targets: {local: {type: directory, path: deploy}}\n"


def measure_warm(runs: int, click: Figure, orgs: int) -> None:
    """Measures `validate`, `plan` and `diff` of a project of so many orgs in Git whose files have been read before."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "project"
        write_one_user_files(root, FILES, orgs)
        with (root / "hubcfg.yaml").open("a") as project:
            project.write(TARGET)
        environment = os.environ | {"XDG_CACHE_HOME": f"{scratch}/cache", "HUBCFG_NO_CACHE": ""}
        git(root, "init", "-q")
        git(root, "add", "-A")
        git(root, "commit", "-qm", "one")
        print(f"{FILES:,} one-user files of {orgs} {'org' if orgs == 1 else 'orgs'} in Git, read before:")
        command = [*HUBCFG, "-C", str(root)]
        measure([*command, "apply", "--auto-approve", "--bootstrap"], 1, environment=environment)
        measure([*command, "validate"], 1, environment=environment)
        edit = editor(root)
        for name, words in (("validate", ["validate"]), ("plan", ["plan"])):
            figure = measure([*command, *words], runs, environment=environment)
            report(f"  {name}, nothing edited", figure, click, "import click")
            figure = measure([*command, *words], runs, environment=environment, before=edit)
            report(f"  {name}, after editing one file", figure, click, "import click")
            figure = measure([*command, "--no-cache", *words], runs, environment=environment, before=edit)
            report(f"  {name}, the same without the cache", figure, click, "import click")
        git(root, "commit", "-qam", "two")
        edit()
        git(root, "commit", "-qam", "three")
        measure([*command, "diff", "HEAD~1", "HEAD"], 1, environment=environment)
        figure = measure([*command, "diff", "HEAD~1", "HEAD"], runs, environment=environment)
        report("  diff, one file differs", figure, click, "import click")
        figure = measure([*command, "--no-cache", "diff", "HEAD~1", "HEAD"], runs, environment=environment)
        report("  diff, the same without the cache", figure, click, "import click")


def editor(root: Path) -> Callable[[], None]:
    """Returns what edits one file of a user, another one each time."""
    files = iter(sorted((root / "users").rglob("*.yaml")))

    def edit() -> None:
        file = next(files)
        file.write_text(file.read_text().replace("    name: ", "    name: New ", 1))

    return edit


def git(root: Path, *arguments: str) -> None:
    """Runs a Git command."""
    who = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com"]
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True)
