"""Writes maps and lists as YAML in the canonical form (docs/formatting.md), with comments above what they are about."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from hubcfg.parser.document import Value
from hubcfg.parser.formatting.scalars import write_text
from hubcfg.parser.formatting.writer import STEP, WIDTH


def write_page(value: Mapping[str, Value], comments: Mapping[tuple[str, ...], list[str]]) -> str:
    """Returns a document; `comments` are the texts above the entry at a path of keys, those at `()` above all."""
    lines = list(_comment(comments.get((), ()), 0))
    for key, part in value.items():
        lines += _comment(comments.get((key,), ()), 0)
        if isinstance(part, dict) and part and key not in ("products", "authentication"):
            lines.append(f"{_text(key, False)}:")
            for id, entry in part.items():
                lines += _comment(comments.get((key, id), ()), STEP)
                lines += _lines(_text(id, False) + ":", entry, STEP)
        else:
            lines += _lines(_text(key, False) + ":", part, 0)
    return "".join(f"{line}\n" for line in lines)


def _comment(texts: Iterable[str], column: int) -> Iterator[str]:
    for text in texts:
        first, further = " " * column + "# ", " " * column + "#   "
        yield from textwrap.wrap(
            text, WIDTH, initial_indent=first, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
        )


def _lines(head: str, value: Value, column: int) -> list[str]:
    """Returns a value after its key or dash, on one line where it fits, else as a block."""
    line = f"{' ' * column}{head} {_flow(value)}"
    if len(line) <= WIDTH or not isinstance(value, dict | list) or not value:
        return [line]
    body: list[str] = []
    if isinstance(value, dict):
        for key, part in value.items():
            body += _lines(_text(key, False) + ":", part, column + STEP)
    else:
        for part in value:
            body += _lines("-", part, column + STEP)
    if head == "-":
        return [f"{' ' * column}- {body[0].lstrip(' ')}", *body[1:]]
    return [f"{' ' * column}{head}", *body]


def _flow(value: Value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key, True)}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return _text(value, True)
    return "true" if value is True else "false" if value is False else str(value)


def _text(text: str, in_flow: bool) -> str:
    return write_text(text, in_flow)
