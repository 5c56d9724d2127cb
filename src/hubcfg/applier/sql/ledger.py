"""Keeps where a target stands: its serial, records, sources, the lock, and the journal of a deployment under way."""

import json
import secrets

from hubcfg.applier.holder import Holder, read_holder
from hubcfg.applier.records import FORMAT
from hubcfg.applier.sql.database import Database
from hubcfg.applier.sql.rows import unreadable
from hubcfg.applier.target import ForeignStateError, Interrupted, LockedError, StaleError, Status, TargetError
from hubcfg.core.canonical import canonical_json


def read_status(database: Database) -> Status:
    """Returns where the target stands; raises ForeignStateError where its last record cannot be read."""
    serial = _read_serial(database)
    record = None
    if serial:
        rows = database.query("SELECT record FROM hubcfg_records WHERE serial = ?", (serial,))
        if not rows:
            raise _damaged(f"its last deployment is {serial}, and there is no record of it")
        record = bytes(rows[0][0])
        _check_record(record, serial)
    return Status(serial, record, read_lock_holder(database), _read_interrupted(database))


def _check_record(record: bytes, serial: int) -> None:
    try:
        value = json.loads(record)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or value.get("serial") != serial:
        raise _damaged(f"its record of the deployment {serial} is not one that hubcfg wrote")
    if value.get("format", FORMAT) != FORMAT:
        raise ForeignStateError(
            f"its record of the deployment {serial} has the format `{value['format']}`, and this hubcfg knows `{FORMAT}`",
            help="deploy with that hubcfg or a later one; nothing here was changed",
        )


def _damaged(message: str) -> ForeignStateError:
    return ForeignStateError(message, help="put back what a backup has; docs/tables.md describes the tables")


def _read_serial(database: Database) -> int:
    serial: int = database.query("SELECT serial FROM hubcfg_meta WHERE id = 1")[0][0]
    return serial


def _read_interrupted(database: Database) -> Interrupted | None:
    rows = database.query("SELECT serial, beginning FROM hubcfg_journal")
    if not rows:
        return None
    ((serial, beginning),) = rows
    done = database.query("SELECT org FROM hubcfg_journal_done WHERE serial = ? ORDER BY org", (serial,))
    return Interrupted(serial, bytes(beginning), tuple(org for (org,) in done))


def check_serial(database: Database, serial: int) -> None:
    """Raises StaleError where the next serial is another one."""
    last = _read_serial(database)
    if last != serial - 1:
        raise StaleError(
            f"the target stands at deployment {last}, and the plan was made at {serial - 1}", help="plan again"
        )


def write_record(database: Database, serial: int, record: bytes, sources: bytes | None) -> None:
    """Writes down a deployment's record, moves the serial on, and forgets that anything was under way."""
    database.insert("hubcfg_records", ("serial", "record"), [(serial, record)])
    if sources is not None:
        database.insert("hubcfg_sources", ("serial", "archive"), [(serial, sources)])
    database.run("UPDATE hubcfg_meta SET serial = ? WHERE id = 1", (serial,))
    database.run("DELETE FROM hubcfg_journal")
    database.run("DELETE FROM hubcfg_journal_done")


def read_records(database: Database) -> list[bytes]:
    """Returns all records there are, in the order of serials."""
    return [bytes(record) for (record,) in database.query("SELECT record FROM hubcfg_records ORDER BY serial")]


def read_record(database: Database, serial: int) -> bytes | None:
    """Returns the record of a deployment; None where there is none."""
    rows = database.query("SELECT record FROM hubcfg_records WHERE serial = ?", (serial,))
    return bytes(rows[0][0]) if rows else None


def read_sources(database: Database, serial: int) -> bytes | None:
    """Returns the archive of a deployment's sources; None where there is none."""
    rows = database.query("SELECT archive FROM hubcfg_sources WHERE serial = ?", (serial,))
    return bytes(rows[0][0]) if rows else None


def begin_journal(database: Database, serial: int, beginning: bytes) -> None:
    """Writes down that a deployment begins; raises StaleError where another one did not end."""
    if database.query("SELECT 1 FROM hubcfg_journal"):
        raise StaleError("an earlier deployment was interrupted, and is not recorded yet", help="plan and apply again")
    database.insert("hubcfg_journal", ("id", "serial", "beginning"), [(1, serial, beginning)])


def mark_done(database: Database, serial: int, org: str) -> None:
    """Writes down that an org is wholly as it is to be."""
    database.insert("hubcfg_journal_done", ("serial", "org"), [(serial, org)])


def is_done(database: Database, serial: int, org: str) -> bool | None:
    """Whether an org was finished by the deployment under way; None where that is another one, or none."""
    if database.query("SELECT serial FROM hubcfg_journal") != [(serial,)]:
        return None
    return bool(database.query("SELECT 1 FROM hubcfg_journal_done WHERE serial = ? AND org = ?", (serial, org)))


def read_lock_holder(database: Database) -> Holder | None:
    """Returns who has the lock; None where nobody has, or nobody can tell who."""
    ((_, token, holder),) = _read_lock(database)
    return None if token is None else _parse_holder(holder)


def hold_row(database: Database) -> tuple[int, bool, Holder | None]:
    """Keeps everybody else from the lock until the transaction ends; returns its generation, whether it is held, and by whom."""
    ((generation, token, holder),) = _read_lock(database, " FOR UPDATE")
    return generation, token is not None, _parse_holder(holder)


def take_lock(database: Database, holder: Holder) -> str:
    """Makes a process the lock's holder, and returns the token that proves it. Only in a transaction that holds the row."""
    token = secrets.token_hex(16)
    text = canonical_json(holder.to_json()).decode()
    database.run("UPDATE hubcfg_lock SET token = ?, holder = ? WHERE id = 1", (token, text))
    return token


def release_lock(database: Database, token: str) -> None:
    """Lets the lock go, if it is still the one of this token."""
    database.run("UPDATE hubcfg_lock SET token = NULL, holder = NULL WHERE id = 1 AND token = ?", (token,))


def break_lock(database: Database) -> Holder | None:
    """Ends a lock whoever has it, and returns who had; a lock of the next generation is another one."""
    _, is_held, holder = hold_row(database)
    if is_held:
        database.run("UPDATE hubcfg_lock SET token = NULL, holder = NULL, generation = generation + 1 WHERE id = 1")
    return holder if is_held else None


def check_owner(database: Database, token: str) -> None:
    """Keeps the lock as it is until the transaction ends; raises LockedError or TargetError where it is not this token's."""
    ((_, found, holder),) = _read_lock(database, " FOR UPDATE")
    if found is None:
        raise TargetError("the lock was ended by force while this apply was under way", help="plan and apply again")
    if found != token:
        raise LockedError(_parse_holder(holder))


def _read_lock(database: Database, suffix: str = "") -> list[tuple[int, str | None, str | None]]:
    rows = database.query(f"SELECT generation, token, holder FROM hubcfg_lock WHERE id = 1{suffix}")
    if len(rows) != 1:
        raise unreadable("the table `lock` does not have its one row")
    return [(rows[0][0], rows[0][1], rows[0][2])]


def _parse_holder(text: str | None) -> Holder | None:
    try:
        return None if text is None else read_holder(json.loads(text))
    except (ValueError, RecursionError):
        return None
