"""Colours for terminals: a few names for ANSI sequences, and nothing where there is no terminal."""

_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "bold": "1",
    "dim": "2",
    "good": "32",
    "bad": "31",
    "line": "1;34",
    "sensitive": "35",
}


def paint(text: str, color: str, *, use_color: bool) -> str:
    """Returns the text in a colour (`error`, `warning`, `info`, `bold`, `dim`, `good`, `bad`, `line`, `sensitive`)."""
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m" if use_color and text else text
