"""The hub survives being killed, stops when it is told to, and refuses to start where it cannot work."""

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from hubcfg.hub.store.database import APPLICATION_ID
from tests.integration.hub_process import TOKEN, Client, Hub, launch, person, start_hub, user_path
from tests.reference.projects import examples

WRITERS = 4


def version(number: int) -> dict[str, Any]:
    """Returns one of many versions of a user, every part of which tells which it is."""
    permissions = [f"psa.tickets.a{number}", *(f"psa.tickets.b{one}" for one in range(number % 7))]
    return person(*permissions, uid=str(number), products=[str(number)], obligations={str(number): permissions[:1]})


def write_until_it_dies(hub: Hub, user: str, begun: list[int], answered: list[int]) -> None:
    """Writes one version after the other; tells which it began to write, and which were answered."""
    client = Client(hub.port)
    try:
        while True:
            number = begun[-1] + 1
            begun.append(number)
            reply = client.put_user(user, version(number))
            assert reply.status in (201, 204), reply.body
            answered.append(number)
    except (OSError, HTTPException):
        client.close()


def test_killed_at_any_moment_every_user_is_whole(tmp_path: Path) -> None:
    """After SIGKILL amid writes each user is one version, wholly, and no older than the last that was answered."""
    data = tmp_path / "hub.sqlite"
    users = [f"user-{number}" for number in range(WRITERS)]
    begun: dict[str, list[int]] = {user: [0] for user in users}
    answered: dict[str, list[int]] = {user: [0] for user in users}
    hub = start_hub(data)
    hub.client().put_head()
    chance = random.Random(8365)
    for _ in range(examples(6)):
        threads = [
            threading.Thread(target=write_until_it_dies, args=(hub, user, begun[user], answered[user]))
            for user in users
        ]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.02, 0.4))
        hub.kill()
        for thread in threads:
            thread.join()
        hub = start_hub(data)
        client = hub.client()
        for user in users:
            shown = client.get(user_path(user))
            if shown.status == 404:
                assert answered[user] == [0]
                continue
            number = int(shown.json["user"]["uid"])
            assert shown.json == version(number)
            assert answered[user][-1] <= number <= begun[user][-1]
        bundle = client.get("/v1/orgs/acme/bundles/staff").json
        assert {entry["set"] for entry in bundle["users"].values()} == set(bundle["permission_sets"])
    assert max(answered[user][-1] for user in users) > 0
    assert hub.stop() == 0
    assert sqlite3.connect(data).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_told_to_stop_it_ends_what_it_has_begun(tmp_path: Path) -> None:
    """A request that has arrived in part when SIGTERM comes is still answered, and kept; then the process ends with 0."""
    data = tmp_path / "hub.sqlite"
    hub = start_hub(data)
    hub.client().put_head()
    body = json.dumps(person(uid="late")).encode()
    head = f"PUT {user_path('kim')} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {TOKEN}\r\nIf-None-Match: *\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", hub.port)) as connection:
        connection.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        hub.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(body[10:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 201 ")
    assert hub.process.wait(30) == 0
    hub = start_hub(data)
    assert hub.client().get(user_path("kim")).json["user"]["uid"] == "late"
    assert hub.stop(signal.SIGINT) == 130


def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    """Bundles, the lock, the running deployment and its records are there again."""
    data = tmp_path / "hub.sqlite"
    hub = start_hub(data)
    client = hub.client()
    client.put_head()
    client.put_user("kim", person("psa.tickets.read"))
    holder = {"who": "kim", "since": "", "host": "", "pid": 1, "boot": "", "started": ""}
    held = {"Hubcfg-Lock": client.ask("PUT", "/v1/lock", holder, {"If-None-Match": "*"}).etag}
    key = held | {"Idempotency-Key": "1"}
    record = {"serial": 1, "record": '{"serial":1}', "sources": "YQ=="}
    assert client.ask("POST", "/v1/deployments", record, key).status == 201
    client.ask("PUT", "/v1/deployment", {"serial": 2, "beginning": "{}"}, held)
    paths = [
        "/v1/state",
        "/v1/orgs",
        "/v1/lock",
        "/v1/orgs/acme/bundles/staff",
        "/v1/deployments",
        "/v1/deployments/1/sources",
    ]
    before = [(client.get(path).body, client.get(path).etag) for path in paths]
    hub.kill()
    hub = start_hub(data)
    client = hub.client()
    assert [(client.get(path).body, client.get(path).etag) for path in paths] == before
    assert client.ask("POST", "/v1/deployments", record, key).status == 201
    hub.stop()


def test_two_hubs_on_one_file_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    """Conditions hold across processes: of two writers at two hubs one wins, and each sees what the other wrote."""
    hubs = [start_hub(tmp_path / "hub.sqlite") for _ in range(2)]
    one, two = (hub.client() for hub in hubs)
    one.put_head()
    etag = one.put_user("kim", person()).etag
    assert two.ask("PUT", user_path("kim"), person(uid="two"), {"If-Match": etag}).status == 204
    assert one.ask("PUT", user_path("kim"), person(uid="one"), {"If-Match": etag}).status == 412
    assert one.get(user_path("kim")).json["user"]["uid"] == "two"
    assert [hub.stop() for hub in hubs] == [0, 0]


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Where the disk has no room left a write is put off (503) and changes nothing; reading goes on, and so does the server."""
    data = tmp_path / "hub.sqlite"
    hub = start_hub(data, limit_file_size=400_000)
    client = hub.client()
    client.put_head()
    statuses = [client.put_user(f"u{number}", person(uid="x" * 20_000)).status for number in range(60)]
    assert set(statuses) == {201, 503}
    refused = client.put_user("more", person(uid="x" * 20_000))
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    kept = {f"u{number}" for number, status in enumerate(statuses) if status == 201}
    assert set(client.get("/v1/orgs/acme/users").json["users"]) == kept
    assert hub.stop() == 0
    hub = start_hub(data)
    assert set(hub.client().get("/v1/orgs/acme/users").json["users"]) == kept
    assert hub.client().put_user("more", person()).status == 201
    hub.stop()


def fail(data: Path, *options: str) -> tuple[int, str]:
    """Runs a hub that cannot start; returns its exit code and its message."""
    process = launch(data, *options)
    _, error = process.communicate(timeout=30)
    return process.returncode, error


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """A file that is no database, one of another program and one of a later hub are refused, and not touched."""
    text, other, later = (tmp_path / name for name in ("text", "other", "later"))
    text.write_text("not a database, but long enough to look like one" * 100)
    sqlite3.connect(other).execute("CREATE TABLE t (a)")
    connection = sqlite3.connect(later)
    connection.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 99; CREATE TABLE t (a)")
    connection.close()
    for path, reason in ((text, "not a database"), (other, "something else"), (later, "another version")):
        before = path.read_bytes()
        code, error = fail(path)
        assert (code, path.read_bytes()) == (3, before)
        assert reason in error
        assert "Traceback" not in error
    code, error = fail(tmp_path / "nowhere" / "hub.sqlite")
    assert code == 3
    assert "cannot be opened" in error


def test_an_address_that_is_taken_is_told(tmp_path: Path) -> None:
    """A port that somebody else listens on, and a name that is no address, end the start with a message."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, error = fail(tmp_path / "hub.sqlite", "--port", str(taken.getsockname()[1]))
    assert code == 3
    assert "cannot be listened on: address already in use" in error
    code, error = fail(tmp_path / "hub.sqlite", "--host", "256.0.0.1")
    assert code == 3
    assert "Traceback" not in error


@pytest.mark.parametrize("token", [None, "", "  ", "two words", "zoë"])
def test_without_a_token_it_does_not_start(tmp_path: Path, token: str | None) -> None:
    """A variable that is not set, or holds what cannot be sent as a token, is a mistake in the command line."""
    environment = {key: value for key, value in os.environ.items() if key != "T"} | (
        {} if token is None else {"T": token}
    )
    command = [sys.executable, "-m", "hubcfg", "hub", "serve", "--data", str(tmp_path / "hub.sqlite"), "--port", "0"]
    done = subprocess.run([*command, "--token-env", "T"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "`T`" in done.stderr
    assert not (tmp_path / "hub.sqlite").exists()
