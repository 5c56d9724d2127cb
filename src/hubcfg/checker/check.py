"""Runs the rules; only what they let pass becomes a `Verified`, and only a `Verified` becomes bundles."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from hubcfg.checker.approvals.base import Base, TrustFiles, all_separations
from hubcfg.checker.approvals.check import (
    ApprovalReport,
    PartApprovals,
    check_approvals,
    check_part_approvals,
    join_approvals,
)
from hubcfg.checker.approvals.judge import ValidApproval
from hubcfg.checker.approvals.rules import RULES as APPROVAL_RULES
from hubcfg.checker.deployment_rules import RULES as DEPLOYMENT_RULES
from hubcfg.checker.ignores import apply_ignores
from hubcfg.checker.memory import OrgMemory
from hubcfg.checker.rules.invalid_ignore import RULE as INVALID_IGNORE
from hubcfg.checker.scope import OrgCheck, ProjectCheck
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.progress import Progress, counted, silent
from hubcfg.core.registry import load_constants
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.parser.comments import IgnoreComment
from hubcfg.parser.locating import finding_order
from hubcfg.parser.rules import RULES as LANGUAGE_RULES
from hubcfg.resolver.access import Access, OrgAccess
from hubcfg.validator.config import Config, Project
from hubcfg.validator.rules import RULES as REFERENCE_RULES

_SEAL = object()


class Verified(Struct, frozen=True):
    """A configuration and its access, against which no error stands. Only this module's checks make one.

    `left_out` are orgs against which something stands, with what that is; they are not in `access`.

    INVARIANT: the emitter takes nothing else, so there is no way from an unapproved sensitive grant to a bundle.
    """

    config: Config
    access: Access
    approvals: ApprovalReport
    seal: object
    left_out: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("only the checks make a Verified")


@cache
def checker_rules() -> tuple[Rule, ...]:
    """Returns the rules that this stage checks, by name."""
    return tuple(load_constants("hubcfg.checker.rules", "RULE"))


@cache
def all_rules() -> tuple[Rule, ...]:
    """Returns every rule there is, in the order of the tables of docs/findings.md."""
    checked = sorted(checker_rules(), key=_table_order)
    return (*LANGUAGE_RULES, *REFERENCE_RULES, *checked, *APPROVAL_RULES, *DEPLOYMENT_RULES)


def check_access(
    config: Config,
    access: Access,
    base: Base | None,
    files: TrustFiles,
    earlier: Iterable[Finding],
    locate: Callable[[Iterable[Finding]], list[Finding]],
    comments: Mapping[str, list[IgnoreComment]],
    *,
    hygiene: bool = True,
    by_org: bool = False,
    progress: Progress = silent,
    memory: OrgMemory | None = None,
) -> tuple[Verified | None, ApprovalReport | None, list[Finding]]:
    """Checks the access of a configuration. What a `memory` knows of an org is not looked for again.

    With `by_org` errors of approvals and of separation of duties leave out the orgs that they stand against, and what is left
    may be verified all the same (docs/deployment.md, "What apply refuses"). Without `hygiene` the rules of the table Policy and hygiene are left out, for commands that only look; then there is no
    `Verified` either.

    `base` is what approvals are judged by; None where one is needed and cannot be had, which one of the `earlier` findings
    then says. `files` are the tree's signers and revoked files; `earlier` are the findings of the stages before.

    Returns a `Verified` where no finding is an error, the report on approvals, and every finding with its line, at the
    severity that the project gives it and without those that `comments` ignore. A rule that raises stops the run: an
    unchecked grant must never look like a checked one.
    """
    orgs, rules = _begin_checks(config, access, base), _rules_of(hygiene=hygiene)
    findings = list(earlier)
    facts = []
    for org in counted(orgs, progress, "checking orgs", len(orgs)):
        found, told = look_at_org(org, rules, memory if hygiene else None)
        findings += found
        facts.append(told)
    findings += check_whole(config, orgs, facts, rules)
    report = (
        check_approvals(config, orgs, base, files, access.instant, memory if hygiene else None)
        if base is not None
        else None
    )
    findings += report.findings if report is not None else ()
    findings = judge_findings(findings, config.project, locate, comments)
    left_out = _find_left_out(findings, by_org=by_org)
    if not hygiene or report is None or left_out is None:
        return None, report, findings
    rested = rest_on_approvals(access, report)
    kept = Access(rested.instant, {id: org for id, org in rested.orgs.items() if id not in left_out})
    return Verified(config, kept, report, _SEAL, left_out), report, findings


class PartCheck(Struct, frozen=True):
    """What an org came to that was checked by itself: what rules found, and what those about the whole project need to know.

    `report` and `approvals` are None where there is no base.
    """

    findings: list[Finding]
    facts: list[dict[str, Any]]
    report: ApprovalReport | None
    approvals: PartApprovals | None


def check_part(
    config: Config, access: Access, base: Base | None, files: TrustFiles, others: list[ValidApproval], *, hygiene: bool
) -> PartCheck:
    """Does the part of `check_access` that is about single orgs; `others` are valid approvals of other orgs that name this one."""
    orgs, rules = _begin_checks(config, access, base), _rules_of(hygiene=hygiene)
    looked = [look_at_org(org, rules) for org in orgs]
    findings, facts = [one for found, _ in looked for one in found], [told for _, told in looked]
    if base is None:
        return PartCheck(findings, facts, None, None)
    report, approvals = check_part_approvals(config, orgs, base, files, access.instant, others)
    return PartCheck(findings, facts, report, approvals)


def verify_part(
    config: Config,
    access: Access,
    report: ApprovalReport | None,
    findings: Iterable[Finding],
    comments: Mapping[str, list[IgnoreComment]],
) -> Verified | None:
    """Returns a `Verified` of an org by itself where none of its findings, which have their lines, is an error.

    What is emitted of it must not be seen before `check_parts` has verified the project as a whole.
    """
    kept = apply_ignores(_lint(findings, config.project), comments, ())
    faults = [one for one in kept if one.severity is Severity.ERROR and one.rule is not INVALID_IGNORE]
    if report is None or faults:
        return None
    return Verified(config, rest_on_approvals(access, report), report, _SEAL)


def check_parts(
    config: Config,
    instant: Instant,
    base: Base | None,
    files: TrustFiles,
    earlier: Iterable[Finding],
    facts: Sequence[Mapping[str, Any]],
    approvals: Mapping[str, PartApprovals],
    locate: Callable[[Iterable[Finding]], list[Finding]],
    comments: Mapping[str, list[IgnoreComment]],
    *,
    hygiene: bool,
) -> tuple[Verified | None, list[Finding]]:
    """Does the rest of `check_access` for a project whose orgs have been checked by themselves.

    `earlier` are also the findings of the orgs, `facts` and `approvals` what else came of them. The `Verified`, where no finding of
    all is an error, has no access: that of the orgs has been emitted where they were checked.
    """
    access = Access(instant, {id: OrgAccess(org, instant, {}) for id, org in config.orgs.items()})
    findings = [*earlier, *check_whole(config, _begin_checks(config, access, None), facts, _rules_of(hygiene=hygiene))]
    report = join_approvals(config, base, files, instant, approvals) if base is not None else None
    findings += report.findings if report is not None else ()
    findings = judge_findings(findings, config.project, locate, comments)
    if report is None or any(one.severity is Severity.ERROR for one in findings):
        return None, findings
    return Verified(config, Access(instant, {}), report, _SEAL), findings


def _begin_checks(config: Config, access: Access, base: Base | None) -> list[OrgCheck]:
    separations = all_separations(base, config) if base is not None else config.project.separations
    return [
        OrgCheck(
            config.project,
            one,
            base.org(one.org.id) if base is not None and not base.is_tree else None,
            separations,
        )
        for one in access.orgs.values()
    ]  # fmt: skip


def _rules_of(*, hygiene: bool) -> list[Rule]:
    return [rule for rule in checker_rules() if hygiene or rule.is_protected]


def _find_left_out(findings: Iterable[Finding], *, by_org: bool) -> dict[str, tuple[Finding, ...]] | None:
    """Returns the orgs that errors leave out, with those errors; None where some error stands against everything."""
    left_out: dict[str, tuple[Finding, ...]] = {}
    for finding in findings:
        if finding.severity is not Severity.ERROR:
            continue
        if not by_org or finding.orgs is None or not _is_of_one_org(finding.rule):
            return None
        for org in finding.orgs:
            left_out[org] = (*left_out.get(org, ()), finding)
    return left_out


def _is_of_one_org(rule: Rule) -> bool:
    """Whether a finding holds up only the org that it is about: one lapsed approval must not stop everybody's revocations."""
    return rule.table is Table.APPROVALS or rule.name == "separation-of-duties"


