"""Checks a project's approvals against its trusted base."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from hubcfg.checker.approvals.approval import bind_approval
from hubcfg.checker.approvals.base import Base, TrustFiles
from hubcfg.checker.approvals.changes import check_trust
from hubcfg.checker.approvals.cover import Coverage
from hubcfg.checker.approvals.ends import UserEnds, find_ends, last_by_age
from hubcfg.checker.approvals.judge import Judged, ValidApproval, judge_approvals
from hubcfg.checker.approvals.outstanding import OrgApprovals
from hubcfg.checker.approvals.rules import NO_TRUSTED_BASE, UNUSED_APPROVAL
from hubcfg.checker.memory import OrgMemory
from hubcfg.checker.scope import OrgCheck
from hubcfg.checker.signatures.faults import FileFault
from hubcfg.checker.signatures.revoked import parse_revoked
from hubcfg.checker.signatures.signers import parse_signers
from hubcfg.core.finding import Finding, find
from hubcfg.core.instants import Instant
from hubcfg.core.rule import Severity
from hubcfg.parser.document import Document, Value
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.validator.config import Config


class ApprovalReport(Struct):
    """What the check of approvals came to: findings, what is missing in each org, and when what is approved ends.

    `files` are the tree's trust files, which an approval of a trust change signs for.
    """

    base: Base
    judged: Judged
    files: TrustFiles
    coverage: Coverage
    findings: list[Finding] = field(default_factory=list)
    orgs: dict[str, OrgApprovals] = field(default_factory=dict)
    ends: dict[str, UserEnds] = field(default_factory=dict)


def check_approvals(
    config: Config,
    orgs: Iterable[OrgCheck],
    base: Base,
    files: TrustFiles,
    instant: Instant,
    memory: OrgMemory | None = None,
) -> ApprovalReport:
    """Judges the approvals of the tree, and compares them with what needs one; `files` are the tree's trust files.

    Orgs are left aside of which a `memory` knows that they need none.
    """
    judged = judge_approvals(config, base, instant)
    report = ApprovalReport(base, judged, files, Coverage(judged.valid), list(judged.findings))
    report.findings += find_base_faults(config, base, files)
    report.findings += check_orgs(report, config, orgs, memory)
    report.findings += find_leftovers(report, config)
    return report


class PartApprovals(Struct, frozen=True):
    """What the approvals for one org came to where it was checked by itself.

    `judged` is what is wrong with them, `missing` what lacks one; `valid` are the ids of those that count, with their ends; `used`
    are the ids of what was used, be it for this org; `roots` are the root holders that the org has in the base.
    """

    judged: list[Finding]
    missing: list[Finding]
    valid: dict[str, Instant]
    used: frozenset[str]
    roots: tuple[str, ...]


def check_part_approvals(
    config: Config,
    orgs: Iterable[OrgCheck],
    base: Base,
    files: TrustFiles,
    instant: Instant,
    others: list[ValidApproval],
) -> tuple[ApprovalReport, PartApprovals]:
    """Does what `check_approvals` does for orgs alone, of which there is at most one.

    `others` are valid approvals that were given elsewhere and approve that there is this org.
    """
    judged = judge_approvals(config, base, instant)
    valid = {one.approval.id: one.end for one in judged.valid}
    judged = replace(judged, valid=[*judged.valid, *others])
    report = ApprovalReport(base, judged, files, Coverage(judged.valid))
    report.findings += check_orgs(report, config, orgs)
    roots = [root for id in base.config.orgs for root in base.root_holders(id)] if base.roots is None else []
    return report, PartApprovals(judged.findings, report.findings, valid, frozenset(report.coverage.used), tuple(roots))


def join_approvals(
    config: Config, base: Base, files: TrustFiles, instant: Instant, parts: Mapping[str, PartApprovals]
) -> ApprovalReport:
    """Returns the report on a project whose orgs have been checked by themselves; `parts` are what that came to, by org."""
    elsewhere = [one for one in config.approvals if _org_of(one) not in parts]
    judged = judge_approvals(replace(config, approvals=tuple(elsewhere)), base, instant)
    ends = {one.approval.id: one.end for one in judged.valid}
    for part in parts.values():
        ends |= part.valid
        judged.findings.extend(part.judged)
    bound = [bind_approval(document) for document in config.approvals]
    valid = [ValidApproval(approval, ends[approval.id]) for approval in bound if approval.id in ends]
    report = ApprovalReport(base, replace(judged, valid=valid), files, Coverage(valid), list(judged.findings))
    report.coverage.used.update(*(part.used for part in parts.values()))
    report.findings += find_base_faults(config, base, files)
    for part in parts.values():
        report.findings += part.missing
    report.findings += find_leftovers(report, config)
    return report


def _org_of(document: Document) -> Value:
    return document.value.get("org") if isinstance(document.value, dict) else None


def find_base_faults(config: Config, base: Base, files: TrustFiles) -> list[Finding]:
    """Returns what is wrong with the tree's trust files, and that there is no base, where there is none."""
    findings = _check_files(files)
    if base.is_tree:
        findings.append(
            find(NO_TRUSTED_BASE, f"approvals are judged by {base.label}, not by a revision that has landed",
                 config.project.document.first_key(), severity=Severity.INFO,
                 help="commit the project to Git, or name a revision with `--base`")
        )  # fmt: skip
    return findings


def check_orgs(
    report: ApprovalReport, config: Config, orgs: Iterable[OrgCheck], memory: OrgMemory | None = None
) -> Iterator[Finding]:
    """Yields what is missing an approval in some orgs; adds to the report what that is, and when what is approved ends."""
    lasting = last_by_age(report.judged.valid, config.project.approvals.max_age_days)
    approved = {_org_of(document) for document in config.approvals}
    for check in orgs:
        approvals = report.orgs[check.org.id] = OrgApprovals(
            check, report.base, report.coverage, report.judged.approvers
        )
        # What has no approval and needs none rests on none.
        is_alone = memory is not None and check.org.id not in approved and check.is_as_before
        if is_alone and memory is not None and memory.is_quiet(check):
            report.ends[check.org.id] = {}
            continue
        findings = [finding.of(check.org.id) for finding in approvals.check()]
        report.ends[check.org.id] = find_ends(check, lasting)
        if is_alone and memory is not None and not (findings or approvals.missing or approvals.has_items):
            memory.keep_quiet(check)
        yield from findings


def find_leftovers(report: ApprovalReport, config: Config) -> Iterator[Finding]:
    """Yields the trust settings that nobody has approved, and then the valid approvals that are of no use to anything."""
    yield from check_trust(config, report.files, report.base, report.coverage)
    for one in report.judged.valid:
        if one.approval.id not in report.coverage.used and not config.is_partial:
            yield find(UNUSED_APPROVAL, f"nothing of the approval `{one.approval.id}` is used any more",
                       one.approval.document.place("id"), help="remove the file; Git keeps it for the auditor")  # fmt: skip


def _check_files(files: TrustFiles) -> list[Finding]:
    """Returns the lines of the tree's signers and revoked files that would not count once they have landed."""
    faults: list[FileFault] = []
    if files.signers is not None and files.signers_path is not None:
        faults += parse_signers(files.signers, files.signers_path).faults
    if files.revoked is not None and files.revoked_path is not None:
        faults += parse_revoked(files.revoked, files.revoked_path).faults
    return [find(SCHEMA_VIOLATION, one.fault.message, one.place, help=one.fault.help) for one in faults]
