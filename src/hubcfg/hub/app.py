"""The server application: who asks may ask, the request is read, and its operation runs as one transaction in a thread."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hubcfg.core.instants import Instant
from hubcfg.hub.operations import API_HEADER, Answer, Call, Operation
from hubcfg.hub.problems import MEDIA_TYPE, NO_HEADERS, UNSPECIFIC, RefusalError, write_problem
from hubcfg.hub.reading import Judge, require_json
from hubcfg.hub.routes import OPERATIONS
from hubcfg.hub.schemas import API_VERSION
from hubcfg.hub.store.database import Database
from hubcfg.hub.tokens import RateLimiter, Right, Token, Tokens

_THREADS = 8


def current_instant() -> Instant:
    """Returns the present instant, to the microsecond."""
    return Instant(time.time_ns() // 1000)


def make_app(
    database: Database, tokens: Tokens, per_minute: int = 0, clock: Callable[[], Instant] = current_instant
) -> ASGIApp:
    """Returns the application. It closes the database when it is shut down."""
    serving = _Serving(database, tokens, RateLimiter(per_minute), clock)
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    app = Starlette(
        routes=[Route(path, serving.endpoint(found), methods=list(found)) for path, found in by_path.items()],
        exception_handlers={HTTPException: _answer_http_exception, 500: _answer_bug},
        lifespan=serving.lifespan,
    )
    app.router.redirect_slashes = False
    return _RawPaths(app)


class _RawPaths:
    """Routes by the address as it was sent: an encoded `/` is a part of a name, not a border between two."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("latin-1")}
        await self._app(scope, receive, send)


class _Serving:
    """What all requests share."""

    def __init__(self, database: Database, tokens: Tokens, limiter: RateLimiter, clock: Callable[[], Instant]) -> None:
        self._database = database
        self._tokens = tokens
        self._limiter = limiter
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="hub")

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Lets what runs end before the database is closed."""
        yield
        self._threads.shutdown()
        self._database.close()

    def endpoint(self, operations: Mapping[str, Operation]) -> Callable[[Request], Any]:
        """Returns what serves one path, by methods; HEAD is GET, of which the server sends no body."""
        judged = {method: (operation, Judge(operation)) for method, operation in operations.items()}

        async def serve(request: Request) -> Response:
            operation, judge = judged["GET" if request.method == "HEAD" else request.method]
            try:
                return _respond(await self._serve(request, operation, judge))
            except RefusalError as refusal:
                return _refuse(refusal.status, refusal.detail, refusal.headers, refusal.kind)
            except sqlite3.OperationalError as error:
                detail = f"the data cannot be read or written now, and nothing was changed: {error}"
                return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"})
            except ClientDisconnect:
                return _refuse(HTTPStatus.BAD_REQUEST, "the request was not sent to its end")

        return serve

    async def _serve(self, request: Request, operation: Operation, judge: Judge) -> Answer:
        token = self._admit(request, operation)
        path = judge.read_path(request.path_params)
        query = judge.read_query(request.scope["query_string"]) if operation.right is not Right.NONE else {}
        content = b""
        if operation.body is not None:
            require_json(request.headers.get("content-type"), request.headers.get("content-encoding"))
            content = await _receive(request, operation.limit)
        loop = asyncio.get_running_loop()

        def run() -> Answer:
            body = None if operation.body is None else judge.read_body(content)
            call = Call(path, query, request.headers, body, content, token, self._clock())
            with self._database.write() if operation.changes else self._database.read() as connection:
                return operation.handle(connection, call)

        return await loop.run_in_executor(self._threads, run)

    def _admit(self, request: Request, operation: Operation) -> Token | None:
        """Returns the token of a request that may go ahead."""
        if operation.right is Right.NONE:
            return None
        token = self._tokens.find(request.headers.get("authorization"))
        wait = self._limiter.take("" if token is None else token.id)
        if wait:
            detail = f"too many requests with this token: try again in {wait} s"
            raise RefusalError(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(wait)})
        if token is None:
            detail = "this needs `Authorization: Bearer` with a token that the hub was started with"
            raise RefusalError(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": 'Bearer realm="hub"'})
        if operation.right is Right.WRITE and not token.may_write:
            raise RefusalError(HTTPStatus.FORBIDDEN, "this token may only read and check")
        return token


async def _receive(request: Request, limit: int) -> bytes:
    """Returns the body; what is larger than the limit is not even read."""
    too_large = RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {limit} bytes")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def _respond(answer: Answer) -> Response:
    headers = {API_HEADER: str(API_VERSION)} | ({} if answer.etag is None else {"ETag": answer.etag})
    return Response(answer.body, answer.status, headers, answer.media_type if answer.body else None)


def _refuse(status: int, detail: str, headers: Mapping[str, str] = NO_HEADERS, kind: str = UNSPECIFIC) -> Response:
    return Response(write_problem(status, detail, kind), status, {API_HEADER: str(API_VERSION), **headers}, MEDIA_TYPE)


async def _answer_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = (
        "there is nothing at this address"
        if error.status_code == HTTPStatus.NOT_FOUND
        else "this address does not take that method"
    )
    return _refuse(error.status_code, detail, error.headers or NO_HEADERS)


async def _answer_bug(_request: Request, _error: Exception) -> Response:
    return _refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a bug in the hub; nothing was changed")
