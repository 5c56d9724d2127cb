"""Deployments: each begins under the lock, marks the orgs that it has finished, and ends with its record."""

import base64
import binascii
import hashlib
import sqlite3
from http import HTTPStatus
from typing import Any

from hubcfg.core.canonical import canonical_json
from hubcfg.hub.api.shared import LIMIT_PARAMETER, MAX_PAGE, ORG_PARAMETER, conflict, missing, require_lock, unfit
from hubcfg.hub.operations import (
    BINARY_TYPE,
    DONE,
    HUB_LOCK,
    IDEMPOTENCY_KEY,
    IF_CHANGED,
    LARGE,
    Answer,
    Call,
    Operation,
    Parameter,
    Success,
    resource,
    show_resource,
)
from hubcfg.hub.problems import RefusalError
from hubcfg.hub.schemas import DEPLOYMENT, EVER, FINISHED, MAX_SERIAL, NEW_RECORD, RECORDED, RECORDS, SERIAL
from hubcfg.hub.store import deploying as store
from hubcfg.hub.store.people import knows_org, live_bundles
from hubcfg.hub.store.replaying import Given, find_answer, keep_answer
from hubcfg.hub.strict_json import parse_strict
from hubcfg.hub.tokens import Right

_TAG = "Deployments"
_AFTER = Parameter(
    "after", "query", {"type": "integer", "minimum": 0, "maximum": MAX_SERIAL, "default": 0}, "Begin after this serial."
)
_MAX_KEY = 255


def _begin(connection: sqlite3.Connection, call: Call) -> Answer:
    serial, beginning = int(call.body["serial"]), call.body["beginning"]
    _read_object("beginning", beginning)
    require_lock(connection, call)
    running = store.load_running(connection)
    if running == store.Running(serial, beginning):
        return DONE
    if running is not None:
        raise conflict(f"deployment {running.serial} has begun already, and not ended")
    due = store.load_serial(connection) + 1
    if serial != due:
        raise conflict(f"the next deployment is {due}, not {serial}")
    store.save_running(connection, store.Running(serial, beginning))
    return DONE


def _finish_org(connection: sqlite3.Connection, call: Call) -> Answer:
    org, files, serial = call.path["org"], call.body["files"], int(call.body["serial"])
    require_lock(connection, call)
    running = store.load_running(connection)
    if running is None or running.serial != serial:
        raise conflict(
            "no deployment has begun" if running is None else f"the deployment that has begun is {running.serial}"
        )
    live = live_bundles(connection, org)
    if {audience: text.encode() for audience, text in files.items()} != live:
        raise conflict(f"`{org}` is not as `files` say: what the hub holds of it is something else")
    store.save_deployed(connection, org, files, call.body["ever"])
    return DONE


def _show_ever(connection: sqlite3.Connection, call: Call) -> Answer:
    org = call.path["org"]
    if not knows_org(connection, org):
        raise missing(f"org `{org}`")
    return show_resource(call, canonical_json({"ever": store.load_ever(connection, org)}))


def _list_records(connection: sqlite3.Connection, call: Call) -> Answer:
    limit = int(call.query.get("limit", MAX_PAGE))
    records, next_serial = store.list_records(connection, int(call.query.get("after", 0)), limit)
    return show_resource(call, canonical_json({"records": records, "next": next_serial}))


def _show_sources(connection: sqlite3.Connection, call: Call) -> Answer:
    found = store.load_sources(connection, int(call.path["serial"]))
    if found is None:
        raise missing(f"archive of the sources of deployment {call.path['serial']}")
    return show_resource(call, found, media_type=BINARY_TYPE)


def _append(connection: sqlite3.Connection, call: Call) -> Answer:
    key = call.header("Idempotency-Key")
    request = hashlib.sha256(call.content).hexdigest()
    assert call.token is not None
    if key is not None:
        if not 1 <= len(key) <= _MAX_KEY:
            raise RefusalError(HTTPStatus.BAD_REQUEST, f"`Idempotency-Key` has 1 to {_MAX_KEY} characters")
        given = find_answer(connection, call.token.id, key, call.now)
        if given is not None and given.request != request:
            raise unfit("this `Idempotency-Key` was used with another body")
        if given is not None:
            return Answer(HTTPStatus(given.status), given.body.encode())
    answer = _append_anew(connection, call)
    if key is not None:
        given = Given(request, int(answer.status), answer.body.decode())
        keep_answer(connection, call.token.id, key, given, call.now)
    return answer


