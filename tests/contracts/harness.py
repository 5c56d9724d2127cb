"""What a type of target gives to the contract suite."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from hubcfg.applier.opening import open_target
from hubcfg.applier.target import Writer
from hubcfg.platforms.grants import Audience
from hubcfg.validator.config import Target


class Unit(Enum):
    """What a target changes in one atomic step: a deployment as a whole, an org, or a user."""

    TARGET = "target"
    ORG = "org"
    USER = "user"


@dataclass(frozen=True)
class Address:
    """Where a target is: what hubcfg.yaml says of it, the project's root, and the environment. Goes to other processes."""

    type: str
    options: Mapping[str, object]
    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> Writer:
        """Opens a handle of its own; whoever opens it closes it."""
        return open_target(Target("tested", self.type, dict(self.options)), self.root, dict(self.environment))

    def to_json(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "options": dict(self.options),
            "root": str(self.root),
            "environment": dict(self.environment),
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> "Address":
        return Address(value["type"], value["options"], Path(value["root"]), value["environment"])


class Stand(Protocol):
    """One target of a test's own, and what people do to it by hand, without hubcfg."""

    @property
    def address(self) -> Address: ...

    def suspend(self, org: str, audience: Audience, user: str) -> None:
        """Sets `suspended` of a user who is there and is not suspended; nothing else about anybody changes."""

    def remove(self, org: str, audience: Audience, user: str) -> None:
        """Removes a user who is there; nobody else changes."""

    def spoil(self, way: str) -> None:
        """Makes the target, which has been deployed to once, one that hubcfg cannot read; `way` is one of `Harness.ways_to_spoil`."""


MakeStand = Callable[[], AbstractContextManager[Stand]]


class Harness(Protocol):
    """A type of target.

    `pace` is how many examples of a property are tried, as a share of what a fast target takes (1.0). `ways_to_spoil` are names
    for what `Stand.spoil` can do; another version of the schema is to be among them, and a record that is none.
    """

    type: str
    unit: Unit
    pace: float
    ways_to_spoil: tuple[str, ...]

    def find_missing(self) -> str | None:
        """Returns what this machine lacks to run the target (then its tests fail); else None."""

    def run(self, folder: Path) -> AbstractContextManager[MakeStand]:
        """Starts what all tests of the session share (a server, perhaps), with a folder for its files; gives what makes stands."""
