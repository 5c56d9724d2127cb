"""Orgs: which there are, their bundles, and the heads of those."""

import sqlite3
from http import HTTPStatus

from hubcfg.core.canonical import Json, canonical_json
from hubcfg.hub.api.shared import (
    AUDIENCE_PARAMETER,
    ORG_PARAMETER,
    conflict,
    missing,
    require_lock_while_deploying,
)
from hubcfg.hub.conditions import etag_of, require_match, require_write_condition
from hubcfg.hub.operations import (
    DELETE_SUCCESSES,
    DONE,
    HUB_LOCK,
    IF_CHANGED,
    IF_MATCH,
    IF_NONE_MATCH,
    PUT_SUCCESSES,
    Answer,
    Call,
    Operation,
    resource,
    show_resource,
    written,
)
from hubcfg.hub.problems import RefusalError
from hubcfg.hub.schemas import BUNDLE, HEAD, ORGS
from hubcfg.hub.store import people
from hubcfg.hub.store.deploying import load_deployed
from hubcfg.hub.tokens import Right

_BUNDLES = "Bundles"
_HEAD_PATH = "/v1/orgs/{org}/heads/{audience}"
_WHERE = (ORG_PARAMETER, AUDIENCE_PARAMETER)


def _list_orgs(connection: sqlite3.Connection, call: Call) -> Answer:
    orgs: list[Json] = [{"org": org, "bundles": bundles} for org, bundles in people.list_orgs(connection).items()]
    return show_resource(call, canonical_json({"orgs": orgs}))


def _show_bundle(connection: sqlite3.Connection, call: Call) -> Answer:
    return _show(call, "bundle", people.build_bundle(connection, call.path["org"], call.path["audience"]))


def _show_deployed(connection: sqlite3.Connection, call: Call) -> Answer:
    return _show(call, "deployed bundle", load_deployed(connection, call.path["org"], call.path["audience"]))


def _show_head(connection: sqlite3.Connection, call: Call) -> Answer:
    return _show(call, "head", people.load_head(connection, call.path["org"], call.path["audience"]))


def _show(call: Call, what: str, found: bytes | None) -> Answer:
    if found is None:
        raise missing(f"{what} of `{call.path['org']}` for `{call.path['audience']}`")
    return show_resource(call, found)


def _put_head(connection: sqlite3.Connection, call: Call) -> Answer:
    org, audience = call.path["org"], call.path["audience"]
    require_lock_while_deploying(connection, call)
    before = people.load_head(connection, org, audience)
    current = None if before is None else etag_of(before)
    require_write_condition(current, call.header("If-Match"), call.header("If-None-Match"))
    return written(people.save_head(connection, org, audience, call.body), is_new=before is None)


def _delete_head(connection: sqlite3.Connection, call: Call) -> Answer:
    org, audience = call.path["org"], call.path["audience"]
    require_lock_while_deploying(connection, call)
    before = people.load_head(connection, org, audience)
    if before is None:
        raise missing(f"head of `{org}` for `{audience}`")
    if call.header("If-Match") is None:
        raise RefusalError(
            HTTPStatus.PRECONDITION_REQUIRED, "this write needs `If-Match` with the ETag of what you saw"
        )
    require_match(etag_of(before), call.header("If-Match"))
    if people.has_users(connection, org, audience):
        raise conflict(f"`{org}` still has users for `{audience}`: delete them first")
    people.delete_head(connection, org, audience)
    return DONE


OPERATIONS = (
    Operation(
        id="listOrgs",
        method="GET",
        path="/v1/orgs",
        summary="List the orgs, with the digests of their live bundles.",
        handle=_list_orgs,
        tag=_BUNDLES,
        right=Right.READ,
        successes=resource("The orgs.", ORGS),
        parameters=(IF_CHANGED,),
    ),
    Operation(
        id="getBundle",
        method="GET",
        path="/v1/orgs/{org}/bundles/{audience}",
        summary="Show the live bundle: what the head and the users come to now.",
        handle=_show_bundle,
        tag=_BUNDLES,
        right=Right.READ,
        successes=resource("The bundle.", BUNDLE),
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(*_WHERE, IF_CHANGED),
    ),
    Operation(
        id="getDeployed",
        method="GET",
        path="/v1/orgs/{org}/deployed/{audience}",
        summary="Show the bundle as it was deployed last.",
        handle=_show_deployed,
        tag=_BUNDLES,
        right=Right.READ,
        successes=resource("The bundle.", BUNDLE),
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(*_WHERE, IF_CHANGED),
    ),
    Operation(
        id="getHead",
        method="GET",
        path=_HEAD_PATH,
        summary="Show the head of a bundle.",
        handle=_show_head,
        tag=_BUNDLES,
        right=Right.READ,
        successes=resource("The head.", HEAD),
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(*_WHERE, IF_CHANGED),
    ),
    Operation(
        id="putHead",
        method="PUT",
        path=_HEAD_PATH,
        summary="Create or replace the head of a bundle.",
        handle=_put_head,
        tag=_BUNDLES,
        right=Right.WRITE,
        successes=PUT_SUCCESSES,
        problems=(
            HTTPStatus.NOT_FOUND,
            HTTPStatus.CONFLICT,
            HTTPStatus.PRECONDITION_FAILED,
            HTTPStatus.PRECONDITION_REQUIRED,
        ),
        parameters=(*_WHERE, IF_MATCH, IF_NONE_MATCH, HUB_LOCK),
        body=HEAD,
        changes=True,
    ),
    Operation(
        id="deleteHead",
        method="DELETE",
        path=_HEAD_PATH,
        summary="Delete the head of a bundle in which nobody is left.",
        handle=_delete_head,
        tag=_BUNDLES,
        right=Right.WRITE,
        successes=DELETE_SUCCESSES,
        problems=(
            HTTPStatus.NOT_FOUND,
            HTTPStatus.CONFLICT,
            HTTPStatus.PRECONDITION_FAILED,
            HTTPStatus.PRECONDITION_REQUIRED,
        ),
        parameters=(*_WHERE, IF_MATCH, HUB_LOCK),
        changes=True,
    ),
)
