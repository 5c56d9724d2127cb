"""A hub as a process of its own, and a client of its API that knows nothing of hubcfg's own client."""

import hashlib
import http.client
import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

TOKEN = "a-token-for-writing"
READ_TOKEN = "a-token-for-reading"

HEAD = {
    "platform": "onestack",
    "manage": "exclusive",
    "catalog": {"id": "onestack", "version": "1", "digest": "sha256:" + "0" * 64},
    "products": {"psa": "active"},
}
HOLDER = {"who": "kim", "since": "2026-01-01T00:00:00Z", "host": "desk", "pid": 7, "boot": "", "started": ""}
NEW = {"If-None-Match": "*"}


def person(*permissions: str, audience: str = "staff", **entry: Any) -> dict[str, Any]:
    """Returns a user as the API takes one."""
    scope = {"clients": "all"} if audience == "staff" else {"company": "contoso"}
    role = {"role": "member"} if audience == "staff" else {}
    user = {**role, "permissions": sorted(permissions), "products": ["psa"], "scope": scope, **entry}
    return {"audience": audience, "user": user}


def digest(content: bytes) -> str:
    """Returns the hex SHA-256."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Reply:
    """What the hub answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def etag(self) -> str:
        """The ETag, which has to be there."""
        return self.headers["etag"]


class Client:
    """One connection to a hub, which is opened anew when it is lost."""

    def __init__(self, port: int, token: str | None = TOKEN) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._token = token

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        """Sends a request; a body that is no bytes is sent as JSON."""
        sent = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self._connection.request(method, path, content, sent | (headers or {}))
            response = self._connection.getresponse()
            given = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, given, response.read())
        except BaseException:
            self._connection.close()
            raise

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        """Reads something."""
        return self.ask("GET", path, headers=headers)

    def put_head(self, org: str = "acme", audience: str = "staff", head: Any = None, **headers: str) -> Reply:
        """Creates a head, or replaces it where it is there."""
        path = f"/v1/orgs/{org}/heads/{audience}"
        before = self.get(path)
        condition = NEW if before.status == 404 else {"If-Match": before.etag}
        return self.ask("PUT", path, HEAD if head is None else head, condition | headers)

    def put_user(self, user: str, value: Any, org: str = "acme", **headers: str) -> Reply:
        """Creates a user, or replaces one who is there."""
        path = user_path(user, org)
        before = self.get(path)
        condition = NEW if before.status == 404 else {"If-Match": before.etag}
        return self.ask("PUT", path, value, condition | headers)

    def clear(self, org: str = "acme") -> None:
        """Deletes all that the hub has of an org, in the order in which it can be."""
        users = self.get(f"/v1/orgs/{org}/users")
        for user in users.json["users"] if users.status == 200 else ():
            assert self.ask("DELETE", user_path(user, org), headers={"If-Match": "*"}).status == 204
        for audience in ("staff", "client"):
            self.ask("DELETE", f"/v1/orgs/{org}/heads/{audience}", headers={"If-Match": "*"})

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def user_path(user: str, org: str = "acme") -> str:
    """Returns a user's address."""
    return f"/v1/orgs/{org}/users/{quote(user, safe='')}"


@dataclass
class Hub:
    """A hub that runs, and what it wrote before it listened."""

    process: subprocess.Popen[str]
    port: int
    clients: list[Client] = field(default_factory=list)

    def client(self, token: str | None = TOKEN) -> Client:
        """Returns a client of its own connection."""
        client = Client(self.port, token)
        self.clients.append(client)
        return client

    def kill(self) -> None:
        """Ends it without a warning, like a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Tells it to stop, and returns its exit code."""
        return self._end(by)

    def _end(self, by: signal.Signals) -> int:
        for client in self.clients:
            client.close()
        self.process.send_signal(by)
        code = self.process.wait(60)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


def start_hub(data: Path, *options: str, limit_file_size: int | None = None) -> Hub:
    """Starts a hub on a free port, and waits until it listens; no file of it can become larger than a limit."""
    process = launch(data, "--rate", "0", *options, limit_file_size=limit_file_size)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("listening on http://127.0.0.1:"), line + process.stderr.read()
    return Hub(process, int(line.rpartition(":")[2]))


def launch(data: Path, *options: str, limit_file_size: int | None = None) -> subprocess.Popen[str]:
    """Runs `hubcfg hub serve` with a token that may write and one that may read."""
    command = [sys.executable, "-m", "hubcfg", "hub", "serve", "--data", str(data), "--port", "0"]
    tokens = ["--token-env", "HUB_TOKEN", "--read-token-env", "HUB_READ_TOKEN"]
    environment = os.environ | {"HUB_TOKEN": TOKEN, "HUB_READ_TOKEN": READ_TOKEN}
    process = subprocess.Popen([*command, *tokens, *options], env=environment, stderr=subprocess.PIPE, text=True)
    if limit_file_size is not None:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit_file_size, limit_file_size))
    return process
