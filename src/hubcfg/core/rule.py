"""Rules: the names, severities and documentation of findings."""

from collections.abc import Callable
from enum import Enum
from typing import Any

from msgspec import Struct


class Severity(Enum):
    """How bad a finding is; errors keep bundles from being made."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Table(Enum):
    """The family a rule belongs to, as docs/findings.md groups them."""

    LANGUAGE = "Language"
    REFERENCES = "References"
    PLATFORM = "Platform rules"
    APPROVALS = "Approvals"
    POLICY = "Policy and hygiene"
    DEPLOYMENT = "Deployment"


class Rule(Struct, frozen=True):
    """One kind of finding.

    `doc` is its documentation: a first line that says what it means, then paragraphs headed `Why:`, `Example:`
    and `Mend:`. `check` and `check_project`, for the checker's rules, take an org or the project and yield findings;
    findings of the earlier stages are made where they are noticed, and have neither. `gather` returns what `check_project` needs to
    know of one org: a small value that another process can hand over.
    """

    name: str
    table: Table
    doc: str
    severity: Severity = Severity.ERROR
    check: Callable[..., Any] | None = None
    check_project: Callable[..., Any] | None = None
    gather: Callable[..., Any] | None = None

    @property
    def is_protected(self) -> bool:
        """Whether the finding can be neither ignored nor lowered (docs/findings.md, "Ignoring a finding")."""
        return self.table is not Table.POLICY or self.name == "separation-of-duties"

    @property
    def summary(self) -> str:
        """The first line of the documentation: what the finding means."""
        return self.doc.strip().splitlines()[0]
