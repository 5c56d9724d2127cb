"""The formatter: text to canonical text, with a last look at whether anything was lost."""

from hubcfg.parser.formatting.errors import UnformattableSource
from hubcfg.parser.formatting.guard import read_attachments, read_meaning
from hubcfg.parser.formatting.reader import read_source, scan_tokens
from hubcfg.parser.formatting.remarks import find_remarks, place_remarks
from hubcfg.parser.formatting.syntax import Source
from hubcfg.parser.formatting.writer import write_source
from hubcfg.parser.hidden import has_hidden_characters


def format_source(text: str) -> str:
    """Returns the canonical form of one YAML source file (docs/formatting.md).

    Raises UnformattableSource where the text is not YAML, has something that no source file may have, or can't be
    written in canonical form without a change of its values or of what its comments stand at.
    """
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if has_hidden_characters(text):
        raise UnformattableSource("the text has invisible characters that make it look different from what it is")
    meaning = read_meaning(text)
    # A block scalar reads the same with and without the last line break; libyaml's scanner would see a difference.
    source = _read(text if text.endswith("\n") else text + "\n")
    attachments = read_attachments(source)
    written = write_source(source)
    if read_meaning(written) != meaning:
        raise UnformattableSource("the canonical form would not have the same values")
    lost = attachments - read_attachments(_read(written))
    if lost:
        comment = " ".join(next(iter(lost))[-1])
        raise UnformattableSource(f"the canonical form would part the comment `{comment}` from what it stands at")
    return written


def _read(text: str) -> Source:
    tokens = scan_tokens(text)
    source = read_source(text, tokens)
    place_remarks(source, find_remarks(text, tokens))
    return source
