"""Speaks the reference hub's API: a target that keeps everything on the hub (docs/http-targets.md, "The hub's API")."""

import base64
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

from msgspec.structs import replace

from hubcfg.applier.holder import Holder, is_gone, read_holder
from hubcfg.applier.rest.answers import Answer, refuse
from hubcfg.applier.rest.client import ATTEMPTS, Client
from hubcfg.applier.rest.hub_writes import HubWrites
from hubcfg.applier.rest.kept_records import check_record
from hubcfg.applier.rest.parts import check_bundle, etag_of, sha256_hex
from hubcfg.applier.rest.running import carry_out, plan_steps
from hubcfg.applier.target import (
    Deployment,
    ForeignStateError,
    Interrupted,
    LockedError,
    Outcome,
    StaleError,
    Status,
    TargetError,
)
from hubcfg.core.canonical import Json
from hubcfg.core.errors import HubcfgError
from hubcfg.planner.held import NOTHING_HELD, HeldOrg
from hubcfg.platforms.grants import Audience

_API = 1
_TAKE_TRIES = 5
_PAGE = 200


class Hub:
    """The hub at the client's address, read and written."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock: str | None = None

    def read_status(self) -> Status:
        """Returns where the hub stands."""
        serial, digest, holder, interrupted = self._read_state()
        record = None
        if serial:
            record = next(self._read_records_after(serial - 1), None)
            if record is None or sha256_hex(record) != digest:
                raise ForeignStateError(
                    f"the hub is at deployment {serial}, and has another record of it",
                    help="put back what a backup has",
                )
            check_record(record, serial)
        return Status(serial, record, holder, interrupted)

    def list_orgs(self) -> Mapping[str, Mapping[Audience, str]]:
        """Returns the orgs that the hub has, with the digests of their bundles."""
        listed = self._get("/v1/orgs", "the list of orgs").get("orgs")
        found: dict[str, dict[Audience, str]] = {}
        for one in listed if isinstance(listed, list) else [None]:
            org, bundles = (one.get("org"), one.get("bundles")) if isinstance(one, dict) else (None, None)
            if not isinstance(org, str) or not isinstance(bundles, dict):
                raise _strange("the list of orgs")
            found[org] = {}
            for audience, digest in bundles.items():
                if audience not in _AUDIENCES or not isinstance(digest, str):
                    raise _strange("the list of orgs")
                found[org][_AUDIENCES[audience]] = digest
        return found

    def read_org(self, org: str) -> HeldOrg:
        """Returns what the hub holds of an org."""
        answer = self._client.send("GET", f"{_org_path(org)}/ever")
        if answer.status == 404:
            return NOTHING_HELD
        what = f"who was ever in org `{org}`"
        ever = _expect(answer, what).read_object(what).get("ever")
        if not isinstance(ever, list) or not all(isinstance(user, str) for user in ever):
            raise _strange(what)
        live, deployed = self._read_files(org, "bundles"), self._read_files(org, "deployed")
        return HeldOrg(live, deployed, frozenset(str(user) for user in ever))

    def read_records(self) -> list[bytes]:
        """Returns all records."""
        return list(self._read_records_after(0))

    def read_sources(self, serial: int) -> bytes | None:
        """Returns the archive of sources of a deployment."""
        what = f"the sources of deployment {serial}"
        answer = self._client.send("GET", f"/v1/deployments/{serial}/sources")
        return None if answer.status == 404 else _expect(answer, what).body

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Holds the hub's lock for a block."""
        self._lock = self._take(holder)
        try:
            yield
        finally:
            etag, self._lock = self._lock, None
            try:
                self._client.send("DELETE", "/v1/lock", headers={"If-Match": etag}, attempts=3)
            except HubcfgError:
                # What was done is done, and is what the caller has to tell. The lock names this process, which will be gone.
                pass

    def unlock(self) -> Holder | None:
        """Ends the lock, whoever holds it."""
        for _ in range(_TAKE_TRIES):
            held = self._read_lock()
            if held is None:
                return None
            answer = self._client.send("DELETE", "/v1/lock", headers={"If-Match": held[1]})
            if answer.is_fine or answer.status == 404:
                return read_holder(held[0])
            if answer.status != 412:
                raise refuse(answer, "to end the lock")
        raise TargetError("the lock changes hands too often to be ended")

    def append_record(self, record: bytes, serial: int) -> None:
        """Writes down an interrupted deployment's record."""
        self._append(record, serial, None)

    def deploy(self, deployment: Deployment) -> Outcome:
        """Carries out a deployment, user by user."""
        serial, _, _, interrupted = self._read_state()
        if serial != deployment.serial - 1 or interrupted is not None:
            raise StaleError(f"the hub is at deployment {serial}, and the plan was made for {deployment.serial - 1}")
        self._check_before(deployment)
        steps = plan_steps(deployment)
        writes = HubWrites(self._client, self._held_lock(), deployment.serial)
        writes.begin(deployment.beginning)
        outcome = carry_out(writes, steps, deployment.progress)
        record = deployment.make_record(outcome)
        try:
            self._append(record, deployment.serial, deployment.sources, attempts=ATTEMPTS if not outcome.reason else 3)
        except HubcfgError as error:
            return replace(outcome, reason=f"the deployment could not be recorded: {error.message}")
        return replace(outcome, record=record)

    def _check_before(self, deployment: Deployment) -> None:
        live = self.list_orgs()
        for org in deployment.orgs:
            expected = {audience: sha256_hex(content) for audience, content in org.before.items()}
            if dict(live.get(org.org, {})) != expected:
                raise StaleError(f"org `{org.org}` has changed since the plan was made")

    def _append(self, record: bytes, serial: int, sources: bytes | None, attempts: int = ATTEMPTS) -> None:
        body: dict[str, Json] = {"serial": serial, "record": record.decode()}
        if sources is not None:
            body["sources"] = base64.b64encode(sources).decode()
        headers = {"Hubcfg-Lock": self._held_lock(), "Idempotency-Key": str(uuid.uuid4())}
        answer = self._client.send("POST", "/v1/deployments", body, headers, attempts)
        if answer.is_fine:
            return
        if answer.status == 413 and sources is not None:
            # A deployment without a record would be taken for one that was interrupted, again and again.
            self._client.note("the hub does not keep sources of this size: this deployment cannot be rolled back to")
            self._append(record, serial, None, attempts)
            return
        found, digest, _, _ = self._read_state()
        if (found, digest) == (serial, sha256_hex(record)):
            return
        if found != serial - 1:
            raise StaleError(f"the hub is at deployment {found}, where {serial - 1} is due")
        raise refuse(answer, f"the record of deployment {serial}")

    def _take(self, holder: Holder) -> str:
        own: dict[str, Json] = holder.to_json()
        condition = {"If-None-Match": "*"}
        found: Json = None
        for _ in range(_TAKE_TRIES):
            answer = self._client.send("PUT", "/v1/lock", own, condition)
            if answer.is_fine:
                return answer.etag or etag_of(own)
            if answer.status not in (409, 412):
                _expect(answer, "the lock")
            held = self._read_lock()
            if held is None:
                condition = {"If-None-Match": "*"}
                continue
            found, etag = held
            if found == own and answer.is_second:
                return etag
            other = read_holder(found)
            if other is None or not is_gone(other):
                raise LockedError(other)
            condition = {"If-Match": etag}
        raise LockedError(read_holder(found))

    def _held_lock(self) -> str:
        if self._lock is None:
            raise AssertionError("a target is only changed under its lock")
        return self._lock

    def _read_lock(self) -> tuple[Mapping[str, Json], str] | None:
        answer = self._client.send("GET", "/v1/lock")
        if answer.status == 404:
            return None
        value = _expect(answer, "the lock").read_object("the lock")
        return value, answer.etag or etag_of(value)

    def _read_state(self) -> tuple[int, str | None, Holder | None, Interrupted | None]:
        """Returns the serial, the digest of the last record, the lock's holder, and what was interrupted."""
        value = self._get("/v1/state", "the hub's state")
        version = value.get("api", _API)
        if version != _API:
            raise ForeignStateError(
                f"the hub speaks version {str(version)[:20]} of its API, and this hubcfg version {_API}",
                help="update hubcfg",
            )
        serial, digest = value.get("serial"), value.get("record_sha256")
        lock, broken = value.get("lock"), value.get("interrupted")
        holder = read_holder(lock)
        if type(serial) is not int or serial < 0 or (serial > 0) != isinstance(digest, str):
            raise _strange("the hub's state")
        if lock is not None and holder is None:
            raise _strange("the lock")
        interrupted = None
        if broken is not None:
            interrupted = _read_interrupted(broken)
        return serial, digest if isinstance(digest, str) else None, holder, interrupted

    def _read_records_after(self, serial: int) -> Iterator[bytes]:
        what = "the list of deployments"
        while True:
            value = self._get(f"/v1/deployments?after={serial}&limit={_PAGE}", what)
            records, following = value.get("records"), value.get("next")
            if not isinstance(records, list) or not all(isinstance(record, str) for record in records):
                raise _strange(what)
            yield from (str(record).encode() for record in records)
            if following is None:
                return
            if type(following) is not int or following <= serial:
                raise _strange(what)
            serial = following

    def _read_files(self, org: str, which: str) -> dict[Audience, bytes]:
        found = {}
        for audience in Audience:
            answer = self._client.send("GET", f"{_org_path(org)}/{which}/{audience.value}")
            if answer.status == 404:
                continue
            what = f"the {audience.value} bundle of org `{org}`"
            _expect(answer, what).read_object(what)
            check_bundle(org, audience, answer.body)
            found[audience] = answer.body
        return found

    def _get(self, path: str, what: str) -> Mapping[str, Json]:
        return _expect(self._client.send("GET", path), what).read_object(what)


