"""What comes of an org, and of those after it, when a write fails; and records that landed though nobody said so."""

import json
from collections.abc import Mapping

import httpx2
import pytest
import stamina

from hubcfg.applier.rest.client import Client, Surroundings, UnreachableError
from hubcfg.applier.rest.hub import Hub
from hubcfg.applier.rest.hub_writes import HubWrites
from hubcfg.applier.rest.parts import sha256_hex
from hubcfg.applier.rest.running import RefusedError, carry_out, plan_steps
from hubcfg.applier.rest.steps import HeadStep, UserStep
from hubcfg.applier.target import Deployment, OrgDeployment, Outcome, StaleError, TargetError
from hubcfg.platforms.grants import Audience
from tests.contracts.bundles import PERMISSIONS, make_bundle
from tests.contracts.deployments import make_holder

STAFF = Audience.STAFF


class Backend:
    """Writes nothing, and fails where it is told to."""

    def __init__(self, **failing: Exception) -> None:
        self.failing = failing
        self.written: list[str] = []

    def begin_org(self, org: OrgDeployment) -> None:
        self._write(f"begin-{org.org}")

    def write_head(self, org: str, step: HeadStep) -> None:
        self._write(f"head-{org}-{step.audience.value}")

    def write_user(self, org: str, step: UserStep) -> None:
        self._write(f"{org}-{step.user}")

    def finish_org(self, org: OrgDeployment) -> None:
        self._write(f"finish-{org.org}")

    def _write(self, what: str) -> None:
        if what in self.failing:
            raise self.failing[what]
        self.written.append(what)


def bundle(org: str, held: Mapping[str, int], manage: str = "exclusive") -> dict[Audience, bytes]:
    users = {
        user: {"role": "x", "permissions": list(PERMISSIONS[:count]), "products": [], "scope": {"clients": "all"}}
        for user, count in held.items()
    }
    return {STAFF: make_bundle(org, users, manage=manage)}


BEFORE = {"goes": 1, "less": 3, "less2": 3, "more": 1, "more2": 1, "same": 2}
AFTER = {"less": 1, "less2": 1, "more": 3, "more2": 3, "same": 2}


def run(backend: Backend) -> Outcome:
    """Carries out the same change of three orgs."""
    orgs = tuple(
        OrgDeployment(org, bundle(org, BEFORE), bundle(org, AFTER, "listed"), frozenset()) for org in ("a", "b", "c")
    )
    steps = plan_steps(Deployment(1, orgs, b"{}", b"", lambda _: b"", lambda _: {}))
    return carry_out(backend, steps)


def written_for(backend: Backend, org: str) -> list[str]:
    return [what.replace(f"-{org}", "").replace(f"{org}-", "") for what in backend.written if org in what.split("-")]


def test_order_of_writes() -> None:
    """Removals, losses, what all have in common, gains, and the mark that the org is finished; who stays is not written."""
    backend = Backend()
    assert run(backend) == Outcome(("a", "b", "c"))
    assert written_for(backend, "b") == ["begin", "goes", "less", "less2", "head-staff", "more", "more2", "finish"]


def test_progress_is_told_of_each_user() -> None:
    """Of all orgs together: how many users are written, of how many that have to be."""
    told: list[tuple[str, int, int]] = []
    orgs = tuple(OrgDeployment(org, bundle(org, BEFORE), bundle(org, AFTER), frozenset()) for org in ("a", "b"))
    steps = plan_steps(Deployment(1, orgs, b"{}", b"", lambda _: b"", lambda _: {}))
    carry_out(Backend(), steps, lambda *what: told.append(what))
    assert told == [("deploying users", number, 10) for number in range(1, 11)]


def test_revocation_that_is_refused() -> None:
    """Where a revocation is refused the other ones land, and nobody of the org gains anything; other orgs go on."""
    backend = Backend(**{"b-goes": RefusedError("`422`: no"), "b-less2": RefusedError("`422`: no")})
    outcome = run(backend)
    assert outcome.done == ("a", "c")
    assert outcome.failed == {"b": "user `goes`: `422`: no; user `less2`: `422`: no"}
    assert written_for(backend, "b") == ["begin", "less"]


def test_head_that_is_refused() -> None:
    """Nobody gains anything where what they have in common is refused."""
    backend = Backend(**{"head-b-staff": RefusedError("`422`: no")})
    assert run(backend).failed == {"b": "what the org's staff users have in common: `422`: no"}
    assert written_for(backend, "b") == ["begin", "goes", "less", "less2"]


def test_grant_that_is_refused() -> None:
    """One grant that is refused holds up no other one, and the org is not marked as finished."""
    backend = Backend(**{"b-more": RefusedError("`422`: no")})
    assert run(backend).failed == {"b": "user `more`: `422`: no"}
    assert written_for(backend, "b") == ["begin", "goes", "less", "less2", "head-staff", "more2"]


