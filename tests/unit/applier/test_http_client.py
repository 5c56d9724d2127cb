"""The client of an API: how fast, how often, how long, and to whom; and what it makes of odd answers."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest
import stamina

from hubcfg.applier.rest.answers import Answer, clean, read_retry_after
from hubcfg.applier.rest.client import Client, Surroundings, UnreachableError
from hubcfg.applier.rest.hub import Hub
from hubcfg.applier.rest.limiter import Limiter
from hubcfg.applier.target import ForeignStateError, TargetError
from hubcfg.core.errors import HubcfgError

URL = "https://hub.example"
TOKEN = "s3cr3t"
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
Handle = Callable[[httpx2.Request], httpx2.Response]


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """Tries again at once, as often as ever."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


def make_client(
    handle: Handle, notes: list[str] | None = None, per_minute: int = 1000, clock: Clock | None = None
) -> Client:
    clock = clock or Clock()
    note = (lambda _: None) if notes is None else notes.append
    around = Surroundings(note, clock.read, clock.sleep, lambda: NOW, httpx2.MockTransport(handle))
    return Client(URL, TOKEN, "HUB_TOKEN", per_minute, around)


def answers(*given: httpx2.Response | Exception) -> tuple[Handle, list[httpx2.Request]]:
    """Returns a server that gives these answers one after another, the last one for ever, and the requests that it gets."""
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        answer = given[min(len(seen), len(given)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle, seen


def test_no_more_requests_a_minute_than_agreed() -> None:
    """Requests begin at once until there are as many as a minute may have; then each waits until a minute after the one that
    many before it, and longer waits are told.
    """
    clock, notes = Clock(), []
    limiter = Limiter(3, clock.read, clock.sleep, notes.append)
    begun = []
    for _ in range(7):
        limiter.wait()
        begun.append(clock.now)
        clock.now += 10
    assert begun == [100, 110, 120, 160, 170, 180, 220]
    assert clock.slept == [30, 30]
    assert notes == ["waiting 30 s: at most 3 requests a minute"] * 2


def test_sleep_that_ends_early_is_gone_on_with() -> None:
    """A sleep that is cut short does not let a request begin too early."""
    clock = Clock()
    limiter = Limiter(1, clock.read, lambda seconds: clock.sleep(min(seconds, 25)), lambda _: None)
    limiter.wait()
    limiter.wait()
    assert clock.slept == [25, 25, 10]


def test_tries_count_as_requests() -> None:
    """Each try counts against the limit, as the server counts it."""
    clock = Clock()
    handle, seen = answers(httpx2.Response(503), httpx2.Response(503), httpx2.Response(200, json={}))
    make_client(handle, per_minute=2, clock=clock).send("GET", "/v1/state")
    assert len(seen) == 3
    assert clock.slept == [60]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_busy_server_is_asked_again(status: int) -> None:
    """What a server says it cannot do now is tried again, and then taken."""
    notes: list[str] = []
    handle, seen = answers(httpx2.Response(status), httpx2.Response(200, json={"a": 1}))
    answer = make_client(handle, notes).send("GET", "/v1/state")
    assert answer.read_object("it") == {"a": 1}
    assert len(seen) == 2
    assert answer.is_second is (status != 429)
    assert len(notes) == 1
    assert f"answers `{status} " in notes[0]
    assert notes[0].endswith("; trying again")


@pytest.mark.parametrize("status", [400, 404, 409, 412, 422, 500, 501])
def test_other_refusals_are_not_asked_again(status: int) -> None:
    """Any other answer is one, and nothing is sent twice for it."""
    handle, seen = answers(httpx2.Response(status))
    assert make_client(handle).send("PUT", "/v1/lock", {}).status == status
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("error", "may_have_landed"),
    [
        (httpx2.ConnectError("[Errno 111] Connection refused"), False),
        (httpx2.ConnectTimeout("slow"), False),
        (httpx2.ReadError("reset"), True),
        (httpx2.WriteError("reset"), True),
        (httpx2.RemoteProtocolError("cut"), True),
        (httpx2.ReadTimeout("slow"), True),
    ],
)
def test_lost_answers(error: Exception, may_have_landed: bool) -> None:
    """After a connection is lost, the next answer is marked where the request may have landed; without one the error says so."""
    handle, seen = answers(error, httpx2.Response(200, json={}))
    assert make_client(handle).send("PUT", "/x", {}).is_second is may_have_landed
    handle, seen = answers(error)
    with pytest.raises(UnreachableError, match=URL) as caught:
        make_client(handle).send("PUT", "/x", {})
    assert caught.value.may_have_landed is may_have_landed
    assert caught.value.exit_code == 3
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("Tuesday, 01-Dec-26 09:00:30 GMT", 30.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """`Retry-After` is read as seconds or as an HTTP date; anything else says nothing."""
    assert read_retry_after(header, NOW) == seconds


def test_wait_that_is_asked_for_is_told() -> None:
    """What a server asks to wait for is what is waited for, and told."""
    notes: list[str] = []
    when = format_datetime(NOW + timedelta(seconds=42), usegmt=True)
    handle, _ = answers(httpx2.Response(429, headers={"Retry-After": when}), httpx2.Response(200))
    make_client(handle, notes).send("GET", "/x")
    assert notes == [f"`{URL}` answers `429 Too Many Requests`; trying again in 42 s, as it asks"]


def test_wait_that_is_too_long_is_not_waited_for() -> None:
    """A server that wants to be left alone for an hour is."""
    notes: list[str] = []
    handle, seen = answers(httpx2.Response(503, headers={"Retry-After": "3600"}))
    with pytest.raises(UnreachableError, match="asks to wait for 3600 s, which is too long"):
        make_client(handle, notes).send("GET", "/x")
    assert (len(seen), notes) == (1, [])


def test_redirects_are_not_followed() -> None:
    """Whoever sends elsewhere is not followed, so the token stays where it belongs."""
    handle, seen = answers(httpx2.Response(307, headers={"Location": "https://evil.example/v1/state"}))
    with pytest.raises(TargetError, match="sends elsewhere") as caught:
        make_client(handle).send("GET", "/v1/state")
    assert "https://evil.example" in caught.value.message
    assert [request.url.host for request in seen] == ["hub.example"]


def test_token_is_sent_and_never_shown() -> None:
    """The token goes along as a bearer token; a server that repeats it is not quoted with it."""
    problem = {"title": "no", "detail": f"token {TOKEN} is\x1b[31m bad\nreally"}
    for status in (401, 403, 422, 503):
        content = json.dumps(problem).encode()
        response = httpx2.Response(status, content=content, headers={"Content-Type": "application/problem+json"})
        handle, seen = answers(response)
        notes: list[str] = []
        try:
            said = make_client(handle, notes).send("GET", "/x").describe()
        except HubcfgError as error:
            said = f"{error.message} {error.help} {error!r}"
        assert seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in said + "".join(notes)
        assert "token *** is [31m bad really" in said
    refused = httpx2.ConnectError(f"cannot use {TOKEN}")
    with pytest.raises(TargetError) as caught:
        make_client(answers(refused)[0]).send("GET", "/x")
    assert TOKEN not in caught.value.message


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx2.Response(200, html="<h1>hello</h1>"), "answered with `text/html`, where JSON is due"),
        (httpx2.Response(200, content=b"{}"), "answered with `nothing`, where JSON is due"),
        (httpx2.Response(200, content=b"{", headers={"Content-Type": "application/json"}), "not JSON"),
        (httpx2.Response(200, content=b"[" * 100_000, headers={"Content-Type": "application/json"}), "not JSON"),
        (httpx2.Response(200, content=b"\xff", headers={"Content-Type": "application/json"}), "not JSON"),
        (httpx2.Response(200, json=[1]), "JSON that is no object"),
        (httpx2.Response(200, json={"serial": -1}), "not in the form"),
        (httpx2.Response(200, json={"serial": True, "record_sha256": "0"}), "not in the form"),
        (httpx2.Response(200, json={"serial": 0, "record_sha256": None, "lock": {"who": 1}}), "not in the form"),
        (
            httpx2.Response(200, json={"serial": 0, "record_sha256": None, "interrupted": {"serial": 1}}),
            "not in the form",
        ),
        (httpx2.Response(200, json={"api": 2, "serial": 0}), "speaks version 2"),
        (httpx2.Response(404, html="<h1>nothing here</h1>"), "is not there"),
        (httpx2.Response(410), "is not there"),
        (
            httpx2.Response(200, content=iter([b"this is not packed at all"]), headers={"Content-Encoding": "gzip"}),
            "encoding",
        ),
    ],
)
def test_servers_that_are_no_hub(response: httpx2.Response, said: str) -> None:
    """What does not answer as a hub does is foreign, with advice, whatever it answers."""
    with pytest.raises(ForeignStateError, match=said) as caught:
        Hub(make_client(answers(response)[0])).read_status()
    assert caught.value.help


