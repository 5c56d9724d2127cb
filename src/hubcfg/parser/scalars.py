"""The types of plain scalars under hubcfg's YAML profile (docs/language.md, "YAML profile")."""

import re

_WORDS: dict[str, None | bool] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")

# Only a scalar that begins with one of these (or is empty) can be anything but a string.
FIRST_CHARACTERS = frozenset("~nNtTfF+-.0123456789")


def read_plain(text: str) -> None | bool | int | float | str:
    """Returns the value of a plain scalar: null, a boolean, a number, or else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        # Python refuses to convert very long digit strings; a number of that size means nothing here but "a number".
        return int(text) if len(text) < 4000 else float(text)
    if _FLOAT.match(text):
        return float(text)
    return text
