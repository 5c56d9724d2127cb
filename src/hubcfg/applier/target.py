"""What a target is: something that can be read, locked, and given a deployment (docs/deployment.md, "Targets").

What the target holds is the state. It keeps, beside what it is for, the records of all deployments, the sources they were made
from, a copy of what was deployed (so that changes behind hubcfg's back can be told), and who was ever deployed.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from hubcfg.applier.holder import Holder
from hubcfg.core.errors import HubcfgError, OutsideError
from hubcfg.core.progress import Progress, silent
from hubcfg.planner.held import HeldOrg, OrgFiles
from hubcfg.platforms.grants import Audience


class ForeignStateError(HubcfgError):
    """The target holds something that hubcfg cannot read or did not write; becomes the finding `foreign-state`."""


class LockedError(HubcfgError):
    """Another apply holds the lock; becomes the finding `locked`. `holder` is None where nobody said who it is."""

    def __init__(self, holder: Holder | None) -> None:
        who = "somebody" if holder is None else holder.describe()
        super().__init__(
            f"another apply is under way: {who}", help="wait for it; `hubcfg unlock --force` ends a lock by hand"
        )
        self.holder = holder


class StaleError(HubcfgError):
    """The target is no longer as the plan found it; nothing was changed. Becomes the finding `stale-plan`."""


class TargetError(OutsideError):
    """The target cannot be reached, or refuses; says what of the work was done only through an `Outcome`."""


class Interrupted(Struct, frozen=True):
    """A deployment that began and did not end: its serial, what was written down when it began, and the orgs that it finished.

    Only targets that change org by org or user by user have one. `beginning` is the canonical JSON of `Deployment.beginning`.
    """

    serial: int
    beginning: bytes
    done: tuple[str, ...]


class Status(Struct, frozen=True):
    """Where a target stands: the serial of its last record (0: none yet), that record, who holds the lock, and what was interrupted."""

    serial: int
    record: bytes | None = None
    holder: Holder | None = None
    interrupted: Interrupted | None = None


class OrgDeployment(Struct, frozen=True):
    """What is to become of one org.

    `before` is what the target held of it when the plan was made, and still has to; `after` is what it is to hold, empty for an
    org that is to be emptied. `ever` are all users who were ever deployed to it, those of `after` included.
    """

    org: str
    before: OrgFiles
    after: OrgFiles
    ever: frozenset[str]


class Outcome(Struct, frozen=True):
    """What a deployment came to. `done` orgs are wholly as they are to be; `failed` ones wholly as they were (http: each user is
    one or the other), with the reason; the rest was `untried`. `record` is the one that the target keeps of it, None where
    nothing could be recorded, which `reason` then tells.
    """

    done: tuple[str, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    untried: tuple[str, ...] = ()
    record: bytes | None = None
    reason: str | None = None


class Deployment(Struct, frozen=True):
    """A change of a target, as a whole: from the serial before it to its own.

    `orgs` are those whose bytes change. `beginning` is what is known of it from the start (canonical JSON). `make_record` gives
    the bytes of its record, once it is known what came of each org. `sources` is the archive of what it was made from.
    `make_extras` gives the files that lie beside the org files in a folder (the manifest, outputs), given all orgs' files there.
    `progress` is told how far it has come.
    """

    serial: int
    orgs: tuple[OrgDeployment, ...]
    beginning: bytes
    sources: bytes
    make_record: Callable[[Outcome], bytes]
    make_extras: Callable[[Mapping[str, OrgFiles]], Mapping[str, bytes]]
    progress: Progress = silent


class Reader(Protocol):
    """Reads a target. All methods raise TargetError where it cannot be reached, and ForeignStateError where it cannot be read."""

    def read_status(self) -> Status:
        """Returns where the target stands; a target that has never been written to has serial 0."""

    def list_orgs(self) -> Mapping[str, Mapping[Audience, str]]:
        """Returns the orgs that the target has anything of, or that hubcfg ever deployed to it, with the hex SHA-256 of each live file."""

    def read_org(self, org: str) -> HeldOrg:
        """Returns what the target holds of an org; NOTHING_HELD where that is nothing."""

    def read_records(self) -> list[bytes]:
        """Returns the canonical bytes of all records as the target has them, in the order of serials."""

    def read_sources(self, serial: int) -> bytes | None:
        """Returns the archive of the sources of a deployment; None where there is none."""

    def close(self) -> None:
        """Lets go of connections; nothing else is called afterwards."""


class Writer(Reader, Protocol):
    """Changes a target."""

    def lock(self, holder: Holder) -> AbstractContextManager[None]:
        """Holds the target's lock for a block; a lock whose holder is provably gone is taken over.

        Raises LockedError where another process holds it.
        """

    def unlock(self) -> Holder | None:
        """Ends a lock by force, and returns whose it was; None where there was none."""

    def append_record(self, record: bytes, serial: int) -> None:
        """Writes down an interrupted deployment's record, and forgets that it was interrupted. Only under the lock.

        Raises StaleError where the last record is not `serial - 1`.
        """

    def deploy(self, deployment: Deployment) -> Outcome:
        """Carries out a deployment under the lock.

        Raises StaleError, with nothing changed, where the target's serial or what it holds of an org is not what the deployment
        was made from. What fails afterwards is in the outcome.
        """


def _say_nothing(_: str) -> None:
    pass


class Place(Struct, frozen=True):
    """Where targets look for what their options name: the project's root and the environment.

    `note` is told in a short sentence what a target waits for, where a person would wonder.
    """

    root: Path
    environment: Mapping[str, str]
    note: Callable[[str], None] = _say_nothing


class Open(Protocol):
    """Opens a target of one type for writing; nothing is changed by opening."""

    def __call__(self, name: str, options: Mapping[str, object], place: Place) -> Writer:
        """Returns the target. Raises UsageError where an option is missing, or an environment variable is not set."""


class TargetType(Struct, frozen=True):
    """One type of target: a module of `applier.targets` has one as its constant `TARGET`."""

    name: str
    open: Open
