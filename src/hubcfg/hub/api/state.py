"""The hub's state and its lock, and whether it answers at all."""

import sqlite3
from http import HTTPStatus

from hubcfg.core.canonical import canonical_json
from hubcfg.hub.api.shared import missing
from hubcfg.hub.conditions import require_match, require_write_condition
from hubcfg.hub.operations import (
    DELETE_SUCCESSES,
    DONE,
    IF_CHANGED,
    IF_MATCH,
    IF_NONE_MATCH,
    PUT_SUCCESSES,
    Answer,
    Call,
    Operation,
    resource,
    show,
    show_resource,
    shown,
    written,
)
from hubcfg.hub.problems import RefusalError
from hubcfg.hub.schemas import HEALTH, HOLDER, STATE
from hubcfg.hub.store import deploying as store
from hubcfg.hub.tokens import Right

_TAG = "State"
_LOCK_PATH = "/v1/lock"


def _show_health(connection: sqlite3.Connection, _call: Call) -> Answer:
    connection.execute("SELECT generation FROM lock").fetchone()
    return show({"status": "ok"})


def _show_state(connection: sqlite3.Connection, call: Call) -> Answer:
    return show_resource(call, canonical_json(store.load_state(connection)))


def _show_lock(connection: sqlite3.Connection, call: Call) -> Answer:
    lock = store.load_lock(connection)
    if lock is None:
        raise missing("lock: nobody holds it")
    return show_resource(call, lock.holder, lock.etag)


def _put_lock(connection: sqlite3.Connection, call: Call) -> Answer:
    before = store.load_lock(connection)
    current = None if before is None else before.etag
    require_write_condition(current, call.header("If-Match"), call.header("If-None-Match"))
    return written(store.save_lock(connection, call.body).etag, is_new=before is None)


def _delete_lock(connection: sqlite3.Connection, call: Call) -> Answer:
    before = store.load_lock(connection)
    if before is None:
        raise missing("lock: nobody holds it")
    if call.header("If-Match") is None:
        raise RefusalError(HTTPStatus.PRECONDITION_REQUIRED, "this write needs `If-Match` with the ETag of the lock")
    require_match(before.etag, call.header("If-Match"))
    store.delete_lock(connection)
    return DONE


OPERATIONS = (
    Operation(
        id="getHealth",
        method="GET",
        path="/healthz",
        summary="Tell that the server answers, and can read its data.",
        handle=_show_health,
        tag=_TAG,
        right=Right.NONE,
        successes=shown("It does.", HEALTH),
    ),
    Operation(
        id="getState",
        method="GET",
        path="/v1/state",
        summary="Show where the hub stands: the last record, the lock, and the deployment that has not ended.",
        handle=_show_state,
        tag=_TAG,
        right=Right.READ,
        successes=resource("The state.", STATE),
        parameters=(IF_CHANGED,),
    ),
    Operation(
        id="getLock",
        method="GET",
        path=_LOCK_PATH,
        summary="Show who holds the lock.",
        handle=_show_lock,
        tag=_TAG,
        right=Right.READ,
        successes=resource("The holder.", HOLDER),
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(IF_CHANGED,),
    ),
    Operation(
        id="putLock",
        method="PUT",
        path=_LOCK_PATH,
        summary="Take the lock, or take it over from a holder that is gone.",
        handle=_put_lock,
        tag=_TAG,
        right=Right.WRITE,
        successes=PUT_SUCCESSES,
        problems=(HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED),
        parameters=(IF_MATCH, IF_NONE_MATCH),
        body=HOLDER,
        changes=True,
    ),
    Operation(
        id="deleteLock",
        method="DELETE",
        path=_LOCK_PATH,
        summary="Free the lock.",
        handle=_delete_lock,
        tag=_TAG,
        right=Right.WRITE,
        successes=DELETE_SUCCESSES,
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED),
        parameters=(IF_MATCH,),
        changes=True,
    ),
)
