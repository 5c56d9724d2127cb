"""The hooks of .pre-commit-hooks.yaml in real pre-commit: installed from a commit of this project, run by `git commit`."""

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hubcfg import __version__
from hubcfg.cli.main import run
from tests.docs.pages import ROOT

UPSTREAM = "https://github.com/hubcfg/hubcfg"
# What makes a package of this project, and the hooks.
NEEDED = (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE", "src")
IDENTITY = {f"GIT_{who}_{what}": "kim@acme.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
OTHER = "# not ours\nb:   1\na: [ 1,2 ]\n"


@dataclass(frozen=True)
class Project:
    """A Git work tree whose commits pre-commit checks."""

    root: Path
    environment: dict[str, str]

    def git(self, *arguments: str, skip: str = "") -> subprocess.CompletedProcess[str]:
        """Runs Git; what it and the hooks write to either output is `stdout`."""
        return self._run(["git", *arguments], self.environment | {"SKIP": skip})

    def commit(self, skip: str = "") -> tuple[bool, str]:
        """Commits everything; returns whether the hooks let it pass, and what they printed."""
        assert self.git("add", "--all").returncode == 0
        done = self.git("commit", "--message", "Change", skip=skip)
        status = self.git("status", "--porcelain").stdout
        assert (status == "") == (done.returncode == 0), status
        return done.returncode == 0, done.stdout

    def switch_on(self) -> None:
        """Makes a repository of the folder, with the hooks in it."""
        assert self.git("init", "--quiet", "--initial-branch=main").returncode == 0
        program = shutil.which("pre-commit", path=sysconfig.get_path("scripts"))
        assert program is not None, "pre-commit is missing: it comes with the extra `dev` (pip install -e .[dev])"
        installed = self._run([program, "install"], self.environment)
        assert installed.returncode == 0, installed.stdout

    def _run(self, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which this project's address leads to a copy of it, committed and tagged as its version."""
    copy = tmp_path_factory.mktemp("upstream")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, copy / name)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "GITHUB_", "GITLAB_", "HUBCFG_", "PRE_COMMIT")) and name != "CI"
    }
    base = inherited | IDENTITY | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Release"], ["tag", f"v{__version__}"]):
        subprocess.run(["git", *arguments], cwd=copy, env=base, check=True)
    leads_here = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{copy.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": UPSTREAM,
    }
    return base | leads_here | {"PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("hooks"))}


Begin = Callable[..., Project]


@pytest.fixture
def begin(environment: dict[str, str], tmp_path: Path) -> Begin:
    """Begins a project with `hubcfg init` and commits it, its hooks being as they were written."""

    def begin_project(folder: str = ".") -> Project:
        root = tmp_path / "acme"
        assert run(["init", str(root / folder), "--org", "acme", "--owner", "ana@acme.example"]) == 0
        project = Project(root, environment)
        if folder != ".":
            (root / folder / ".pre-commit-config.yaml").rename(root / ".pre-commit-config.yaml")
        return project

    return begin_project


def test_good_changes_pass_and_bad_ones_are_refused(begin: Begin) -> None:
    """A new project's hooks let it be committed, then what is right, and refuse what is wrong with the finding shown."""
    project = begin()
    project.switch_on()
    passed, printed = project.commit()
    assert passed, printed
    assert "hubcfg fmt" in printed
    assert "hubcfg validate" in printed
    groups = project.root / "groups/staff.yaml"
    before = groups.read_text()
    groups.write_text(before.replace("psa.dispatch.read", "psa.tickets.reply"))
    passed, printed = project.commit()
    assert passed, printed
    groups.write_text(before.replace("psa.dispatch.read", "psa.dispatch.raed"))
    passed, printed = project.commit()
    assert not passed
    assert "error[unknown-permission]: " in printed
    assert "groups/staff.yaml:" in printed
    assert "psa.dispatch.raed" in printed
    groups.write_text(before)
    groups.unlink()
    passed, printed = project.commit()
    assert not passed, "what only deletes files is checked as well"
    assert "error[unknown-group]: " in printed


def test_sources_are_formatted_and_other_files_are_left_alone(begin: Begin) -> None:
    """A source that is not canonical stops the commit and is rewritten; then it passes. No other YAML is touched."""
    project = begin()
    project.switch_on()
    tidy = {path: path.read_text() for path in project.root.rglob("*.yaml") if "/." not in path.as_posix()}
    assert len(tidy) > 4
    for path, text in tidy.items():
        path.write_text(re.sub("^(kind|hubcfg): ", r"\1:   ", text, flags=re.MULTILINE))
    others = [project.root / ".github/workflows/other.yml", project.root / "charts/values.yaml"]
    (project.root / ".hubcfgignore").write_text("/charts/\n")
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text(OTHER)
    passed, printed = project.commit()
    assert not passed
    assert "files were modified by this hook" in printed
    assert all(f"formatted {path.relative_to(project.root)}" in printed for path in tidy)
    assert {path: path.read_text() for path in tidy} == tidy
    passed, printed = project.commit()
    assert passed, printed
    assert [path.read_text() for path in others] == [OTHER, OTHER]


def test_a_change_that_waits_for_its_approval_can_be_committed_on_purpose(begin: Begin) -> None:
    """It is refused as any error is, until pre-commit is told to leave the check out, as docs/editors.md says."""
    project = begin()
    project.switch_on()
    assert project.commit()[0]
    groups = project.root / "groups/staff.yaml"
    groups.write_text(groups.read_text().replace("psa.dispatch.read", "psa.tickets.delete"))
    passed, printed = project.commit()
    assert not passed
    assert "error[unapproved-sensitive-grant]: " in printed
    passed, printed = project.commit(skip="hubcfg-validate")
    assert passed, printed


def test_a_project_may_lie_in_a_folder(begin: Begin) -> None:
    """The check is told where, as docs/editors.md says; the formatter finds it by itself."""
    project = begin("access")
    config = project.root / ".pre-commit-config.yaml"
    entry = "entry: hubcfg -C access validate"
    assert f"`{entry}`" in (ROOT / "docs/editors.md").read_text()
    config.write_text(
        config.read_text().replace("- id: hubcfg-validate\n", f"- id: hubcfg-validate\n        {entry}\n")
    )
    project.switch_on()
    groups = project.root / "access/groups/staff.yaml"
    before = groups.read_text()
    groups.write_text(before.replace("kind: ", "kind:   ").replace("psa.dispatch.read", "psa.dispatch.raed"))
    passed, printed = project.commit()
    assert not passed
    assert "formatted access/groups/staff.yaml" in printed
    assert "error[unknown-permission]: " in printed
    groups.write_text(before)
    passed, printed = project.commit()
    assert passed, printed
