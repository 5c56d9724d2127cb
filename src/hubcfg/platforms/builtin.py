"""The built-in platforms: reads their definitions, which are data like any project's own."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from hubcfg import __version__
from hubcfg.core.canonical import digest
from hubcfg.parser.document import BUILTIN, Document, ParsedFile
from hubcfg.parser.parse import parse_bytes

_DEFINITIONS = Path(__file__).with_name("definitions")


def builtin_names() -> list[str]:
    """Returns the ids of the built-in platforms, sorted; a catalog has its platform's id."""
    return sorted(path.name for path in _DEFINITIONS.iterdir() if (path / "platform.yaml").is_file())


def has_builtin_catalog(name: str) -> bool:
    """Whether there is a built-in catalog of this id."""
    return "/" not in name and (_DEFINITIONS / name / "catalog.yaml").is_file()


def digest_builtins() -> str:
    """Returns a digest of this hubcfg and all that is built into it: its version and the definitions of its platforms."""
    parts = {
        f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in _DEFINITIONS.glob("*/*.yaml")
    }
    return digest({"hubcfg": __version__, "definitions": parts})


def read_builtin(name: str, part: str, parse: Callable[[str, bytes], ParsedFile] = parse_bytes) -> Document:
    """Returns the `platform` or `catalog` document (`part`) of a built-in platform; `parse` reads it."""
    path = _DEFINITIONS / name / f"{part}.yaml"
    parsed = parse(f"{BUILTIN}{name}/{part}.yaml", path.read_bytes())
    assert not parsed.findings, parsed.findings
    (document,) = parsed.documents
    return document
