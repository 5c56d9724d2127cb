"""Runs the rules; only what they let pass becomes a `Verified`, and only a `Verified` becomes bundles."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from hubcfg.checker.approvals import APPROVAL_RULES, check_approvals
from hubcfg.checker.ignores import apply_ignores
from hubcfg.checker.scope import OrgCheck, ProjectCheck
from hubcfg.core.finding import Finding
from hubcfg.core.registry import load_constants
from hubcfg.core.rule import Rule, Severity
from hubcfg.parser.comments import IgnoreComment
from hubcfg.parser.locating import finding_order
from hubcfg.parser.rules import RULES as LANGUAGE_RULES
from hubcfg.resolver.access import Access
from hubcfg.validator.config import Config, Project
from hubcfg.validator.rules import RULES as REFERENCE_RULES

_SEAL = object()


@dataclass(frozen=True, slots=True)
class Verified:
    """A configuration and its access, against which no error stands. Only `check_access` makes one.

    INVARIANT: the emitter takes nothing else, so there is no way from an unapproved sensitive grant to a bundle.
    """

    config: Config
    access: Access
    seal: object

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("only `check_access` makes a Verified")


@cache
def checker_rules() -> tuple[Rule, ...]:
    """Returns the rules that this stage checks, by name."""
    return tuple(load_constants("hubcfg.checker.rules", "RULE"))


@cache
def all_rules() -> tuple[Rule, ...]:
    """Returns every rule there is, in the order of the tables of docs/findings.md."""
    return (*LANGUAGE_RULES, *REFERENCE_RULES, *sorted(checker_rules(), key=_table_order), *APPROVAL_RULES)


def check_access(
    config: Config,
    access: Access,
    earlier: Iterable[Finding],
    locate: Callable[[Iterable[Finding]], list[Finding]],
    comments: Mapping[str, list[IgnoreComment]],
) -> tuple[Verified | None, list[Finding]]:
    """Checks the access of a configuration; `earlier` are the findings of the stages before.

    Returns every finding with its line, at the severity that the project gives it and without those that `comments`
    ignore, and a `Verified` where none is an error. A rule that raises stops the run: an unchecked grant must never
    look like a checked one.
    """
    orgs = [OrgCheck(config.project, org) for org in access.orgs.values()]
    findings = list(earlier)
    for org in orgs:
        findings += check_org(org)
    project = ProjectCheck(config, orgs)
    for rule in checker_rules():
        if rule.check_project is not None:
            findings += rule.check_project(project)
    findings = judge_findings(findings, config.project, locate, comments)
    if any(finding.severity is Severity.ERROR for finding in findings):
        return None, findings
    return Verified(config, access, _SEAL), findings


def judge_findings(
    findings: Iterable[Finding],
    project: Project | None,
    locate: Callable[[Iterable[Finding]], list[Finding]],
    comments: Mapping[str, list[IgnoreComment]],
) -> list[Finding]:
    """Returns the findings that are shown, with their lines: the project's `lint:` and the ignore comments applied."""
    linted = findings if project is None else _lint(findings, project)
    kept = apply_ignores(locate(linted), comments, all_rules())
    # Once more, for what the comments themselves gave rise to.
    shown = kept if project is None else _lint(kept, project)
    return sorted(shown, key=finding_order)


def check_org(org: OrgCheck) -> list[Finding]:
    """Returns what the rules find in one org."""
    findings: list[Finding] = []
    for rule in checker_rules():
        if rule.check is not None:
            findings += rule.check(org)
    return findings + list(check_approvals(org))


def _lint(findings: Iterable[Finding], project: Project) -> Iterator[Finding]:
    """Applies `lint:` of hubcfg.yaml; protected findings stay as they are."""
    for finding in findings:
        if finding.rule.is_protected:
            yield finding
        elif finding.name not in project.ignored:
            severity = project.severities.get(finding.name)
            yield finding if severity is None else replace(finding, severity=severity)


def _table_order(rule: Rule) -> int:
    return [*type(rule.table)].index(rule.table)