def rest_on_approvals(access: Access, report: ApprovalReport) -> Access:
    """Returns the access with the ends of the approvals that it rests on."""
    orgs = {id: replace(org, approved=report.ends.get(id, {})) for id, org in access.orgs.items()}
    return Access(access.instant, orgs)


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


def look_at_org(
    org: OrgCheck, rules: Sequence[Rule], memory: OrgMemory | None = None
) -> tuple[list[Finding], dict[str, Any]]:
    """Returns what the rules find in one org, unless a `memory` knows it, and what those about the project need to know of it."""
    findings = memory.recall(org, rules) if memory is not None else None
    if findings is None:
        findings = check_org(org, rules)
        if memory is not None:
            memory.keep(org, findings)
    facts = gather_facts(org, rules)
    # It refers to the org's check, and nobody looks for cycles: what is left here is left in memory.
    org.memo.clear()
    return findings, facts


def check_org(org: OrgCheck, rules: Iterable[Rule]) -> list[Finding]:
    """Returns what the rules find in one org."""
    findings: list[Finding] = []
    for rule in rules:
        if rule.check is not None:
            findings += (finding.of(org.org.id) for finding in rule.check(org))
    return findings


def gather_facts(org: OrgCheck, rules: Iterable[Rule]) -> dict[str, Any]:
    """Returns what rules about the whole project need to know of one org, by their names."""
    return {rule.name: rule.gather(org) for rule in rules if rule.gather is not None}


def check_whole(
    config: Config, orgs: list[OrgCheck], facts: Sequence[Mapping[str, Any]], rules: Sequence[Rule]
) -> Iterator[Finding]:
    """Yields what the rules find in the project as a whole; `facts` are what has been gathered from each org."""
    gathered = {rule.name: [one[rule.name] for one in facts] for rule in rules if rule.gather is not None}
    project = ProjectCheck(config, orgs, gathered)
    for rule in rules:
        if rule.check_project is not None:
            yield from rule.check_project(project)


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
