"""Calls the API of a hosting service: JSON both ways, page by page, tried again where that does no harm."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from http import HTTPStatus
from typing import IO, Any

from msgspec import Struct

from hubcfg import __version__
from hubcfg.core.errors import OutsideError

PER_PAGE = 100
_TIMEOUT = 20.0
_PAUSES = (1.0, 4.0)
_LONGEST_PAUSE = 60.0
_PASSING = frozenset({429, 500, 502, 503, 504})
_FORBIDDEN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


class ApiError(OutsideError):
    """A call failed. `status` is the answer's, or None where there was none."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_refusal(self) -> bool:
        """Whether the token may not do this; a service says "not found" as well of what a token may not see."""
        return self.status in _FORBIDDEN


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the token is for one host, and a POST would become a GET."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Refuses, which makes an error of the answer."""


class Api(Struct, frozen=True):
    """An API at an address, with what goes into the head of every request. `sleep` waits, in seconds."""

    address: str
    headers: Mapping[str, str]
    sleep: Callable[[float], None] = time.sleep

    def __repr__(self) -> str:
        return f"<API at {self.address}>"  # the token is in the headers

    def get_all(self, path: str) -> Iterator[Any]:
        """Yields the items of a list of however many pages, as they are asked for."""
        page = 1
        while True:
            items, links = self._call("GET", f"{path}?per_page={PER_PAGE}&page={page}", None)
            yield from items
            if not items or 'rel="next"' not in links:
                return
            page += 1

    def get(self, path: str) -> Any:
        """Returns what stands at a path."""
        return self._call("GET", path, None)[0]

    def post(self, path: str, value: Any, *, is_repeatable: bool = False) -> Any:
        """Sends a value, which makes something new; `is_repeatable` says that a second time does no harm."""
        return self._call("POST", path, value, is_repeatable=is_repeatable)[0]

    def send(self, method: str, path: str, value: Any) -> Any:
        """Puts a value in the place of another; a second time does no harm."""
        return self._call(method, path, value)[0]

    def _call(self, method: str, path: str, value: Any, *, is_repeatable: bool = True) -> tuple[Any, str]:
        for pause in (*_PAUSES, None):
            try:
                return self._call_once(method, path, value)
            except urllib.error.HTTPError as error:
                asked = error.headers.get("Retry-After", "")
                if pause is None or not is_repeatable or not (error.code in _PASSING or asked):
                    raise ApiError(_describe(method, path, error), error.code) from error
                self.sleep(min(float(asked), _LONGEST_PAUSE) if asked.isdigit() else pause)
            except (OSError, ValueError) as error:
                if pause is None or not is_repeatable:
                    raise ApiError(f"{method} {path}: {error}", None) from error
                self.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _call_once(self, method: str, path: str, value: Any) -> tuple[Any, str]:
        data = None if value is None else json.dumps(value).encode()
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": f"hubcfg/{__version__}",
            **self.headers,
        }
        request = urllib.request.Request(f"{self.address}{path}", data, headers, method=method)
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT) as answer:
            return json.loads(answer.read()), answer.headers.get("Link", "")


def _describe(method: str, path: str, error: urllib.error.HTTPError) -> str:
    """Returns what went wrong as one line, with what the service says of it where that is JSON as usual."""
    try:
        said = json.loads(error.read())["message"]
    except (OSError, ValueError, KeyError, TypeError):
        said = error.reason
    line = " ".join("".join(one if one.isprintable() else " " for one in str(said)[:300]).split())
    return f"{method} {path}: {error.code} {line}"
