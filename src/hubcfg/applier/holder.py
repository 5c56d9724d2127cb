"""Who holds a target's lock, and whether that process is provably gone (docs/deployment.md, "Locks")."""

import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from hubcfg.core.canonical import Json


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that applies: `who` and `since` (an RFC 3339 instant) for people, the rest to tell whether it still runs.

    `boot` and `started` tell this process from another one that has the same number later; they are empty where the system
    does not say.
    """

    who: str
    since: str
    host: str
    pid: int
    boot: str = ""
    started: str = ""

    def to_json(self) -> dict[str, Json]:
        """Returns the holder as a JSON object, which `read_holder` reads."""
        return asdict(self)

    def describe(self) -> str:
        """Returns who it is, since when, and from where, for a message."""
        return f"`{self.who}` since {self.since}, from `{self.host}` (process {self.pid})"


def describe_self(who: str, since: str) -> Holder:
    """Returns this process as a holder."""
    pid = os.getpid()
    return Holder(who, since, socket.gethostname(), pid, _read_boot(), _read_start(pid))


def read_holder(value: object) -> Holder | None:
    """Returns the holder that a JSON object describes; None where it does not describe one."""
    if not isinstance(value, dict) or value.keys() != Holder.__dataclass_fields__.keys():
        return None
    if type(value["pid"]) is not int or not all(isinstance(part, str) for key, part in value.items() if key != "pid"):
        return None
    return Holder(**value)


def is_gone(holder: Holder) -> bool:
    """Whether the holder's process has certainly ended: it ran on this machine, and does not any more.

    Of another machine nothing can be known, and False is the answer.
    """
    if holder.host != socket.gethostname():
        return False
    if holder.boot and holder.boot != _read_boot():
        return True
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    started = _read_start(holder.pid)
    return bool(holder.started and started and holder.started != started)


def _read_boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _read_start(pid: int) -> str:
    """Returns when a process began, in ticks since the system did; the name before it may hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
