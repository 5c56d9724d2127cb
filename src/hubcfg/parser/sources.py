"""Finds the source files of a project (docs/language.md, "Projects")."""

import json
import os
from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hubcfg.core.finding import Finding, find
from hubcfg.core.places import Span
from hubcfg.parser.rules import INVALID_PROJECT, UNREADABLE_FILE

PROJECT_FILE = "hubcfg.yaml"
IGNORE_FILE = ".hubcfgignore"
_PATTERNS = "write patterns as in `.gitignore`, such as `drafts/` or `*.tmp.yaml`"
DEFAULT_SOURCES = ("**/*.yaml", "**/*.yml")


class SourceFile(Struct, frozen=True):
    """A file to read: its path relative to the project's root, with `/`, and how to get its bytes.

    `read` raises OSError where the file cannot be read.
    """

    path: str
    read: Callable[[], bytes]


class Discovery(Struct, frozen=True):
    """The source files in the order of their paths, those in output folders, and what is wrong with the tree.

    `unreadable` are files and folders that may not or cannot be read; reading one raises OSError with the reason, and it is
    never to be written.
    """

    sources: list[SourceFile]
    in_outputs: list[SourceFile]
    findings: list[Finding]
    unreadable: list[SourceFile]


class _Matcher(Protocol):
    def match_file(self, file: str) -> bool: ...


def find_sources(
    root: Path, patterns: Iterable[str] = DEFAULT_SOURCES, output_folders: Iterable[str] = ()
) -> Discovery:
    """Returns the source files below `root`.

    `patterns` are `sources:` of hubcfg.yaml; `output_folders`, relative to the root, are the folders of directory targets.
    """
    walk = _Walk(root, tuple(patterns), frozenset(_normal(folder) for folder in output_folders))
    walk.visit(str(root), "", is_output=False)
    found = walk.found
    for sources in (found.sources, found.in_outputs, found.unreadable):
        sources.sort(key=attrgetter("path"))
    return found


class _Walk:
    """One walk over a project's folders."""

    def __init__(self, root: Path, patterns: tuple[str, ...], outputs: frozenset[str]) -> None:
        self.found = Discovery([], [], [], [])
        self._root = os.path.realpath(root)
        self._wanted = None if patterns == DEFAULT_SOURCES else self._match(PROJECT_FILE, patterns)
        self._ignored = self._read_ignore_file(root)
        self._outputs = outputs

    def _match(self, file: str, patterns: Iterable[str]) -> _Matcher | None:
        """Returns a matcher of the patterns that a file has; None, with a finding, where one of them is none."""
        try:
            return match_patterns(patterns)
        except ValueError as error:
            message = f"`{file}` has a pattern that means nothing ({str(error).lower()})"
            self.found.findings.append(find(INVALID_PROJECT, message, Span(file, 1, 1, 1, 1), help=_PATTERNS))
            return None

    def _read_ignore_file(self, root: Path) -> _Matcher | None:
        try:
            lines = (root / IGNORE_FILE).read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            self._unreadable(IGNORE_FILE, "it is not UTF-8" if isinstance(error, ValueError) else error.strerror or "")
            return None
        return self._match(IGNORE_FILE, lines)

    def visit(self, folder: str, prefix: str, *, is_output: bool) -> None:
        """Collects the files of one folder and goes into its folders."""
        try:
            with os.scandir(folder) as scan:
                entries = list(scan)
        except OSError as error:
            self._unreadable(prefix.rstrip("/") or ".", error.strerror or str(error))
            return
        if not is_output and prefix and "manifest.json" in {entry.name for entry in entries}:
            is_output = _has_output_manifest(folder)
        # Most folders have nothing but files to take as they are, and some have very many of them.
        takes_all = not is_output and self._ignored is None and self._wanted is None
        take = self.found.sources.append
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            path = prefix + name
            is_yaml = name.endswith((".yaml", ".yml"))
            if takes_all and is_yaml and name != PROJECT_FILE and entry.is_file(follow_symlinks=False):
                take(SourceFile(path, partial(_read_bytes, entry.path)))
            elif entry.is_dir(follow_symlinks=False):
                if self._ignored is None or not self._ignored.match_file(path + "/"):
                    self.visit(entry.path, path + "/", is_output=is_output or path in self._outputs)
            elif is_yaml:
                self._take(entry, path, is_output)

    def _take(self, entry: "os.DirEntry[str]", path: str, is_output: bool) -> None:
        if path == PROJECT_FILE or (self._ignored is not None and self._ignored.match_file(path)):
            return
        if entry.is_symlink():
            self._judge_link(entry, path)
            return
        if not entry.is_file(follow_symlinks=False):
            return
        source = SourceFile(path, partial(_read_bytes, entry.path))
        if is_output:
            self.found.in_outputs.append(source)
        elif entry.name == PROJECT_FILE:
            self.found.findings.append(
                find(
                    INVALID_PROJECT,
                    "a `hubcfg.yaml` below the project's own would make this folder another project",
                    Span(path, 1, 1, 1, 1),
                    help=f"delete it, or leave its folder out in `{IGNORE_FILE}`",
                )
            )
        elif self._wanted is None or self._wanted.match_file(path):
            self.found.sources.append(source)

    def _judge_link(self, entry: "os.DirEntry[str]", path: str) -> None:
        target = os.path.realpath(entry.path)
        if self._wanted is not None and not self._wanted.match_file(path):
            return
        if os.path.isdir(target):  # noqa: PTH112 - realpath gives a string
            return
        if not target.startswith(self._root + os.sep):
            self._unreadable(path, "it is a link that leads out of the project")
        elif not os.path.exists(target):  # noqa: PTH110 - realpath gives a string
            self._unreadable(path, "it is a link to a file that does not exist")

    def _unreadable(self, path: str, why: str) -> None:
        self.found.unreadable.append(SourceFile(path, partial(_refuse, why)))


