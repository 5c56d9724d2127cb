"""The file that keeps a project's cache: where it is, and when it is believed."""

import os
from pathlib import Path

import pytest

from hubcfg.parser import cache_file
from hubcfg.parser.cache_file import CacheFile, find_cache_file

VALUES = {"a": [1, 2.5, None, True, "ü"], "b": b"\0"}


@pytest.fixture
def file(tmp_path: Path) -> CacheFile:
    """A cache file with something in it."""
    found = CacheFile(tmp_path / "cache" / "one.cache")
    found.save(VALUES)
    return found


def find(root: Path, **environment: str) -> Path | None:
    found = find_cache_file(root, environment)
    return None if found is None else found.path


def test_what_is_saved_is_loaded(file: CacheFile) -> None:
    """Another process of the same hubcfg gets what was saved; nobody else may read it."""
    assert CacheFile(file.path).load() == (VALUES, file.path.stat().st_size)
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in file.path.parent.iterdir()] == ["one.cache"]


def test_every_flipped_byte_is_noticed(file: CacheFile) -> None:
    """Whatever byte is wrong, nothing is believed, and nothing raises."""
    good = file.path.read_bytes()
    for position in range(len(good)):
        file.path.write_bytes(good[:position] + bytes([good[position] ^ 0x41]) + good[position + 1 :])
        assert file.load() == (None, 0)
    file.path.write_bytes(good)
    assert file.load()[0] == VALUES


def test_every_shortened_file_is_noticed(file: CacheFile) -> None:
    """A file that was cut, or that something was added to, is not believed."""
    good = file.path.read_bytes()
    for length in range(len(good)):
        file.path.write_bytes(good[:length])
        assert file.load() == (None, 0)
    file.path.write_bytes(good + b"\0")
    assert file.load() == (None, 0)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_may_write_is_not_believed(file: CacheFile, mode: int) -> None:
    """It decides who gets access, so a file that the group or the world may write is left alone."""
    file.path.chmod(mode)
    assert file.load() == (None, 0)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_may_write_is_not_used(file: CacheFile, mode: int) -> None:
    """Who may write the folder may put another file there; nothing is read from it, and nothing written."""
    before = file.path.read_bytes()
    file.path.parent.chmod(mode)
    assert file.load() == (None, 0)
    file.save("something else")
    assert file.path.read_bytes() == before


def test_another_owner_is_not_believed(file: CacheFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody else owns is not used, whatever its rights."""
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert file.load() == (None, 0)


def test_links_are_not_followed(file: CacheFile, tmp_path: Path) -> None:
    """A link in the place of the file or of its folder is not followed."""
    elsewhere = tmp_path / "elsewhere"
    file.path.rename(elsewhere)
    file.path.symlink_to(elsewhere)
    assert file.load() == (None, 0)
    file.path.unlink()
    elsewhere.rename(file.path)
    folder = file.path.parent.rename(tmp_path / "moved")
    file.path.parent.symlink_to(folder)
    assert file.load() == (None, 0)


def test_another_hubcfg_is_not_believed(file: CacheFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any change of hubcfg's own files, of Python or of the parsers makes all that was kept worthless."""
    seen = cache_file._stamp()
    assert cache_file._stamp() == seen
    monkeypatch.setattr(cache_file, "_tell", lambda path: b"touched" if path.endswith("builder.py") else b"")
    other = CacheFile(file.path)
    assert other.load() == (None, 0)
    other.save("newer")
    assert file.load() == (None, 0)


def test_a_place_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    """Saving where that is not possible does nothing."""
    (tmp_path / "file").write_text("")
    one = CacheFile(tmp_path / "file" / "one.cache")
    one.save(VALUES)
    assert one.load() == (None, 0)


def test_room_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are never more files, or more bytes, than allowed; those unused for longest go first."""
    monkeypatch.setattr(cache_file, "MAX_FILES", 3)
    for number in range(5):
        CacheFile(tmp_path / f"{number}.cache").save(VALUES)
        os.utime(tmp_path / f"{number}.cache", (number, number))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.cache", "3.cache", "4.cache"]
    monkeypatch.setattr(cache_file, "MAX_TOTAL", 1)
    CacheFile(tmp_path / "5.cache").save(VALUES)
    assert [path.name for path in tmp_path.iterdir()] == ["5.cache"]
    monkeypatch.setattr(cache_file, "MAX_BYTES", 1)
    CacheFile(tmp_path / "6.cache").save(VALUES)
    assert [path.name for path in tmp_path.iterdir()] == ["5.cache"]


def test_where_it_is(tmp_path: Path) -> None:
    """It is in the user's cache folder, by the project's real path, and nowhere where no folder is known."""
    root, home = tmp_path / "project", tmp_path / "home"
    root.mkdir()
    (tmp_path / "link").symlink_to(root)
    inner = find(root, HOME=str(home))
    assert inner is not None
    assert inner.parent == home / ".cache" / "hubcfg"
    assert find(tmp_path / "link", HOME=str(home)) == inner
    assert find(root, HOME=str(home), XDG_CACHE_HOME=str(tmp_path / "xdg")) == tmp_path / "xdg" / "hubcfg" / inner.name
    assert find(root, HOME=str(home), XDG_CACHE_HOME="relative") == inner
    assert find(tmp_path, HOME=str(tmp_path / ".." / "home")) != inner
    assert find(root) is None


@pytest.mark.parametrize("value", ["1", "yes", "true"])
def test_it_can_be_switched_off(tmp_path: Path, value: str) -> None:
    """`HUBCFG_NO_CACHE` switches it off; `0` and nothing do not."""
    assert find(tmp_path / "a", HOME=str(tmp_path), HUBCFG_NO_CACHE=value) is None
    for nothing in ("", "0"):
        assert find(tmp_path / "a", HOME=str(tmp_path), HUBCFG_NO_CACHE=nothing) is not None


def test_it_is_never_part_of_what_is_proposed(tmp_path: Path) -> None:
    """A cache folder in the project, or in the repository around it, would come with what somebody proposes."""
    repository, root = tmp_path / "repository", tmp_path / "repository" / "config"
    root.mkdir(parents=True)
    assert find(root, XDG_CACHE_HOME=str(root / ".cache")) is None
    assert find(root, XDG_CACHE_HOME=str(repository / ".cache")) is not None
    (repository / ".git").mkdir()
    assert find(root, XDG_CACHE_HOME=str(repository / ".cache")) is None
    (tmp_path / "way").symlink_to(repository)
    assert find(root, XDG_CACHE_HOME=str(tmp_path / "way")) is None
