"""Carries out a deployment user by user, and says truthfully what came of it (docs/http-targets.md, "What may happen")."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from hubcfg.applier.rest.client import UnreachableError
from hubcfg.applier.rest.parts import split_org
from hubcfg.applier.rest.steps import HeadStep, OrgSteps, UserStep, order_steps
from hubcfg.applier.target import Deployment, OrgDeployment, Outcome
from hubcfg.core.errors import HubcfgError
from hubcfg.core.progress import Progress, silent

_NAMED = 3


class RefusedError(Exception):
    """One write was refused, and changed nothing; others may still be accepted."""


class Backend(Protocol):
    """Where single writes go. All methods raise RefusedError, or HubcfgError where nothing more can be written at all."""

    def begin_org(self, org: OrgDeployment) -> None:
        """Notes that an org's writes follow."""

    def write_head(self, org: str, step: HeadStep) -> None:
        """Writes what a bundle says beside its users."""

    def write_user(self, org: str, step: UserStep) -> None:
        """Makes a user wholly what `step.after` says, if it still is what `step.before` says."""

    def finish_org(self, org: OrgDeployment) -> None:
        """Notes that an org is wholly as it is to be."""


def plan_steps(deployment: Deployment) -> list[tuple[OrgDeployment, OrgSteps]]:
    """Returns the writes of a deployment. Raises ForeignStateError where a file is no bundle."""
    return [
        (org, order_steps(split_org(org.org, org.before), split_org(org.org, org.after))) for org in deployment.orgs
    ]


def carry_out(backend: Backend, steps: list[tuple[OrgDeployment, OrgSteps]], progress: Progress = silent) -> Outcome:
    """Writes one org after another, and returns what came of them; nothing is recorded yet. `progress` is told of each user."""
    done: list[str] = []
    failed: dict[str, str] = {}
    total = sum(1 for _, writes in steps for _ in writes.all_users())
    counter = _Counter(progress, total)
    for number, (org, writes) in enumerate(steps):
        attempt = _OrgAttempt(backend, org, counter)
        try:
            attempt.run(writes)
        except HubcfgError as error:
            failed[org.org] = f"{attempt.place}: {error.message}"
            if isinstance(error, UnreachableError) and error.may_have_landed:
                failed[org.org] += "; it is not known whether this landed"
            untried = tuple(one.org for one, _ in steps[number + 1 :])
            return Outcome(tuple(done), failed, untried, reason=error.message)
        if attempt.refused:
            failed[org.org] = _sum_up(attempt.refused)
        else:
            done.append(org.org)
    return Outcome(tuple(done), failed)


class _Counter:
    """Counts the users that were written, of all orgs."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def count(self) -> None:
        self._done += 1
        self._progress("deploying users", self._done, self._total)


class _OrgAttempt:
    """The writes of one org: `place` is what is being written, `refused` what was not accepted."""

    def __init__(self, backend: Backend, org: OrgDeployment, counter: "_Counter") -> None:
        self.place = ""
        self.refused: list[str] = []
        self._counter = counter
        self._backend = backend
        self._org = org

    def run(self, steps: OrgSteps) -> None:
        """Writes stage by stage; a stage begins only where all of the one before has landed."""
        with self._writing(f"org `{self._org.org}`"):
            self._backend.begin_org(self._org)
        self._write_users(steps.revocations)
        for head in steps.heads:
            if not self.refused:
                with self._writing(f"what the org's {head.audience.value} users have in common"):
                    self._backend.write_head(self._org.org, head)
        self._write_users([] if steps.turn is None else [steps.turn])
        self._write_users(steps.grants)
        if not self.refused:
            with self._writing("all its users are as they are to be, but this cannot be noted"):
                self._backend.finish_org(self._org)

    def _write_users(self, stage: Iterable[UserStep]) -> None:
        if self.refused:
            return
        for step in stage:
            with self._writing(f"user `{step.user}`"):
                self._backend.write_user(self._org.org, step)
            self._counter.count()

    @contextmanager
    def _writing(self, place: str) -> Iterator[None]:
        self.place = place
        try:
            yield
        except RefusedError as error:
            self.refused.append(f"{place}: {error}")


def _sum_up(refused: list[str]) -> str:
    shown = "; ".join(refused[:_NAMED])
    more = len(refused) - _NAMED
    return f"{shown}; and {more} more" if more > 0 else shown
