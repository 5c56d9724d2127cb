"""Gives findings their lines and columns: the files with findings are read once more, and no others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from hubcfg.core.fanout import map_chunks
from hubcfg.core.finding import AS_WRITTEN, Edit, Finding, Fix, Related
from hubcfg.core.places import AnyPlace, Place, Span
from hubcfg.parser.lines import split_lines
from hubcfg.parser.locator import locate_places

if TYPE_CHECKING:
    from concurrent.futures import Executor  # slow to import, and only needed where there is one


class SpanMemory(Protocol):
    """What remembers the spans of places between runs."""

    def recall(self, file: str, places: Iterable[Place], spans: dict[Place, Span]) -> bool:
        """Adds the spans of places in a file; returns whether all of them were known."""

    def keep(self, spans: Mapping[Place, Span], texts: Mapping[str, str]) -> None:
        """Remembers spans, and the lines that they begin in; `texts` are those of their files."""


def locate_findings(
    findings: Iterable[Finding],
    read: Callable[[str], str | None],
    executor: "Executor | None" = None,
    memory: SpanMemory | None = None,
) -> list[Finding]:
    """Returns the findings with spans for places, in the order of file, line, column and name, without repetitions.

    `read` gives the text of a file by its path, or None where it cannot be read. Files are read again in other processes
    where there is an executor; what `memory` knows is not read.
    """
    located: dict[object, Finding] = {}
    for one in place_findings(list(findings), read, executor, memory):
        known = located.setdefault((one.place, one.name, one.message), one)
        if known.orgs != one.orgs:
            # What several orgs share is shown once, and stands against each of them.
            located[one.place, one.name, one.message] = replace(known, orgs=_join_orgs(known.orgs, one.orgs))
    return sorted(located.values(), key=finding_order)


def _join_orgs(first: tuple[str, ...] | None, second: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if first is None or second is None else tuple(dict.fromkeys((*first, *second)))


def place_findings(
    findings: Sequence[Finding],
    read: Callable[[str], str | None],
    executor: "Executor | None" = None,
    memory: SpanMemory | None = None,
) -> list[Finding]:
    """Returns every finding with spans for places, in the order in which they are given; `locate_findings` says the rest."""
    spans = _locate(findings, read, executor, memory)
    texts: dict[str, list[str]] = {}

    def concrete(place: AnyPlace) -> Span:
        return spans[place] if isinstance(place, Place) else place

    def written(span: Span) -> str:
        if span.file not in texts:
            texts[span.file] = split_lines(read(span.file) or "")
        return words_at(texts[span.file], span)

    placed: list[Finding] = []
    for finding in findings:
        help = finding.help
        if (
            finding.place.__class__ is Span
            and not finding.related
            and finding.fix is None
            and AS_WRITTEN not in (help or "")
        ):
            placed.append(finding)  # there may be very many that other processes have placed
            continue
        span = concrete(finding.place)
        if help is not None and AS_WRITTEN in help:
            help = help.replace(AS_WRITTEN, written(span))
        related = tuple(Related(one.message, concrete(one.place)) for one in finding.related)
        fix = finding.fix
        if fix is not None:
            fix = Fix(fix.title, tuple(Edit(concrete(edit.place), edit.action, edit.text) for edit in fix.edits))
        path = finding.place.path if isinstance(finding.place, Place) else finding.path
        placed.append(replace(finding, place=span, help=help, related=related, fix=fix, path=path))
    return placed


def finding_order(finding: Finding) -> tuple[str, int, int, str, str]:
    """The order of findings: file, line, column, name."""
    span = finding.place
    assert isinstance(span, Span)
    return span.file, span.line, span.column, finding.name, finding.message


def words_at(lines: list[str], span: Span) -> str:
    """Returns the words at a span, of its first line only."""
    if not 1 <= span.line <= len(lines):
        return ""
    line = lines[span.line - 1]
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    return line[span.column - 1 : end]


def _locate(
    findings: Iterable[Finding],
    read: Callable[[str], str | None],
    executor: "Executor | None",
    memory: SpanMemory | None,
) -> dict[Place, Span]:
    wanted: dict[str, set[Place]] = {}
    for finding in findings:
        edits = finding.fix.edits if finding.fix is not None else ()
        for place in (finding.place, *(one.place for one in finding.related), *(edit.place for edit in edits)):
            if isinstance(place, Place):
                wanted.setdefault(place.file, set()).add(place)
    spans: dict[Place, Span] = {}
    files: list[tuple[str, list[Place]]] = []
    texts: dict[str, str] = {}
    for file, places in wanted.items():
        if memory is not None and memory.recall(file, places, spans):
            continue
        text = read(file)
        if text is None:
            spans |= dict.fromkeys(places, Span(file))
        else:
            files.append((text, list(places)))
            texts[file] = text
    for found in map_chunks(_locate_files, files, executor):
        if memory is not None:
            memory.keep(found, texts)
        spans |= found
    return spans


def _locate_files(files: list[tuple[str, list[Place]]]) -> dict[Place, Span]:
    spans: dict[Place, Span] = {}
    for text, places in files:
        spans |= locate_places(text, places)
    return spans