@pytest.mark.parametrize("status", [418, 500, 501, 599])
def test_servers_that_fail(status: int) -> None:
    """A server that fails is a target that fails; pages for browsers are not quoted."""
    with pytest.raises(TargetError, match=f"`{status}") as caught:
        Hub(make_client(answers(httpx2.Response(status, html="<h1>oops</h1>"))[0])).read_status()
    assert "oops" not in caught.value.message


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"orgs": [1]},
        {"orgs": [{"org": "a"}]},
        {"orgs": [{"org": "a", "bundles": {"boss": "0"}}]},
        {"orgs": [{"org": "a", "bundles": {"staff": 1}}]},
    ],
)
def test_lists_that_are_none(value: Any) -> None:
    """A list of orgs in another form is foreign."""
    with pytest.raises(ForeignStateError, match="the list of orgs is not in the form"):
        Hub(make_client(answers(httpx2.Response(200, json=value))[0])).list_orgs()


@pytest.mark.parametrize(
    "value", [{"records": 1}, {"records": [1]}, {"records": [], "next": 0}, {"records": [], "next": "1"}]
)
def test_pages_that_never_end(value: Any) -> None:
    """A list of records that does not get on is foreign, and ends."""
    with pytest.raises(ForeignStateError, match="the list of deployments"):
        Hub(make_client(answers(httpx2.Response(200, json=value))[0])).read_records()