def read_within(root: Path, name: str) -> bytes:
    """Returns the bytes of a file of the project; raises OSError where it cannot be read or a link leads out."""
    file = (root / name).resolve()
    if not file.is_relative_to(root.resolve()):
        raise OSError("it is a link that leads out of the project")
    return file.read_bytes()


def _read_bytes(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - a path object for each of many files takes as long as to read it
        return file.read()


def load_source(source: SourceFile) -> SourceFile:
    """Returns the same file with its bytes, for a process that can't read it itself."""
    try:
        return SourceFile(source.path, partial(bytes, source.read()))
    except OSError as error:
        return SourceFile(source.path, partial(_refuse, error.strerror or str(error)))


def _refuse(why: str) -> bytes:
    raise OSError(why)


def find_detour(root: Path, name: str) -> str | None:
    """Returns why a file of the project is not where Git keeps it: a link on its way, or another repository; else None."""
    path = root
    parts = name.split("/")
    for count, part in enumerate(parts, 1):
        path = path / part
        if path.is_symlink():
            return f"`{'/'.join(parts[:count])}` is a link" if count < len(parts) else "it is a link"
        if count < len(parts) and (path / ".git").exists():
            return f"`{'/'.join(parts[:count])}` is another repository"
    return None


def unreadable(path: str, why: str) -> Finding:
    """Returns the finding for a file or folder that cannot be read."""
    return find(
        UNREADABLE_FILE,
        f"`{path}` cannot be read: {why[:1].lower()}{why[1:]}",
        Span(path),
        help="nothing may be passed over silently: mend the file or the access to it, or remove it",
    )


def select_sources(
    paths: Iterable[str], read: Callable[[str], bytes], patterns: Iterable[str], output_folders: Iterable[str]
) -> list[str]:
    """Returns the source files among the paths of a tree that is not on disk, by the rules of `find_sources`, sorted."""
    wanted = None if tuple(patterns) == DEFAULT_SOURCES else match_patterns(patterns)
    everything = list(paths)
    ignored = match_patterns(read(IGNORE_FILE).decode("utf-8").splitlines()) if IGNORE_FILE in everything else None
    outputs = {_normal(folder) for folder in output_folders}
    outputs |= {
        path.removesuffix("/manifest.json")
        for path in everything
        if path.endswith("/manifest.json") and is_output_manifest(read(path))
    }

    def is_source(path: str) -> bool:
        if path.startswith(".") or "/." in path or path.rpartition("/")[2] == PROJECT_FILE:
            return False
        if outputs or ignored is not None:
            parts = path.split("/")
            folders = ["/".join(parts[:count]) for count in range(1, len(parts))]
            if not outputs.isdisjoint(folders):
                return False
            if ignored is not None and any(ignored.match_file(one) for one in (path, *(f"{one}/" for one in folders))):
                return False
        return wanted is None or wanted.match_file(path)

    return sorted(path for path in everything if path.endswith((".yaml", ".yml")) and is_source(path))


def match_patterns(patterns: Iterable[str]) -> _Matcher:
    """Returns a matcher of `.gitignore`-style patterns; raises ValueError where one of them is none."""
    from pathspec import GitIgnoreSpec  # only projects that narrow their sources pay for it

    return GitIgnoreSpec.from_lines(patterns)


def _has_output_manifest(folder: str) -> bool:
    try:
        return is_output_manifest((Path(folder) / "manifest.json").read_bytes())
    except OSError:
        return False


def is_output_manifest(content: bytes) -> bool:
    """Whether the bytes of a manifest.json say that hubcfg wrote its folder."""
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and str(manifest.get("format", "")).startswith("hubcfg.")


def _normal(folder: str) -> str:
    return os.path.normpath(folder).replace(os.sep, "/")
