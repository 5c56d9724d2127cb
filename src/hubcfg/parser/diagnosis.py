"""Syntax errors in the reader's words: where the slip really is, and what to write instead."""

import re

from yaml.error import Mark, MarkedYAMLError

from hubcfg.core.finding import Finding, find
from hubcfg.core.places import Span
from hubcfg.parser.events import ORIGIN
from hubcfg.parser.lines import split_lines
from hubcfg.parser.rules import FORBIDDEN_YAML, INVALID_YAML
from hubcfg.parser.strict_reader import GLUED_COMMENT, StrictError

_MISSING_SPACE = re.compile(r"\s*(?:- +)*([A-Za-z_][\w-]*):(?=[^\s/:])(.*)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def diagnose(file: str, text: str, error: MarkedYAMLError) -> Finding:
    """Returns the finding for a syntax error: libyaml's place moved to the slip itself where that is known."""
    lines = split_lines(text)
    problem = error.problem or "cannot be read"
    if (match := _CONTROL.search(text)) and "characters" in problem:
        line, column = _position(text, match.start())
        return find(
            INVALID_YAML,
            f"the control character U+{ord(match[0]):04X} is not allowed in YAML",
            Span(file, line, column, line, column + 1),
            help="delete it; in a double-quoted string it can be written as an escape",
        )
    mark = error.problem_mark or error.context_mark or ORIGIN
    start = error.context_mark or mark
    if "incompatible YAML document" in problem:
        return find(
            FORBIDDEN_YAML,
            "this is not the version of YAML that hubcfg reads",
            _line_span(file, lines, mark.line),
            help="remove the `%YAML` line, or write `%YAML 1.2`",
        )
    if slip := _find_tab(file, lines, mark):
        return slip
    if slip := _find_missing_space(file, lines, mark, start, problem):
        return slip
    if "mapping values are not allowed" in problem:
        return find(
            INVALID_YAML,
            "a `:` followed by a space begins a value, and there is one on this line already",
            _point(file, mark),
            help="put the whole text in quotes, or begin a new line for the new field",
        )
    if "could not find expected ':'" in problem:
        return find(
            INVALID_YAML,
            "this is neither a `key: value` nor part of a list",
            _line_span(file, lines, start.line),
            help="write `key: value`, or `- value` in a list, and check the indentation",
        )
    if "cannot start any token" in problem:
        character = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
        return find(
            INVALID_YAML,
            f"text can't begin with `{character}` unless it is quoted",
            _point(file, mark),
            help="put the text in quotes",
        )
    if "found unexpected end of stream" in problem and error.context_mark is not None:
        return find(
            INVALID_YAML,
            "a quote is opened here and never closed",
            _point(file, start),
            help="close it at the end of the text",
        )
    if "expected ',' or" in problem:
        closing = "]" if "]" in problem else "}"
        return find(
            INVALID_YAML,
            f"a `,` or `{closing}` is missing before this",
            _point(file, mark),
            help=f"separate the entries by `,` and close the list or map with `{closing}`",
        )
    if "did not find expected <document start>" in problem:
        return find(
            INVALID_YAML,
            "this does not belong to the document above it",
            _point(file, mark),
            help="check the indentation, or begin a new document with `---`",
        )
    if "expected <block end>" in problem or "expected '-' indicator" in problem or "expected key" in problem:
        return find(
            INVALID_YAML,
            "this does not fit the map or list that it stands in",
            _point(file, mark),
            help="check the indentation: entries of one map or list begin in the same column",
        )
    if isinstance(error, StrictError):
        return find(INVALID_YAML, problem, _point(file, mark), help=_advise_strict(problem))
    if isinstance(error, StrictError):
        return find(INVALID_YAML, problem, _point(file, mark), help=_advise_strict(problem))
    return find(
        INVALID_YAML,
        _own_words(problem),
        _point(file, mark),
        help="check quotes, brackets and indentation here and just above",
    )


def _find_tab(file: str, lines: list[str], mark: Mark) -> Finding | None:
    """A tab in the indentation of the line of the error, or of the one above it."""
    for number in (mark.line, mark.line - 1):
        if 0 <= number < len(lines):
            indentation = re.match(r"[ \t]*(?:-[ \t]+)*", lines[number])
            column = indentation[0].find("\t") if indentation else -1
            if column >= 0:
                span = Span(file, number + 1, column + 1, number + 1, column + 2)
                return find(
                    INVALID_YAML, "a tab can't be used for indentation", span, help="use spaces: two for each level"
                )
    return None


def _find_missing_space(file: str, lines: list[str], mark: Mark, start: Mark, problem: str) -> Finding | None:
    """A `key:value` on the line where the text that could not be read begins, or on the line above the error."""
    if "mapping values" not in problem and "could not find expected ':'" not in problem and "block end" not in problem:
        return None
    for number in dict.fromkeys((start.line, mark.line, mark.line - 1)):
        if not 0 <= number < len(lines):
            continue
        match = _MISSING_SPACE.match(lines[number])
        if match:
            span = Span(file, number + 1, match.start(1) + 1, number + 1, len(lines[number].rstrip()) + 1)
            return find(
                INVALID_YAML,
                f"a space is missing after `{match[1]}:`",
                span,
                help=f"write `{match[1]}: {match[2].strip()}`",
            )
    return None


def _advise_strict(problem: str) -> str:
    if problem == GLUED_COMMENT:
        return "put a space before the `#`, or quotes round the text if it is no comment"
    if "within `[]` or `{}`" in problem:
        return "indent it by two more spaces, the closing bracket as well; `hubcfg` reads YAML 1.2 to the letter here"
    if "quoted value" in problem:
        return "indent the line, or close the quote on the line above"
    return "check quotes, brackets and indentation here and just above"


def _own_words(problem: str) -> str:
    return "this is not YAML: " + problem.replace("did not find", "there is no").replace("\n", " ").rstrip(".")


def _position(text: str, index: int) -> tuple[int, int]:
    before = split_lines(text[:index])
    return len(before), len(before[-1]) + 1


def _point(file: str, mark: Mark) -> Span:
    return Span(file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)


def _line_span(file: str, lines: list[str], number: int) -> Span:
    line = lines[number] if number < len(lines) else ""
    first = len(line) - len(line.lstrip()) + 1
    return Span(file, number + 1, first, number + 1, max(len(line.rstrip()), first) + 1)