def test_answer_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is longer than anything that a hub has is not read to its end."""
    monkeypatch.setattr("hubcfg.applier.rest.client._LONGEST_ANSWER", 10_000)
    sent = 0

    def stream() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b" " * 1000

    handle, _ = answers(httpx2.Response(200, content=stream()))
    with pytest.raises(ForeignStateError, match="answers with more than"):
        make_client(handle).send("GET", "/x")
    assert sent <= 12_000


def test_answer_that_trickles() -> None:
    """An answer that comes too slowly is given up, like one that does not come."""
    clock = Clock()

    def stream() -> Iterator[bytes]:
        while True:
            clock.now += 100
            yield b" "

    with pytest.raises(UnreachableError, match="does not answer in time"):
        make_client(lambda _: httpx2.Response(200, content=stream()), clock=clock).send("GET", "/x")


def test_text_of_a_server_is_one_short_line() -> None:
    """Control characters, line ends and length of what a server says stay with it."""
    assert clean("a\r\nb\x1b[2J\u202ec" + "d" * 999).startswith("a b [2J cdd")
    assert len(clean("d" * 999)) == 300


def test_problem_is_told_with_its_detail() -> None:
    """An RFC 9457 problem is told by its detail, else by its title, else by the status alone."""

    def tell(value: Any) -> str:
        headers = {"content-type": "application/problem+json; charset=utf-8"}
        return Answer(422, headers, json.dumps(value).encode()).describe()

    assert tell({"title": "T", "detail": "too odd"}) == "`422 Unprocessable Entity`: too odd"
    assert tell({"title": "T"}) == "`422 Unprocessable Entity`: T"
    assert tell({"detail": 5}) == tell([]) == "`422 Unprocessable Entity`"
    assert Answer(599, {}, b"").describe() == "`599`"
