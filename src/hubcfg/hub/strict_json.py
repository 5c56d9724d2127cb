"""Reads JSON as strictly as RFC 8259 and I-JSON (RFC 7493) allow: what could be read in two ways is refused."""

import json
import math
import re
from typing import Any

MAX_DEPTH = 32
# What all JSON readers read as the same integer (RFC 7493, section 2.2).
_BEYOND = 2**53
_MAX_DIGITS = 20
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_strict(content: bytes) -> Any:
    """Returns the value of a JSON text.

    Raises ValueError, with the end of the sentence "the body …" as its message, for what is not UTF-8 or not JSON, a key that
    comes twice, a number that is none (NaN, 1e999), half a surrogate pair, and nesting beyond MAX_DEPTH.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 (byte {error.start + 1})") from None
    if text.startswith("\ufeff"):
        raise ValueError("begins with a byte order mark, which JSON does not have")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_make_object,
            parse_constant=_refuse_constant,
            parse_float=_parse_float,
            parse_int=_parse_int,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error.msg.lower()} in line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels") from None
    _check(value, has_surrogates=_ESCAPED_SURROGATE.search(text) is not None)
    return value


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add gives None: go on
        raise ValueError(f"has the key `{_show(twice)}` twice in one object")
    return made


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"contains `{name}`, which is not JSON")


def _parse_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("contains a number that is too large")
    return value


def _parse_int(digits: str) -> int:
    value = int(digits) if len(digits) <= _MAX_DIGITS else _BEYOND
    if abs(value) >= _BEYOND:
        raise ValueError("contains a number that is too large")
    return value


def _check(value: Any, *, has_surrogates: bool) -> None:
    """Looks at every value, level by level."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
                inner += one if has_surrogates else ()
            elif isinstance(one, list):
                inner += one
            elif has_surrogates and isinstance(one, str) and not _is_encodable(one):
                raise ValueError(f"contains half a surrogate pair, which no Unicode text has: `{_show(one)}`")
        if not inner:
            return
        level = inner
    raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _show(text: str) -> str:
    """Returns a text for a message: short, and such that it can be written."""
    return text[:60].encode("utf-8", "backslashreplace").decode()
