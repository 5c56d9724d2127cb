"""Carries out a plan: under the target's lock, only from the state that the plan was made from, and with a record of what came of it."""

import getpass
import json
import os
import socket
from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from hubcfg import __version__
from hubcfg.applier.archive import pack_sources
from hubcfg.applier.holder import Holder, describe_self
from hubcfg.applier.records import Kind, Record, Result, read_record, seal_record
from hubcfg.applier.target import (
    Deployment,
    ForeignStateError,
    Interrupted,
    OrgDeployment,
    Outcome,
    StaleError,
    Status,
    TargetError,
    Writer,
)
from hubcfg.core.canonical import Json, canonical_json
from hubcfg.core.errors import HubcfgError
from hubcfg.core.instants import Instant, format_instant
from hubcfg.core.progress import Progress, silent
from hubcfg.planner.held import OrgFiles
from hubcfg.planner.plan import Plan, digest_of_hashes, hash_files
from hubcfg.platforms.grants import Audience

# By org and audience, the hex SHA-256 of what a target holds.
Hashes: TypeAlias = Mapping[str, Mapping[Audience, str]]


class Circumstances(Struct, frozen=True):
    """What a deployment's record says beside what the plan knows.

    `sources` are the files that the plan was made from, by path; `approvals` the approvals in use, by org, each id with the hex
    SHA-256 of its payload; `guardrails` those of the project; `allowed` the guardrails that were lifted; `vouches` whether the
    revision may judge the next deployments.
    """

    now: Instant
    sources: Mapping[str, bytes]
    approvals: Mapping[str, Mapping[str, str]]
    guardrails: Mapping[str, float]
    allowed: tuple[str, ...]
    make_extras: Callable[[Mapping[str, OrgFiles]], Mapping[str, bytes]]
    restores: int | None = None
    progress: Progress = silent
    vouches: bool = True


class Receipt(Struct, frozen=True):
    """What came of an apply: the serial of its record, and which orgs were done, failed, or not tried.

    `settled` is the serial of an earlier deployment that had died, whose record was written first.
    """

    serial: int
    outcome: Outcome
    record: Record | None
    settled: int | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether all is done, but the target reported a failure after that, which the outcome's reason tells."""
        return self.is_complete and self.outcome.reason is not None

    @property
    def is_complete(self) -> bool:
        """Whether all that was planned is done and recorded."""
        return not self.outcome.failed and not self.outcome.untried and self.record is not None


def who_am_i(environment: Mapping[str, str]) -> str:
    """Returns who is said to deploy: in CI who started the run, else the user of the system."""
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BITBUCKET_STEP_TRIGGERER_UUID", "BUILD_REQUESTEDFOR"):
        if environment.get(name):
            return _as_text(environment[name])
    try:
        return _as_text(getpass.getuser())
    except (KeyError, OSError):
        return str(os.getuid())


def _as_text(name: str) -> str:
    """Returns a name from the environment, which need not be UTF-8, as JSON can have it."""
    return name.encode("utf-8", "replace").decode()


def describe_holder(environment: Mapping[str, str], now: Instant) -> Holder:
    """Returns this process as the holder of a lock."""
    return describe_self(who_am_i(environment), format_instant(now))


def apply_plan(
    plan: Plan, target: Writer, holder: Holder, around: Circumstances, recheck: Callable[[], None] = lambda: None
) -> Receipt:
    """Carries out a plan and returns what came of it; what fails on the way is in the receipt.

    `recheck` is called under the lock, before anything changes, and raises what forbids to go on. Raises LockedError where another
    apply is under way, and StaleError, with nothing changed, where the target is not as the plan found it.
    """
    with target.lock(holder):
        status = target.read_status()
        hashes = _check_state(plan, target, status)
        recheck()
        settled = None
        if status.interrupted is not None:
            settled = status.interrupted.serial
            status = _settle(target, status, status.interrupted, hashes)
        work = _Work(plan, status, holder, around, hashes)
        try:
            outcome = target.deploy(work.deployment())
        except TargetError as error:
            outcome = _look_again(target, work, error)
        record = None if outcome.record is None else read_record(outcome.record)
        return Receipt(work.serial, outcome, record, settled)


def _look_again(target: Writer, work: "_Work", error: TargetError) -> Outcome:
    """Returns what came of a deployment of which the target says that it failed, where its record is there all the same.

    Raises the error where it is not, and says so where nobody can know.
    """
    try:
        status = target.read_status()
    except HubcfgError as other:
        raise TargetError(
            f"{error.message}; whether it was done all the same is not known: {other.message}",
            help="see whether `hubcfg history` shows this deployment",
        ) from error
    if status.serial != work.serial or status.record is None or status.record not in work.made:
        raise error
    outcome, reason = (
        work.made[status.record],
        error.message if error.help is None else f"{error.message} ({error.help})",
    )
    return replace(outcome, record=status.record, reason=outcome.reason or reason)


