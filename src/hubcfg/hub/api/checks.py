"""Checks: may this user do this, for this client, now?"""

import sqlite3

from hubcfg.hub.operations import Answer, Call, Operation, show, shown
from hubcfg.hub.schemas import QUESTION, VERDICT
from hubcfg.hub.store.checking import Question, check
from hubcfg.hub.tokens import Right


def _check(connection: sqlite3.Connection, call: Call) -> Answer:
    body = call.body
    question = Question(body["org"], body["user"], body["permission"], body.get("client"))
    return show(check(connection, question, call.now).to_json())


OPERATIONS = (
    Operation(
        id="check",
        method="POST",
        path="/v1/check",
        summary="May this user do this, for this client, now?",
        handle=_check,
        tag="Checks",
        right=Right.READ,
        successes=shown("The answer, also for whom or what the hub does not know: not allowed.", VERDICT),
        body=QUESTION,
    ),
)
