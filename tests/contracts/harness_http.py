"""Reference hubs for the contract suite, reached over HTTP on the loopback."""

import importlib.util
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from hubcfg.platforms.grants import Audience
from tests.contracts.harness import Address, MakeStand, Unit
from tests.hubs import TOKEN, RunningHub, start_hub, user_path

STATEMENTS = {
    "newer record": """UPDATE records SET record = '{"format":"hubcfg.deployment/2","serial":1}'""",
    "broken record": "UPDATE records SET record = '{'",
    "another serial": """UPDATE records SET record = '{"serial":2}'""",
    "newer copy": """UPDATE deployed SET body = '{"format":"hubcfg.bundle/2"}'""",
    "broken copy": "UPDATE deployed SET body = '{'",
    "copy of another org": "UPDATE deployed SET body = replace(body, 'northwind', 'southwind')",
}
PAGES = {
    "another program": (200, "text/html; charset=utf-8", b"<html>hello</html>"),
    "another version": (404, "application/problem+json", b'{"title":"Not Found","status":404,"type":"about:blank"}'),
    "newer API": (200, "application/json", b'{"api":2,"serial":1,"record_sha256":"0","lock":null,"interrupted":null}'),
    "another JSON": (200, "application/json", b'{"serial":"one"}'),
    "broken JSON": (200, "application/json", b'{"serial":1'),
}


@dataclass
class HttpStand:
    """A hub that was never deployed to, and somebody with a client of their own for it."""

    address: Address
    hub: RunningHub
    servers: list[ThreadingHTTPServer] = field(default_factory=list)

    def suspend(self, org: str, audience: Audience, user: str) -> None:
        found, etag = self.hub.read_user(org, user)
        assert found["audience"] == audience.value
        found["user"]["suspended"] = True
        self.hub.ask("PUT", user_path(org, user), found, {"If-Match": etag})

    def remove(self, org: str, audience: Audience, user: str) -> None:
        found, etag = self.hub.read_user(org, user)
        assert found["audience"] == audience.value
        self.hub.ask("DELETE", user_path(org, user), headers={"If-Match": etag})

    def spoil(self, way: str) -> None:
        if way in STATEMENTS:
            self.hub.run(STATEMENTS[way])
            return
        self.hub.stop()
        server = ThreadingHTTPServer(("127.0.0.1", self.hub.port), make_handler(*PAGES[way]))
        self.servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def make_handler(status: int, kind: str, body: bytes) -> type[BaseHTTPRequestHandler]:
    """Returns a handler that answers everything in one way."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the names that the library looks for

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


class HttpHarness:
    type = "http"
    unit = Unit.USER
    pace = 0.3
    ways_to_spoil = (*STATEMENTS, *PAGES)

    def find_missing(self) -> str | None:
        missing = [name for name in ("httpx2", "stamina", "starlette", "uvicorn") if not importlib.util.find_spec(name)]
        return f"{', '.join(missing)} from the extras `http` and `hub`" if missing else None

    @contextmanager
    def run(self, folder: Path) -> Iterator[MakeStand]:
        # A hub takes half a second to start, so one that was used is used again.
        free: list[RunningHub] = []

        @contextmanager
        def make() -> Iterator[HttpStand]:
            hub = free.pop() if free else start_hub(Path(tempfile.mkdtemp(dir=folder)) / "hub.sqlite")
            options = {"url": hub.url, "adapter": "hub", "token_env": "HUB_TOKEN", "requests_per_minute": 1_000_000}
            stand = HttpStand(Address("http", options, folder, {"HUB_TOKEN": TOKEN}), hub)
            try:
                yield stand
            finally:
                for server in stand.servers:
                    server.shutdown()
                    server.server_close()
                if hub.process.poll() is None:
                    hub.wipe()
                    free.append(hub)

        try:
            yield make
        finally:
            for hub in free:
                hub.stop()


HARNESS = HttpHarness()
