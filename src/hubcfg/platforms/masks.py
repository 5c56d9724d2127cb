"""Sets of permissions as bit masks: one bit a permission, in the order of their names."""

import re
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import TypeAlias

# A set of permissions of one catalog: bit i is the i-th permission by name. `&`, `|` and `& ~` are the set operations.
Mask: TypeAlias = int


_SET_BYTES = re.compile(rb"[^\0]", re.DOTALL)
_AS_SELECTORS = bytes.maketrans(b"01", b"\0\1")

# A mask with fewer than one bit in so many is read byte by byte, a denser one bit by bit: each is the faster there.
SPARSE = 20


class MaskNames:
    """Turns masks into sorted names, in time that does not grow with the square of the catalog's width."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._width = (len(self.names) + 7) // 8
        self._tables: dict[tuple[int, int], tuple[str, ...]] = {}

    def __call__(self, mask: Mask) -> list[str]:
        """Returns the names of the permissions in `mask`, sorted."""
        if mask.bit_count() * SPARSE > len(self.names):
            selectors = f"{mask:b}"[::-1].encode().translate(_AS_SELECTORS)
            return list(compress(self.names, selectors))
        result: list[str] = []
        tables = self._tables
        for match in _SET_BYTES.finditer(mask.to_bytes(self._width, "little")):
            key = (match.start(), match[0][0])
            names = tables.get(key)
            if names is None:
                names = tables[key] = tuple(self._names_of_byte(*key))
            result += names
        return result

    def _names_of_byte(self, position: int, byte: int) -> Iterator[str]:
        for bit in range(8):
            if byte >> bit & 1:
                yield self.names[position * 8 + bit]
