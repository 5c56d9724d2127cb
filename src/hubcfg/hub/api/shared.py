"""What the operations share: parameters, and the rules that hold for all of them."""

import sqlite3
from http import HTTPStatus

from hubcfg.hub.operations import Call, Parameter
from hubcfg.hub.problems import LOCK_LOST, RefusalError
from hubcfg.hub.schemas import AUDIENCE, ORG, USER
from hubcfg.hub.store.deploying import load_lock, load_running

ORG_PARAMETER = Parameter("org", "path", ORG, "The org's id.")
USER_PARAMETER = Parameter("user", "path", USER, "The user's id, percent-encoded.")
AUDIENCE_PARAMETER = Parameter("audience", "path", AUDIENCE, "Whose access it is.")

MAX_PAGE = 1000
LIMIT_PARAMETER = Parameter(
    "limit",
    "query",
    {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": MAX_PAGE},
    "How many there are on a page at most.",
)


def missing(what: str) -> RefusalError:
    """Returns the problem that something does not exist."""
    return RefusalError(HTTPStatus.NOT_FOUND, f"there is no {what}")


def conflict(detail: str) -> RefusalError:
    """Returns the problem that the state of things does not allow it."""
    return RefusalError(HTTPStatus.CONFLICT, detail)


def unfit(detail: str) -> RefusalError:
    """Returns the problem that a request says something that cannot be."""
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def require_lock(connection: sqlite3.Connection, call: Call) -> None:
    """Makes sure that who asks holds the lock: 409 without a lock or the header, 412 where it is not theirs any more."""
    if call.header("Hubcfg-Lock") is None:
        raise conflict("this needs `Hubcfg-Lock` with the ETag of the lock: `PUT /v1/lock` takes it")
    _require_own_lock(connection, call)


def require_lock_while_deploying(connection: sqlite3.Connection, call: Call) -> None:
    """Makes sure that nobody but the holder of the lock writes while a deployment runs, and nobody who has lost it at any time."""
    if call.header("Hubcfg-Lock") is not None:
        _require_own_lock(connection, call)
    elif (running := load_running(connection)) is not None:
        raise conflict(
            f"deployment {running.serial} is under way: writing needs `Hubcfg-Lock` with the ETag of its lock"
        )


def _require_own_lock(connection: sqlite3.Connection, call: Call) -> None:
    lock = load_lock(connection)
    if lock is None:
        raise conflict("nobody holds the lock: `PUT /v1/lock` takes it")
    if call.header("Hubcfg-Lock") != lock.etag:
        raise RefusalError(HTTPStatus.PRECONDITION_FAILED, "you don't hold the lock any more", kind=LOCK_LOST)
