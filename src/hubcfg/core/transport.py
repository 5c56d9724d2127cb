"""Findings as plain tuples, which other processes hand over several times faster than objects."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from hubcfg.core.finding import Edit, EditAction, Finding, Fix, Related
from hubcfg.core.places import AnyPlace, Part, Place, Span
from hubcfg.core.rule import Rule, Severity

# Plain values only, as `marshal` takes them.
Packed: TypeAlias = tuple[Any, ...]


def pack_finding(finding: Finding) -> Packed:
    """Returns a finding as a tuple of plain values."""
    fix = finding.fix
    return (
        finding.rule.name,
        finding.message,
        _pack_place(finding.place),
        finding.help,
        [(one.message, _pack_place(one.place)) for one in finding.related],
        None
        if fix is None
        else (fix.title, [(_pack_place(edit.place), edit.action.value, edit.text) for edit in fix.edits]),
        finding.severity.value,
        finding.path,
        finding.orgs,
    )


def unpack_findings(packed: Iterable[Packed], rules: Mapping[str, Rule]) -> list[Finding]:
    """Returns the findings that were packed; `rules` are all there are, by name."""
    severities = {severity.value: severity for severity in Severity}
    return [
        Finding(
            rules[name],
            message,
            _unpack_place(place),
            help,
            tuple([Related(words, _unpack_place(where)) for words, where in related]),
            None
            if fix is None
            else Fix(fix[0], tuple(Edit(_unpack_place(at), EditAction(action), text) for at, action, text in fix[1])),
            severities[severity],
            path,
            orgs,
        )
        for name, message, place, help, related, fix, severity, path, orgs in packed
    ]


def _pack_place(place: AnyPlace) -> Packed:
    if isinstance(place, Span):
        return place.file, place.line, place.column, place.end_line, place.end_column
    return place.file, place.document, place.path, place.part.value


def _unpack_place(packed: Packed) -> AnyPlace:
    if len(packed) == 5:
        return Span(*packed)
    file, document, path, part = packed
    return Place(file, document, path, Part(part))
