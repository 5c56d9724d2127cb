"""What became of each approval: whether it counts, why not, and whether anything of it is used."""

from msgspec import Struct

from hubcfg.checker.approvals.approval import NAMESPACE, Approval, bind_approval, payload_of
from hubcfg.checker.approvals.check import ApprovalReport
from hubcfg.checker.signatures.faults import Fault
from hubcfg.checker.signatures.sshsig import verify_signature
from hubcfg.core.instants import Instant
from hubcfg.core.places import Place
from hubcfg.validator.config import Config


class ApprovalStatus(Struct, frozen=True):
    """One approval and its verdict; `end` is None where it does not count.

    `key` is the fingerprint of the key that made the signature; None where the signature is not one over this text.
    """

    approval: Approval
    end: Instant | None
    faults: tuple[str, ...]
    is_used: bool
    is_standing: bool
    key: str | None

    @property
    def counts(self) -> bool:
        """Whether the approval counts."""
        return self.end is not None


def read_statuses(config: Config, report: ApprovalReport) -> list[ApprovalStatus]:
    """Returns the status of every approval of the tree, the newest last."""
    ends = {one.approval.id: one.end for one in report.judged.valid}
    statuses = []
    for document in config.approvals:
        approval = bind_approval(document)
        faults = tuple(
            finding.message
            for finding in report.judged.findings
            if isinstance(finding.place, Place)
            and (finding.place.file, finding.place.document) == (document.file, document.index)
        )
        statuses.append(
            ApprovalStatus(
                approval,
                ends.get(approval.id),
                faults,
                approval.id in report.coverage.used,
                report.base.is_standing(document),
                _find_key(approval),
            )
        )
    return sorted(statuses, key=lambda status: (status.approval.approved_at or 0, status.approval.id))


def _find_key(approval: Approval) -> str | None:
    value = approval.document.value
    assert isinstance(value, dict)
    key = verify_signature(approval.signature, payload_of(value), NAMESPACE)
    return None if isinstance(key, Fault) else key.fingerprint
