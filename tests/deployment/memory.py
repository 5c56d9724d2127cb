"""A target in memory that changes org by org, and fails or dies where a test wants it to."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from hubcfg.applier.holder import Holder
from hubcfg.applier.target import (
    Deployment,
    Interrupted,
    LockedError,
    OrgDeployment,
    Outcome,
    StaleError,
    Status,
    TargetError,
)
from hubcfg.planner.held import NOTHING_HELD, HeldOrg
from hubcfg.platforms.grants import Audience


class Killed(BaseException):
    """The process died here."""


@dataclass
class MemoryTarget:
    """What it holds, and what is to go wrong: `dies_at` and `refuses` name orgs, `loses` says when the connection is gone."""

    held: dict[str, HeldOrg] = field(default_factory=dict)
    records: list[bytes] = field(default_factory=list)
    sources: dict[int, bytes] = field(default_factory=dict)
    interrupted: Interrupted | None = None
    holder: Holder | None = None
    dies_at: str | None = None
    refuses: Mapping[str, str] = field(default_factory=dict)
    loses: str | None = None
    dies_of: type[BaseException] = Killed
    is_silent: bool = False

    def read_status(self) -> Status:
        """Returns where it stands."""
        if self.is_silent:
            raise TargetError("nobody answers")
        return Status(len(self.records), self.records[-1] if self.records else None, self.holder, self.interrupted)

    def list_orgs(self) -> Mapping[str, Mapping[Audience, str]]:
        """Returns the hashes of what is live."""
        return {
            org: {audience: hashlib.sha256(content).hexdigest() for audience, content in one.live.items()}
            for org, one in self.held.items()
        }

    def read_org(self, org: str) -> HeldOrg:
        """Returns an org."""
        return self.held.get(org, NOTHING_HELD)

    def read_records(self) -> list[bytes]:
        """Returns the records."""
        return list(self.records)

    def read_sources(self, serial: int) -> bytes | None:
        """Returns the sources of a deployment."""
        return self.sources.get(serial)

    def close(self) -> None:
        """Has nothing to let go of."""

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Holds the lock."""
        if self.holder is not None:
            raise LockedError(self.holder)
        self.holder = holder
        try:
            yield
        finally:
            self.holder = None

    def unlock(self) -> Holder | None:
        """Ends the lock."""
        ended, self.holder = self.holder, None
        return ended

    def append_record(self, record: bytes, serial: int) -> None:
        """Keeps a record of what had been interrupted."""
        assert serial == len(self.records) + 1
        self.records.append(record)
        self.interrupted = None

    def deploy(self, deployment: Deployment) -> Outcome:
        """Carries a deployment out, as far as it comes."""
        if self.loses == "before":
            raise TargetError("the connection is gone", help="see to the network")
        if deployment.serial != len(self.records) + 1:
            raise StaleError("somebody else was here")
        done: list[str] = []
        self.interrupted = Interrupted(deployment.serial, deployment.beginning, ())
        for org in deployment.orgs:
            if org.org == self.dies_at:
                raise self.dies_of
            if org.org not in self.refuses:
                self._write(org)
                done.append(org.org)
                self.interrupted = Interrupted(deployment.serial, deployment.beginning, tuple(done))
        outcome = Outcome(
            tuple(done), {org.org: self.refuses[org.org] for org in deployment.orgs if org.org in self.refuses}
        )
        record = deployment.make_record(outcome)
        self.records.append(record)
        self.sources[deployment.serial] = deployment.sources
        self.interrupted = None
        if self.loses is not None:
            self.is_silent = self.loses == "for good"
            raise TargetError("the connection is gone", help="see to the network")
        return Outcome(outcome.done, outcome.failed, record=record)

    def _write(self, org: OrgDeployment) -> None:
        assert dict(self.read_org(org.org).live) == dict(org.before)
        self.held[org.org] = HeldOrg(org.after, org.after, org.ever)
