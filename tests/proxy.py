"""A small proxy that does to HTTP connections what networks do: it resets, delays and cuts them, or answers by itself.

It reads whole requests, numbers them from 0, and for each asks `decide` what to do. Faults happen at the level of TCP, so that the
client sees what it would see of a broken network, and the server has or has not carried out the request, as the fault says.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO


class Do(Enum):
    """What becomes of a request."""

    PASS = "pass it on, and the answer back"
    RESET_BEFORE = "reset the connection; the server never sees the request"
    RESET_AFTER = "reset the connection when the server has answered"
    CUT_BODY = "pass half of the answer, and close"
    BUSY = "answer 503 with Retry-After"
    TOO_MANY = "answer 429 with Retry-After"


@dataclass(frozen=True)
class Fault:
    """What to do with one request, after `delay` seconds; `meanwhile` is called when the server has answered, if it was asked."""

    do: Do = Do.PASS
    delay: float = 0
    meanwhile: Callable[[], None] | None = None
    retry_after: str = "0"


@dataclass(frozen=True)
class Seen:
    """A request that came by."""

    number: int
    method: str
    path: str


Decide = Callable[[Seen], Fault | Do]


@dataclass
class Proxy:
    """The proxy at `port`; `decide` can be changed at any time, and `seen` has all requests so far."""

    upstream: int
    port: int = 0
    decide: Decide = lambda _: Do.PASS
    seen: list[Seen] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reset(self, decide: Decide = lambda _: Do.PASS) -> None:
        """Counts from 0 again, and decides anew."""
        with self._guard:
            self.seen.clear()
            self.decide = decide

    def serve(self, client: socket.socket) -> None:
        """Serves one connection until it ends."""
        with client, client.makefile("rb") as stream:
            while (request := read_message(stream)) is not None:
                method, path, _ = request.split(b" ", 2)
                with self._guard:
                    seen = Seen(len(self.seen), method.decode(), path.decode())
                    self.seen.append(seen)
                    decided = self.decide(seen)
                fault = Fault(decided) if isinstance(decided, Do) else decided
                if not self._handle(client, request, fault):
                    return

    def _handle(self, client: socket.socket, request: bytes, fault: Fault) -> bool:
        """Does what is to be done with a request; returns whether the connection goes on."""
        time.sleep(fault.delay)
        match fault.do:
            case Do.RESET_BEFORE:
                reset(client)
                return False
            case Do.BUSY | Do.TOO_MANY:
                status = "503 Service Unavailable" if fault.do is Do.BUSY else "429 Too Many Requests"
                head = f"HTTP/1.1 {status}\r\nRetry-After: {fault.retry_after}\r\nContent-Length: 0\r\n\r\n"
                client.sendall(head.encode())
                return True
        answer = self._ask(request)
        if fault.meanwhile is not None:
            fault.meanwhile()
        match fault.do:
            case Do.RESET_AFTER:
                reset(client)
                return False
            case Do.CUT_BODY:
                head, gap, body = answer.partition(b"\r\n\r\n")
                client.sendall(head + gap + body[: len(body) // 2] if body else head[: len(head) // 2])
                return False
        client.sendall(answer)
        return True

    def _ask(self, request: bytes) -> bytes:
        head, gap, body = request.partition(b"\r\n\r\n")
        with (
            socket.create_connection(("127.0.0.1", self.upstream), timeout=30) as server,
            server.makefile("rb") as stream,
        ):
            server.sendall(head + b"\r\nConnection: close" + gap + body)
            answer = read_message(stream)
            assert answer is not None
            head, gap, body = answer.partition(b"\r\n\r\n")
            kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
            return b"\r\n".join(kept) + gap + body


def read_message(stream: BinaryIO) -> bytes | None:
    """Returns a whole request or answer; None where the other side has ended."""
    head = b""
    try:
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return None
            head += line
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return head + (stream.read(length) if length else b"")
    except ConnectionError:
        return None


def reset(connection: socket.socket) -> None:
    """Ends a connection with RST rather than politely."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def running_proxy(upstream: int) -> Iterator[Proxy]:
    """Gives a proxy before a server on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(upstream, listener.getsockname()[1])

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
