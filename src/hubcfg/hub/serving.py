"""Runs the hub as a process: it says when it listens, and stops when it is told to, after what it has begun."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from hubcfg.core.errors import OutsideError
from hubcfg.hub.app import make_app
from hubcfg.hub.store.database import Database
from hubcfg.hub.tokens import Tokens

_GRACE_SECONDS = 30
_BACKLOG = 2048


def serve(
    data: Path, tokens: Tokens, host: str, port: int, per_minute: int, announce: Callable[[str], None]
) -> signal.Signals | None:
    """Serves until a signal stops it, and returns that signal. `announce` is told the address once connections are accepted.

    Raises OutsideError where the file cannot be opened, or the address not be listened on.
    """
    with _listen(host, port) as listener:
        app = make_app(Database(data), tokens, per_minute)
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        server = _Server(config, lambda: announce(_address(listener)))
        asyncio.run(server.serve(sockets=[listener]))
        return server.stopped_by


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it is ready, and leaves it to the caller what a signal means in the end."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.stopped_by: signal.Signals | None = None
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, self._stop, one)
        try:
            yield
        finally:
            for one in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(one)

    def _stop(self, stopped_by: signal.Signals) -> None:
        """Lets running requests end; told a second time, it waits for them no longer."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self.stopped_by = self.stopped_by or stopped_by


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # By its protocol asyncio knows that connections are TCP, and does not hold back the second half of an answer.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise OutsideError(
            f"`{host}:{port}` cannot be listened on: {reason.lower()}", help="`--port 0` takes one that is free"
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
