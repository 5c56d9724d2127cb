"""Users: the unit of writing, each of which is wholly as it was or wholly as it is to be."""

import sqlite3
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from hubcfg.core.canonical import canonical_json
from hubcfg.core.ids import find_user_id_fault
from hubcfg.core.instants import read_instant
from hubcfg.hub.api.shared import (
    LIMIT_PARAMETER,
    MAX_PAGE,
    ORG_PARAMETER,
    USER_PARAMETER,
    conflict,
    missing,
    require_lock_while_deploying,
    unfit,
)
from hubcfg.hub.conditions import require_match, require_write_condition
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
    Parameter,
    resource,
    show_resource,
    written,
)
from hubcfg.hub.problems import RefusalError
from hubcfg.hub.schemas import AUDIENCE, PAGE, PERSON
from hubcfg.hub.store import people
from hubcfg.hub.store.deploying import add_ever, load_running
from hubcfg.hub.tokens import Right

_USERS = "Users"
_PATH = "/v1/orgs/{org}/users/{user}"
_WHERE = (ORG_PARAMETER, USER_PARAMETER)
_AFTER = Parameter("after", "query", {"type": "string"}, "Begin after this id.")
_OF_AUDIENCE = Parameter("audience", "query", AUDIENCE, "Only these users.")


def _list_users(connection: sqlite3.Connection, call: Call) -> Answer:
    org = call.path["org"]
    if not people.knows_org(connection, org):
        raise missing(f"org `{org}`")
    limit = int(call.query.get("limit", MAX_PAGE))
    audience, after = call.query.get("audience"), call.query.get("after", "")
    users, next_id = people.list_users(connection, org, audience, after, limit)
    return show_resource(call, canonical_json({"users": users, "next": next_id}))


def _show_user(connection: sqlite3.Connection, call: Call) -> Answer:
    found = people.load_user(connection, call.path["org"], call.path["user"])
    if found is None:
        raise missing(f"user `{call.path['user']}` in `{call.path['org']}`")
    return show_resource(call, found)


def _put_user(connection: sqlite3.Connection, call: Call) -> Answer:
    org, user = call.path["org"], call.path["user"]
    fault = find_user_id_fault(user)
    if fault is not None:
        raise unfit(f"the user id {fault}")
    _judge(call.body)
    require_lock_while_deploying(connection, call)
    current = people.find_etag(connection, org, user)
    require_write_condition(current, call.header("If-Match"), call.header("If-None-Match"))
    audience = call.body["audience"]
    if people.load_head(connection, org, audience) is None:
        raise conflict(f"`{org}` has no head for `{audience}`: put that first")
    if load_running(connection) is not None:
        # If this deployment is cut off now, its people must not pass for somebody else's (docs/hub.md, "Deployments").
        add_ever(connection, org, [user])
    return written(people.save_user(connection, org, user, call.body), is_new=current is None)


def _judge(person: dict[str, Any]) -> None:
    """Raises RefusalError for what a schema cannot say."""
    entry = person["user"]
    judge_permissions("permissions", entry["permissions"])
    for name, held in entry.get("obligations", {}).items():
        judge_permissions(f"obligations.{name}", held)
    judge_instants(entry.get("until", {}))
    kind = "clients" if person["audience"] == "staff" else "company"
    if kind not in entry["scope"]:
        raise unfit(f"the scope of a user for `{person['audience']}` says `{kind}`")


def judge_permissions(where: str, permissions: list[str]) -> None:
    """Raises RefusalError where a list is not sorted, or has something twice: equal lists have to be equal bytes."""
    if any(one >= two for one, two in pairwise(permissions)):
        raise unfit(f"`{where}` is sorted, and has nothing twice")


def judge_instants(until: dict[str, str]) -> None:
    """Raises RefusalError for an instant that there is not, such as the 30th of February."""
    for permission, instant in until.items():
        if read_instant(instant) is None:
            raise unfit(f"`until` of `{permission}` is no instant: `{instant}`")


def _delete_user(connection: sqlite3.Connection, call: Call) -> Answer:
    org, user = call.path["org"], call.path["user"]
    require_lock_while_deploying(connection, call)
    current = people.find_etag(connection, org, user)
    if current is None:
        raise missing(f"user `{user}` in `{org}`")
    if call.header("If-Match") is None:
        raise RefusalError(
            HTTPStatus.PRECONDITION_REQUIRED, "this write needs `If-Match` with the ETag of what you saw"
        )
    require_match(current, call.header("If-Match"))
    people.delete_user(connection, org, user)
    return DONE


_WRITE_PROBLEMS = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.PRECONDITION_REQUIRED,
)

OPERATIONS = (
    Operation(
        id="listUsers",
        method="GET",
        path="/v1/orgs/{org}/users",
        summary="List the users of an org, page by page.",
        handle=_list_users,
        tag=_USERS,
        right=Right.READ,
        successes=resource("A page.", PAGE),
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(ORG_PARAMETER, _OF_AUDIENCE, _AFTER, LIMIT_PARAMETER, IF_CHANGED),
    ),
    Operation(
        id="getUser",
        method="GET",
        path=_PATH,
        summary="Show a user.",
        handle=_show_user,
        tag=_USERS,
        right=Right.READ,
        successes=resource("The user.", PERSON),
        problems=(HTTPStatus.NOT_FOUND,),
        parameters=(*_WHERE, IF_CHANGED),
    ),
    Operation(
        id="putUser",
        method="PUT",
        path=_PATH,
        summary="Create or replace a user; the head of the bundle has to be there.",
        handle=_put_user,
        tag=_USERS,
        right=Right.WRITE,
        successes=PUT_SUCCESSES,
        problems=_WRITE_PROBLEMS,
        parameters=(*_WHERE, IF_MATCH, IF_NONE_MATCH, HUB_LOCK),
        body=PERSON,
        changes=True,
    ),
    Operation(
        id="deleteUser",
        method="DELETE",
        path=_PATH,
        summary="Delete a user.",
        handle=_delete_user,
        tag=_USERS,
        right=Right.WRITE,
        successes=DELETE_SUCCESSES,
        problems=_WRITE_PROBLEMS,
        parameters=(*_WHERE, IF_MATCH, HUB_LOCK),
        changes=True,
    ),
)