def _append_anew(connection: sqlite3.Connection, call: Call) -> Answer:
    serial, record = int(call.body["serial"]), call.body["record"]
    inner = _read_object("record", record).get("serial")
    if type(inner) is not int or inner != serial:
        raise unfit(f"`record` is the text of a JSON object whose `serial` is {serial} too")
    sources = _decode(call.body["sources"]) if "sources" in call.body else None
    require_lock(connection, call)
    due = store.load_serial(connection) + 1
    if serial != due:
        raise RefusalError(HTTPStatus.PRECONDITION_FAILED, f"the next record is {due}, not {serial}")
    store.append_record(connection, serial, record, sources)
    return Answer(HTTPStatus.CREATED, canonical_json({"serial": serial, "record_sha256": store.sha256_of(record)}))


def _read_object(name: str, text: str) -> dict[str, Any]:
    try:
        value = parse_strict(text.encode())
    except ValueError as error:
        raise unfit(f"`{name}` {error}") from None
    if not isinstance(value, dict):
        raise unfit(f"`{name}` is the text of a JSON object")
    return value


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise unfit("`sources` is not base64") from None


OPERATIONS = (
    Operation(
        id="beginDeployment",
        method="PUT",
        path="/v1/deployment",
        summary="Begin a deployment; until it ends, only the holder of the lock may write.",
        handle=_begin,
        tag=_TAG,
        right=Right.WRITE,
        successes={HTTPStatus.NO_CONTENT: Success("It has begun.")},
        problems=(HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED),
        parameters=(HUB_LOCK,),
        body=DEPLOYMENT,
        changes=True,
    ),
    Operation(
        id="finishOrg",
        method="PUT",
        path="/v1/orgs/{org}/deployed",
        summary="Mark an org as finished by the running deployment, which keeps a copy of its bundles.",
        handle=_finish_org,
        tag=_TAG,
        right=Right.WRITE,
        successes={HTTPStatus.NO_CONTENT: Success("It is marked.")},
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED),
        parameters=(ORG_PARAMETER, HUB_LOCK),
        body=FINISHED,
        limit=LARGE,
        changes=True,
    ),
    Operation(
        id="getEver",
        method="GET",
        path="/v1/orgs/{org}/ever",
        summary="Show who was ever deployed to an org.",
        handle=_show_ever,
        tag=_TAG,
        right=Right.READ,
        successes=resource("The users.", EVER),
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(ORG_PARAMETER, IF_CHANGED),
    ),
    Operation(
        id="listDeployments",
        method="GET",
        path="/v1/deployments",
        summary="List the records of deployments, page by page.",
        handle=_list_records,
        tag=_TAG,
        right=Right.READ,
        successes=resource("A page.", RECORDS),
        parameters=(_AFTER, LIMIT_PARAMETER, IF_CHANGED),
    ),
    Operation(
        id="appendDeployment",
        method="POST",
        path="/v1/deployments",
        summary="Append the record of a deployment, which ends it.",
        handle=_append,
        tag=_TAG,
        right=Right.WRITE,
        successes={HTTPStatus.CREATED: Success("It is kept.", RECORDED)},
        problems=(HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED),
        parameters=(HUB_LOCK, IDEMPOTENCY_KEY),
        body=NEW_RECORD,
        limit=LARGE,
        changes=True,
    ),
    Operation(
        id="getSources",
        method="GET",
        path="/v1/deployments/{serial}/sources",
        summary="Show the archive of what a deployment was made from.",
        handle=_show_sources,
        tag=_TAG,
        right=Right.READ,
        successes=resource("The archive.", {"type": "string", "format": "binary"}, BINARY_TYPE),
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(Parameter("serial", "path", SERIAL, "The deployment's number."), IF_CHANGED),
    ),
)
