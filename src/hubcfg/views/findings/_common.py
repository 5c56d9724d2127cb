"""What the formats for CI systems share: paths and places as those systems know them, remarks, and fingerprints."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from hubcfg.core.finding import Finding
from hubcfg.core.places import AnyPlace, Span
from hubcfg.parser.lines import split_lines
from hubcfg.parser.locating import words_at
from hubcfg.parser.sources import PROJECT_FILE
from hubcfg.views.findings import Surroundings

SHOWN_RELATED = 3
_QUOTED = re.compile("`([^`]*)`")
_SURROGATE = re.compile("[\ud800-\udfff]")


def span_of(place: AnyPlace) -> Span:
    """Returns a place as the span that it is by the time it is shown."""
    assert isinstance(place, Span)
    return place


def clean(text: str) -> str:
    """Returns text that can be encoded: what stands for the bytes of a file name that is not UTF-8 becomes `�`."""
    return _SURROGATE.sub("�", text)


def is_fileless(place: AnyPlace) -> bool:
    """Whether a finding is about the project as a whole and not about one of its files."""
    return span_of(place).file in ("", ".")


def repository_path(place: AnyPlace, prefix: str) -> str:
    """Returns the path in the repository of a place's file; where it has none, of the project file: a report must name one."""
    return clean(prefix + (PROJECT_FILE if is_fileless(place) else span_of(place).file))


def address(place: AnyPlace, prefix: str) -> str:
    """Returns a place as `file:line:column`, the file by its path in the repository."""
    span, file = span_of(place), repository_path(place, prefix)
    return f"{file}:{span.line}:{span.column}" if span.line else file


def remarks(finding: Finding, prefix: str) -> Iterator[str]:
    """Yields what there is to say besides the message: the first of the related places, and the help."""
    for one in finding.related[:SHOWN_RELATED]:
        yield f"note: {clean(one.message)}: {address(one.place, prefix)}"
    if len(finding.related) > SHOWN_RELATED:
        yield f"note: and {len(finding.related) - SHOWN_RELATED} more places"
    if finding.help:
        yield f"help: {clean(finding.help)}"


def fingerprints(findings: Sequence[Finding], surroundings: Surroundings) -> list[str]:
    """Returns an identity for each finding that stays when lines move, items are added before it, or a message is reworded.

    It is made of the name, the file, the keys that lead to the place, the words there and the user's words in the message.
    Findings that are equal in all that are numbered.
    """
    texts: dict[str, list[str]] = {}
    seen: Counter[str] = Counter()
    prints = []
    for finding in findings:
        span = span_of(finding.place)
        if span.file not in texts:
            texts[span.file] = split_lines(surroundings.read(span.file) or "")
        parts = [
            finding.name,
            surroundings.prefix + span.file,
            [step for step in finding.path if isinstance(step, str)],
            " ".join(words_at(texts[span.file], span).split()),
            _QUOTED.findall(finding.message),
        ]
        base = json.dumps(parts)
        seen[base] += 1
        prints.append(hashlib.sha256(f"{base}{seen[base]}".encode()).hexdigest()[:32])
    return prints
