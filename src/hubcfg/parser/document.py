"""What the parser returns: documents of plain values, with the file and position that they come from."""

import marshal
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr

from hubcfg.core.finding import Finding
from hubcfg.core.places import KeyPath, Part, Place

# A value as YAML gives it: str, int, float, bool, None, list, dict with string keys.
Value: TypeAlias = "None | bool | int | float | str | list[Value] | dict[str, Value]"


# What the path of a built-in definition begins with, which is no file of any project.
BUILTIN = "hubcfg:"


class Document(Struct, frozen=True, eq=False):
    """One YAML document: the `index`-th of `file`, counted from 0.

    `held` is its value, or the same marshalled, until somebody looks at it: most of what is remembered of other runs is not.
    """

    file: str
    index: int
    held: "Value | bytes"

    @property
    def value(self) -> Value:
        """The document's value."""
        held = self.held
        if held.__class__ is bytes:
            held = marshal.loads(held)
            force_setattr(self, "held", held)
        return held  # type: ignore[return-value]  # no value is made of bytes

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Document)
            and (self.file, self.index) == (other.file, other.index)
            and self.value == other.value
        )

    def __repr__(self) -> str:
        return f"Document({self.file!r}, {self.index}, {self.value!r})"

    @property
    def is_builtin(self) -> bool:
        """Whether it is one of hubcfg's own definitions."""
        return self.file.startswith(BUILTIN)

    def place(self, *path: str | int) -> Place:
        """Returns the place of the value at `path`."""
        return Place(self.file, self.index, path)

    def key(self, *path: str | int) -> Place:
        """Returns the place of the last key of `path`."""
        return Place(self.file, self.index, path, Part.KEY)

    def first_key(self) -> Place:
        """Returns the place that stands for the document as a whole: its first key."""
        return Place(self.file, self.index, (), Part.FIRST_KEY)

    def owner(self, path: KeyPath) -> Place:
        """Returns the place to blame for something missing in the map at `path`: the key or item that owns it."""
        if not path:
            return self.first_key()
        return Place(self.file, self.index, path, Part.VALUE if isinstance(path[-1], int) else Part.KEY)


class ParsedFile(Struct, frozen=True):
    """What one file holds.

    `broken_text` is the file's text where it could not be read to its end: what it would have defined is not
    known, so a name that occurs in it is not reported as unknown elsewhere.

    `key` is the digest of the file's bytes, and `blob` the id that Git gives them; both are empty where they were not read.
    """

    path: str
    documents: tuple[Document, ...]
    findings: tuple[Finding, ...] = ()
    broken_text: str | None = None
    has_ignores: bool = False
    key: bytes = b""
    blob: str = ""


def as_map(raw: Value) -> dict[str, Value]:
    """Returns a map as it is; anything else, such as a field that is not there, is an empty one."""
    return raw if isinstance(raw, dict) else {}


def as_list(raw: Value) -> list[Value]:
    """Returns a list as it is; anything else is an empty one."""
    return raw if isinstance(raw, list) else []


def as_strings(raw: Value) -> tuple[str, ...]:
    """Returns the items of a list of names; anything else has none."""
    return tuple(map(str, as_list(raw)))


def as_text(raw: Value) -> str | None:
    """Returns a text as it is; anything else is None."""
    return raw if isinstance(raw, str) else None