def test_many_refusals_are_summed_up() -> None:
    """Of many refusals three are told, and how many more there are."""
    refused = {f"b-user-{number}": RefusedError("no") for number in range(5)}
    orgs = (OrgDeployment("b", {}, bundle("b", {f"user-{number}": 1 for number in range(6)}), frozenset()),)
    outcome = carry_out(Backend(**refused), plan_steps(Deployment(1, orgs, b"", b"", lambda _: b"", lambda _: {})))
    assert outcome.failed == {"b": "user `user-0`: no; user `user-1`: no; user `user-2`: no; and 2 more"}


@pytest.mark.parametrize(("landed", "more"), [(True, "; it is not known whether this landed"), (False, "")])
def test_end_of_the_connection(landed: bool, more: str) -> None:
    """Where nothing can be written any more, the org under way is failed and those after it are untried."""
    backend = Backend(**{"b-less2": UnreachableError("gone", may_have_landed=landed)})
    outcome = run(backend)
    assert outcome == Outcome(("a",), {"b": f"user `less2`: gone{more}"}, ("c",), reason="gone")
    assert written_for(backend, "c") == []


def test_mark_that_is_refused() -> None:
    """An org whose users are all written, but which cannot be marked, is not done."""
    outcome = run(Backend(**{"finish-b": RefusedError("`409`: not so")}))
    assert outcome.failed == {"b": "all its users are as they are to be, but this cannot be noted: `409`: not so"}


def append(state: Mapping[str, object]) -> None:
    """Appends a record whose answer is lost, to a hub that refuses the second try and then is at `state`."""
    posts: list[str] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        match request.method, request.url.path:
            case "POST", "/v1/deployments":
                posts.append(request.headers["Idempotency-Key"])
                if len(posts) == 1:
                    raise httpx2.ReadError("reset")
                return httpx2.Response(412)
            case "GET", "/v1/state":
                return httpx2.Response(200, json={"lock": None, "interrupted": None, **state})
        return httpx2.Response(201, headers={"ETag": '"lock.1"'})

    around = Surroundings(lambda _: None, transport=httpx2.MockTransport(handle))
    hub = Hub(Client("https://hub.example", "t", "T", 1000, around))
    with stamina.set_testing(True, attempts=2), hub.lock(make_holder()):
        hub.append_record(b'{"serial":2}', 2)
    assert len(posts) == 2
    assert len(set(posts)) == 1


def test_record_that_landed_unheard() -> None:
    """A record that the hub turns out to have is written; another one in its place is not, and neither is none."""
    append({"serial": 2, "record_sha256": sha256_hex(b'{"serial":2}')})
    with pytest.raises(StaleError):
        append({"serial": 2, "record_sha256": "0"})
    with pytest.raises(TargetError, match="412"):
        append({"serial": 1, "record_sha256": "0"})


def test_sources_that_are_too_large() -> None:
    """A hub that does not take the sources keeps the record without them, and that is said."""
    notes: list[str] = []
    bodies: list[dict[str, object]] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            empty = {"serial": 0, "record_sha256": None, "lock": None, "interrupted": None, "orgs": []}
            return httpx2.Response(200, json=empty)
        if request.method == "POST":
            bodies.append(json.loads(request.content))
            return httpx2.Response(413 if "sources" in bodies[-1] else 201)
        return httpx2.Response(201, headers={"ETag": '"lock.1"'})

    around = Surroundings(notes.append, transport=httpx2.MockTransport(handle))
    hub = Hub(Client("https://hub.example", "t", "T", 1000, around))
    with hub.lock(make_holder()):
        outcome = hub.deploy(Deployment(1, (), b"{}", b"large", lambda _: b'{"serial":1}', lambda _: {}))
    assert outcome == Outcome((), record=b'{"serial":1}')
    assert [body.keys() for body in bodies] == [{"serial", "record", "sources"}, {"serial", "record"}]
    assert notes == ["the hub does not keep sources of this size: this deployment cannot be rolled back to"]


LOST = httpx2.ReadError("reset")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        *(
            (first, then)
            for first in (LOST, httpx2.Response(500))
            for then in (httpx2.Response(500), httpx2.Response(401))
        ),
        (LOST, httpx2.ConnectError("gone")),
        (httpx2.Response(500), httpx2.ConnectError("gone")),
        (httpx2.Response(500), httpx2.Response(200, html="?")),
    ],
)
def test_doubt_outlasts_what_follows(first: httpx2.Response | Exception, then: httpx2.Response | Exception) -> None:
    """Where a write may have landed and nothing says so afterwards, whatever else fails, the reason says that it is not known."""
    puts: list[str] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        if "/users/" not in request.url.path:
            return httpx2.Response(200, json={})
        puts.append(request.method)
        answer = first if len(puts) == 1 else then
        if isinstance(answer, Exception):
            raise answer
        return answer

    around = Surroundings(lambda _: None, transport=httpx2.MockTransport(handle))
    writes = HubWrites(Client("https://hub.example", "t", "T", 1000, around), '"lock"', 1)
    orgs = (OrgDeployment("b", {}, bundle("b", {"ana": 1}), frozenset()),)
    with stamina.set_testing(True, attempts=2):
        outcome = carry_out(writes, plan_steps(Deployment(1, orgs, b"", b"", lambda _: b"", lambda _: {})))
    assert outcome.failed["b"].startswith("user `ana`: ")
    assert outcome.failed["b"].endswith("; it is not known whether this landed")
