"""Deployment records: what a target remembers of each deployment, chained by hashes (docs/deployment.md, "Records")."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import Enum

from msgspec import Struct

from hubcfg.applier.target import ForeignStateError
from hubcfg.core.canonical import Json, canonical_json, digest

FORMAT = "hubcfg.deployment/1"
_SEAL = "seal"


class Kind(Enum):
    """Why there was a deployment."""

    APPLY = "apply"
    ROLLBACK = "rollback"


class Result(Enum):
    """What a deployment came to: all that was planned, a part of it, or it died on the way and the next apply wrote its record."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    INTERRUPTED = "interrupted"


class Record(Struct, frozen=True):
    """One record, read. `value` is all that it says; `content` the bytes that the next one's hash is of."""

    serial: int
    project: str
    value: Mapping[str, Json]
    content: bytes

    @property
    def revision(self) -> str | None:
        """The Git revision that was deployed, where the project's files were exactly at one."""
        revision = self.value.get("revision")
        return revision if isinstance(revision, str) else None

    @property
    def sources(self) -> str | None:
        """The digest of the project's files that were deployed."""
        sources = self.value.get("sources")
        return sources if isinstance(sources, str) else None

    @property
    def left_out(self) -> frozenset[str]:
        """The orgs that errors of their own left as they were."""
        return frozenset(_names(self.value.get("left_out")))

    @property
    def vouches(self) -> bool:
        """Whether its revision may judge the next deployments: nothing in it waits for an approval that it would then do without."""
        return self.value.get("vouches") is True

    @property
    def orgs(self) -> frozenset[str]:
        """The orgs that were deployed."""
        return frozenset(_names(self.value.get("done")))

    @property
    def deployed(self) -> dict[str, dict[str, str]]:
        """The hex SHA-256 of what each of them was left with, by the name of the audience."""
        return {
            org: {audience: str(sha) for audience, sha in hashes.items()}
            for org, hashes in _map(self.value.get("orgs")).items()
            if isinstance(hashes, Mapping)
        }

    @property
    def approvals(self) -> dict[str, dict[str, str]]:
        """The approvals that were in use, by org: each id with the hex SHA-256 of what its signature covers."""
        return {
            org: {id: str(sha) for id, sha in used.items()}
            for org, used in _map(self.value.get("approvals")).items()
            if isinstance(used, Mapping)
        }

    @property
    def sha256(self) -> str:
        """The hash of the record's bytes, which the next one carries."""
        return sha256_of(self.content)


def seal_record(value: Mapping[str, Json], previous: bytes | None) -> bytes:
    """Returns the bytes of a record: canonical JSON with the hash of the record before it, and a seal over itself."""
    linked = {**value, "format": FORMAT, "previous": None if previous is None else sha256_of(previous)}
    return canonical_json({**linked, _SEAL: digest(linked)})


def sha256_of(content: bytes) -> str:
    """Returns `sha256:` and the hex SHA-256 of some bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def read_record(content: bytes) -> Record:
    """Returns a record of this format; raises ForeignStateError for anything else."""
    value = _parse(content)
    if value is None:
        raise ForeignStateError(
            "the target has a deployment record that is no JSON object",
            help="see what wrote it; `hubcfg history` shows the others",
        )
    if value.get("format") != FORMAT:
        raise ForeignStateError(
            f"the target has a deployment record of the format `{value.get('format')}`",
            help="a newer hubcfg wrote it: use that, or a newer one",
        )
    serial, project = value.get("serial"), value.get("project")
    if type(serial) is not int or not isinstance(project, str):
        raise ForeignStateError("the target has a deployment record without a serial or a project")
    return Record(serial, project, value, content)


def verify_records(records: Iterable[bytes]) -> list[str]:
    """Returns what is wrong with a chain of records, in words; nothing where each is as it was written, in its place.

    Finds a record that was changed, dropped or reordered; of the last one only a change, which is why the target's serial is
    compared as well.
    """
    faults: list[str] = []
    previous: bytes | None = None
    expected = 1
    for content in records:
        value = _parse(content)
        if value is None:
            faults.append(f"where the record of deployment {expected} should be there is no JSON object")
            previous, expected = content, expected + 1
            continue
        serial = value.get("serial")
        if serial != expected:
            faults.append(f"the record of deployment {expected} is missing, or not in its place: there is {serial}")
        unsealed = {key: part for key, part in value.items() if key != _SEAL}
        if value.get(_SEAL) != digest(unsealed) or canonical_json(value) != content:
            faults.append(f"the record of deployment {serial} was changed after it was written")
        if value.get("previous") != (None if previous is None else sha256_of(previous)):
            faults.append(
                f"the record of deployment {serial} does not follow the one before it: that was changed, or others are missing"
            )
        previous = content
        expected = serial + 1 if type(serial) is int else expected + 1
    return faults


def find_retired(records: Iterable[Record]) -> frozenset[str]:
    """Returns the hex SHA-256 of the payloads of approvals that were in use once, and in the last deployment no more.

    An org that a deployment left out keeps what it had.
    """
    ever: set[str] = set()
    in_use: dict[str, dict[str, str]] = {}
    for record in records:
        in_use = record.approvals
        ever.update(sha for used in in_use.values() for sha in used.values())
    return frozenset(ever.difference(sha for used in in_use.values() for sha in used.values()))


def _parse(content: bytes) -> dict[str, Json] | None:
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _map(value: object) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _names(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