def _check_state(plan: Plan, target: Writer, status: Status) -> Hashes:
    """Returns the hashes of what the target holds; raises StaleError where it is not as the plan found it."""
    if status.serial != plan.origin.serial:
        raise StaleError(
            f"the plan was made after deployment {plan.origin.serial} of this target, which is at {status.serial} now",
            help="plan again, and look at it again",
        )
    hashes = target.list_orgs()
    if digest_of_hashes(hashes) != plan.origin.state:
        raise StaleError(
            "what the target holds has changed since the plan was made", help="`hubcfg plan` shows how it is now"
        )
    return hashes


def _settle(target: Writer, status: Status, interrupted: Interrupted, hashes: Hashes) -> Status:
    """Writes the record of a deployment that died, as far as it came, and returns the status after it."""
    said, planned = _read_beginning(interrupted)
    value: dict[str, Json] = {
        **{key: part for key, part in said.items() if key != "planned"},
        "result": Result.INTERRUPTED.value,
        "done": sorted(interrupted.done),
        "orgs": {org: planned[org] for org in sorted(interrupted.done) if org in planned},
        "failed": {},
        "untried": sorted(org for org in planned if org not in interrupted.done),
        "digest": digest_of_hashes(hashes),
    }
    record = seal_record(value, status.record)
    target.append_record(record, interrupted.serial)
    return Status(interrupted.serial, record)


def _read_beginning(interrupted: Interrupted) -> tuple[dict[str, Json], dict[str, Json]]:
    """Returns what was written down when a deployment began, and what of it was planned; raises ForeignStateError."""
    try:
        said = json.loads(interrupted.beginning)
        planned = said.get("planned", {})
        if (said["serial"], type(said["project"]), type(planned)) == (interrupted.serial, str, dict):
            return said, planned
    except (ValueError, RecursionError, AttributeError, KeyError):
        pass
    raise ForeignStateError(
        f"what the target has of the interrupted deployment {interrupted.serial} can't be read",
        help="see who changed it",
    )


class _Work:
    """A plan as a deployment: what the target is to do, and the record of it."""

    def __init__(self, plan: Plan, status: Status, holder: Holder, around: Circumstances, hashes: Hashes) -> None:
        self._hashes = hashes
        # The records that were made, by their bytes: which of them the target keeps says what has happened.
        self.made: dict[bytes, Outcome] = {}
        self.serial = status.serial + 1
        self._plan = plan
        self._previous = status.record
        self._around = around
        self._orgs = tuple(
            OrgDeployment(org.id, org.before, org.after, org.ever)
            for org in sorted(plan.orgs, key=lambda one: one.id)
            if org.is_deployed
        )
        self._known: dict[str, Json] = self._describe(holder)

    def deployment(self) -> Deployment:
        """Returns what the target is to do."""
        planned: dict[str, Json] = {org.org: _name_hashes(org) for org in self._orgs}
        beginning = canonical_json({**self._known, "planned": planned})
        return Deployment(
            self.serial,
            self._orgs,
            beginning,
            pack_sources(self._around.sources),
            self._make_record,
            self._around.make_extras,
            self._around.progress,
        )

    def _describe(self, holder: Holder) -> dict[str, Json]:
        """Returns what the record says from the start."""
        plan, around, origin = self._plan, self._around, self._plan.origin
        totals = plan.comparison.totals
        known: dict[str, Json] = {
            "serial": self.serial,
            "project": plan.project,
            "kind": (Kind.APPLY if around.restores is None else Kind.ROLLBACK).value,
            "tool": f"hubcfg {__version__}",
            "revision": origin.revision,
            "base": origin.base,
            "sources": origin.sources,
            "builtins": origin.builtins,
            "bundles": origin.result,
            "who": holder.who,
            "host": socket.gethostname(),
            "when": format_instant(around.now),
            "verdict": plan.comparison.verdict.value,
            "counts": {
                "orgs": len(self._orgs),
                "users": totals.users,
                "gained": totals.gained,
                "lost": totals.lost,
                "sensitive_gained": totals.sensitive_gained,
            },
            "left_out": sorted(plan.left_out),
            "vouches": around.vouches,
            "allowed": sorted(around.allowed),
            "approvals": {org: dict(used) for org, used in around.approvals.items()},
            "guardrails": dict(around.guardrails),
        }
        if around.restores is not None:
            known["restores"] = around.restores
        return known

    def _make_record(self, outcome: Outcome) -> bytes:
        is_whole = not outcome.failed and not outcome.untried
        done = set(outcome.done)
        held = dict(self._hashes)
        held |= {org.org: hash_files(org.after) for org in self._orgs if org.org in done}
        value: dict[str, Json] = {
            **self._known,
            "result": (Result.COMPLETE if is_whole else Result.PARTIAL).value,
            "done": sorted(outcome.done),
            "orgs": {org.org: _name_hashes(org) for org in self._orgs if org.org in done},
            "failed": dict(outcome.failed),
            "untried": sorted(outcome.untried),
            "digest": digest_of_hashes(held),
        }
        record = seal_record(value, self._previous)
        self.made[record] = outcome
        return record


def _name_hashes(org: OrgDeployment) -> dict[str, str]:
    """Returns the hex SHA-256 of what an org is to hold, by the name of the audience."""
    return {audience.value: sha for audience, sha in hash_files(org.after).items()}
