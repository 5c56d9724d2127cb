"""Canonical JSON (RFC 8785): one byte sequence for one value."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical_json(value: Json) -> bytes:
    """Returns the RFC 8785 form of `value`, without a trailing newline.

    Raises ValueError for what the RFC cannot write: an integer beyond 2**53 or a number that is not finite.
    """
    if _is_plain(value) and (encoded := _encode_plain(value)) is not None:
        return encoded
    import rfc8785

    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from error


def canonical_object(parts: Mapping[str, bytes]) -> bytes:
    """Returns the canonical form of a map whose values are canonical already; its keys are plain names."""
    return b"{" + b",".join(b'"%s":%s' % (key.encode(), parts[key]) for key in sorted(parts)) + b"}"


def canonical_without_numbers(value: Json) -> bytes:
    """Returns the canonical form of a value in which no number stands, without looking for one."""
    encoded = _encode_plain(value)
    return canonical_json(value) if encoded is None else encoded


def canonical_line(value: Json) -> bytes:
    """Returns the canonical form plus one newline, as every JSON file that hubcfg writes has it."""
    return canonical_json(value) + b"\n"


def digest(value: Json) -> str:
    """Returns `sha256:` and the hex SHA-256 of the canonical form."""
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()


def _encode_plain(value: Json) -> bytes | None:
    # For strings, lists and maps msgspec writes the RFC's very bytes, hundreds of times faster; its order of keys is by code
    # point, which is the RFC's (UTF-16) order as long as no key lies above U+D7FF.
    encoded = _ENCODER.encode(value)
    return encoded if encoded.isascii() or max(encoded.decode()) < "\ud800" else None


def _is_plain(value: Json) -> bool:
    """Whether there is no number in `value` that needs the RFC's own way of writing."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -(2**53) < value < 2**53  # type: ignore[operator]  # an int, by its type
    if kind is dict:
        return all(map(_is_plain, value.values()))  # type: ignore[union-attr]  # a dict, by its type
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))  # type: ignore[arg-type]  # a list, by its type
    return False
