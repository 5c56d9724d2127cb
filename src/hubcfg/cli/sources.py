"""The files that `fmt` and `fix` change, and how they are written."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from hubcfg.checker.check import all_rules
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError, OutsideError, UsageError
from hubcfg.parser.parse import parse_source
from hubcfg.parser.sources import PROJECT_FILE, SourceFile
from hubcfg.pipeline import discover
from hubcfg.validator.project import read_project


class EditableFile(Struct, frozen=True):
    """A file to change: how it is called, and where it is."""

    path: str
    file: Path

    def read(self) -> bytes:
        """Returns the file's bytes."""
        return self.file.read_bytes()


def choose_sources(settings: Settings, paths: Sequence[Path]) -> list[EditableFile]:
    """Returns the given files, the YAML files below given folders, or the sources of the project."""
    if paths:
        return [file for path in paths for file in _expand(path)]
    root = settings.find_root()
    if not (root / PROJECT_FILE).is_file():
        raise HubcfgError("there is no `hubcfg.yaml` here", help="name the files, or `hubcfg init` to begin a project")
    return [EditableFile(name, root / name) for name in _source_names(root)]


def keep_sources(files: Sequence[EditableFile]) -> list[EditableFile]:
    """Returns those of the files that a project reads, each judged by the nearest hubcfg.yaml, upwards from it."""
    names: dict[Path, frozenset[str]] = {}
    kept = []
    for file in files:
        path = file.file.resolve()
        root = _find_project(path)
        if root is None:
            continue
        if root not in names:
            names[root] = frozenset(_source_names(root))
        if path.relative_to(root).as_posix() in names[root]:
            kept.append(file)
    return kept


def _find_project(path: Path) -> Path | None:
    """Returns the folder of the nearest hubcfg.yaml, upwards from a file, that no project above it skips by its dot.

    So `.github/workflows/hubcfg.yaml` begins no project.
    """
    above = [folder for folder in path.parents if (folder / PROJECT_FILE).is_file()]
    for number, folder in enumerate(above, 1):
        ways = (folder.relative_to(outer).parts for outer in above[number:])
        if not any(part.startswith(".") for way in ways for part in way):
            return folder
    return None


def _source_names(root: Path) -> list[str]:
    """Returns hubcfg.yaml and the paths of the sources of its project; alone it stands where it can't be understood."""
    project, _ = read_project(parse_source(SourceFile(PROJECT_FILE, (root / PROJECT_FILE).read_bytes)), all_rules())
    names = [PROJECT_FILE]
    if project is not None:
        names += [source.path for source in discover(root, project).sources]
    return names


def _expand(path: Path) -> list[EditableFile]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
        return [EditableFile(str(file), file) for file in found]
    if not path.is_file():
        raise UsageError(f"there is no file `{path}`")
    return [EditableFile(str(path), path)]


def write_source(file: Path, content: bytes) -> None:
    """Replaces a file's content at once, keeping its mode; raises OutsideError where the disk refuses."""
    target = file.resolve()
    try:
        handle, aside = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(aside).chmod(target.stat().st_mode & 0o7777)
            Path(aside).replace(target)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutsideError(f"`{file}` cannot be written: {error.strerror}") from error
