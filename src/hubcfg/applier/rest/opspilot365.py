"""Speaks OpsPilot365's API, and keeps beside it, in a folder, what it has no place for (docs/http-targets.md, "OpsPilot365")."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from msgspec.structs import replace

from hubcfg.applier.holder import Holder
from hubcfg.applier.rest.client import Client, UnreachableError, doubting
from hubcfg.applier.rest.keeping import NOTHING_KEPT, Keeping, KeptOrg, KeptUser
from hubcfg.applier.rest.kept_records import check_record
from hubcfg.applier.rest.parts import FlatEntry, OrgParts, Person, join_org, sha256_hex, split_org
from hubcfg.applier.rest.running import RefusedError, carry_out, plan_steps
from hubcfg.applier.rest.steps import HeadStep, UserStep
from hubcfg.applier.rest.technicians import (
    OBLIGATION,
    PLATFORM,
    UNKNOWN,
    is_empty_body,
    is_same_body,
    overlay,
    read_body,
    to_body,
    to_empty_body,
)
from hubcfg.applier.target import Deployment, OrgDeployment, Outcome, StaleError, Status, TargetError
from hubcfg.core.canonical import Json
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.planner.held import NOTHING_HELD, HeldOrg
from hubcfg.platforms.grants import Audience

# What a technician holds, and its version; None where the platform does not say.
_Seen = tuple[Mapping[str, Json] | None, str | None]


class UnsureError(RefusedError):
    """A write of which nobody says whether it landed."""


class OpsPilot365:
    """The platform at the client's address, with the folder beside it."""

    def __init__(self, client: Client, folder: Path, note: Callable[[str], None]) -> None:
        self._client = client
        self._keeping = Keeping(folder)
        self._note = note
        self._noted: set[int] = set()
        # Within one look, or one apply, each technician is read once: there are a hundred requests a minute.
        self._seen: dict[str, _Seen] = {}

    def read_status(self) -> Status:
        """Returns where the target stands, by what is kept."""
        self._seen.clear()
        serial = self._keeping.read_serial()
        record = self._keeping.read_record(serial) if serial else None
        if record is not None:
            check_record(record, serial)
        return Status(serial, record, self._keeping.read_holder(), self._keeping.read_interrupted())

    def list_orgs(self) -> Mapping[str, Mapping[Audience, str]]:
        """Returns the orgs that were ever deployed, with the digests of what the platform holds of them."""
        return {
            org: {audience: sha256_hex(content) for audience, content in self._read_live(org, kept).items()}
            for org, kept in self._keeping.read_orgs().items()
        }

    def read_org(self, org: str) -> HeldOrg:
        """Returns what the platform holds of an org, as far as it says so, else what was last written there."""
        kept = self._keeping.read_org(org)
        if kept == NOTHING_KEPT:
            return NOTHING_HELD
        return HeldOrg(self._read_live(org, kept), dict(kept.deployed), kept.ever)

    def read_records(self) -> list[bytes]:
        """Returns all records."""
        return self._keeping.read_records()

    def read_sources(self, serial: int) -> bytes | None:
        """Returns the archive of sources of a deployment."""
        return self._keeping.read_sources(serial)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Holds the lock of the folder for a block."""
        with self._keeping.lock(holder):
            self._seen.clear()
            yield

    def unlock(self) -> Holder | None:
        """Ends the lock, whoever holds it."""
        return self._keeping.unlock()

    def append_record(self, record: bytes, serial: int) -> None:
        """Writes down an interrupted deployment's record."""
        self._check_serial(serial)
        self._keeping.write_record(serial, record, None)

    def deploy(self, deployment: Deployment) -> Outcome:
        """Carries out a deployment, technician by technician."""
        self._check_serial(deployment.serial)
        if self._keeping.read_interrupted() is not None:
            raise StaleError("a deployment was interrupted since the plan was made")
        self._check_fit(deployment)
        for org in deployment.orgs:
            if self._read_live(org.org, self._keeping.read_org(org.org)) != dict(org.before):
                raise StaleError(f"org `{org.org}` has changed since the plan was made")
        steps = plan_steps(deployment)
        self._keeping.write_beginning(deployment.serial, deployment.beginning)
        outcome = carry_out(_Writes(self, self._keeping, deployment.serial), steps, deployment.progress)
        self._seen.clear()
        record = deployment.make_record(outcome)
        try:
            self._keeping.write_record(deployment.serial, record, deployment.sources)
        except HubcfgError as error:
            return replace(outcome, reason=f"the deployment could not be recorded: {error.message}")
        return replace(outcome, record=record)

    def put(self, step: UserStep) -> None:
        """Writes one technician. Raises RefusedError where the platform does not take it."""
        before = None if step.before is None else step.before.entry
        after = None if step.after is None else step.after.entry
        body = to_empty_body(before or {}) if after is None else to_body(after)
        etag = self._seen.get(step.user, (None, None))[1]
        for is_last in (False, True):
            answer = self._client.send("PUT", _path(step.user), body, {"If-Match": etag} if etag else None)
            if answer.is_fine:
                self._seen[step.user] = (body, answer.etag)
                return
            if answer.status == 404 and after is None:
                return  # who is not there holds nothing
            if answer.status == 404:
                raise RefusedError(
                    f"OpsPilot365 knows no such technician, invite them there first ({answer.describe()})"
                )
            if answer.status != 412 and answer.status < 500:
                raise RefusedError(answer.describe())
            self._seen.pop(step.user, None)
            with doubting(answer):
                found, found_etag = self._look(step.user)
            if found is not None and is_same_body(found, body):
                return
            if found is None and answer.is_doubtful:
                raise UnsureError(f"{answer.describe()}; it is not known whether this landed")
            if found is None or is_last or answer.status != 412 or found_etag == etag:
                raise RefusedError(answer.describe())
            if not (is_empty_body(found) if before is None else is_same_body(found, to_body(before))):
                raise RefusedError(f"somebody else has changed it meanwhile ({answer.describe()})")
            etag = found_etag

    def _check_serial(self, serial: int) -> None:
        found = self._keeping.read_serial()
        if found != serial - 1:
            raise StaleError(f"the target is at deployment {found}, where {serial - 1} is due")

    def _check_fit(self, deployment: Deployment) -> None:
        """Raises UsageError for what the platform has no form for."""
        deployed = {org.org for org in deployment.orgs}
        orgs_of: dict[str, str] = {}
        for org, kept in self._keeping.read_orgs().items():
            if org not in deployed:
                orgs_of |= dict.fromkeys((user for user, one in kept.users.items() if one.entry is not None), org)
        for one in deployment.orgs:
            parts = split_org(one.org, one.after)
            for audience, head in parts.heads.items():
                if audience is Audience.CLIENT or head.get("platform") != PLATFORM:
                    what = "clients' users" if audience is Audience.CLIENT else f"the platform `{head.get('platform')}`"
                    raise UsageError(
                        f"org `{one.org}` has {what}, and this target is OpsPilot365's API",
                        help=f"only staff of orgs with `platform: {PLATFORM}` can be deployed to it",
                    )
            for user, person in parts.people.items():
                if orgs_of.setdefault(user, one.org) != one.org:
                    raise UsageError(
                        f"user `{user}` is in the orgs `{orgs_of[user]}` and `{one.org}`, and OpsPilot365 has each technician once",
                        help="deploy the orgs to targets of their own",
                    )
                duties = person.entry.get("obligations", {})
                for duty in duties if isinstance(duties, Mapping) else ():
                    if duty != OBLIGATION:
                        raise UsageError(
                            f"user `{user}` has the obligation `{duty}`, for which OpsPilot365 has no form",
                            help=f"it knows `{OBLIGATION}` only",
                        )

    def _read_live(self, org: str, kept: KeptOrg) -> dict[Audience, bytes]:
        if kept.head is None and not kept.users:
            return {}
        known = {user: KeptUser(None) for user in kept.ever} | dict(kept.users)
        people = {}
        for user in sorted(known):
            entry = self._read_entry(user, known[user])
            if entry is not None:
                people[user] = Person(Audience.STAFF, entry)
        return join_org(org, OrgParts({Audience.STAFF: kept.head or {}}, people))

    def _read_entry(self, user: str, kept: KeptUser) -> FlatEntry | None:
        """Returns what a technician holds now; None for one who holds nothing and was not deployed."""
        body, _ = self._look(user)
        candidates = [kept.entry, *([kept.intended] if kept.is_unsure else [])]
        there = next((entry for entry in reversed(candidates) if entry is not None), None)
        if body is None:
            return {**there, "authentication": UNKNOWN} if kept.is_unsure and there is not None else kept.entry
        for entry in candidates:
            if is_empty_body(body) if entry is None else is_same_body(body, to_body(entry)):
                return entry
        return overlay(there or {}, body)

    def _look(self, user: str) -> _Seen:
        if user in self._seen:
            return self._seen[user]
        answer = self._client.send("GET", _path(user))
        body = read_body(answer) if answer.is_fine else None
        if body is None:
            if not answer.is_fine and answer.status not in (404, 405, 501):
                raise TargetError(f"technician `{user}` cannot be read: {answer.describe()}")
            self._note_unread(user, answer.status, answer.describe())
        self._seen[user] = (body, answer.etag if answer.is_fine else None)
        return self._seen[user]

    def _note_unread(self, user: str, status: int, said: str) -> None:
        if status not in self._noted:
            self._noted.add(status)
            self._note(
                f"OpsPilot365 does not say what technician `{user}` holds ({said}), and perhaps of others neither: "
                "what was last written is taken for it"
            )


