"""Small servers that answer as GitHub's and GitLab's APIs do where comments are concerned: pages, limits, rights, faults."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

GITHUB_LIMIT, GITLAB_LIMIT = 65_536, 1_000_000


@dataclass
class Forge:
    """A service: its comments, the oldest first, who may write, and what goes wrong next.

    `faults` are statuses with which the next writes answer; `does_it_all_the_same` says that they have their effect.
    """

    token: str
    login: str
    is_github: bool
    may_write: bool = True
    comments: list[dict[str, Any]] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)
    does_it_all_the_same: bool = False
    requests: list[str] = field(default_factory=list)
    address: str = ""

    def add(self, body: str, login: str, *, is_bot: bool = False) -> None:
        """Adds a comment."""
        number = 1000 + len(self.comments)
        author = {"id": abs(hash(login)), "login": login, "username": login, "type": "Bot" if is_bot else "User"}
        self.comments.append({"id": number, "body": body, "user": author, "author": author, "system": False})

    @property
    def bodies(self) -> list[str]:
        """What the comments say."""
        return [comment["body"] for comment in self.comments]

    def answer(self, method: str, target: str, token: str, value: Any) -> tuple[int, Any, dict[str, str]]:
        """Returns the answer to a request: its status, its body as JSON, and headers."""
        self.requests.append(f"{method} {target}")
        url = urlsplit(target)
        if token != self.token:
            return 401, {"message": "Bad credentials"}, {}
        if url.path == "/graphql":
            assert value == {"query": "query { viewer { login } }"}
            return 200, {"data": {"viewer": {"login": self.login}}}, {}
        if url.path == "/user" and not self.is_github:
            return 200, {"id": abs(hash(self.login)), "username": self.login}, {}
        if method == "GET":
            return self._list(url.path, parse_qs(url.query))
        return self._write(method, url.path, value)

    def _list(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any, dict[str, str]]:
        expected = r"/repos/acme/access/issues/7/comments" if self.is_github else r"/projects/11/merge_requests/7/notes"
        if path != expected:
            return 404, {"message": "Not Found"}, {}
        size, page = min(100, int(query["per_page"][0])), int(query["page"][0])
        ordered = self.comments if self.is_github else self.comments[::-1]  # as each has it
        last = page * size >= len(ordered)
        headers = {} if last else {"Link": f'<{self.address}{path}?per_page={size}&page={page + 1}>; rel="next"'}
        return 200, ordered[(page - 1) * size : page * size], headers

    def _write(self, method: str, path: str, value: Any) -> tuple[int, Any, dict[str, str]]:
        if not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}, {}
        if len(value["body"]) > (GITHUB_LIMIT if self.is_github else GITLAB_LIMIT):
            return 422, {"message": "Validation Failed: body is too long"}, {}
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and not self.does_it_all_the_same:
            return fault, {"message": "Server Error"}, {}
        self._do(method, path, value["body"])
        return (fault, {"message": "Server Error"}, {}) if fault is not None else (200, {"id": 1}, {})

    def _do(self, method: str, path: str, body: str) -> None:
        if method == "POST":
            self.add(body, self.login, is_bot=self.is_github)
            return
        assert method == ("PATCH" if self.is_github else "PUT")
        pattern = (
            r"/repos/acme/access/issues/comments/(\d+)"
            if self.is_github
            else r"/projects/11/merge_requests/7/notes/(\d+)"
        )
        match = re.fullmatch(pattern, path)
        assert match, path
        (comment,) = [one for one in self.comments if one["id"] == int(match[1])]
        comment["body"] = body


@contextmanager
def serve(forge: Forge) -> Iterator[Forge]:
    """Serves a service's API on this machine while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            value = json.loads(self.rfile.read(length)) if length else None
            token = self.headers.get("Authorization", "").removeprefix("Bearer ") or self.headers.get(
                "PRIVATE-TOKEN", ""
            )
            status, answer, headers = forge.answer(self.command, self.path, token, value)
            body = json.dumps(answer).encode()
            self.send_response(status)
            for name, text in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815 - the names that the server looks for

        def log_message(self, format: str, *args: object) -> None:
            """Writes nothing: the tests look at `requests`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    forge.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
