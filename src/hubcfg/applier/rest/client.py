"""Sends requests to one API: no faster than agreed, again where that is safe, and nowhere else.

Every request that is sent here may be sent twice: reads, conditional writes, and posts with an idempotency key. What is dropped
may have landed; whoever gets the second answer of such a request is told (`Answer.is_second`) and looks before judging.
"""

import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx2
import stamina
from msgspec import Struct

from hubcfg import __version__
from hubcfg.applier.rest.answers import OTHER_PROGRAM, Answer, clean, read_retry_after
from hubcfg.applier.rest.limiter import Limiter
from hubcfg.applier.target import ForeignStateError, TargetError
from hubcfg.core.canonical import Json

ATTEMPTS = 8
_LONGEST_WAIT = 120.0
_LONGEST_ANSWER = 256 << 20
_LONGEST_SECONDS = 600.0
_AGAIN = (429, 502, 503, 504)

# Retries are told through `note`; without a handler the library's log would go to stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class UnreachableError(TargetError):
    """No answer was to be had; `may_have_landed` says that the request may have been carried out all the same."""

    def __init__(self, message: str, *, may_have_landed: bool, help: str | None = None) -> None:
        super().__init__(message, help=help)
        self.may_have_landed = may_have_landed


@contextmanager
def doubting(answer: Answer) -> Iterator[None]:
    """Makes errors of a block say that a request may have landed, where its answer leaves that open."""
    try:
        yield
    except (TargetError, ForeignStateError) as error:
        if answer.is_doubtful:
            raise UnreachableError(error.message, may_have_landed=True, help=error.help) from None
        raise


