"""The way to YAML 1.2 where libyaml is wrong about it: a gate that tells when it may be, and the parser that decides.

libyaml reads YAML 1.1. Where it fails, `strict_events` has the last word. Where it reads something that YAML 1.2
rejects, or reads it otherwise, the text has one of the few shapes that `needs_strict` looks for.
"""

import re
from collections.abc import Iterator

from yaml.events import Event

# The patterns are for a text between two line breaks. Most begin with a literal, which makes the search fast.
# A tab where indentation or an indicator stands.
_TAB = re.compile(r"\n[ \-?:]*+\t")
# A comment without a space before its "#".
_GLUED_COMMENT = re.compile(r"""#(?<=["'\[\]{},|>]#)|#(?<=[|>][-+1-9]#)|#(?<=[|>][-+1-9]{2}#)""")
# A tag, which the profile forbids anyway; an explicit key; a "-" that is a value within "[]" or "{}".
_TAG = re.compile(r"!(?<![^\s\[{,:]!)")
_QUESTION = re.compile(r"\?(?<![^\s\[{,:]\?)")
_DASH_IN_FLOW = re.compile(r"-(?<![^\s\[{,:]-)[,\[\]{}]")
# An anchor or alias whose name goes on where libyaml ends it, or a ":" behind one that is not followed by a space.
_ODD_ANCHOR = re.compile(r"&(?<![^\s\[{,:]&)[0-9A-Za-z_-]++(?:[?:%@`]|\s++:\S)")
_ODD_ALIAS = re.compile(r"\*(?<![^\s\[{,:]\*)[0-9A-Za-z_-]++(?:[?:%@`]|\s++:\S)")
# A block scalar whose header begins a line or stands behind "---", or whose first lines are nothing but spaces.
_HEADER = r"[|>][-+1-9]{0,2} *+(?:(?<= )#.*)?\n"
_ODD_HEADER = re.compile(r"\n(?:---)? *+(?:&\S*+ ++)*+[|>]")
_ODD_TEXT = re.compile(rf"{_HEADER}\n*+ +\n")
# A block scalar somewhere, for a text whose last line is not terminated.
_ANY_BLOCK = re.compile(_HEADER)

# Within a line: a quoted string, or anything else that neither opens nor closes a collection nor begins a comment.
_ATOM = r"""[^\[\]{}"'#\n]++|(?<![^\s\[{,:])(?:"(?:[^"\\\n]|\\.)*+"|'(?:[^'\n]|'')*+')|["']|(?<!\s)#"""


def _nest(atom: str) -> str:
    """Return the pattern of what may stand within brackets, to the sixth level."""
    inner = atom
    for _ in range(5):
        inner = rf"{atom}|[\[{{](?:{inner})*+[\]}}]"
    return inner


# A bracket or quote that opens on one line and does not close on it; the look ahead passes by the plainest that do.
_UNCLOSED = rf"""(?![^\[\]{{}}"'#\n]*+[\]}}])(?:{_nest(_ATOM)})*+(?:[\n\[{{]|(?<=\s)#)"""
_OPEN_SQUARE = rf"\[{_UNCLOSED}"  # compiled, and kept by `re`, at the first use: it takes its time
_OPEN_CURLY = rf"\{{{_UNCLOSED}"
_OPEN_BRACKET = rf"[\[{{]{_UNCLOSED}"
_OPEN_DOUBLE = re.compile(r'"(?<![^\s\[{,:]")(?![^"\\\n]*+")(?:[^"\\\n]|\\.)*+\\?\n')
_OPEN_SINGLE = re.compile(r"'(?<![^\s\[{,:]')(?![^'\n]*+'(?!'))(?:[^'\n]|'')*+\n")
# What may precede it there: indentation, and a key without anything odd in it.
_PREFIX = re.compile(r" *+((?:- ++)*+)(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`][^:#\[\]{}'\"\n]*+: ++)?+")


def strict_events(text: str) -> Iterator[Event]:
    """Yield the events of `text` as YAML 1.2.2 defines them, in PyYAML's types, with marks in code points.

    What precedes an error is yielded before it. Nesting is read to the 100th level.

    Raises:
        StrictError: a `yaml.MarkedYAMLError` with `problem` and `problem_mark`, for anything invalid.
    """
    from hubcfg.parser.strict_blocks import parse_stream  # only the few files that need it pay for loading it

    return parse_stream(text)


def needs_strict(text: str) -> bool:
    """Tell whether libyaml may accept or read `text` in another way than YAML 1.2 says."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    is_cut = not text.endswith("\n")
    text = f"\n{text}\n" if is_cut else f"\n{text}"
    return (
        "\n%" in text  # a directive
        or text.find("\ufeff", 2) >= 0  # a byte order mark that does not begin the text
        or ("\t" in text and _TAB.search(text) is not None)
        or ("#" in text and _GLUED_COMMENT.search(text) is not None)
        or ("!" in text and _TAG.search(text) is not None)
        or ("?" in text and _QUESTION.search(text) is not None)
        or ("&" in text and _ODD_ANCHOR.search(text) is not None)
        or ("*" in text and _ODD_ALIAS.search(text) is not None)
        or (("|" in text or ">" in text) and _has_odd_block_scalar(text, is_cut))
        or _DASH_IN_FLOW.search(text) is not None
        or (_opens_bracket(text) and _has_odd_lines(text, re.compile(_OPEN_BRACKET)))
        or _has_odd_lines(text, _OPEN_DOUBLE)
        or _has_odd_lines(text, _OPEN_SINGLE)
    )


def _opens_bracket(text: str) -> bool:
    return ("[" in text and re.search(_OPEN_SQUARE, text) is not None) or (
        "{" in text and re.search(_OPEN_CURLY, text) is not None
    )


def _has_odd_block_scalar(text: str, is_cut: bool) -> bool:
    return (
        _ODD_HEADER.search(text) is not None
        or _ODD_TEXT.search(text) is not None
        or (is_cut and _ANY_BLOCK.search(text) is not None)
    )


def _has_odd_lines(text: str, opening: re.Pattern[str]) -> bool:
    """Tell whether what opens and does not close on a line may go on with lines that are not indented enough."""
    pos = 0
    while (match := opening.search(text, pos)) is not None:
        start = match.start()
        line_start = text.rfind("\n", 0, start) + 1
        prefix = _PREFIX.match(text, line_start, start)
        if prefix is None or prefix.end() != start:
            return True
        width = prefix.end(1) - line_start + 1 if start > line_start else 0
        whole = _whole(width, text[start]).match(text, start)
        if whole is None:
            return True
        pos = whole.end()
    return False


def _whole(width: int, opening: str) -> re.Pattern[str]:
    """Return the pattern of a quoted string or collection whose further lines have at least `width` spaces."""
    fold = rf"\n(?: {{{width}}}(?! *+\t)| *+(?=\n))"
    if opening == '"':
        return re.compile(rf'"(?:[^"\\\n]++|\\[^\n]|\\?{fold})*+"')
    if opening == "'":
        return re.compile(rf"'(?:[^'\n]++|''|{fold})*+'")
    inner = _nest(rf"{_ATOM}|{fold}|(?<=[ ])#[^\n]*+")
    return re.compile(rf"[\[{{](?:{inner})*+[\]}}]")
