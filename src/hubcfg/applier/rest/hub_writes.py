"""Writes single users and heads of the hub, each on the condition that it still is what it was taken for."""

from urllib.parse import quote

from hubcfg.applier.rest.answers import Answer, refuse
from hubcfg.applier.rest.client import Client, doubting
from hubcfg.applier.rest.parts import Head, Person, etag_of
from hubcfg.applier.rest.running import RefusedError
from hubcfg.applier.rest.steps import HeadStep, UserStep
from hubcfg.applier.target import OrgDeployment, StaleError, TargetError
from hubcfg.core.canonical import Json


class HubWrites:
    """The writes of one deployment, under one lock, whose ETag goes along so that who lost it writes nothing more."""

    def __init__(self, client: Client, lock: str, serial: int) -> None:
        self._client = client
        self._lock = lock
        self._serial = serial

    def begin(self, beginning: bytes) -> None:
        """Begins the deployment; it is interrupted until its record is written. Raises StaleError where it is not due."""
        body: dict[str, Json] = {"serial": self._serial, "beginning": beginning.decode()}
        answer = self._client.send("PUT", "/v1/deployment", body, {"Hubcfg-Lock": self._lock})
        if answer.is_fine:
            return
        self._check_lock()
        if answer.status in (409, 412):
            raise StaleError(f"deployment {self._serial} cannot begin: {answer.describe()}")
        raise refuse(answer, f"deployment {self._serial}")

    def begin_org(self, org: OrgDeployment) -> None:
        """Does nothing: what is written under a deployment is known to belong to it."""

    def write_head(self, org: str, step: HeadStep) -> None:
        """Writes what a bundle says beside its users."""
        path = f"/v1/orgs/{quote(org, safe='')}/heads/{step.audience.value}"
        self._write(path, _head_json(step.before), _head_json(step.after))

    def write_user(self, org: str, step: UserStep) -> None:
        """Makes a user wholly what it is to be."""
        path = f"/v1/orgs/{quote(org, safe='')}/users/{quote(step.user, safe='')}"
        self._write(path, _person_json(step.before), _person_json(step.after))

    def finish_org(self, org: OrgDeployment) -> None:
        """Marks an org as finished, with the copy of its files."""
        body: dict[str, Json] = {
            "serial": self._serial,
            "files": {audience.value: content.decode() for audience, content in org.after.items()},
            "ever": sorted(org.ever),
        }
        path = f"/v1/orgs/{quote(org.org, safe='')}/deployed"
        answer = self._client.send("PUT", path, body, {"Hubcfg-Lock": self._lock})
        if not answer.is_fine:
            self._check_lock()
            raise RefusedError(answer.describe())

    def _write(self, path: str, before: Json, after: Json) -> None:
        """Replaces one resource; None is nothing there.

        A hub may make its ETags otherwise than expected: then the one it gives is used, if what it stands for is as expected.
        """
        etag = None if before is None else etag_of(before)
        for is_last in (False, True):
            answer = self._send(path, after, etag)
            if answer.is_fine:
                return
            if answer.status < 500 and answer.status not in (404, 409, 412):
                raise RefusedError(answer.describe())
            # Refused, or the second answer of a write whose first one was dropped: what is there now decides.
            with doubting(answer):
                found, found_etag = self._look(path, answer)
                if found == after:
                    return
                self._check_lock()
            if found != before:
                raise RefusedError(f"somebody else has changed it meanwhile ({answer.describe()})")
            if is_last or answer.status != 412 or found_etag == etag:
                raise RefusedError(answer.describe())
            etag = found_etag

    def _send(self, path: str, after: Json, etag: str | None) -> Answer:
        condition = {"If-None-Match": "*"} if etag is None else {"If-Match": etag}
        headers = condition | {"Hubcfg-Lock": self._lock}
        return self._client.send("DELETE" if after is None else "PUT", path, after, headers)

    def _look(self, path: str, written: Answer) -> tuple[Json, str | None]:
        """Returns what is there after a write with a certain answer."""
        answer = self._client.send("GET", path)
        if answer.status == 404:
            return None, None
        if not answer.is_fine:
            doubt = "; it is not known whether this landed" if written.is_doubtful else ""
            raise RefusedError(f"{written.describe()}{doubt}")
        return answer.read_object("what was written"), answer.etag

    def _check_lock(self) -> None:
        """Raises TargetError where the lock is no longer this deployment's."""
        answer = self._client.send("GET", "/v1/lock")
        if answer.status == 404 or (answer.is_fine and answer.etag not in (None, self._lock)):
            raise TargetError(
                "the lock was taken away", help="somebody ran `hubcfg unlock --force`; run the apply again"
            )


def _person_json(person: Person | None) -> Json:
    return None if person is None else person.to_json()


def _head_json(head: Head | None) -> Json:
    return None if head is None else dict(head)
