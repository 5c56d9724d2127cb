"""Whatever the network does to a deployment over HTTP, users are old or new, the next apply converges, and nothing is made up."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import stamina

from hubcfg.applier.opening import open_target
from hubcfg.applier.target import LockedError, OrgFiles, TargetError, Writer
from hubcfg.platforms.grants import Audience
from hubcfg.validator.config import Target
from tests.access_oracle import lies_within
from tests.contracts.bundles import PERMISSIONS, make_bundle, read_users
from tests.contracts.deployments import Ledger, deploy, make_holder, make_record
from tests.contracts.harness import Address
from tests.hubs import TOKEN, RunningHub, running_hub, user_path
from tests.proxy import Do, Fault, Proxy, Seen, running_proxy
from tests.reference.projects import examples

STAFF = Audience.STAFF
FAULTS = (Do.RESET_BEFORE, Do.RESET_AFTER, Do.CUT_BODY, Do.BUSY, Do.TOO_MANY)


def staff(org: str, users: dict[str, tuple[int, int]], **head: Any) -> OrgFiles:
    """Returns the files of an org; each user holds some of the permissions in a row."""
    return {
        STAFF: make_bundle(
            org,
            {
                user: {
                    "role": "technician",
                    "permissions": list(PERMISSIONS[start:end]),
                    "products": ["tickets"],
                    "scope": {"clients": "all"},
                }
                for user, (start, end) in users.items()
            },
            **head,
        )
    }


BEFORE = {
    "northwind": staff("northwind", {"gains": (0, 1), "goes": (0, 2), "loses": (0, 3), "turns": (0, 2), "too": (0, 2)}),
    "zeta": staff("zeta", {"last@z.example": (0, 1)}),
}
AFTER = {
    "northwind": staff(
        "northwind",
        {"comes": (0, 1), "gains": (0, 3), "loses": (0, 1), "turns": (1, 3), "too": (1, 3)},
        products={"tickets": "active"},
    ),
    "pilot": staff("pilot", {"first@p.example": (0, 2)}),
    "zeta": {},
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(hub: RunningHub) -> Iterator[Proxy]:
    with running_proxy(hub.port) as running:
        yield running


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """Tries again at once, as often as ever."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


def address(url: str) -> Address:
    options = {"url": url, "adapter": "hub", "token_env": "HUB_TOKEN", "requests_per_minute": 1_000_000}
    return Address("http", options, Path.cwd(), {"HUB_TOKEN": TOKEN})


@contextmanager
def deployed(hub: RunningHub, proxy: Proxy) -> Iterator[tuple[Writer, Ledger]]:
    """Gives a hub that was deployed to once, as it is seen through the proxy."""
    hub.wipe()
    proxy.reset()
    with closing(address(proxy.url).open()) as target:
        ledger = Ledger()
        ledger.deploy(target, BEFORE)
        proxy.reset()
        yield target, ledger


def check_users(target: Writer) -> None:
    """Asserts that each user is as before or as after; only who gains and loses may be between both."""
    for org in ("northwind", "pilot", "zeta"):
        live = target.read_org(org).live
        now = read_users(live[STAFF]) if live else {}
        old = read_users(BEFORE[org][STAFF]) if org in BEFORE else {}
        new = read_users(AFTER[org][STAFF]) if AFTER[org] else {}
        for user in old.keys() | new.keys():
            one, before, after = now.get(user), old.get(user), new.get(user)
            if one not in (before, after):
                assert user in ("turns", "too")
                assert lies_within(one, before)
                assert lies_within(one, after)
        assert now.keys() <= old.keys() | new.keys()


def converge(target: Writer, ledger: Ledger) -> None:
    """Does what the next apply does, and asserts that all is then as it is to be."""
    status = target.read_status()
    if status.interrupted is not None:
        with target.lock(make_holder()):
            record = b'{"format":"hubcfg.deployment/1","interrupted":true,"serial":%d}' % status.interrupted.serial
            target.append_record(record, status.interrupted.serial)
    outcome = deploy(target, AFTER)
    assert (sorted(outcome.done), dict(outcome.failed), outcome.untried) == (sorted(AFTER), {}, ())
    for org, files in AFTER.items():
        held = target.read_org(org)
        assert dict(held.live) == dict(held.deployed) == files
        assert held.ever >= ledger.ever.get(org, frozenset())
    records = target.read_records()
    assert records[: len(ledger.records)] == ledger.records
    assert target.read_status().serial == len(records)


