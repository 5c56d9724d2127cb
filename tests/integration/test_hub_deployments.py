"""Deployments on the hub: who holds the lock may write, each org is marked only as it is, and every record is kept once."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.hub_process import HOLDER, NEW, READ_TOKEN, Client, Hub, digest, person, start_hub, user_path

BUNDLE = "/v1/orgs/acme/bundles/staff"
DEPLOYED = "/v1/orgs/acme/deployed"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = start_hub(tmp_path / "hub.sqlite")
    yield hub
    assert hub.stop() == 0


@pytest.fixture
def client(hub: Hub) -> Client:
    return hub.client()


def lock(client: Client, **holder: Any) -> dict[str, str]:
    """Takes the lock, and returns the header that proves it."""
    reply = client.ask("PUT", "/v1/lock", HOLDER | holder, NEW)
    assert reply.status == 201
    return {"Hubcfg-Lock": reply.etag}


def begin(client: Client, serial: int, held: dict[str, str]) -> int:
    return client.ask("PUT", "/v1/deployment", {"serial": serial, "beginning": '{"who":"kim"}'}, held).status


def append(client: Client, serial: int, held: dict[str, str], **more: Any) -> int:
    record = json.dumps({"serial": serial, "who": "zoë"})
    return client.ask("POST", "/v1/deployments", {"serial": serial, "record": record, **more}, held).status


def finish(hub_client: Client, serial: int, held: dict[str, str], **files: str) -> int:
    return hub_client.ask("PUT", DEPLOYED, {"serial": serial, "files": files, "ever": ["bo", "kim"]}, held).status


def test_a_whole_deployment(client: Client) -> None:
    """Lock, begin, write, mark, record, unlock: at each step the state says where it stands, and all is kept as it was given."""
    held = lock(client)
    assert begin(client, 1, held) == 204
    assert client.put_head(**held).status == 201
    assert client.put_user("kim", person("psa.tickets.read"), **held).status == 201
    assert client.get("/v1/state").json == {
        "api": 1,
        "serial": 0,
        "record_sha256": None,
        "lock": HOLDER,
        "interrupted": {"serial": 1, "beginning": '{"who":"kim"}', "done": []},
    }
    bundle = client.get(BUNDLE).body
    assert finish(client, 1, held, staff=bundle.decode()) == 204
    assert finish(client, 1, held, staff=bundle.decode()) == 204
    assert client.get("/v1/state").json["interrupted"]["done"] == ["acme"]
    sources = b"\x00\xffsources"
    assert append(client, 1, held, sources=base64.b64encode(sources).decode()) == 201
    record = '{"serial": 1, "who": "zo\\u00eb"}'
    assert client.get("/v1/deployments").json == {"records": [record], "next": None}
    assert client.ask("DELETE", "/v1/lock", headers={"If-Match": held["Hubcfg-Lock"]}).status == 204
    assert client.get("/v1/state").json == {
        "api": 1,
        "serial": 1,
        "record_sha256": digest(record.encode()),
        "lock": None,
        "interrupted": None,
    }
    assert client.get("/v1/deployments/1/sources").body == sources
    assert client.get(DEPLOYED + "/staff").body == bundle
    assert client.get("/v1/orgs/acme/ever").json == {"ever": ["bo", "kim"]}


def test_who_does_not_hold_the_lock_cannot_deploy(client: Client) -> None:
    """Without the lock nothing begins, is marked or is recorded."""
    for held in ({}, {"Hubcfg-Lock": '"0a.1"'}):
        assert begin(client, 1, held) == finish(client, 1, held) == append(client, 1, held) == 409
    lock(client)
    assert begin(client, 1, {}) == finish(client, 1, {}) == append(client, 1, {}) == 409
    other = {"Hubcfg-Lock": '"0a.1"'}
    assert begin(client, 1, other) == finish(client, 1, other) == append(client, 1, other) == 412


def test_who_lost_the_lock_cannot_write(client: Client) -> None:
    """After it was taken over, even by the same process, the former holder's writes are refused, whatever they are."""
    lost = lock(client)
    client.put_head()
    assert begin(client, 1, lost) == 204
    taken = client.ask("PUT", "/v1/lock", HOLDER, {"If-Match": lost["Hubcfg-Lock"]})
    held = {"Hubcfg-Lock": taken.etag}
    assert taken.status == 204
    assert held != lost
    refused = client.put_user("kim", person(), **lost)
    assert (refused.status, refused.json["type"]) == (412, "/problems/lock-lost")
    assert client.put_head(**lost).status == 412
    assert append(client, 1, lost) == finish(client, 1, lost) == begin(client, 1, lost) == 412
    assert client.ask("PUT", "/v1/lock", HOLDER, {"If-Match": lost["Hubcfg-Lock"]}).status == 412
    assert client.ask("DELETE", "/v1/lock", headers={"If-Match": lost["Hubcfg-Lock"]}).status == 412
    assert client.put_user("kim", person(), **held).status == 201


def test_during_a_deployment_only_its_holder_writes(hub: Hub, client: Client) -> None:
    """Others wait until it has ended, and may write before and afterwards."""
    other = hub.client()
    held = lock(client)
    assert other.put_head().status == 201
    begin(client, 1, held)
    assert other.put_user("kim", person()).status == 409
    assert other.ask("PUT", "/v1/orgs/acme/heads/client", person(), NEW).status == 422
    assert other.put_head().status == 409
    assert client.put_user("kim", person(), **held).status == 201
    assert other.ask("DELETE", user_path("kim"), headers={"If-Match": "*"}).status == 409
    append(client, 1, held)
    assert other.put_user("kim", person("psa.tickets.read")).status == 204


