"""The tree that the formatter works on: YAML as it is written, with every comment at what it belongs to."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, TypeAlias

from msgspec import Struct, field


class Style(Enum):
    """How a scalar is written."""

    PLAIN = "plain"
    QUOTED = "quoted"
    BLOCK = "block"


class Remark(Struct):
    """A comment: its text from the `#` on, and where it stands.

    `below` are the comments that continue it, each on a line of its own in the same column.
    """

    text: str
    start: int
    line: int
    column: int
    stands_alone: bool
    follows_blank: bool
    below: list[str] = field(default_factory=list)

    @property
    def texts(self) -> tuple[str, ...]:
        """The comment and what continues it."""
        return (self.text, *self.below)


class Scalar(Struct, frozen=True):
    """A scalar; `raw` is the text that stands for it. Nothing at all is a plain scalar without text."""

    value: str
    style: Style
    raw: str
    start: int
    end: int
    line: int
    last_line: int
    anchor: str | None

    @property
    def is_nothing(self) -> bool:
        """Whether no text stands for the value."""
        return self.start == self.end


class Alias(Struct, frozen=True):
    """A reference to an anchor."""

    name: str
    start: int
    end: int
    line: int

    @property
    def last_line(self) -> int:
        """An alias is never more than one line."""
        return self.line


class Collection(Struct):
    """A map or list. Of a flow collection `tokens` and `remarks` hold all that is between its brackets.

    `source` is the text that the collection is part of.
    """

    is_map: bool
    is_flow: bool
    start: int
    line: int
    column: int
    anchor: str | None
    owner: "Entry"
    source: str
    end: int = -1
    last_line: int = -1
    entries: list["Entry"] = field(default_factory=list)
    foot: list[Remark] = field(default_factory=list)
    tokens: list[Any] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """Whether the collection is written without brackets."""
        return not self.is_flow


Node: TypeAlias = Scalar | Alias | Collection


class Entry(Struct):
    """A key with its value, an item of a list, or (without `home`) the root of a document.

    Comments: `lead` above it; `head` beside its key or dash where the value begins further down; `gap` between the two;
    `tail` beside the last line of its value; `under` below a key that has no value.
    """

    home: Collection | None
    start: int
    line: int
    column: int
    key: Node | None = None
    value: Node | None = None
    head_line: int = -1
    follows_blank: bool = False
    lead: list[Remark] = field(default_factory=list)
    head: Remark | None = None
    gap: list[Remark] = field(default_factory=list)
    tail: Remark | None = None
    under: list[Remark] = field(default_factory=list)

    @property
    def is_item(self) -> bool:
        """Whether the entry has no key: an item of a list, or a root."""
        return self.home is None or not self.home.is_map

    @property
    def node(self) -> Node:
        """The value, once it has been read."""
        assert self.value is not None
        return self.value

    def homes(self) -> Iterator[Collection]:
        """Yields the collections that the entry stands in, innermost first."""
        home = self.home
        while home is not None:
            yield home
            home = home.owner.home


class Page(Struct):
    """One document: its header (comments about it as a whole), its root, and comments after a root without entries.

    `start` and `end` bound the part of the text that is the document's, from `body` on it is past its `---`.
    """

    start: int
    body: int = 0
    end: int = -1
    root: Entry | None = None
    header: list[Remark] = field(default_factory=list)
    foot: list[Remark] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether the document has no value (such a document says nothing)."""
        if self.root is None:
            return True
        node = self.root.node
        return isinstance(node, Scalar) and node.is_nothing and node.anchor is None


class Source(Struct):
    """A file as the formatter reads it: its text, its documents, and in order the entries of their blocks."""

    text: str
    pages: list[Page]
    entries: list[Entry]
