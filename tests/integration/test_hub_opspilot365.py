"""OpsPilot365's endpoint on the hub: what is put is what is shown, for technicians who are there."""

from collections.abc import Iterator

import pytest

from tests.integration.hub_process import READ_TOKEN, Client, Hub, start_hub

PATH = "/api/technicians/kim%40pilot.example/permissions"
PUT = {
    "role": "technician",
    "permissions": ["devices.devices.wipe", "tickets.tickets.view"],
    "customers": ["contoso"],
    "managerApproval": ["devices.devices.wipe"],
    "authentication": {"method": "sso", "mfa": True},
    "until": {"devices.devices.wipe": "2027-01-01T00:00:00Z"},
}


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = start_hub(tmp_path_factory.mktemp("hub") / "hub.sqlite")
    yield hub
    assert hub.stop() == 0


@pytest.fixture
def client(hub: Hub) -> Client:
    client = hub.client()
    assert client.ask("PUT", PATH.removesuffix("/permissions"), {"role": "read-only"}).status == 201
    return client


def test_what_is_put_is_shown(client: Client) -> None:
    """A technician begins with nothing; a PUT replaces it all, with or without a condition; inviting again changes nothing."""
    first = client.get(PATH)
    assert first.json == {"role": "read-only", "permissions": [], "customers": []}
    put = client.ask("PUT", PATH, PUT)
    assert (put.status, put.body) == (204, b"")
    assert (client.get(PATH).json, client.get(PATH).etag) == (PUT, put.etag)
    assert client.ask("PUT", PATH, PUT | {"customers": "all"}, {"If-Match": first.etag}).status == 412
    assert client.ask("PUT", PATH.removesuffix("/permissions"), {"role": "manager"}).status == 204
    assert client.get(PATH).json == PUT
    assert client.ask("PUT", PATH, PUT | {"customers": "all"}, {"If-Match": put.etag}).status == 204


def test_what_cannot_be_put(hub: Hub, client: Client) -> None:
    """Unknown technicians, tokens for reading and bodies that do not fit are refused, and nothing changes."""
    assert client.ask("PUT", PATH.replace("kim", "bo"), PUT).status == 404
    assert client.get(PATH.replace("kim", "bo")).status == 404
    assert hub.client(READ_TOKEN).ask("PUT", PATH, PUT).status == 403
    for change in ({"permissions": ["b.b.b", "a.a.a"]}, {"until": {"a.a.a": "2027-02-30T00:00:00Z"}}, {"customers": 1}):
        assert client.ask("PUT", PATH, PUT | change).status == 422
    assert client.get(PATH).json["permissions"] == []
