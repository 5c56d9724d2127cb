"""Approvals as typed values, and the payload that their signatures cover."""

from typing import TypeAlias

from msgspec import Struct

from hubcfg.core.canonical import canonical_json
from hubcfg.core.instants import DAY, Instant, parse_instant
from hubcfg.parser.document import Document, Value, as_list

NAMESPACE = "hubcfg-approval"

# The clients that something is approved for; `all` is the word itself, which also takes in clients to come.
ApprovedScope: TypeAlias = frozenset[str] | str
ALL = "all"


class ApprovedGrant(Struct, frozen=True):
    """What one user may hold by an approval: permissions, or a platform role. `clients` is None where none are named."""

    index: int
    user: str
    uid: str | None
    permissions: tuple[str, ...]
    role: str | None
    clients: ApprovedScope | None


class ApprovedChange(Struct, frozen=True):
    """One change beyond grants; `value` is the entry as written."""

    index: int
    kind: str
    value: dict[str, Value]


class Approval(Struct, frozen=True, eq=False):
    """An Approval document that fits its schema. `approved_at` and `expires` are None where they are not instants."""

    id: str
    document: Document
    project: str
    org: str
    approver: str
    approved_at: Instant | None
    expires: Instant | None
    has_expiry: bool
    reason: str
    ticket: str | None
    grants: tuple[ApprovedGrant, ...]
    changes: tuple[ApprovedChange, ...]
    signature: str

    def end(self, max_age_days: int) -> Instant:
        """Returns when the approval ends: at `expires`, and never later than `max_age_days` after it was given."""
        assert self.approved_at is not None
        latest = Instant(self.approved_at + max_age_days * DAY)
        return latest if self.expires is None else min(self.expires, latest)


def bind_approval(document: Document) -> Approval:
    """Returns the approval of a document that fits its schema."""
    raw = document.value
    assert isinstance(raw, dict)
    expires = raw.get("expires")
    ticket = raw.get("ticket")
    return Approval(
        id=str(raw["id"]),
        document=document,
        project=str(raw["project"]),
        org=str(raw["org"]),
        approver=str(raw["approver"]),
        approved_at=parse_instant(str(raw["approved_at"])),
        expires=parse_instant(expires, end_of_day=True) if isinstance(expires, str) else None,
        has_expiry="expires" in raw,
        reason=str(raw["reason"]),
        ticket=ticket if isinstance(ticket, str) else None,
        grants=tuple(_bind_grant(index, part) for index, part in enumerate(as_list(raw.get("grants")))),
        changes=tuple(_bind_change(index, part) for index, part in enumerate(as_list(raw.get("changes")))),
        signature=str(raw["signature"]),
    )


def payload_of(value: dict[str, Value]) -> bytes:
    """Returns what the signature of an Approval document covers: its canonical JSON without `signature`."""
    return canonical_json({key: part for key, part in value.items() if key != "signature"})


def covers_scope(approved: ApprovedScope, wanted: ApprovedScope) -> bool:
    """Whether what is approved takes in a scope; only `all` takes in `all`, however many clients are listed."""
    if approved == ALL:
        return True
    return wanted != ALL and frozenset(wanted) <= frozenset(approved)


def _bind_grant(index: int, raw: Value) -> ApprovedGrant:
    assert isinstance(raw, dict)
    uid, role, clients = raw.get("uid"), raw.get("role"), raw.get("clients")
    scope: ApprovedScope | None = None
    if clients == ALL:
        scope = ALL
    elif isinstance(clients, list):
        scope = frozenset(map(str, clients))
    return ApprovedGrant(
        index,
        str(raw["user"]),
        uid if isinstance(uid, str) else None,
        tuple(map(str, as_list(raw.get("permissions")))),
        role if isinstance(role, str) else None,
        scope,
    )


def _bind_change(index: int, raw: Value) -> ApprovedChange:
    assert isinstance(raw, dict)
    return ApprovedChange(index, str(raw["change"]), raw)
