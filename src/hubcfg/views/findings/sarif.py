"""Findings as SARIF 2.1.0, which GitHub's code scanning and other viewers of static analysis read.

Only the rules that occur are described. Nothing depends on the machine: files are relative to the repository's top, which
`%SRCROOT%` stands for.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from hubcfg import __version__
from hubcfg.core.finding import Finding, Fix
from hubcfg.core.places import AnyPlace, Span
from hubcfg.core.rule import Rule, Severity
from hubcfg.parser.editing import line_starts, plan_replacements
from hubcfg.views.findings import Surroundings
from hubcfg.views.findings._common import (
    SHOWN_RELATED,
    address,
    clean,
    fingerprints,
    is_fileless,
    repository_path,
    span_of,
)
from hubcfg.views.rules import rule_sections

PROJECT_PAGE = "https://github.com/hubcfg/hubcfg"
# Not GitHub's own `primaryLocationLineHash`: its uploader warns of each value there that it did not make itself.
FINGERPRINT = "hubcfgFinding/v1"
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
# Python has a byte of a file name that is not UTF-8 as one of the surrogates that are left out here.
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def render_sarif(findings: Sequence[Finding], surroundings: Surroundings) -> str:
    """Returns one JSON document with one run."""
    rules = sorted({finding.name: finding.rule for finding in findings}.values(), key=lambda rule: rule.name)
    indexes = {rule.name: index for index, rule in enumerate(rules)}
    writer = _Writer(surroundings)
    results = [
        {"ruleId": finding.name, "ruleIndex": indexes[finding.name], **writer.result(finding, key)}
        for finding, key in zip(findings, fingerprints(findings, surroundings), strict=True)
    ]
    driver = {
        "name": "hubcfg",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": PROJECT_PAGE,
        "rules": [render_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        # Two projects of one repository are two analyses: neither replaces the other's results.
        "automationDetails": {"id": f"hubcfg/{clean(surroundings.prefix)}"},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The top of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


class _Writer:
    def __init__(self, surroundings: Surroundings) -> None:
        self._read = surroundings.read
        self._prefix = surroundings.prefix
        self._sources: dict[str, tuple[str, list[int]]] = {}

    def result(self, finding: Finding, fingerprint: str) -> dict[str, Any]:
        """Returns a result, but for its rule."""
        related = [
            {"id": number, **self._location(one.place), "message": _message(one.message)}
            for number, one in enumerate(finding.related, 1)
        ]
        fix = None if finding.fix is None else self._fix(finding.fix)
        return {
            "level": _LEVELS[finding.severity],
            "message": {"text": self._text(finding)},
            "locations": [self._location(finding.place)],
            **({"relatedLocations": related} if related else {}),
            "partialFingerprints": {FINGERPRINT: fingerprint},
            **({"fixes": [fix]} if fix is not None else {}),
        }

    def _text(self, finding: Finding) -> str:
        """Returns the message, links to the first related places (others are not shown by GitHub) and the help."""
        lines = [_plain(finding.message)]
        for number, one in enumerate(finding.related[:SHOWN_RELATED], 1):
            name = re.sub(r"([\[\]\\])", r"\\\1", _plain(address(one.place, self._prefix)))
            lines.append(f"note: {_plain(one.message)}: [{name}]({number})")
        if len(finding.related) > SHOWN_RELATED:
            lines.append(f"note: and {len(finding.related) - SHOWN_RELATED} more places")
        if finding.help:
            lines.append(f"help: {_plain(finding.help)}")
        return "\n".join(lines)

    def _location(self, place: AnyPlace) -> dict[str, Any]:
        # A viewer must have a line to show a result at; what is wrong with a whole file is shown at its beginning.
        region = _region(span_of(place)) if span_of(place).line else {"startLine": 1}
        return {"physicalLocation": {"artifactLocation": self._artifact(place), "region": region}}

    def _artifact(self, place: AnyPlace) -> dict[str, Any]:
        path = repository_path(place, "") if is_fileless(place) else span_of(place).file
        escaped = quote(_NO_BYTE.sub("�", self._prefix + path), errors="surrogateescape")
        return {"uri": escaped, "uriBaseId": _ROOT}

    def _fix(self, fix: Fix) -> dict[str, Any] | None:
        """Returns a fix as replacements of text; None where one of its edits cannot be made."""
        changes: list[dict[str, Any]] = []
        for file in dict.fromkeys(span_of(edit.place).file for edit in fix.edits):
            text, bounds = self._source(file)
            edits = [edit for edit in fix.edits if span_of(edit.place).file == file]
            planned = plan_replacements(text, edits, bounds)
            # Without a line break at its end the end of a text begins no line.
            starts = bounds if text.endswith(("\n", "\r")) else bounds[:-1] or bounds
            if not planned:
                return None
            replacements = [
                {
                    "deletedRegion": _region(Span(file, *_locate(starts, start), *_locate(starts, end))),
                    **({"insertedContent": {"text": clean(replacement)}} if replacement else {}),
                }
                for start, end, replacement in planned
            ]
            changes.append({"artifactLocation": self._artifact(Span(file)), "replacements": replacements})
        return {"description": _message(fix.title), "artifactChanges": changes}

    def _source(self, file: str) -> tuple[str, list[int]]:
        """Returns the text of a file and its `line_starts`; read once, for there may be thousands of fixes in it."""
        if file not in self._sources:
            text = self._read(file) or ""
            self._sources[file] = text, line_starts(text)
        return self._sources[file]


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _locate(starts: Sequence[int], position: int) -> tuple[int, int]:
    """Returns the line and column of a character."""
    line = bisect_right(starts, position)
    return line, position - starts[line - 1] + 1


def _message(text: str) -> dict[str, str]:
    return {"text": _plain(text)}


def _plain(text: str) -> str:
    """Returns text in which no viewer sees a link: the words of a file must not lead anybody anywhere."""
    return clean(text).replace("](", "] (")


def render_rule(rule: Rule) -> dict[str, Any]:
    """Returns a rule with its documentation."""
    sections = rule_sections(rule)
    meaning, why, example, mend = (sections.get(part, "") for part in ("meaning", "why", "example", "mend"))
    text = [meaning, f"Why: {why}", f"Example:\n{example}", f"Mend: {mend}"]
    markdown = [meaning, f"**Why:** {why}", f"**Example:**\n\n```text\n{example}\n```", f"**Mend:** {mend}"]
    return {
        "id": rule.name,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": f"{meaning} {_sentence(why)}"},
        "help": {"text": "\n\n".join(text), "markdown": "\n\n".join(markdown)},
        "helpUri": f"{PROJECT_PAGE}/blob/main/docs/findings.md#{rule.name}",
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["permissions", rule.table.value.lower()],
            "precision": "very-high",
            "problem.severity": _PROBLEMS[rule.severity],
        },
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


RENDER = render_sarif
