"""Answers whether a user may do something, for a client, at an instant: one look-up by two primary keys."""

import json
import re
import sqlite3
from typing import Any

from msgspec import Struct

from hubcfg.core.canonical import Json
from hubcfg.core.instants import Instant, read_instant
from hubcfg.hub.schemas import PERMISSION_PATTERN

_PERMISSION = re.compile(PERMISSION_PATTERN.removesuffix("$") + r"\Z")
_QUERY = """
SELECT entry, members.permission IS NOT NULL FROM users
LEFT JOIN members ON members.set_id = users.set_id AND members.permission = ?3 WHERE org = ?1 AND id = ?2
"""


class Question(Struct, frozen=True):
    """Who wants to do what, for which client; without a client: for anybody at all."""

    org: str
    user: str
    permission: str
    client: str | None = None


class Verdict(Struct, frozen=True):
    """Whether it is allowed, why or why not in words, when the permission ends or ended by itself, and what it comes with."""

    allowed: bool
    reason: str
    until: str | None = None
    obligations: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Returns the verdict as the API shows it."""
        return {
            "allowed": self.allowed,
            "reason": self.reason,
            "until": self.until,
            "obligations": self.obligations,
        }


def check(connection: sqlite3.Connection, question: Question, now: Instant) -> Verdict:
    """Returns the verdict on a question. Whoever or whatever is unknown is not allowed."""
    found = connection.execute(_QUERY, (question.org, question.user, question.permission)).fetchone()
    if found is None:
        return Verdict(False, _explain_absence(connection, question))
    entry: dict[str, Any] = json.loads(found[0])
    if entry.get("suspended"):
        return Verdict(False, f"`{question.user}` is suspended")
    if not found[1]:
        if not _PERMISSION.match(question.permission):
            return Verdict(
                False, f"`{question.permission}` is not the name of a permission, such as `product.resource.action`"
            )
        return Verdict(False, f"`{question.user}` does not hold `{question.permission}`")
    until = entry.get("until", {}).get(question.permission)
    if until is not None and _has_passed(until, now):
        return Verdict(False, f"`{question.permission}` of `{question.user}` ended at {until}", until)
    objection = _object_to_client(entry["scope"], question)
    if objection is not None:
        return Verdict(False, objection, until)
    obligations = sorted(name for name, held in entry.get("obligations", {}).items() if question.permission in held)
    return Verdict(True, _explain(question, until, obligations), until, tuple(obligations))


def _has_passed(until: str, now: Instant) -> bool:
    """Whether an end has come; one that cannot be read has, so that nothing lasts by a slip."""
    end = read_instant(until)
    return end is None or now >= end


def _explain_absence(connection: sqlite3.Connection, question: Question) -> str:
    known = connection.execute("SELECT 1 FROM heads WHERE org = ? LIMIT 1", (question.org,)).fetchone()
    if known is None:
        return f"there is no org `{question.org}`"
    return f"there is no user `{question.user}` in `{question.org}`"


def _object_to_client(scope: dict[str, Any], question: Question) -> str | None:
    """Returns why a scope does not reach a client, or anybody; None where it does."""
    if "company" in scope:
        if question.client in (None, scope["company"]):
            return None
        return f"`{question.user}` belongs to `{scope['company']}` and may act for nobody else"
    clients = scope["clients"]
    if clients == "all" or question.client in clients:
        return None
    if not clients:
        return f"`{question.user}` works for no client"
    return None if question.client is None else f"`{question.user}` does not work for `{question.client}`"


def _explain(question: Question, until: str | None, obligations: list[str]) -> str:
    whom = "" if question.client is None else f" and works for `{question.client}`"
    end = "" if until is None else f" until {until}"
    duty = "" if not obligations else "; it comes with " + ", ".join(f"`{name}`" for name in obligations)
    return f"`{question.user}` holds `{question.permission}`{end}{whom}{duty}"
