"""Answers that are given again: what a POST with an idempotency key was answered."""

import sqlite3

from msgspec import Struct

from hubcfg.core.instants import DAY, Instant


class Given(Struct, frozen=True):
    """An answer that was given: to which request (the digest of its body), and what it was."""

    request: str
    status: int
    body: str


def find_answer(connection: sqlite3.Connection, token: str, key: str, now: Instant) -> Given | None:
    """Returns what a token's request with this key was answered within the last 24 hours."""
    query = "SELECT request, status, body FROM answers WHERE token = ? AND key = ? AND at > ?"
    found = connection.execute(query, (token, key, now - DAY)).fetchone()
    return None if found is None else Given(*found)


def keep_answer(connection: sqlite3.Connection, token: str, key: str, given: Given, now: Instant) -> None:
    """Keeps an answer for 24 hours, and forgets those that are older."""
    connection.execute("DELETE FROM answers WHERE at <= ?", (now - DAY,))
    row = (token, key, given.request, given.status, given.body, now)
    connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)
