"""Remembers what the rules found in single orgs, for runs in which nothing that they looked at has changed.

What counts for an org is told by a digest of all the documents that it can see, of what the base says of its holders, and of
the separations of duties; and where anything in it begins or ends some day, by the time at which it was looked at.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding
from hubcfg.core.instants import BEGINNING, DAY, END, Instant
from hubcfg.core.rule import Rule
from hubcfg.core.transport import Packed, pack_finding, unpack_findings
from hubcfg.platforms.grants import Grants
from hubcfg.validator.config import Entry, Org, ProductEntry

# Of an org: the digest of its documents, that of all that its findings rest on, the instants between which they stand (both
# exclusive; None for no limit), whether nothing in it needs an approval, the findings, and the hex SHA-256 of its bundles by
# audience, where they have been made and nothing needs an approval.
Remembered = tuple[bytes, bytes, int | None, int | None, bool, list[Packed], dict[str, str] | None]


def find_verified(documents: Mapping[str, bytes], remembered: Mapping[str, Remembered]) -> set[str]:
    """Returns the orgs that say what they said when the validator found nothing wrong with them."""
    return {org for org, told in documents.items() if org in remembered and remembered[org][0] == told}


class OrgMemory:
    """What was found in the orgs of a project; `documents` are digests of the documents that an org can see, where known.

    It is of these `orgs` and no others: there may be other ones of the same id, such as those of the base.
    """

    def __init__(
        self, documents: Mapping[str, bytes], remembered: Mapping[str, Remembered], orgs: Mapping[str, Org]
    ) -> None:
        self._orgs = orgs
        self._documents = documents
        self._remembered = remembered
        self._found: dict[str, tuple[OrgCheck, list[Finding]]] = {}
        self._quiet: set[str] = set()
        self._timeless: set[str] = set()
        self._hashes: dict[str, dict[str, str]] = {}
        self._emitted = 0

    def recall(self, check: OrgCheck, rules: Iterable[Rule]) -> list[Finding] | None:
        """Returns what `rules` find in an org; None where that is not known."""
        documents = self._documents.get(check.org.id)
        remembered = self._remembered.get(check.org.id)
        if documents is None or remembered is None or not self._is_ours(check.org):
            return None
        _, key, low, high, is_quiet, packed, hashes = remembered
        if key != _digest(check, documents) or not _is_between(check.instant, low, high):
            return None
        if low is None and high is None:
            self._timeless.add(check.org.id)
        if is_quiet and check.is_as_before:
            self._quiet.add(check.org.id)
            if hashes is not None:
                self._hashes[check.org.id] = hashes
        return unpack_findings(packed, {rule.name: rule for rule in rules})

    def keep(self, check: OrgCheck, findings: list[Finding]) -> None:
        """Remembers what was found in an org."""
        if self._is_ours(check.org):
            self._found[check.org.id] = (check, findings)

    def _is_ours(self, org: Org) -> bool:
        return self._orgs.get(org.id) is org

    def is_quiet(self, check: OrgCheck) -> bool:
        """Whether an org needs no approval for anything, as far as that is known; what was found in it has been recalled."""
        return check.org.id in self._quiet and self._is_ours(check.org)

    def keep_quiet(self, check: OrgCheck) -> None:
        """Remembers that an org, which the base has as it is, needs no approval for anything."""
        if self._is_ours(check.org):
            self._quiet.add(check.org.id)

    def is_timeless(self, org: str) -> bool:
        """Whether nothing in an org begins or ends some day, as far as that is known."""
        return org in self._timeless

    def recall_hashes(self, org: str) -> dict[str, str] | None:
        """Returns the hex SHA-256 of an org's bundles by audience, where they are known."""
        return self._hashes.get(org)

    def keep_hashes(self, org: Org, hashes: dict[str, str]) -> None:
        """Remembers them, where nothing but the org's documents and the time decides what is in its bundles."""
        if org.id in self._quiet and self._is_ours(org):
            self._hashes[org.id] = hashes
            self._emitted += len(org.users)

    @property
    def fresh(self) -> int:
        """How many distinct entries have been looked at, or as much work as that."""
        return sum(len(check.by_entry) for check, _ in self._found.values()) + self._emitted // 2

    def pack(self, documents: Mapping[str, bytes]) -> dict[str, Remembered]:
        """Returns what is to be remembered as plain values, with the digests of the documents that orgs can see now."""
        packed = {
            org: (*one[:6], self._hashes.get(org, one[6]))
            for org, one in self._remembered.items()
            if org in documents and org not in self._found
        }
        for org, (check, findings) in self._found.items():
            if org in documents:
                low, high = find_span(check.org, check.instant)
                told, is_quiet = _digest(check, documents[org]), check.is_as_before and org in self._quiet
                plain = [pack_finding(one) for one in findings]
                packed[org] = (documents[org], told, low, high, is_quiet, plain, self._hashes.get(org))
        return packed


def find_span(org: Org, instant: Instant) -> tuple[int | None, int | None]:
    """Returns the instants around one between which rules say the same of an org, both exclusive; None for no limit.

    What begins or ends then counts differently, and findings tell how many days are left; so nothing is said across an edge of
    a time window, nor across a whole number of days before one.
    """
    low: int | None = None
    high: int | None = None
    for edge in _edges(org):
        days, rest = divmod(edge - instant, DAY)
        before = instant if rest == 0 else edge - (days + 1) * DAY
        after = instant if rest == 0 else edge - days * DAY
        low = before if low is None else max(low, before)
        high = after if high is None else min(high, after)
    return low, high


def _is_between(instant: Instant, low: int | None, high: int | None) -> bool:
    return (low is None or low < instant) and (high is None or instant < high)


def _edges(org: Org) -> set[int]:
    edges: set[int] = set()

    def add(grants: Grants) -> None:
        for grant in grants:
            if grant.has_window:
                edges.update((grant.start, grant.end))

    for entry in {user.entry for user in org.users.values()}:
        holders: list[Entry | ProductEntry] = [entry, *(entry.products or ())]
        for holder in holders:
            add(holder.roles)
            add(holder.groups)
            add(holder.permissions)
    for group in org.groups.values():
        add(group.includes)
        add(group.permissions)
    for role in org.roles.values():
        add(role.groups)
        add(role.permissions)
    return edges - {BEGINNING, END}


def _digest(check: OrgCheck, documents: bytes) -> bytes:
    told: dict[str, Any] = {"separations": repr(check.separations)}
    if check.is_as_before:
        told["before"] = "the same"
    elif check.base_holders is not None:
        told["before"] = [(role, sorted(ids)) for role, ids in sorted(check.base_holders.items())]
    return hashlib.sha256(documents + repr(told).encode("utf-8", "surrogatepass")).digest()