def _path(user: str) -> str:
    return f"/api/technicians/{quote(user, safe='')}/permissions"


class _Writes:
    """The writes of one deployment, each noted in the folder before it is sent and after it has landed."""

    def __init__(self, platform: OpsPilot365, keeping: Keeping, serial: int) -> None:
        self._platform = platform
        self._keeping = keeping
        self._serial = serial
        self._kept = NOTHING_KEPT

    def begin_org(self, org: OrgDeployment) -> None:
        """Notes who is going to have been deployed, whatever becomes of this deployment."""
        kept = self._keeping.read_org(org.org)
        self._keep(org.org, replace(kept, ever=kept.ever | org.ever))

    def write_head(self, org: str, step: HeadStep) -> None:
        """Keeps what a bundle says beside its users; the platform has no place for it."""
        self._keep(org, replace(self._kept, head=step.after))

    def write_user(self, org: str, step: UserStep) -> None:
        """Makes a technician wholly what they are to be."""
        old = self._kept.users.get(step.user, KeptUser(None))
        new = KeptUser(None if step.after is None else step.after.entry)
        self._keep_user(org, step.user, replace(old, is_unsure=True, intended=new.entry))
        try:
            self._platform.put(step)
        except (RefusedError, TargetError) as error:
            is_unsure = error.may_have_landed if isinstance(error, UnreachableError) else isinstance(error, UnsureError)
            if not is_unsure:
                self._keep_user(org, step.user, old)
            raise
        self._keep_user(org, step.user, new)

    def finish_org(self, org: OrgDeployment) -> None:
        """Notes that an org is wholly as it is to be."""
        parts = split_org(org.org, org.after)
        users = {user: KeptUser(person.entry) for user, person in parts.people.items()}
        head = parts.heads.get(Audience.STAFF)
        self._keep(org.org, KeptOrg(head, users, dict(org.after), self._kept.ever | org.ever, self._serial))

    def _keep_user(self, org: str, user: str, kept: KeptUser) -> None:
        users = dict(self._kept.users) | {user: kept}
        if kept == KeptUser(None):
            del users[user]
        self._keep(org, replace(self._kept, users=users))

    def _keep(self, org: str, kept: KeptOrg) -> None:
        self._keeping.write_org(org, kept)
        self._kept = kept
