"""Whether a file of the work tree is what a commit has: by its bytes and Git's conversions, whatever Git's index says."""

import subprocess
from pathlib import Path

import pytest

from hubcfg.parser.git import find_repository, find_unchanged, list_files
from hubcfg.parser.parse import blob_id


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose project is in a folder, with file names that Git quotes."""
    root = tmp_path / "repository" / "project"
    root.mkdir(parents=True)
    git(root, "init", "-q", str(root.parent))
    for name in ("a.yaml", "ü b.yaml", ":(glob)*.yaml", '"q".yaml'):
        (root / name).write_text(f"kind: Users\n# {name}\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")
    return root


def unchanged(root: Path, ids: dict[str, str]) -> set[str]:
    found = find_repository(root)
    assert found is not None
    return find_unchanged(found, ids)


def objects(root: Path) -> dict[str, str]:
    found = find_repository(root)
    assert found is not None
    return {one.path.removeprefix(found.prefix): one.object_id for one in list_files(found, "HEAD") or []}


def test_git_gives_the_ids_that_are_worked_out(repository: Path) -> None:
    """The id of a content is Git's own."""
    assert objects(repository) == {path.name: blob_id(path.read_bytes()) for path in repository.iterdir()}


def test_unchanged_and_changed(repository: Path) -> None:
    """What is as committed is unchanged, what was edited is not, and neither is what can't be told."""
    before = objects(repository)
    assert unchanged(repository, before) == before.keys()
    (repository / "a.yaml").write_text("kind: Roles\n")
    assert unchanged(repository, before) == before.keys() - {"a.yaml"}
    (repository / "a.yaml").unlink()
    assert "a.yaml" not in unchanged(repository, before)
    assert unchanged(repository, {}) == set()


def test_the_index_is_not_asked(repository: Path) -> None:
    """A file that the index was told to take for unchanged is changed all the same."""
    before = objects(repository)
    git(repository, "update-index", "--assume-unchanged", "a.yaml")
    (repository / "a.yaml").write_text("kind: Roles\n")
    assert "a.yaml" not in unchanged(repository, before)


def test_line_ends_are_converted(repository: Path) -> None:
    """With `autocrlf` a work tree has other line ends than the commit, and is unchanged."""
    before = objects(repository)
    git(repository, "config", "core.autocrlf", "true")
    (repository / "a.yaml").write_bytes(b"kind: Users\r\n# a.yaml\r\n")
    assert blob_id((repository / "a.yaml").read_bytes()) != before["a.yaml"]
    assert "a.yaml" in unchanged(repository, before)
