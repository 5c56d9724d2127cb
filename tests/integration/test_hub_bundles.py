"""The hub takes bundles apart into users, and puts them together again to the very bytes."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from hubcfg.core.instants import parse_instant
from hubcfg.hub.store.database import Database
from hubcfg.hub.store.people import save_head, save_user
from hubcfg.pipeline import compile_project
from tests.docs.pages import ROOT
from tests.integration.hub_process import HEAD, NEW, Client, Hub, digest, person, start_hub, user_path

EXAMPLES = sorted(path.parent.name for path in ROOT.glob("examples/*/hubcfg.yaml"))
AS_OF = "2026-12-01T09:00:00Z"
STRANGE_USERS = ["zoë@acme.example", "李雷@acme.example", "😀", "ﬀ", "%2F", "a%", "a+b&c=d?e#f", "~", "..%", "'\"<>"]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = start_hub(tmp_path_factory.mktemp("hub") / "hub.sqlite")
    yield hub
    assert hub.stop() == 0


@pytest.fixture
def client(hub: Hub) -> Client:
    client = hub.client()
    client.clear()
    return client


def take_apart(content: bytes) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Returns the head of a bundle, and its users as the API takes them."""
    bundle = json.loads(content)
    users, sets = bundle.pop("users"), bundle.pop("permission_sets")
    audience = bundle["audience"]
    head = {key: value for key, value in bundle.items() if key not in ("format", "org", "audience")}
    people = {}
    for id, entry in users.items():
        permissions = sets[entry.pop("set")]
        people[id] = {"audience": audience, "user": entry | {"permissions": permissions}}
    return head, people


def compile_example(name: str) -> dict[tuple[str, str], bytes]:
    """Returns the bundles of an example by org and audience."""
    instant = parse_instant(AS_OF)
    assert instant is not None
    files = compile_project(ROOT / "examples" / name, as_of=instant).emit()
    return {
        (path.split("/")[1], path.split("/")[2].removesuffix(".json")): content
        for path, content in files.items()
        if path.startswith("orgs/")
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_bundles_come_back_byte_for_byte(example: str, client: Client) -> None:
    """What is put user by user, in any order and with detours, is the bundle that was compiled."""
    bundles = compile_example(example)
    assert bundles
    chance = random.Random(example)
    for (org, audience), content in bundles.items():
        head, people = take_apart(content)
        assert client.put_head(org, audience, head).status == 201
        for id in chance.sample(sorted(people), len(people)):
            if chance.random() < 0.3:
                entry = people[id]["user"] | {"permissions": ["psa.tickets.read"], "uid": "somebody-else"}
                assert client.put_user(id, people[id] | {"user": entry}, org).status == 201
            assert client.put_user(id, people[id], org).status in (201, 204)
    for (org, audience), content in bundles.items():
        reply = client.get(f"/v1/orgs/{org}/bundles/{audience}")
        assert (reply.body, reply.etag) == (content, f'"{digest(content)}"')
    listed = {one["org"]: one["bundles"] for one in client.get("/v1/orgs").json["orgs"]}
    for (org, audience), content in bundles.items():
        assert listed[org][audience] == digest(content)


def test_a_users_etag_can_be_worked_out_from_a_bundle(client: Client) -> None:
    """It is the SHA-256 of the canonical JSON of what the API shows, so that no request is needed to know it."""
    client.put_head()
    put = client.put_user("kim", person("psa.tickets.read"))
    shown = client.get(user_path("kim"))
    assert put.etag == shown.etag == f'"{digest(shown.body)}"'
    assert shown.json == person("psa.tickets.read")


def test_any_id_that_a_user_can_have_works(client: Client) -> None:
    """Ids of any script and with signs that mean something in addresses are kept, listed and ordered as RFC 8785 says."""
    client.put_head()
    for id in STRANGE_USERS:
        assert client.ask("PUT", user_path(id), person(uid=id), NEW).status == 201, id
        assert client.get(user_path(id)).json["user"]["uid"] == id
    bundle = client.get("/v1/orgs/acme/bundles/staff").body
    users = json.loads(bundle)["users"]
    assert list(users) == sorted(STRANGE_USERS, key=lambda id: id.encode("utf-16-be"))
    listed: list[str] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = client.get(f"/v1/orgs/acme/users?limit=3&after={quote(page['next'], safe='')}").json
        assert len(page["users"]) <= 3
        listed += page["users"]
    assert sorted(listed) == sorted(STRANGE_USERS)
    for id in STRANGE_USERS:
        assert client.ask("DELETE", user_path(id), headers={"If-Match": client.get(user_path(id)).etag}).status == 204
    assert json.loads(client.get("/v1/orgs/acme/bundles/staff").body)["users"] == {}


@pytest.mark.parametrize("path", ["a%2Fb", "%20", "a%00b", "e%CC%81", "..", "%5C", "x" * 255])
def test_an_id_that_no_user_can_have_is_refused(client: Client, path: str) -> None:
    """Ids with slashes, spaces, control signs, not composed, or too long cannot be put."""
    client.put_head()
    assert client.ask("PUT", f"/v1/orgs/acme/users/{path}", person(), NEW).status == 422


def test_an_address_that_is_not_utf8_leads_nowhere(client: Client) -> None:
    """Bytes that no text has name no user."""
    client.put_head()
    assert client.ask("PUT", "/v1/orgs/acme/users/%FF", person(), NEW).status == 404


def test_a_user_can_change_audience(client: Client) -> None:
    """One PUT takes a user out of one bundle and into the other: never in both, never in none."""
    client.put_head()
    client.put_head(audience="client")
    client.put_user("kim", person())
    assert client.put_user("kim", person(audience="client")).status == 204
    bundles = [client.get(f"/v1/orgs/acme/bundles/{audience}").json["users"] for audience in ("staff", "client")]
    assert [list(users) for users in bundles] == [[], ["kim"]]


def test_ten_thousand_users(tmp_path: Path) -> None:
    """A large org is listed page by page, completely, and comes back as one bundle whose digest the list of orgs names."""
    path = tmp_path / "hub.sqlite"
    database = Database(path)
    ids = [f"user-{number}@acme.example" for number in range(10_000)]
    with database.write() as connection:
        save_head(connection, "acme", "staff", HEAD)
        for number, id in enumerate(ids):
            save_user(connection, "acme", id, person(f"psa.tickets.a{number % 50}", "psa.tickets.read"))
    database.close()
    hub = start_hub(path)
    client = hub.client()
    listed: list[str] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = client.get(f"/v1/orgs/acme/users?audience=staff&after={page['next']}").json
        listed += page["users"]
    assert listed == sorted(ids)
    bundle = client.get("/v1/orgs/acme/bundles/staff").body
    assert (len(json.loads(bundle)["users"]), len(json.loads(bundle)["permission_sets"])) == (10_000, 50)
    assert client.get("/v1/orgs").json["orgs"] == [{"org": "acme", "bundles": {"staff": digest(bundle)}}]
    assert hub.stop() == 0
