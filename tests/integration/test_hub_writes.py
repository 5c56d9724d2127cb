"""Writing to the hub: conditions, rights, limits, strictness, and what becomes of two who write at once."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.hub_process import HEAD, NEW, READ_TOKEN, Client, Hub, person, start_hub, user_path

KIM = user_path("kim")
HEAD_PATH = "/v1/orgs/acme/heads/staff"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = start_hub(tmp_path_factory.mktemp("hub") / "hub.sqlite")
    yield hub
    assert hub.stop() == 0


@pytest.fixture
def client(hub: Hub) -> Client:
    client = hub.client()
    client.clear()
    assert client.put_head().status == 201
    return client


def test_of_two_who_write_at_once_one_wins(hub: Hub, client: Client) -> None:
    """Of many clients that saw the same and write different things exactly one succeeds; what it wrote is what is there."""
    client.put_user("kim", person())
    for turn in range(5):
        seen = client.get(KIM).etag
        outcomes: dict[int, int] = {}
        barrier = threading.Barrier(6)

        def write(
            number: int,
            turn: int = turn,
            seen: str = seen,
            outcomes: dict[int, int] = outcomes,
            barrier: threading.Barrier = barrier,
        ) -> None:
            writer = hub.client()
            barrier.wait()
            reply = writer.ask("PUT", KIM, person(uid=f"{turn}-{number}"), {"If-Match": seen})
            outcomes[number] = reply.status

        threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes.values()) == [204, 412, 412, 412, 412, 412]
        winner = next(number for number, status in outcomes.items() if status == 204)
        assert client.get(KIM).json["user"]["uid"] == f"{turn}-{winner}"


@pytest.mark.usefixtures("client")
def test_of_two_who_create_one_wins(hub: Hub) -> None:
    """`If-None-Match: *` creates once."""
    outcomes: list[int] = []
    barrier = threading.Barrier(4)

    def create() -> None:
        creator = hub.client()
        barrier.wait()
        outcomes.append(creator.ask("PUT", KIM, person(), NEW).status)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [201, 412, 412, 412]


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("PUT", {}, 428),
        ("PUT", {"If-None-Match": '"0a"'}, 428),
        ("PUT", {"If-None-Match": "*"}, 412),
        ("PUT", {"If-Match": '"0a"'}, 412),
        ("PUT", {"If-Match": "0a"}, 400),
        ("PUT", {"If-Match": ""}, 400),
        ("PUT", {"If-Match": "*"}, 204),
        ("PUT", {"If-Match": "*", "If-None-Match": "*"}, 412),
        ("DELETE", {}, 428),
        ("DELETE", {"If-Match": '"0a"'}, 412),
        ("DELETE", {"If-Match": "*"}, 204),
    ],
)
@pytest.mark.parametrize("path", [KIM, HEAD_PATH])
def test_a_write_says_what_it_saw(client: Client, method: str, headers: dict[str, str], status: int, path: str) -> None:
    """Writing needs a condition, and is refused where that does not hold; then nothing has changed."""
    if path == KIM:
        client.put_user("kim", person())
    before = client.get(path)
    body: Any = {KIM: person("psa.tickets.read"), HEAD_PATH: HEAD | {"products": {}}}[path] if method == "PUT" else None
    assert client.ask(method, path, body, headers).status == status
    assert (client.get(path) == before or client.get(path).body == before.body) == (status >= 400)


def test_what_is_not_there_cannot_be_matched(client: Client) -> None:
    """`If-Match` on nothing is refused, and so is deleting it."""
    assert client.ask("PUT", KIM, person(), {"If-Match": "*"}).status == 412
    assert client.ask("DELETE", KIM, headers={"If-Match": "*"}).status == 404


def test_weak_etags_do_not_match_a_write(client: Client) -> None:
    """`If-Match` compares strongly, `If-None-Match` of a reader weakly, as RFC 9110 says."""
    etag = client.put_user("kim", person()).etag
    assert client.ask("PUT", KIM, person(), {"If-Match": "W/" + etag}).status == 412
    assert client.get(KIM, {"If-None-Match": "W/" + etag}).status == 304
    assert client.ask("PUT", KIM, person(), {"If-Match": f'"0a", {etag}'}).status == 204


@pytest.mark.parametrize(
    "path", ["/v1/state", "/v1/orgs", "/v1/orgs/acme/bundles/staff", HEAD_PATH, "/v1/orgs/acme/users", "/openapi.json"]
)
def test_who_has_it_already_gets_nothing(client: Client, path: str) -> None:
    """A reader whose ETag is the present one is told so, without a body."""
    etag = client.get(path).etag
    reply = client.get(path, {"If-None-Match": etag})
    assert (reply.status, reply.body, reply.etag) == (304, b"", etag)


def test_a_head_stays_while_somebody_is_in_the_bundle(client: Client) -> None:
    """It cannot be deleted from above its users, nor a user be put without one."""
    client.put_user("kim", person())
    etag = client.get(HEAD_PATH).etag
    assert client.ask("DELETE", HEAD_PATH, headers={"If-Match": etag}).status == 409
    client.ask("DELETE", KIM, headers={"If-Match": "*"})
    assert client.ask("DELETE", HEAD_PATH, headers={"If-Match": etag}).status == 204
    assert client.ask("PUT", KIM, person(), NEW).status == 409
    assert client.get("/v1/orgs").json == {"orgs": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"[" * 100_000, 400),
        (b"NaN", 400),
        (b'{"audience": Infinity}', 400),
        (b'{"audience": 1e999}', 400),
        (b'{"audience": ' + b"9" * 5000 + b"}", 400),
        (b'{"audience": "staff", "audience": "client"}', 400),
        (b'{"audience": "staff", "user": {"role": "\\ud800"}}', 400),
        (b'{"audience": "staff", "user": {"\\udc00": 1}}', 400),
        (b"null", 422),
        (b"{}", 422),
        (b'{"audience": "staff", "user": {"permissions": [], "products": []}}', 422),
        (b'{"audience": "staff", "user": {"permissions": [], "products": [], "scope": {"clients": "some"}}}', 422),
        (b'{"audience": "staff", "user": {"permissions": [], "products": [], "scope": {"company": "contoso"}}}', 422),
        (b'{"audience": "client", "user": {"permissions": [], "products": [], "scope": {"clients": "all"}}}', 422),
        (
            b'{"audience": "staff", "user": {"permissions": ["b.b.b", "a.a.a"], "products": [], "scope": {"clients": "all"}}}',
            422,
        ),
        (
            b'{"audience": "staff", "user": {"permissions": ["a.a.a", "a.a.a"], "products": [], "scope": {"clients": "all"}}}',
            422,
        ),
        (
            b'{"audience": "staff", "user": {"permissions": [], "products": [], "scope": {"clients": "all"}, "more": 1}}',
            422,
        ),
        (
            b'{"audience": "staff", "user": {"permissions": [], "products": [], "scope": {"clients": "all"}, "until": {"a.a.a": "2027-02-30T00:00:00Z"}}}',
            422,
        ),
    ],
    ids=range(22),
)
def test_a_body_is_read_strictly(client: Client, body: bytes, status: int) -> None:
    """What is not JSON, could be read in two ways, or does not fit is refused with a reason, and nothing is kept of it."""
    reply = client.ask("PUT", KIM, body, NEW)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert reply.json["status"] == status
    assert reply.json["detail"]
    assert client.get(KIM).status == 404


def test_a_body_is_json_and_not_too_large(client: Client) -> None:
    """Other media types, encodings and sizes are refused before the body is looked at."""
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Encoding": "gzip"},
    ):
        assert client.ask("PUT", KIM, person(), NEW | headers).status == 415, headers
    assert client.ask("PUT", KIM, person(), NEW | {"Content-Type": "Application/JSON; charset=UTF-8"}).status == 201
    assert client.ask("PUT", user_path("bo"), b" " * ((1 << 20) + 1), NEW).status == 413


def test_tokens_say_who_may_what(hub: Hub, client: Client) -> None:
    """Without a known token nothing is shown; one for reading reads and checks, and changes nothing."""
    for token in (None, "", "another", READ_TOKEN[:-1], READ_TOKEN + "x"):
        reply = hub.client(token).get("/v1/state")
        assert (reply.status, reply.headers["www-authenticate"].split()[0]) == (401, "Bearer"), token
    assert client.get("/v1/state", {"Authorization": f"Basic {READ_TOKEN}"}).status == 401
    assert client.get("/v1/state", {"Authorization": f"bearer {READ_TOKEN}"}).status == 200
    reader = hub.client(READ_TOKEN)
    assert reader.get("/v1/orgs/acme/bundles/staff").status == 200
    assert reader.ask("POST", "/v1/check", {"org": "acme", "user": "kim", "permission": "a.a.a"}).status == 200
    assert reader.ask("PUT", KIM, person(), NEW).status == 403
    assert reader.ask("DELETE", HEAD_PATH, headers={"If-Match": "*"}).status == 403
    assert hub.client(None).get("/healthz").json == {"status": "ok"}
    assert hub.client(None).get("/openapi.json").json["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/orgs/", 404),
        ("POST", "/v1/state", 405),
        ("GET", "/v1/orgs/acme/bundles/everybody", 404),
        ("GET", "/v1/orgs/acme/bundles/client", 404),
        ("GET", "/v1/orgs/acme/deployed/staff", 404),
        ("GET", "/v1/orgs/other/users", 404),
        ("GET", "/v1/orgs/other/ever", 404),
        ("GET", "/v1/orgs/Other!/ever", 404),
        ("GET", "/v1/deployments/1/sources", 404),
        ("GET", "/v1/deployments/x/sources", 404),
        ("GET", "/v1/deployments/0/sources", 404),
        ("GET", "/v1/orgs/acme/users?limit=0", 422),
        ("GET", "/v1/orgs/acme/users?limit=1001", 422),
        ("GET", "/v1/orgs/acme/users?limit=one", 422),
        ("GET", "/v1/orgs/acme/users?limit=1&limit=2", 422),
        ("GET", "/v1/orgs/acme/users?audience=all", 422),
        ("GET", "/v1/orgs/acme/users?audiense=staff", 422),
        ("GET", "/v1/orgs/acme/users?after=%FF", 422),
        ("GET", "/v1/orgs/acme/users?after", 422),
        ("GET", "/v1/deployments?after=-1", 422),
        ("GET", "/v1/state?verbose=1", 422),
    ],
)
def test_what_is_asked_wrongly_is_told(client: Client, method: str, path: str, status: int) -> None:
    """Unknown addresses, methods and parameters give a problem that says so."""
    reply = client.ask(method, path)
    assert (reply.status, reply.json["status"]) == (status, status)
    assert reply.headers["content-type"] == "application/problem+json"


def test_head_is_get_without_the_body(client: Client) -> None:
    """HEAD answers with GET's headers."""
    reply = client.ask("HEAD", HEAD_PATH)
    assert (reply.status, reply.body, reply.etag) == (200, b"", client.get(HEAD_PATH).etag)


def test_too_many_requests_are_put_off(tmp_path: Path) -> None:
    """A token that asks too often is told how long to wait, and then may; other tokens and open addresses are not touched."""
    hub = start_hub(tmp_path / "slow.sqlite", "--rate", "60")
    client = hub.client()
    replies = [client.get("/v1/state") for _ in range(70)]
    refused = next(reply for reply in replies if reply.status == 429)
    assert sum(reply.status == 200 for reply in replies) >= 60
    assert refused.headers["retry-after"] == "1"
    assert hub.client(READ_TOKEN).get("/v1/state").status == 200
    assert all(client.get("/healthz").status == 200 for _ in range(70))
    while (last := client.get("/v1/state")).status == 200:
        pass
    time.sleep(int(last.headers["retry-after"]))
    assert client.get("/v1/state").status == 200
    hub.stop()
