"""Checks: the hub says who may do what for whom now, and why not in words."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.hub_process import Client, person, start_hub

READ, WIPE, PAST = "psa.tickets.read", "devices.devices.wipe", "psa.tickets.delete"
ENDED = "2026-01-01T00:00:00.25Z"
PEOPLE = {
    "all": person(READ, PAST, until={PAST: ENDED}),
    "some": person(READ, scope={"clients": ["contoso", "fabrikam"]}),
    "none": person(READ, scope={"clients": []}),
    "off": person(READ, suspended=True),
    "dutiful": person(READ, WIPE, obligations={"manager-approval": [WIPE], "four-eyes": [WIPE]}),
    "guest": person(READ, audience="client", scope={"company": "contoso"}),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    hub = start_hub(tmp_path_factory.mktemp("hub") / "hub.sqlite")
    client = hub.client()
    for audience in ("staff", "client"):
        client.put_head(audience=audience)
    for id, value in PEOPLE.items():
        assert client.put_user(id, value).status == 201
    yield client
    assert hub.stop() == 0


def ask(
    client: Client, user: str, permission: str = READ, whom: str | None = None, org: str = "acme"
) -> dict[str, Any]:
    question = {"org": org, "user": user, "permission": permission} | ({} if whom is None else {"client": whom})
    reply = client.ask("POST", "/v1/check", question)
    assert reply.status == 200, reply.body
    verdict: dict[str, Any] = reply.json
    return verdict


@pytest.mark.parametrize(
    ("user", "whom", "reason"),
    [
        ("all", None, "`all` holds `psa.tickets.read`"),
        ("all", "anybody", "`all` holds `psa.tickets.read` and works for `anybody`"),
        ("some", None, "`some` holds `psa.tickets.read`"),
        ("some", "fabrikam", "`some` holds `psa.tickets.read` and works for `fabrikam`"),
        ("guest", None, "`guest` holds `psa.tickets.read`"),
        ("guest", "contoso", "`guest` holds `psa.tickets.read` and works for `contoso`"),
    ],
)
def test_who_is_allowed(client: Client, user: str, whom: str | None, reason: str) -> None:
    """Who holds the permission, and works for the client where one is named."""
    assert ask(client, user, whom=whom) == {"allowed": True, "reason": reason, "until": None, "obligations": []}


@pytest.mark.parametrize(
    ("user", "permission", "whom", "org", "reason"),
    [
        ("all", READ, None, "other", "there is no org `other`"),
        ("who", READ, None, "acme", "there is no user `who` in `acme`"),
        ("all", WIPE, None, "acme", "`all` does not hold `devices.devices.wipe`"),
        (
            "all",
            "psa.*.read",
            None,
            "acme",
            "`psa.*.read` is not the name of a permission, such as `product.resource.action`",
        ),
        ("all", "", None, "acme", "`` is not the name of a permission, such as `product.resource.action`"),
        ("off", READ, None, "acme", "`off` is suspended"),
        ("some", READ, "tailspin", "acme", "`some` does not work for `tailspin`"),
        ("none", READ, None, "acme", "`none` works for no client"),
        ("none", READ, "contoso", "acme", "`none` works for no client"),
        ("guest", READ, "fabrikam", "acme", "`guest` belongs to `contoso` and may act for nobody else"),
    ],
)
def test_who_is_not(client: Client, user: str, permission: str, whom: str | None, org: str, reason: str) -> None:
    """Whoever or whatever is unknown, not held, suspended or out of scope is refused with the reason, never with an error."""
    verdict = ask(client, user, permission, whom, org)
    assert verdict == {"allowed": False, "reason": reason, "until": None, "obligations": []}


def test_obligations_come_along(client: Client) -> None:
    """What has to be met besides is named with the permission that it belongs to, and with no other."""
    verdict = ask(client, "dutiful", WIPE)
    assert (verdict["allowed"], verdict["obligations"]) == (True, ["four-eyes", "manager-approval"])
    assert ask(client, "dutiful", READ)["obligations"] == []


def test_a_permission_that_ended_is_refused(client: Client) -> None:
    """The answer says when it was."""
    assert ask(client, "all", PAST) == {
        "allowed": False,
        "reason": f"`{PAST}` of `all` ended at {ENDED}",
        "until": ENDED,
        "obligations": [],
    }


def test_a_permission_ends_by_itself(client: Client) -> None:
    """From the very instant on, with its fraction, the answer changes, though nobody has deployed anything."""
    end = datetime.now(UTC) + timedelta(seconds=1)
    until = f"{end:%Y-%m-%dT%H:%M:%S.%f}Z"
    client.put_user("brief", person(READ, until={READ: until}))
    before = ask(client, "brief")
    assert (before["allowed"], before["until"]) == (True, until)
    assert datetime.now(UTC) < end, "the machine is too slow to see the permission held"
    time.sleep((end - datetime.now(UTC)).total_seconds())
    assert ask(client, "brief")["allowed"] is False


def test_a_change_counts_at_once(client: Client) -> None:
    """A check after an answered write sees it."""
    client.put_user("fresh", person())
    assert ask(client, "fresh")["allowed"] is False
    client.put_user("fresh", person(READ))
    assert ask(client, "fresh")["allowed"] is True
    client.put_user("fresh", person(READ, suspended=True))
    assert ask(client, "fresh")["allowed"] is False
