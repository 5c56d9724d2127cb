"""Checks the time windows of grants (docs/language.md, "Grants and time")."""

from collections.abc import Iterable, Iterator
from functools import cache

from hubcfg.core.instants import parse_instant
from hubcfg.core.places import KeyPath
from hubcfg.parser.document import Value
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.platforms.grants import ENTRY_KEYS, read_window
from hubcfg.validator.slips import Slip


def check_windows(raw: Value, path: KeyPath) -> Iterator[Slip]:
    """Yields what is wrong with the windows of the list at `path`."""
    for index, entry in enumerate(raw if isinstance(raw, list) else ()):
        if not isinstance(entry, dict):
            continue
        start, end = read_window(entry)
        for field, instant in (("starts", start), ("expires", end)):
            if instant is None:
                yield not_an_instant(entry[field], (*path, index, field))
        if start is not None and end is not None and start >= end:
            yield Slip(
                (*path, index),
                SCHEMA_VIOLATION,
                "`starts` is not before `expires`, so this would never count",
                "`expires` as a date means the end of that day, `starts` its beginning, both in UTC",
            )


def check_entry_windows(raw: dict[str, Value], path: KeyPath = ()) -> list[Slip]:
    """Returns what is wrong with the windows of all lists of a group, a role, or a user's entry."""
    slips = [slip for field in ENTRY_KEYS if field in raw for slip in check_windows(raw[field], (*path, field))]
    products = raw.get("products")
    for product, entry in products.items() if isinstance(products, dict) else ():
        if isinstance(entry, dict):
            slips += check_entry_windows(entry, (*path, "products", product))
    return slips


def not_an_instant(text: Value, path: KeyPath) -> Slip:
    """Returns the slip for a text that is neither a date nor a date-time."""
    return Slip(path, SCHEMA_VIOLATION, f"`{text}` is not a date or date-time", _advise(str(text)))


def is_instant(text: str) -> bool:
    """Whether the text is a date or date-time."""
    return parse_instant(text) is not None


@cache
def _advise(text: str) -> str:
    for candidate in _repair(text):
        if is_instant(candidate):
            return (
                f"write `{candidate}`?"
                if "T" not in candidate
                else f"write `{candidate}`? The zone must be `Z` or an offset"
            )
    return "write a date such as 2027-06-30, or a date-time such as 2027-06-30T18:00:00Z; years are 1970 to 9998"


def _repair(text: str) -> Iterable[str]:
    joined = text.strip().replace(" ", "T", 1).upper().replace("/", "-")
    yield joined
    yield joined + "Z"
    yield joined + ":00Z"
    day, *rest = joined.split("T")
    parts = day.split("-")
    if len(parts) == 3:
        if len(parts[0]) == 4:
            yield f"{parts[0]}-{parts[1].zfill(2)}-{parts[2].zfill(2)}" + ("T" + rest[0] if rest else "")
        elif len(parts[2]) == 4 and int(parts[0]) > 12 if parts[0].isdigit() else False:
            yield f"{parts[2]}-{parts[1].zfill(2)}-{parts[0].zfill(2)}"
