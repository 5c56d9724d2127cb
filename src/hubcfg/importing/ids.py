"""Makes ids for what has none: groups and teams."""

import re
import unicodedata
from collections.abc import Container

from hubcfg.core.ids import ID_PATTERN

_MOST = 63
_ID = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """Whether a text may be the id of an org, client, department or the like."""
    return _ID.match(text) is not None and "\n" not in text


def make_id(text: str) -> str:
    """Returns an id made of a text; empty where nothing of it can stand in an id."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")[: _MOST - 8].strip("-")


def unique(id: str, taken: Container[str]) -> str:
    """Returns an id that is not taken: the given one, or with a number after it."""
    number, candidate = 1, id
    while candidate in taken:
        number += 1
        candidate = f"{id}-{number}"
    return candidate
