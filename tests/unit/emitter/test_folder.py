"""A compiled folder is replaced as a whole, and nobody else's folder is touched."""

from pathlib import Path

import pytest

from hubcfg.core.errors import HubcfgError, OutsideError
from hubcfg.emitter.folder import write_folder

FILES = {"manifest.json": b'{"format":"hubcfg.manifest/1"}\n', "orgs/a/staff.json": b"{}\n"}


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_writes_a_new_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "deep" / "out", FILES)
    assert listing(tmp_path) == ["deep/out/manifest.json", "deep/out/orgs/a/staff.json"]


def test_replaces_what_it_wrote(tmp_path: Path) -> None:
    """Files of an earlier run that are no longer made are gone."""
    write_folder(tmp_path / "out", FILES)
    write_folder(tmp_path / "out", {"manifest.json": FILES["manifest.json"], "orgs/b/staff.json": b""})
    assert listing(tmp_path) == ["out/manifest.json", "out/orgs/b/staff.json"]


def test_takes_an_empty_folder(tmp_path: Path) -> None:
    write_folder(tmp_path, FILES)
    assert "manifest.json" in listing(tmp_path)


@pytest.mark.parametrize("content", [None, b"{}", b"not json", b'{"format":"other/1"}'])
def test_refuses_a_folder_of_somebody_else(tmp_path: Path, content: bytes | None) -> None:
    """A folder that is not empty and has no manifest of hubcfg's is left exactly as it is."""
    (tmp_path / "notes.txt").write_bytes(b"mine")
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content)
    before = listing(tmp_path)
    with pytest.raises(HubcfgError, match="not written by hubcfg"):
        write_folder(tmp_path, FILES)
    assert listing(tmp_path) == before


def test_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(HubcfgError, match="is a file"):
        write_folder(tmp_path / "out", FILES)


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path) -> None:
    """A path that cannot be written ends the run with the old folder in place and nothing left beside it."""
    write_folder(tmp_path / "out", FILES)
    with pytest.raises(OutsideError):
        write_folder(tmp_path / "out", {"manifest.json": b"", "manifest.json/x": b""})
    assert listing(tmp_path) == ["out/manifest.json", "out/orgs/a/staff.json"]