class _AgainError(Exception):
    """A try that failed in a way that another may not; `wait` is what the server asks for."""

    def __init__(self, reason: str, *, may_have_landed: bool, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_landed = may_have_landed
        self.wait = wait


class Surroundings(Struct, frozen=True):
    """What a client needs of the world: `note` is told what is waited for, `transport` stands in for the network in tests."""

    note: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    transport: httpx2.BaseTransport | None = None


class Client:
    """Speaks to the API at `url`, which ends without a slash, with a token that goes nowhere else and is never shown."""

    def __init__(self, url: str, token: str, token_env: str, per_minute: int, around: Surroundings) -> None:
        self.url = url
        self._token = token
        self._token_env = token_env
        self._around = around
        self._limiter = Limiter(per_minute, around.clock, around.sleep, around.note)
        try:
            self._http = httpx2.Client(
                headers={
                    "Authorization": f"Bearer {token}",
                    "User-Agent": f"hubcfg/{__version__}",
                    "Accept": "application/json, application/problem+json",
                    "Accept-Encoding": "identity",
                },
                timeout=httpx2.Timeout(60.0, connect=20.0),
                follow_redirects=False,
                # Without TLS a proxy would see the token; such an address is this machine's own.
                trust_env=url.startswith("https:"),
                transport=around.transport,
            )
        except (OSError, ValueError) as error:
            raise TargetError(f"the connection to `{url}` cannot be set up: {self._clean(str(error))}") from None

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def note(self, text: str) -> None:
        """Tells whoever waits something that they would wonder about."""
        self._around.note(text)

    def send(
        self,
        method: str,
        path: str,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """Sends a request and returns the answer, whatever it says; `path` begins with a slash and is escaped.

        Raises UnreachableError where there is none after several tries, and TargetError where the server sends elsewhere or
        does not accept the token.
        """
        sent = {"Content-Type": "application/json"} if body is not None else {}
        request = self._http.build_request(
            method,
            self.url + path,
            content=json.dumps(body, ensure_ascii=False).encode() if body is not None else None,
            headers={**sent, **(headers or {})},
        )
        may_have_landed = False
        tried = 0

        def judge(error: Exception) -> bool | float:
            nonlocal may_have_landed, tried
            if not isinstance(error, _AgainError):
                return False
            may_have_landed |= error.may_have_landed
            tried += 1
            if tried >= attempts or (error.wait is not None and error.wait > _LONGEST_WAIT):
                return False
            if error.wait is None:
                self._around.note(f"{error.reason}; trying again")
                return True
            self._around.note(f"{error.reason}; trying again in {error.wait:.0f} s, as it asks")
            return error.wait

        try:
            for attempt in stamina.retry_context(
                on=judge, attempts=attempts, timeout=None, wait_initial=0.5, wait_max=20.0, wait_jitter=1.0
            ):
                with attempt:
                    answer = self._try(request, may_have_landed=may_have_landed)
        except _AgainError as error:
            raise self._give_up(error, may_have_landed=may_have_landed) from None
        with doubting(answer):
            self._check(answer)
        return answer

    def _try(self, request: httpx2.Request, *, may_have_landed: bool) -> Answer:
        self._limiter.wait()
        try:
            response = self._http.send(request, stream=True)
            try:
                body = self._read(response)
            finally:
                response.close()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError) as error:
            reason = f"`{self.url}` cannot be reached{self._cause(error)}"
            if _is_about_trust(error):
                raise TargetError(
                    reason, help="its certificate is always checked; `SSL_CERT_FILE` names further authorities"
                ) from None
            raise _AgainError(reason, may_have_landed=False) from None
        except httpx2.TimeoutException:
            raise _AgainError(f"`{self.url}` does not answer in time", may_have_landed=True) from None
        except (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise TargetError(f"`{self.url}` cannot be asked{self._cause(error)}") from None
        except httpx2.DecodingError:
            raise ForeignStateError(
                f"`{self.url}` answers in an encoding that was not asked for", help=OTHER_PROGRAM
            ) from None
        except httpx2.TransportError:
            raise _AgainError(f"`{self.url}` dropped the connection", may_have_landed=True) from None
        if response.status_code >= 400:
            # What a server says of an error is shown, and some repeat what they were sent.
            body = body.replace(self._token.encode(), b"***")
        known = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, known, body, is_second=may_have_landed)
        if answer.status in _AGAIN:
            wait = read_retry_after(answer.headers.get("retry-after"), self._around.now())
            said = f"`{self.url}` answers {self._clean(answer.describe())}"
            raise _AgainError(said, may_have_landed=answer.status != 429, wait=wait)
        return answer

    def _read(self, response: httpx2.Response) -> bytes:
        parts = []
        size = 0
        end = self._around.clock() + _LONGEST_SECONDS
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > _LONGEST_ANSWER:
                raise ForeignStateError(
                    f"`{self.url}` answers with more than {_LONGEST_ANSWER >> 20} MiB", help=OTHER_PROGRAM
                )
            if self._around.clock() > end:
                raise httpx2.ReadTimeout("the answer takes too long")
        return b"".join(parts)

    def _check(self, answer: Answer) -> None:
        if 300 <= answer.status < 400 and answer.status != 304:
            where = self._clean(answer.headers.get("location", "nowhere"))
            raise TargetError(
                f"`{self.url}` sends elsewhere (`{answer.status}` to `{where}`)",
                help="the token goes to the address in `hubcfg.yaml` only; if the API has moved, write the new address there",
            )
        if answer.status == 401:
            raise TargetError(
                f"`{self.url}` does not accept the token: {self._clean(answer.describe())}",
                help=f"the environment variable `{self._token_env}` holds the token",
            )
        if answer.status == 403:
            raise TargetError(
                f"`{self.url}` does not allow this with the token: {self._clean(answer.describe())}",
                help=f"the token in `{self._token_env}` may be one for reading only",
            )

    def _give_up(self, error: _AgainError, *, may_have_landed: bool) -> UnreachableError:
        if error.wait is not None and error.wait > _LONGEST_WAIT:
            message = f"{error.reason}, and asks to wait for {error.wait:.0f} s, which is too long"
            return UnreachableError(message, may_have_landed=may_have_landed, help="try again later")
        return UnreachableError(error.reason, may_have_landed=may_have_landed)

    def _cause(self, error: Exception) -> str:
        text = self._clean(str(error))
        return f": {text}" if text else ""

    def _clean(self, text: str) -> str:
        return clean(text.replace(self._token, "***"))


def _is_about_trust(error: BaseException) -> bool:
    """Whether a connection failed because of the server's certificate, which another try does not change."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        seen = seen.__cause__ or seen.__context__
    return "CERTIFICATE_VERIFY_FAILED" in str(error)
