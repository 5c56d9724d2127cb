"""The findings' documentation for people and programs: what each means, why it matters, an example, how to mend it."""

import inspect
import json
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from hubcfg.core.rule import Rule, Table
from hubcfg.views.colors import paint

FORMAT = "hubcfg.rules/1"

_SECTION = re.compile(r"^(Why|Example|Mend):[ \n]", re.MULTILINE)


def render_rules(format: str, rules: Sequence[Rule], *, use_color: bool = False) -> str:
    """Returns a list of all findings, by table, as text or JSON."""
    if format == "json":
        return _to_json(rules)
    width = max(len(rule.name) for rule in rules)
    tables = [*Table]
    blocks = []
    for table, members in groupby(sorted(rules, key=lambda rule: tables.index(rule.table)), lambda rule: rule.table):
        lines = [paint(table.value, "bold", use_color=use_color)]
        for rule in sorted(members, key=lambda rule: rule.name):
            severity = paint(rule.severity.value.ljust(7), rule.severity.value, use_color=use_color)
            lines.append(f"  {rule.name.ljust(width)}  {severity}  {rule.summary}")
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, "`hubcfg rules NAME` explains one of them"])


def render_rule(format: str, rule: Rule, *, use_color: bool = False) -> str:
    """Returns the documentation of one finding as text or JSON."""
    if format == "json":
        return _to_json([rule])
    title = paint(f"{rule.severity.value}[{rule.name}]", rule.severity.value, use_color=use_color)
    text = _SECTION.sub(
        lambda match: match[0].replace(match[1], paint(match[1], "bold", use_color=use_color)),
        inspect.cleandoc(rule.doc),
    )
    return f"{title} ({rule.table.value})\n\n{text}\n\n{_how_to_ignore(rule)}"


def rule_sections(rule: Rule) -> dict[str, str]:
    """Returns the parts of a finding's documentation: `meaning`, `why`, `example` and `mend`, as far as it has them."""
    meaning, *parts = _SECTION.split(inspect.cleandoc(rule.doc))
    sections = {"meaning": " ".join(meaning.split())}
    for head, body in zip(parts[::2], parts[1::2], strict=True):
        is_verbatim = head == "Example"
        sections[head.lower()] = inspect.cleandoc("\n" + body) if is_verbatim else " ".join(body.split())
    return sections


def _how_to_ignore(rule: Rule) -> str:
    if rule.is_protected:
        return "It can be neither ignored nor lowered."
    return (
        f"To accept it on one line, write `# hubcfg: ignore[{rule.name}] REASON` at the end of that line; for the whole\n"
        "project, list it under `lint:` in hubcfg.yaml, in `ignore` or with another level in `severity`."
    )


def _to_json(rules: Iterable[Rule]) -> str:
    return json.dumps({"format": FORMAT, "rules": [_record(rule) for rule in rules]}, ensure_ascii=False, indent=2)


def _record(rule: Rule) -> dict[str, Any]:
    sections = rule_sections(rule)
    return {
        "name": rule.name,
        "table": rule.table.value,
        "severity": rule.severity.value,
        "can_be_ignored": not rule.is_protected,
        **{part: sections.get(part) for part in ("meaning", "why", "example", "mend")},
    }