_AUDIENCES = {audience.value: audience for audience in Audience}


def _org_path(org: str) -> str:
    return f"/v1/orgs/{quote(org, safe='')}"


def _expect(answer: Answer, what: str) -> Answer:
    """Returns an answer that is fine. Raises ForeignStateError where there is no such resource: then this is no hub."""
    if answer.is_fine:
        return answer
    if answer.status in (404, 405, 410):
        raise ForeignStateError(
            f"{what} is not there ({answer.describe()})",
            help="is `url` the address of a hub, without `/v1`, and one of the version that this hubcfg knows?",
        )
    raise refuse(answer, what)


def _strange(what: str) -> ForeignStateError:
    return ForeignStateError(
        f"{what} is not in the form that this hubcfg knows", help="is the hub a newer one? update hubcfg"
    )


def _read_interrupted(value: Json) -> Interrupted:
    if not isinstance(value, Mapping):
        raise _strange("the interrupted deployment")
    serial, beginning, done = value.get("serial"), value.get("beginning"), value.get("done")
    if type(serial) is not int or not isinstance(beginning, str) or not isinstance(done, list):
        raise _strange("the interrupted deployment")
    if not all(isinstance(org, str) for org in done):
        raise _strange("the interrupted deployment")
    return Interrupted(serial, beginning.encode(), tuple(str(org) for org in done))
