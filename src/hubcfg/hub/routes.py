"""All operations of the hub, and the description of them, which is one itself."""

import json
import sqlite3
from functools import cache

from hubcfg.core.canonical import canonical_json
from hubcfg.hub.api import checks, deployments, opspilot365, orgs, state, users
from hubcfg.hub.description import describe
from hubcfg.hub.operations import IF_CHANGED, Answer, Call, Operation, resource, show_resource
from hubcfg.hub.tokens import Right


@cache
def _canonical_description() -> bytes:
    return canonical_json(describe(OPERATIONS))


def write_description() -> str:
    """Returns the OpenAPI description as text for people and files, with a newline at its end."""
    return json.dumps(describe(OPERATIONS), indent=2, ensure_ascii=False) + "\n"


def _show_description(_connection: sqlite3.Connection, call: Call) -> Answer:
    return show_resource(call, _canonical_description())


OPERATIONS: tuple[Operation, ...] = (
    *state.OPERATIONS,
    *orgs.OPERATIONS,
    *users.OPERATIONS,
    *deployments.OPERATIONS,
    *checks.OPERATIONS,
    *opspilot365.OPERATIONS,
    Operation(
        id="getDescription",
        method="GET",
        path="/openapi.json",
        summary="Show this description.",
        handle=_show_description,
        tag="State",
        right=Right.NONE,
        successes=resource("The description.", {"type": "object", "required": ["openapi", "paths"]}),
        parameters=(IF_CHANGED,),
    ),
)
