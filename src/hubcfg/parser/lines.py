"""Splits texts into lines, as spans count them."""

import re

_LINE_BREAK = re.compile("\r\n|\r|\n")


def split_lines(text: str) -> list[str]:
    """Returns the lines of a text as spans count them, without what ends them."""
    return _LINE_BREAK.split(text)
