"""OpsPilot365's endpoint for a technician's permissions, as far as it is documented, and our assumptions (docs/hub.md).

Documented are the method and the path `PUT /api/technicians/:id/permissions` alone.
"""

import sqlite3
from http import HTTPStatus

from hubcfg.core.canonical import Json
from hubcfg.core.ids import find_user_id_fault
from hubcfg.hub.api.shared import missing, unfit
from hubcfg.hub.api.users import judge_instants, judge_permissions
from hubcfg.hub.conditions import etag_of, require_match
from hubcfg.hub.operations import (
    IF_CHANGED,
    IF_MATCH,
    REPLACED,
    Answer,
    Call,
    Operation,
    Parameter,
    Success,
    resource,
    show_resource,
    written,
)
from hubcfg.hub.schemas import TECHNICIAN, TECHNICIAN_PERMISSIONS, USER
from hubcfg.hub.store import technicians as store
from hubcfg.hub.tokens import Right

_TAG = "OpsPilot365"
_ID = Parameter("id", "path", USER, "The technician's id, percent-encoded.")
_PERMISSIONS_PATH = "/api/technicians/{id}/permissions"


def _load(connection: sqlite3.Connection, call: Call) -> bytes:
    found = store.load_technician(connection, call.path["id"])
    if found is None:
        raise missing(f"technician `{call.path['id']}`")
    return found


def _invite(connection: sqlite3.Connection, call: Call) -> Answer:
    id = call.path["id"]
    fault = find_user_id_fault(id)
    if fault is not None:
        raise unfit(f"the technician's id {fault}")
    before = store.load_technician(connection, id)
    if before is not None:
        return written(etag_of(before), is_new=False)
    start: Json = {"role": call.body["role"], "permissions": [], "customers": []}
    return written(store.save_technician(connection, id, start), is_new=True)


def _show_permissions(connection: sqlite3.Connection, call: Call) -> Answer:
    return show_resource(call, _load(connection, call))


def _put_permissions(connection: sqlite3.Connection, call: Call) -> Answer:
    judge_permissions("permissions", call.body["permissions"])
    judge_permissions("managerApproval", call.body.get("managerApproval", []))
    judge_instants(call.body.get("until", {}))
    require_match(etag_of(_load(connection, call)), call.header("If-Match"))
    return written(store.save_technician(connection, call.path["id"], call.body), is_new=False)


OPERATIONS = (
    Operation(
        id="inviteTechnician",
        method="PUT",
        path="/api/technicians/{id}",
        summary="Ours: stands for the invitation in the product; a technician who is there already stays as they are.",
        handle=_invite,
        tag=_TAG,
        right=Right.WRITE,
        successes={
            HTTPStatus.CREATED: Success("Invited.", has_etag=True),
            HTTPStatus.NO_CONTENT: Success("There already.", has_etag=True),
        },
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(_ID,),
        body=TECHNICIAN,
        changes=True,
    ),
    Operation(
        id="getTechnicianPermissions",
        method="GET",
        path=_PERMISSIONS_PATH,
        summary="Assumed: show what a technician may do.",
        handle=_show_permissions,
        tag=_TAG,
        right=Right.READ,
        successes=resource("The permissions.", TECHNICIAN_PERMISSIONS),
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(_ID, IF_CHANGED),
    ),
    Operation(
        id="putTechnicianPermissions",
        method="PUT",
        path=_PERMISSIONS_PATH,
        summary="Documented, but for its body and answers: set what a technician may do.",
        handle=_put_permissions,
        tag=_TAG,
        right=Right.WRITE,
        successes={HTTPStatus.NO_CONTENT: REPLACED},
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED),
        parameters=(_ID, IF_MATCH),
        body=TECHNICIAN_PERMISSIONS,
        changes=True,
    ),
)
