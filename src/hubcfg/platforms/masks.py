"""Sets of permissions as bit masks: one bit a permission, in the order of their names."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

# A set of permissions of one catalog: bit i is the i-th permission by name. `&`, `|` and `& ~` are the set operations.
Mask: TypeAlias = int


class MaskNames:
    """Turns masks into sorted names. A table for each byte that occurs makes it independent of the catalog's width."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._width = (len(self.names) + 7) // 8
        self._tables: dict[int, tuple[str, ...]] = {}

    def __call__(self, mask: Mask) -> list[str]:
        """Returns the names of the permissions in `mask`, sorted."""
        result: list[str] = []
        tables = self._tables
        for position, byte in enumerate(mask.to_bytes(self._width, "little")):
            if byte:
                key = position << 8 | byte
                names = tables.get(key)
                if names is None:
                    names = tables[key] = tuple(self._names_of_byte(position, byte))
                result += names
        return result

    def _names_of_byte(self, position: int, byte: int) -> Iterator[str]:
        for bit in range(8):
            if byte >> bit & 1:
                yield self.names[position * 8 + bit]
