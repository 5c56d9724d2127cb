"""Files that can't be read: what a case file can't write, links and rights among it."""

import os
from pathlib import Path

import pytest

from hubcfg.core.instants import parse_instant
from hubcfg.core.places import Span
from hubcfg.core.rule import Severity
from hubcfg.parser import sources
from hubcfg.parser.sources import find_sources
from hubcfg.pipeline import compile_project

ORG = "kind: Org\nid: acme\nproducts: {psa: active}\n"
USERS = "kind: Users\norg: acme\nusers:\n  olga@acme.example: {role: owner}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an org and its owner, in a folder beside other things."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "hubcfg.yaml").write_text("hubcfg: 1\nproject: test\nplatform: onestack\n")
    (root / "org.yaml").write_text(ORG)
    (root / "users.yaml").write_text(USERS)
    return root


def _errors(root: Path) -> list[tuple[str, str, int, str]]:
    instant = parse_instant("2026-11-22")
    assert instant is not None
    found = []
    for finding in compile_project(root, as_of=instant).findings:
        assert isinstance(finding.place, Span)
        if finding.severity is Severity.ERROR:
            found.append((finding.name, finding.place.file, finding.place.line, finding.message))
    return found


def test_a_link_that_leads_out_of_the_project(project: Path) -> None:
    """It is an error at the file without a line, and what it may hold is not missed."""
    outside = project.parent / "users.yaml"
    (project / "users.yaml").rename(outside)
    (project / "users.yaml").symlink_to(outside)
    message = "`users.yaml` cannot be read: it is a link that leads out of the project"
    assert _errors(project) == [("unreadable-file", "users.yaml", 0, message)]


def test_a_relative_link_that_leads_out(project: Path) -> None:
    """It is an error wherever it stands and however it is written."""
    (project.parent / "more.yaml").write_text(USERS)
    (project / "sub").mkdir()
    (project / "sub" / "more.yml").symlink_to("../../more.yaml")
    assert [found[:2] for found in _errors(project)] == [("unreadable-file", "sub/more.yml")]


def test_a_link_into_another_folder_whose_name_begins_alike(project: Path) -> None:
    """The project's folder is compared as a whole, not by its first letters."""
    beside = project.parent / "project-two"
    beside.mkdir()
    (beside / "more.yaml").write_text(USERS)
    (project / "more.yaml").symlink_to(beside / "more.yaml")
    assert [found[:2] for found in _errors(project)] == [("unreadable-file", "more.yaml")]


def test_a_link_to_nothing(project: Path) -> None:
    """A link to a file that does not exist hides what was meant, so it is an error."""
    (project / "more.yaml").symlink_to("gone.yaml")
    message = "`more.yaml` cannot be read: it is a link to a file that does not exist"
    assert _errors(project) == [("unreadable-file", "more.yaml", 0, message)]


def test_a_link_that_leads_to_itself(project: Path) -> None:
    """A circle of links is an error, not an endless walk."""
    (project / "more.yaml").symlink_to("more.yaml")
    assert [found[:2] for found in _errors(project)] == [("unreadable-file", "more.yaml")]


def test_a_link_to_a_file_of_the_project_is_skipped(project: Path) -> None:
    """What it leads to is read once, at its own place."""
    (project / "again.yaml").symlink_to(project / "users.yaml")
    assert _errors(project) == []


def test_a_link_to_a_folder_is_not_followed(project: Path) -> None:
    """Neither into the project nor out of it."""
    (project.parent / "other").mkdir()
    (project.parent / "other" / "bad.yaml").write_text("kind: [")
    (project / "other").symlink_to(project.parent / "other")
    (project / "self").symlink_to(project)
    (project / "folder.yaml").symlink_to(project.parent / "other")
    assert _errors(project) == []


def test_a_link_out_that_is_not_read_is_no_error(project: Path) -> None:
    """`.hubcfgignore`, `sources:` and hidden folders leave links out as they do files."""
    for name in ("ignored.yaml", "narrow.yaml", ".hidden.yaml"):
        (project / name).symlink_to(project.parent / "gone.yaml")
    (project / ".hubcfgignore").write_text("ignored.yaml\n")
    text = "hubcfg: 1\nproject: test\nplatform: onestack\nsources: [org.yaml, users.yaml]\n"
    (project / "hubcfg.yaml").write_text(text)
    assert _errors(project) == []


def test_links_out_are_never_among_the_files_to_write(project: Path) -> None:
    """Commands that rewrite sources do not get at what lies outside."""
    (project.parent / "more.yaml").write_text(USERS)
    (project / "more.yaml").symlink_to(project.parent / "more.yaml")
    found = find_sources(project)
    assert [source.path for source in found.sources] == ["org.yaml", "users.yaml"]
    assert [source.path for source in found.unreadable] == ["more.yaml"]
    with pytest.raises(OSError, match="leads out of the project"):
        found.unreadable[0].read()


def test_a_folder_named_like_a_source_file(project: Path) -> None:
    """It is a folder like any other: what it holds is read."""
    (project / "more.yaml").mkdir()
    (project / "more.yaml" / "bad.yaml").write_text("kind: Nothing\n")
    assert [found[:2] for found in _errors(project)] == [("schema-violation", "more.yaml/bad.yaml")]


@pytest.mark.parametrize("name", ["users.yaml", "sub"])
def test_a_file_or_folder_that_refuses_to_be_read(project: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system's reason is in the message, and nothing that may stand there is missed."""
    (project / "sub").mkdir()
    scandir, read_bytes = os.scandir, sources._read_bytes

    def refuse(path: str) -> None:
        if Path(path) == project / name:
            raise PermissionError(13, "Permission denied", str(path))

    def scan(path: str) -> object:
        refuse(path)
        return scandir(path)

    def read(path: str) -> bytes:
        refuse(path)
        return read_bytes(path)

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(sources, "_read_bytes", read)
    message = f"`{name}` cannot be read: permission denied"
    assert _errors(project) == [("unreadable-file", name, 0, message)]


def test_a_file_that_is_not_utf_8(project: Path) -> None:
    """The first wrong byte is named, and the other files are judged."""
    (project / "bad.yaml").write_bytes(b"kind: Users\norg: acme # caf\xe9\n")
    (project / "more.yaml").write_text("{kind: Users, org: acme, users: {a@acme.example: {role: membr}}}")
    assert [found[:3] for found in _errors(project)] == [
        ("unreadable-file", "bad.yaml", 0),
        ("unknown-platform-role", "more.yaml", 1),
    ]