def moments(hub: RunningHub, proxy: Proxy, step: int) -> range:
    """Returns the numbers of a deployment's requests: every `step`-th, or more of them where the budget is larger."""
    with deployed(hub, proxy) as (target, _):
        deploy(target, AFTER)
        return range(0, len(proxy.seen), max(1, step // examples(1)))


@pytest.mark.parametrize("do", FAULTS, ids=lambda do: do.name.lower())
def test_every_request_fails_once(hub: RunningHub, proxy: Proxy, do: Do) -> None:
    """Where every request fails at first and its next try passes, the deployment is done, and done once."""
    tries: Counter[tuple[str, str]] = Counter()

    def decide(seen: Seen) -> Do:
        tries[seen.method, seen.path] += 1
        return do if tries[seen.method, seen.path] % 2 else Do.PASS

    with deployed(hub, proxy) as (target, ledger):
        proxy.reset(decide)
        ledger.deploy(target, AFTER)
        proxy.reset()
        ledger.check(target)


def test_each_request_fails_alone(hub: RunningHub, proxy: Proxy) -> None:
    """A single fault at any request, of any kind, changes nothing about what comes out."""
    for number in moments(hub, proxy, 2):
        do = FAULTS[number % len(FAULTS)]
        with deployed(hub, proxy) as (target, ledger):
            proxy.reset(lambda seen, number=number, do=do: do if seen.number == number else Do.PASS)
            ledger.deploy(target, AFTER)
            ledger.check(target)


def test_network_ends_at_any_request(hub: RunningHub, proxy: Proxy) -> None:
    """Where nothing passes any more from some request on, what is said to be done is done, the rest is told, and the next apply
    converges.
    """
    for number in moments(hub, proxy, 2):
        do = (Do.RESET_BEFORE, Do.RESET_AFTER)[number // 2 % 2]
        with deployed(hub, proxy) as (target, ledger):
            proxy.reset(lambda seen, number=number, do=do: do if seen.number >= number else Do.PASS)
            try:
                outcome = deploy(target, AFTER)
            except (TargetError, LockedError):
                outcome = None
            proxy.reset()
            check_users(target)
            if outcome is not None:
                check_outcome(target, outcome)
            elif do is Do.RESET_BEFORE:
                assert all(dict(target.read_org(org).live) == files for org, files in BEFORE.items())
            # The process that held the lock is this one; in life it would have ended.
            target.unlock()
            converge(target, ledger)


def check_outcome(target: Writer, outcome: Any) -> None:
    """Asserts that an outcome says what is."""
    assert sorted([*outcome.done, *outcome.failed, *outcome.untried]) == sorted(AFTER)
    for org in outcome.done:
        assert dict(target.read_org(org).live) == AFTER[org]
    for org in outcome.untried:
        assert dict(target.read_org(org).live) == BEFORE.get(org, {})
    assert all(": " in reason for reason in outcome.failed.values())
    if outcome.record is None:
        assert outcome.reason
    else:
        assert target.read_status().record == outcome.record


CHILD = """
import json, sys
from tests.contracts.deployments import deploy
from tests.contracts.harness import Address
from tests.integration.test_http_faults import AFTER
deploy(Address.from_json(json.load(sys.stdin)).open(), AFTER)
"""


def test_killed_at_any_request(hub: RunningHub, proxy: Proxy) -> None:
    """A process that is killed leaves each user as before or after, and the next apply takes over its lock and converges."""
    root = Path(__file__).parents[2]
    for number in moments(hub, proxy, 4):
        with deployed(hub, proxy) as (target, ledger):
            process = subprocess.Popen([sys.executable, "-c", CHILD], cwd=root, stdin=subprocess.PIPE)

            def kill(process: subprocess.Popen[bytes] = process) -> None:
                process.send_signal(signal.SIGKILL)
                process.wait()

            def decide(seen: Seen, number: int = number, kill: Callable[[], None] = kill) -> Fault | Do:
                return Fault(Do.RESET_AFTER, meanwhile=kill) if seen.number == number else Do.PASS

            proxy.reset(decide)

            process.communicate(json.dumps(address(proxy.url).to_json()).encode())
            proxy.reset()
            check_users(target)
            status = target.read_status()
            if status.interrupted is not None:
                assert status.interrupted.serial == 2
                assert all(dict(target.read_org(org).live) == AFTER[org] for org in status.interrupted.done)
            else:
                assert status.serial == (2 if process.returncode == 0 or status.serial == 2 else 1)
            converge(target, ledger)


def find_request(proxy: Proxy, method: str, path: str, act: Callable[[], None] | None, do: Do) -> None:
    """Makes the proxy do something at the first request of a kind."""
    hit: list[Seen] = []

    def decide(seen: Seen) -> Fault | Do:
        if (seen.method, seen.path) == (method, path) and not hit:
            hit.append(seen)
            return Fault(do, meanwhile=act)
        return Do.PASS

    proxy.reset(decide)


def test_refused_at_the_second_try_because_the_first_landed(hub: RunningHub, proxy: Proxy) -> None:
    """A write whose answer was lost is refused the second time (412); as the user is as wanted, it counts as done."""
    with deployed(hub, proxy) as (target, ledger):
        find_request(proxy, "PUT", user_path("northwind", "loses"), None, Do.RESET_AFTER)
        ledger.deploy(target, AFTER)
        writes = [seen for seen in proxy.seen if seen.path == user_path("northwind", "loses")]
        assert [seen.method for seen in writes] == ["PUT", "PUT", "GET"]
        ledger.check(target)


def test_somebody_else_was_quicker(hub: RunningHub, proxy: Proxy) -> None:
    """A write that is refused because somebody has changed the user otherwise fails, by name, and leaves that change alone."""

    def change() -> None:
        found, etag = hub.read_user("northwind", "gains")
        found["user"]["suspended"] = True
        hub.ask("PUT", user_path("northwind", "gains"), found, {"If-Match": etag, "Hubcfg-Lock": lock_etag(hub)})

    with deployed(hub, proxy) as (target, _):
        find_request(proxy, "PUT", "/v1/deployment", change, Do.PASS)
        outcome = deploy(target, AFTER)
        proxy.reset()
        assert sorted(outcome.done) == ["pilot", "zeta"]
        assert outcome.failed.keys() == {"northwind"}
        assert outcome.failed["northwind"].startswith("user `gains`: somebody else has changed it meanwhile (`412")
        assert outcome.record == make_record(2, outcome)
        assert hub.read_user("northwind", "gains")[0]["user"]["suspended"] is True
        assert dict(target.read_org("northwind").deployed) == BEFORE["northwind"]
        deploy(target, AFTER)
        assert dict(target.read_org("northwind").live) == AFTER["northwind"]


def lock_etag(hub: RunningHub) -> str:
    return hub.ask("GET", "/v1/lock")[1]


def test_lock_taken_away_in_the_middle(hub: RunningHub, proxy: Proxy) -> None:
    """Who loses the lock writes nothing more, and says so."""
    with deployed(hub, proxy) as (target, ledger), closing(address(hub.url).open()) as other:
        find_request(proxy, "PUT", user_path("northwind", "loses"), lambda: other.unlock() and None, Do.PASS)
        outcome = deploy(target, AFTER)
        proxy.reset()
        assert outcome.done == ()
        assert "the lock was taken away" in outcome.failed["northwind"]
        assert outcome.untried == ("pilot", "zeta")
        assert outcome.record is None
        check_users(target)
        converge(target, ledger)


def test_hub_that_refuses_one_user(hub: RunningHub, proxy: Proxy) -> None:
    """A user whom the hub does not take is named with what it says, the others of that stage are written, other orgs too."""
    odd = {
        "northwind": staff("northwind", {"gains": (0, 1), "odd name": (0, 1), "zoe": (0, 1)}),
        "pilot": AFTER["pilot"],
    }
    with deployed(hub, proxy) as (target, _):
        outcome = deploy(target, odd)
        assert outcome.done == ("pilot",)
        assert outcome.failed["northwind"].startswith("user `odd name`: `422 ")
        live = read_users(target.read_org("northwind").live[STAFF])
        assert live.keys() == {"gains", "zoe"}
        assert outcome.record is not None


def test_token_for_reading_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a token that may only read, a target is read, and not locked; the token is not shown."""
    monkeypatch.setenv("READER", "only-for-reading")
    with running_hub(tmp_path, "--rate", "0", "--read-token-env", "READER") as own:
        options = {"url": own.url, "adapter": "hub", "token_env": "READER"}
        with closing(Address("http", options, tmp_path, {"READER": os.environ["READER"]}).open()) as target:
            Ledger().check(target)
            with pytest.raises(TargetError, match="does not allow this") as caught, target.lock(make_holder()):
                pass
        assert "only-for-reading" not in f"{caught.value.message} {caught.value.help}"


def test_hub_that_limits_requests(tmp_path: Path) -> None:
    """A hub that takes few requests a minute is waited for as it asks, and that is said."""
    notes: list[str] = []
    options = {"url": "", "adapter": "hub", "token_env": "HUB_TOKEN", "requests_per_minute": 1_000_000}
    with stamina.set_testing(False), running_hub(tmp_path, "--rate", "300") as own:
        named = Target("slow", "http", options | {"url": own.url})
        with closing(open_target(named, tmp_path, {"HUB_TOKEN": TOKEN}, notes.append)) as target:
            for _ in range(305):
                assert target.list_orgs() == {}
    assert notes
    assert all("429 Too Many Requests" in note and note.endswith("trying again in 1 s, as it asks") for note in notes)
