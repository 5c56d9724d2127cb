"""Who holds a target's lock, and whether that process is provably gone (docs/deployment.md, "Locks")."""

import hashlib
import os
import socket
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from hubcfg.core.canonical import Json


class Holder(Struct, frozen=True):
    """A process that applies: `who` and `since` (an RFC 3339 instant) for people, the rest to tell whether it still runs.

    `boot` and `started` tell this process from another one that has the same number, later or elsewhere; they are empty where
    the system does not say. `boot` has three parts, with a `/` between: a digest of the machine's id, the id of the system's
    start, and the space that the number counts in (containers have their own).
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
    return Holder(who, since, socket.gethostname(), pid, _read_boot(), _read_stat(pid)[1])


def read_holder(value: object) -> Holder | None:
    """Returns the holder that a JSON object describes; None where it does not describe one."""
    if not isinstance(value, dict) or value.keys() != set(Holder.__struct_fields__):
        return None
    if type(value["pid"]) is not int or not 0 < value["pid"] < 1 << 31:
        return None
    if not all(isinstance(part, str) for key, part in value.items() if key != "pid"):
        return None
    return Holder(**value)


def is_gone(holder: Holder) -> bool:
    """Whether the holder's process has certainly ended: it ran on this machine, and does not any more.

    Of another machine, and of another container, nothing can be known, and False is the answer; it is as well where the system
    does not say when it was started, because another machine can have the same name.
    """
    machine, boot, space = _split(holder.boot)
    own_machine, own_boot, own_space = _split(_read_boot())
    if holder.host != socket.gethostname() or not boot or not own_boot:
        return False
    if boot != own_boot:
        return bool(machine) and machine == own_machine
    return space == own_space and not _is_running(holder.pid, holder.started)


def _is_running(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's process: there is one
    # A process that has ended and was not waited for yet still has its number, and no files.
    state, since = _read_stat(pid)
    return state not in ("Z", "X") and not (started and since and started != since)


def _split(boot: str) -> tuple[str, str, str]:
    parts = boot.split("/")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")


def _read_boot() -> str:
    boot = _read_line("/proc/sys/kernel/random/boot_id")
    if not boot:
        return ""
    # The machine's id is not to leave the machine.
    machine = _read_line("/etc/machine-id")
    known = hashlib.sha256(f"hubcfg {machine}".encode()).hexdigest()[:16] if machine else ""
    try:
        space = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        space = ""
    return f"{known}/{boot}/{space}"


def _read_line(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except (OSError, ValueError):
        return ""


def _read_stat(pid: int) -> tuple[str, str]:
    """Returns the state of a process and when it began, in ticks since the system did, where the system says them."""
    # The name of the program, which stands before them, may hold spaces and brackets.
    fields = _read_line(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else ("", "")
