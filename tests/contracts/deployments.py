"""Makes deployments, and remembers what a target must hold after them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from hubcfg.applier.holder import Holder, describe_self
from hubcfg.applier.target import Deployment, OrgDeployment, Outcome, Reader, Writer
from hubcfg.core.canonical import canonical_json, canonical_line
from hubcfg.planner.held import HeldOrg, OrgFiles
from tests.contracts.bundles import user_ids_of

NOW = "2026-11-21T12:00:00Z"


def make_holder(who: str = "ada") -> Holder:
    """Returns this process as a holder."""
    return describe_self(who, NOW)


def make_record(serial: int, outcome: Outcome) -> bytes:
    """Returns a record of a deployment; to targets it is an opaque JSON object with a serial."""
    failed = {org: str(reason) for org, reason in outcome.failed.items()}
    counts = {"done": list(outcome.done), "failed": failed, "untried": list(outcome.untried)}
    return canonical_json({"format": "hubcfg.deployment/1", "serial": serial, "host": "zoë's", **counts})


def make_extras(orgs: Mapping[str, OrgFiles]) -> dict[str, bytes]:
    """Returns a manifest, and an output beside it in a folder of its own."""
    digests = {
        f"orgs/{org}/{audience.value}.json": {"sha256": hashlib.sha256(content).hexdigest()}
        for org, files in orgs.items()
        for audience, content in files.items()
    }
    manifest = canonical_line({"format": "hubcfg.manifest/1", "files": digests})
    return {"manifest.json": manifest, "lists/orgs.csv": "\n".join(sorted(orgs)).encode()}


def make_sources(serial: int) -> bytes:
    """Returns an archive of sources: to targets, any bytes."""
    return bytes(range(256)) + f"\r\n\0sources of {serial}".encode()


def make_deployment(reader: Reader, changes: Mapping[str, OrgFiles]) -> Deployment:
    """Returns the deployment that brings a target from what it holds now to what `changes` says of some orgs."""
    serial = reader.read_status().serial + 1
    orgs = []
    for org, after in sorted(changes.items()):
        held = reader.read_org(org)
        orgs.append(OrgDeployment(org, held.live, after, held.ever | user_ids_of(after)))
    beginning = canonical_json({"serial": serial, "orgs": sorted(changes)})
    return Deployment(
        serial, tuple(orgs), beginning, make_sources(serial), lambda outcome: make_record(serial, outcome), make_extras
    )


def deploy(writer: Writer, changes: Mapping[str, OrgFiles], who: str = "ada") -> Outcome:
    """Carries out, under the lock, the deployment to what `changes` says."""
    with writer.lock(make_holder(who)):
        return writer.deploy(make_deployment(writer, changes))


@dataclass
class Ledger:
    """What a target must hold: the files and users ever of each org that was deployed, and the records."""

    orgs: dict[str, OrgFiles] = field(default_factory=dict)
    ever: dict[str, frozenset[str]] = field(default_factory=dict)
    records: list[bytes] = field(default_factory=list)

    def deploy(self, writer: Writer, changes: Mapping[str, OrgFiles]) -> Outcome:
        """Deploys, and notes what must come of it, where the target says that all was done."""
        outcome = deploy(writer, changes)
        assert sorted(outcome.done) == sorted(changes)
        assert (dict(outcome.failed), outcome.untried, outcome.reason) == ({}, (), None)
        assert outcome.record == make_record(len(self.records) + 1, outcome)
        for org, files in changes.items():
            self.orgs[org] = dict(files)
            self.ever[org] = self.ever.get(org, frozenset()) | user_ids_of(files)
        self.records.append(outcome.record)
        return outcome

    def check(self, reader: Reader) -> None:
        """Asserts that a target holds all this and nothing else, with nobody at its lock."""
        status = reader.read_status()
        last = self.records[-1] if self.records else None
        assert (status.serial, status.record) == (len(self.records), last)
        assert (status.holder, status.interrupted) == (None, None)
        assert reader.read_records() == self.records
        assert [json.loads(record)["serial"] for record in self.records] == list(range(1, len(self.records) + 1))
        for serial in range(1, len(self.records) + 1):
            assert reader.read_sources(serial) == make_sources(serial)
        assert reader.read_sources(len(self.records) + 1) is None
        assert {org: dict(digests) for org, digests in reader.list_orgs().items()} == {
            org: {audience: hashlib.sha256(content).hexdigest() for audience, content in files.items()}
            for org, files in self.orgs.items()
        }
        for org, files in self.orgs.items():
            held = reader.read_org(org)
            assert dict(held.live) == files
            assert dict(held.deployed) == files
            assert held.ever == self.ever[org]
        assert reader.read_org("nobody-ever-heard-of") == HeldOrg({}, {}, frozenset())