def test_the_lock_is_taken_once(hub: Hub, client: Client) -> None:
    """Who comes second is told; who reads sees by whom it is held."""
    held = lock(client)
    assert client.ask("PUT", "/v1/lock", HOLDER | {"pid": 8}, NEW).status == 412
    shown = hub.client(READ_TOKEN).get("/v1/lock")
    assert (shown.json, shown.etag) == (HOLDER, held["Hubcfg-Lock"])
    assert client.ask("DELETE", "/v1/lock").status == 428
    assert client.ask("DELETE", "/v1/lock", headers={"If-Match": "*"}).status == 204
    assert client.get("/v1/lock").status == client.ask("DELETE", "/v1/lock", headers={"If-Match": "*"}).status == 404


def test_serials_follow_one_another(client: Client) -> None:
    """A deployment begins and is recorded only as the one after the last; another one cannot begin beside it."""
    held = lock(client)
    assert [begin(client, serial, held) for serial in (2, 0, 1, 1)] == [409, 422, 204, 204]
    assert client.ask("PUT", "/v1/deployment", {"serial": 1, "beginning": "{}"}, held).status == 409
    assert finish(client, 2, held) == 409
    assert [append(client, serial, held) for serial in (2, 1, 1, 3, 2)] == [412, 201, 412, 412, 201]
    assert finish(client, 2, held) == 409
    assert [json.loads(one)["serial"] for one in client.get("/v1/deployments").json["records"]] == [1, 2]
    page = client.get("/v1/deployments?limit=1").json
    assert (len(page["records"]), page["next"]) == (1, 1)
    assert client.get("/v1/deployments?after=1").json["records"] == client.get("/v1/deployments").json["records"][1:]


def test_an_org_is_marked_only_as_it_is(client: Client) -> None:
    """What is said to be deployed has to be what is there, of every audience; else nothing is marked."""
    held = lock(client)
    begin(client, 1, held)
    client.put_head(**held)
    client.put_head(audience="client", **held)
    staff, clients = (client.get(f"/v1/orgs/acme/bundles/{audience}").body.decode() for audience in ("staff", "client"))
    assert finish(client, 1, held) == finish(client, 1, held, staff=staff) == 409
    assert finish(client, 1, held, staff=staff, client=clients + " ") == 409
    assert client.get("/v1/state").json["interrupted"]["done"] == []
    assert finish(client, 1, held, staff=staff, client=clients) == 204


def test_whom_a_deployment_puts_is_remembered_at_once(client: Client) -> None:
    """Who was put by a deployment that was cut off before it marked the org is not taken for somebody else's."""
    client.put_head()
    client.put_user("by-hand", person())
    held = lock(client)
    begin(client, 1, held)
    client.put_user("kim", person(), **held)
    assert client.get("/v1/orgs/acme/ever").json == {"ever": ["kim"]}


def test_an_org_that_was_emptied_is_remembered(client: Client) -> None:
    """It stays in the list, with nothing live, and who was ever in it is known."""
    held = lock(client)
    begin(client, 1, held)
    assert finish(client, 1, held) == 204
    append(client, 1, held)
    assert client.get("/v1/orgs").json == {"orgs": [{"org": "acme", "bundles": {}}]}
    assert client.get("/v1/orgs/acme/ever").json == {"ever": ["bo", "kim"]}


def test_a_record_is_appended_once_for_a_key(client: Client) -> None:
    """The same request with the same key gets the same answer and is not done again; another one with that key is refused."""
    held = lock(client) | {"Idempotency-Key": "k-1"}
    body = {"serial": 1, "record": '{"serial":1}'}
    first = client.ask("POST", "/v1/deployments", body, held)
    again = client.ask("POST", "/v1/deployments", body, held)
    assert (first.status, first.body) == (again.status, again.body) == (201, first.body)
    assert client.ask("POST", "/v1/deployments", {"serial": 2, "record": '{"serial":2}'}, held).status == 422
    assert client.ask("POST", "/v1/deployments", body, held | {"Idempotency-Key": "k-2"}).status == 412
    assert client.ask("POST", "/v1/deployments", body, held | {"Idempotency-Key": "k" * 256}).status == 400
    assert len(client.get("/v1/deployments").json["records"]) == 1


@pytest.mark.parametrize(
    "record", ["", "[]", "{}", '{"serial": 2}', '{"serial": 1.0}', '{"serial": true}', '{"serial": 1, "serial": 1}']
)
def test_a_record_says_its_serial(client: Client, record: str) -> None:
    """What is no JSON object with the serial that it is sent under is not kept."""
    assert client.ask("POST", "/v1/deployments", {"serial": 1, "record": record}, lock(client)).status == 422
    assert client.get("/v1/state").json["serial"] == 0


def test_sources_are_base64(client: Client) -> None:
    """Other text is refused; a record without sources has none."""
    held = lock(client)
    assert [append(client, 1, held, sources=text) for text in ("?", "YQ", "YQ==\n", "é")] == [422] * 4
    assert append(client, 1, held) == 201
    assert client.get("/v1/deployments/1/sources").status == 404
