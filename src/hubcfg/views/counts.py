"""Counts in words."""

from collections import Counter
from collections.abc import Iterable

from hubcfg.core.finding import Finding
from hubcfg.core.rule import Severity


def count_findings(findings: Iterable[Finding]) -> dict[str, int]:
    """Returns how many findings there are of each severity."""
    counted = Counter(finding.severity for finding in findings)
    return {severity.value: counted[severity] for severity in Severity}


def number(count: int, noun: str, plural: str | None = None) -> str:
    """Returns `1 user`, `2 users`, `1,234 users`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def join_words(words: list[str], last: str = "and") -> str:
    """Returns `a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""
