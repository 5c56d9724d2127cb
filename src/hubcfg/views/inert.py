"""Text of the project inside Markdown: shown as it is on any host, without markup, HTML, links, mentions or references."""

import html
import re

from hubcfg.views.findings.text import visible

# A space of no width; after a sign that would begin a mention or a reference it keeps the sign from doing so.
_APART = "\u200b"
_SPECIAL = re.compile(r"([\\`*_\[\]~|#$])")
_ALIVE = re.compile(
    r"[@#!~%$&^](?!\s)|\bhttps?:(?=//)|\bftp:(?=//)|\bwww(?=\.)|\bmailto(?=:)|\bxmpp(?=:)|\bGH(?=-\d)", re.I
)
_QUOTED = re.compile("`([^`]*)`")
_TICKS = re.compile("`+")
_MOST = 400


def code(text: str, most: int = _MOST) -> str:
    """Returns a text as a code span: hosts do nothing with what stands in one."""
    plain = _one_line(text, most)
    longest = max((len(run) for run in _TICKS.findall(plain)), default=0)
    fence = "`" * (longest + 1)
    space = " " if not plain.strip() or plain[0] in "` " or plain[-1] in "` " else ""
    return f"{fence}{space}{plain or '(empty)'}{space}{fence}" if plain else "(empty)"


def prose(text: str, most: int = _MOST) -> str:
    """Returns a sentence, for the middle of a line: what stands in backticks becomes code, and nothing else anything but words."""
    parts = _QUOTED.split(_one_line(text, most))
    return "".join((code(part) if part else "") if number % 2 else _escape(part) for number, part in enumerate(parts))


def tagged(text: str) -> str:
    """Returns a text as code between HTML tags, where Markdown is not read."""
    return f"<code>{html.escape(_one_line(text, _MOST))}</code>"


def _escape(text: str) -> str:
    apart = _ALIVE.sub(lambda found: found[0] + _APART, text)
    return _SPECIAL.sub(r"\\\1", apart.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _one_line(text: str, most: int) -> str:
    plain = visible(" ".join(text[: most * 4].split()))  # so long a text is cut in any case
    return plain if len(plain) <= most and len(text) <= most * 4 else plain[: most - 1] + "…"
