"""What the two kinds of database have in common: statements in one wording, rows, and rows written in bulk.

Statements are worded once. `?` stands for a value, a table is called `hubcfg_users` (PostgreSQL: `users` in the schema
`hubcfg`), `= ANY_OF(?)` compares with each of the values of `Database.many`, and `FOR UPDATE` is left out where a writing
transaction is alone anyway.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

Row: TypeAlias = tuple[Any, ...]


class Dialect(Struct, frozen=True):
    """How one kind of database words what differs.

    `types` are the names that the schema's statements use. `write_instant` and `read_instant` turn an instant, as bundles write
    it, into the column's value and back; what is no instant reads as None.
    """

    name: str
    types: dict[str, str]
    translate: Callable[[str], str]
    write_instant: Callable[[str], str]
    read_instant: Callable[[object], str | None]


class Database(Protocol):
    """A connection, within a transaction."""

    @property
    def dialect(self) -> Dialect:
        """How statements are worded."""

    def query(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Returns the rows of a statement."""

    def stream(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """Returns the rows of a statement, of which there may be more than fit into memory."""

    def run(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Carries out a statement."""

    def define(self, statement: str) -> None:
        """Carries out a statement of the schema, worded in the dialect's own way."""

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Adds rows, of which there may be many."""

    def many(self, values: Iterable[object]) -> object:
        """Returns the parameter that stands for all of some values, for `ANY_OF`."""

    def find_tables(self) -> dict[str, frozenset[str]]:
        """Returns the tables and views whose names are ours, with the names of their columns."""
