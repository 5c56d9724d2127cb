"""The SSH wire format (RFC 4251, section 5): strings, integers and nothing left over."""


class WireError(Exception):
    """The bytes are not what the format says; caught inside this package and turned into a fault."""


class Reader:
    """Reads one value after the other from bytes; every method raises WireError where the bytes do not fit."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """Returns the next `count` bytes."""
        end = self._at + count
        if end > len(self._data):
            raise WireError("it ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def byte(self) -> int:
        """Returns the next byte as a number."""
        return self.take(1)[0]

    def uint32(self) -> int:
        """Returns the next four bytes as a number."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Returns the next string: a length and that many bytes."""
        return self.take(self.uint32())

    def name(self) -> str:
        """Returns the next string, which must be visible ASCII, as names of types and algorithms are."""
        raw = self.string()
        if not raw or any(not 0x21 <= byte <= 0x7E for byte in raw):
            raise WireError("a name in it is not a word")
        return raw.decode("ascii")

    def natural(self, *, strict: bool = True) -> int:
        """Returns the next multiple-precision integer, which must not be negative.

        With `strict` it must be written in its one shortest form, so that one key has one encoding.
        """
        raw = self.string()
        if raw and raw[0] & 0x80:
            raise WireError("a number in it is negative")
        if strict and raw and raw[0] == 0 and not (len(raw) > 1 and raw[1] & 0x80):
            raise WireError("a number in it is not in its shortest form")
        return int.from_bytes(raw, "big")

    def end(self) -> None:
        """Checks that nothing is left."""
        if self._at != len(self._data):
            raise WireError("it has bytes left over at its end")


def wire_string(data: bytes) -> bytes:
    """Returns `data` as a wire string."""
    return len(data).to_bytes(4, "big") + data
