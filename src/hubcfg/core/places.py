"""Places in source files: symbolic ones (a path of keys) that cost nothing, and spans (line and column) for what is shown."""

from enum import Enum
from typing import TypeAlias

from msgspec import Struct

KeyPath: TypeAlias = tuple[str | int, ...]


class Part(Enum):
    """Which words of a path a place means."""

    VALUE = "value"
    KEY = "key"
    FIRST_KEY = "first key"


class Place(Struct, frozen=True):
    """A symbolic place: the `part` of what lies at `path` in the `document`-th document of `file`.

    A path names map keys by their text and list items by their index. The line and column are worked out
    late, by reading the file again, and only for places that are shown.
    """

    file: str
    document: int
    path: KeyPath = ()
    part: Part = Part.VALUE

    def key(self) -> "Place":
        """Returns the place of the last key of the path instead of its value."""
        return Place(self.file, self.document, self.path, Part.KEY)

    def under(self, *steps: str | int) -> "Place":
        """Returns the place of the value that `steps` lead to from here."""
        return Place(self.file, self.document, self.path + steps)


class Span(Struct, frozen=True, order=True):
    """A concrete place: lines and columns from 1, columns in code points, the end exclusive.

    `line` is 0 where the file itself is missing or unreadable; JSON shows that as null.
    """

    file: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0


AnyPlace: TypeAlias = Place | Span
