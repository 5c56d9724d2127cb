"""The built-in platforms: reads their definitions, which are data like any project's own."""

from pathlib import Path

from hubcfg.parser.document import BUILTIN, Document
from hubcfg.parser.parse import parse_source
from hubcfg.parser.sources import SourceFile

_DEFINITIONS = Path(__file__).with_name("definitions")


def builtin_names() -> list[str]:
    """Returns the ids of the built-in platforms, sorted; a catalog has its platform's id."""
    return sorted(path.name for path in _DEFINITIONS.iterdir() if (path / "platform.yaml").is_file())


def has_builtin_catalog(name: str) -> bool:
    """Whether there is a built-in catalog of this id."""
    return "/" not in name and (_DEFINITIONS / name / "catalog.yaml").is_file()


def read_builtin(name: str, part: str) -> Document:
    """Returns the `platform` or `catalog` document (`part`) of a built-in platform."""
    path = _DEFINITIONS / name / f"{part}.yaml"
    parsed = parse_source(SourceFile(f"{BUILTIN}{name}/{part}.yaml", path.read_bytes))
    assert not parsed.findings, parsed.findings
    (document,) = parsed.documents
    return document
