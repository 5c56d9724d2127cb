"""Finds characters that make a reviewer see something else than what is parsed."""

import re

HIDDEN = re.compile("[\u0085\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def has_hidden_characters(text: str) -> bool:
    """Whether the text has line breaks or controls that make a reviewer see something else than what is parsed."""
    return not text.isascii() and HIDDEN.search(text) is not None
