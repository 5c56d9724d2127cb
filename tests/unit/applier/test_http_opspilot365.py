"""OpsPilot365: technicians are written one by one, and what the platform has no place for is kept in a folder."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest
import stamina

from hubcfg.applier.opening import open_target
from hubcfg.applier.rest.client import Client, Surroundings
from hubcfg.applier.rest.opspilot365 import OpsPilot365
from hubcfg.applier.target import ForeignStateError, LockedError, OrgFiles, Outcome, StaleError, TargetError, Writer
from hubcfg.core.errors import UsageError
from hubcfg.platforms.grants import Audience
from hubcfg.validator.config import Target
from tests.access_oracle import lies_within
from tests.contracts.bundles import PERMISSIONS, make_bundle, read_users
from tests.contracts.deployments import Ledger, deploy, make_deployment, make_holder
from tests.contracts.elsewhere import elsewhere
from tests.contracts.harness import Address
from tests.hubs import TOKEN, running_hub

STAFF = Audience.STAFF
WIPE = "devices.devices.wipe"


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """Tries again at once."""
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


class Platform:
    """A platform that knows some technicians; `reads` and `tags` say whether it answers GET and gives ETags."""

    def __init__(self, *technicians: str, reads: bool = True, tags: bool = True) -> None:
        self.bodies: dict[str, Any] = {
            name: {"role": "read-only", "permissions": [], "customers": []} for name in technicians
        }
        self.reads = reads
        self.tags = tags
        self.written: list[str] = []
        self.before: Callable[[str, str], httpx2.Response | None] = lambda _method, _user: None
        self.after: Callable[[str, str], httpx2.Response | None] = lambda _method, _user: None

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        user = unquote(request.url.raw_path.decode().split("/")[3])
        answer = self.before(request.method, user) or self.answer(request, user)
        return self.after(request.method, user) or answer

    def answer(self, request: httpx2.Request, user: str) -> httpx2.Response:
        if user not in self.bodies:
            return httpx2.Response(404, json={"detail": "unknown technician"})
        if request.method == "GET":
            if not self.reads:
                return httpx2.Response(405)
            return httpx2.Response(200, json=self.bodies[user], headers=self.tag(user))
        if request.headers.get("If-Match", self.tag(user).get("ETag")) != self.tag(user).get("ETag"):
            return httpx2.Response(412)
        self.bodies[user] = json.loads(request.content)
        self.written.append(user)
        return httpx2.Response(204, headers=self.tag(user))

    def tag(self, user: str) -> dict[str, str]:
        return {"ETag": f'"{hash(json.dumps(self.bodies[user]))}"'} if self.tags else {}

    def open(self, folder: Path, notes: list[str] | None = None) -> Writer:
        note = (lambda _: None) if notes is None else notes.append
        around = Surroundings(note, transport=httpx2.MockTransport(self.handle))
        return OpsPilot365(Client("https://msp.example", TOKEN, "TOKEN", 10**6, around), folder / "kept", note)

    def held(self) -> dict[str, list[str]]:
        return {user: body["permissions"] for user, body in self.bodies.items()}


def entry(*permissions: str, **more: Any) -> dict[str, Any]:
    duties = {"obligations": {"manager-approval": [WIPE]}} if WIPE in permissions else {}
    return {
        "role": "technician",
        "permissions": sorted(permissions),
        "products": ["devices"],
        "scope": {"clients": ["contoso"]},
        "authentication": {"method": "sso", "mfa": True},
        **duties,
        **more,
    }


def staff(org: str = "pilot", /, **users: dict[str, Any]) -> OrgFiles:
    return {STAFF: make_bundle(org, users)}


FIRST = staff(ana=entry(WIPE, until={WIPE: "2027-01-01T00:00:00Z"}), bo=entry(*PERMISSIONS), lea=entry(suspended=True))
SECOND = staff(ana=entry(*PERMISSIONS[2:4]), cy=entry(PERMISSIONS[0], manages="all", uid="c-1"))
NAMES = ("ana", "bo", "cy", "lea")


@pytest.mark.parametrize("reads", [True, False])
def test_deployments_read_back(tmp_path: Path, reads: bool) -> None:
    """Whether or not the platform tells what technicians hold, what was deployed reads back to the byte, with all records."""
    platform = Platform(*NAMES, reads=reads)
    with closing(platform.open(tmp_path)) as target:
        ledger = Ledger()
        ledger.check(target)
        assert not (tmp_path / "kept").exists()
        for files in (FIRST, SECOND, {}, SECOND):
            ledger.deploy(target, {"pilot": files})
            ledger.check(target)
    with closing(platform.open(tmp_path)) as target:
        ledger.check(target)
    assert platform.held() == {"ana": list(PERMISSIONS[2:4]), "bo": [], "cy": [PERMISSIONS[0]], "lea": []}


def test_what_is_sent(tmp_path: Path) -> None:
    """A technician is told with role, permissions, customers, what a manager approves, ends and sign-in; one who goes gets
    nothing, and what does not change is not sent.
    """
    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target:
        deploy(target, {"pilot": FIRST})
        assert platform.bodies["ana"] == {
            "role": "technician",
            "permissions": [WIPE],
            "customers": ["contoso"],
            "managerApproval": [WIPE],
            "until": {WIPE: "2027-01-01T00:00:00Z"},
            "authentication": {"method": "sso", "mfa": True},
        }
        platform.written.clear()
        deploy(target, {"pilot": staff(ana=entry(WIPE, until={WIPE: "2027-01-01T00:00:00Z"}))})
        assert platform.written == ["bo", "lea"]
        assert platform.bodies["bo"]["permissions"] == platform.bodies["bo"]["customers"] == []


def test_change_by_hand_shows(tmp_path: Path) -> None:
    """What people change in the product shows in `live` and not in `deployed`, also of somebody who was removed."""
    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target:
        deploy(target, {"pilot": FIRST})
        deploy(target, {"pilot": SECOND})
        platform.bodies["ana"]["permissions"] = ["tickets.tickets.view"]
        platform.bodies["bo"] |= {"permissions": [WIPE], "customers": "all"}
        target.read_status()
        held = target.read_org("pilot")
        assert dict(held.deployed) == SECOND
        live = read_users(held.live[STAFF])
        assert live["ana"] == entry("tickets.tickets.view")
        assert live["bo"]["scope"] == {"clients": "all"}
        assert live["cy"] == entry(PERMISSIONS[0], manages="all", uid="c-1")
        assert deploy(target, {"pilot": SECOND}).done == ("pilot",)
        assert dict(target.read_org("pilot").live) == SECOND


def test_platform_that_does_not_tell(tmp_path: Path) -> None:
    """Where the platform does not say what technicians hold, this is noted once, and what was written counts."""
    platform, notes = Platform(*NAMES, reads=False), []
    with closing(platform.open(tmp_path, notes)) as target:
        deploy(target, {"pilot": FIRST})
        assert dict(target.read_org("pilot").live) == FIRST
    assert len(notes) == 1
    assert "does not say what technician" in notes[0]


@pytest.mark.parametrize("body", [[1], {"permissions": "all"}, {"permissions": [1]}, {"permissions": [], "until": 5}])
def test_answers_in_another_form(tmp_path: Path, body: Any) -> None:
    """An answer to GET that is not what we assume is noted, and not believed."""
    platform, notes = Platform(*NAMES), []
    with closing(platform.open(tmp_path, notes)) as target:
        deploy(target, {"pilot": FIRST})
        platform.bodies["ana"] = body
        target.read_status()
        assert dict(target.read_org("pilot").live) == FIRST
    assert any("`ana`" in note for note in notes)


def test_unknown_technician(tmp_path: Path) -> None:
    """A technician whom the platform does not know is named; the others of the stage and the record are written."""
    platform = Platform("ana", "lea")
    with closing(platform.open(tmp_path)) as target:
        outcome = deploy(target, {"pilot": FIRST})
        assert outcome.done == ()
        assert outcome.failed["pilot"].startswith(
            "user `bo`: OpsPilot365 knows no such technician, invite them there first"
        )
        assert "unknown technician" in outcome.failed["pilot"]
        assert outcome.record is not None
        assert platform.held()["ana"] == [WIPE]
        assert target.read_org("pilot").ever == {"ana", "bo", "lea"}
        platform.bodies["bo"] = {"role": "read-only", "permissions": []}
        assert deploy(target, {"pilot": FIRST}).done == ("pilot",)


def test_technician_who_is_gone_holds_nothing(tmp_path: Path) -> None:
    """Who was deleted in the product need not be written to be removed."""
    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target:
        deploy(target, {"pilot": FIRST})
        del platform.bodies["bo"]
        assert deploy(target, {"pilot": staff(ana=entry(WIPE))}).done == ("pilot",)


def fail_once(platform: Platform, user: str, error: Exception, *, after: bool, for_good: bool = False) -> None:
    """Makes one write of a user fail, before or after it landed."""
    left = [1]

    def act(method: str, name: str) -> None:
        if (method, name) == ("PUT", user) and (for_good or left):
            left.clear()
            raise error

    if after:
        platform.after = act
    else:
        platform.before = act


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("tags", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_dropped_write_is_tried_again(tmp_path: Path, reads: bool, tags: bool, after: bool) -> None:
    """A write whose answer was lost is sent again on the same condition, and done once it is known to have landed."""
    platform = Platform(*NAMES, reads=reads, tags=tags)
    with closing(platform.open(tmp_path)) as target:
        ledger = Ledger()
        ledger.deploy(target, {"pilot": FIRST})
        fail_once(platform, "ana", httpx2.ReadError("reset"), after=after)
        ledger.deploy(target, {"pilot": SECOND})
        ledger.check(target)


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_write_of_which_nothing_is_known(tmp_path: Path, reads: bool, after: bool) -> None:
    """Where nobody answers any more, the outcome says that it is not known what landed; where the platform does not tell either,
    the technician differs from any bundle, so that the next plan writes them whatever it wants.
    """
    platform = Platform(*NAMES, reads=reads)
    with closing(platform.open(tmp_path)) as target:
        deploy(target, {"pilot": FIRST})
        fail_once(platform, "ana", httpx2.ReadError("reset"), after=after, for_good=True)
        outcome = deploy(target, {"pilot": SECOND})
        assert outcome.done == ()
        assert "it is not known whether this landed" in outcome.failed["pilot"]
        assert outcome.record == target.read_status().record
        platform.before = platform.after = lambda _method, _user: None
        if not reads:
            ana = read_users(target.read_org("pilot").live[STAFF])["ana"]
            assert ana["authentication"] == {"method": "unknown", "mfa": False}
        for files in (FIRST, SECOND):
            assert deploy(target, {"pilot": files}).done == ("pilot",)
            assert dict(target.read_org("pilot").live) == files
            assert platform.held()["ana"] == read_users(files[STAFF])["ana"]["permissions"]


def test_somebody_else_was_quicker(tmp_path: Path) -> None:
    """A technician who is changed between reading and writing is left as that one did, and named."""
    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target:
        deploy(target, {"pilot": FIRST})
        with target.lock(make_holder()):
            deployment = make_deployment(target, {"pilot": SECOND})
            platform.bodies["ana"]["permissions"] = ["tickets.tickets.view"]
            outcome = target.deploy(deployment)
        assert "user `ana`: somebody else has changed it meanwhile (`412" in outcome.failed["pilot"]
        assert platform.held()["ana"] == ["tickets.tickets.view"]


@pytest.mark.parametrize("number", range(0, 40, 3))
def test_killed_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A process that ends between any two writes to the folder leaves what the next apply takes up."""
    from hubcfg.applier.rest.keeping import Keeping

    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target:
        ledger = Ledger()
        ledger.deploy(target, {"pilot": FIRST})
    count = 0
    real = Keeping._write

    def write(keeping: Keeping, file: Path, content: bytes) -> None:
        nonlocal count
        count += 1
        if count > number:
            raise KeyboardInterrupt
        real(keeping, file, content)

    monkeypatch.setattr(Keeping, "_write", write)
    with closing(platform.open(tmp_path)) as target:
        try:
            deploy(target, {"pilot": SECOND})
        except KeyboardInterrupt:
            pass
    monkeypatch.undo()
    for user, permissions in platform.held().items():
        held = [read_users(files[STAFF]).get(user, {}).get("permissions", []) for files in (FIRST, SECOND)]
        assert set(permissions) <= set(held[0]) or permissions == held[1]
    with closing(platform.open(tmp_path)) as target:
        settle(target)
        assert deploy(target, {"pilot": SECOND}).done == ("pilot",)
        assert dict(target.read_org("pilot").live) == SECOND
        assert target.read_status().interrupted is None
        assert platform.held()["bo"] == []


def settle(target: Writer) -> None:
    """Does what the next apply does first."""
    interrupted = target.read_status().interrupted
    if interrupted is not None:
        assert interrupted.serial == 2
        with target.lock(make_holder()):
            target.append_record(b'{"serial":2}', 2)


@pytest.mark.parametrize(
    ("orgs", "said"),
    [
        ({"pilot": {STAFF: make_bundle("pilot", {}, platform="onestack")}}, "has the platform `onestack`"),
        ({"pilot": {Audience.CLIENT: make_bundle("pilot", {}, Audience.CLIENT)}}, "has clients' users"),
        ({"pilot": FIRST, "north": staff("north", ana=entry())}, "user `ana` is in the orgs"),
        ({"pilot": staff(ana=entry(WIPE, obligations={"four-eyes": [WIPE]}))}, "the obligation `four-eyes`"),
    ],
)
def test_what_the_platform_has_no_form_for(tmp_path: Path, orgs: dict[str, OrgFiles], said: str) -> None:
    """What cannot be told to OpsPilot365 is refused before anything is sent or kept."""
    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target, pytest.raises(UsageError, match=said) as caught:
        deploy(target, orgs)
    assert caught.value.help
    assert platform.written == []
    with closing(platform.open(tmp_path)) as target:
        Ledger().check(target)


def test_stale_deployments(tmp_path: Path) -> None:
    """A deployment is refused where its serial is not the next, or a technician was changed since it was planned."""
    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target:
        deploy(target, {"pilot": FIRST})
        late = make_deployment(target, {"pilot": SECOND})
        platform.bodies["ana"]["permissions"] = []
        with target.lock(make_holder()), pytest.raises(StaleError, match="pilot"):
            target.deploy(late)
        deploy(target, {"pilot": SECOND})
        with target.lock(make_holder()), pytest.raises(StaleError):
            target.deploy(late)
        with target.lock(make_holder()), pytest.raises(StaleError):
            target.append_record(b'{"serial":1}', 1)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("orgs/pilot.json", "{"),
        ("orgs/pilot.json", "[]"),
        ("orgs/pilot.json", '{"format":"hubcfg.kept/2"}'),
        ("orgs/pilot.json", '{"format":"hubcfg.kept/1","users":[]}'),
        (
            "orgs/pilot.json",
            '{"deployed":{},"ever":[],"finished":1,"format":"hubcfg.kept/1","head":{},"users":{"a":1}}',
        ),
        (
            "orgs/pilot.json",
            '{"deployed":{"boss":""},"ever":[],"finished":1,"format":"hubcfg.kept/1","head":{},"users":{}}',
        ),
        ("records/00000001.json", "{"),
        ("records/00000001.json", '{"serial":2}'),
        ("records/00000001.json", '{"serial":1,"format":"hubcfg.deployment/2"}'),
        ("beginning.json", "{}"),
        ("beginning.json", '{"format":"hubcfg.kept/1","serial":"2"}'),
    ],
)
def test_folder_that_others_wrote(tmp_path: Path, file: str, content: str) -> None:
    """Files that are not what hubcfg keeps there are foreign, with advice."""
    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target:
        deploy(target, {"pilot": FIRST})
        (tmp_path / "kept" / file).write_text(content)
        with pytest.raises(ForeignStateError) as caught:
            (target.read_status(), target.read_org("pilot"))
        assert caught.value.help


def test_missing_record(tmp_path: Path) -> None:
    """A record that is gone from the middle is missed."""
    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target:
        for files in (FIRST, SECOND):
            deploy(target, {"pilot": files})
        (tmp_path / "kept/records/00000001.json").unlink()
        with pytest.raises(ForeignStateError, match="a record is missing"):
            target.read_records()


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    """A folder that cannot be used is a target that fails, and nothing is sent."""
    (tmp_path / "kept").write_text("a file")
    platform = Platform(*NAMES)
    with closing(platform.open(tmp_path)) as target, pytest.raises(TargetError, match="cannot"):
        deploy(target, {"pilot": FIRST})
    assert platform.written == []


def test_lock_is_taken_away(tmp_path: Path) -> None:
    """Who lost the lock writes neither to the folder nor to the platform any more."""
    platform = Platform(*NAMES)
    with (
        closing(platform.open(tmp_path)) as target,
        closing(platform.open(tmp_path)) as other,
        target.lock(make_holder()),
    ):
        with pytest.raises(LockedError), other.lock(make_holder("bo")):
            pass
        deployment = make_deployment(target, {"pilot": FIRST})
        assert other.unlock() == make_holder()
        with pytest.raises(TargetError, match="the lock was taken away"):
            target.deploy(deployment)
    assert platform.written == []


def test_states_in_between(tmp_path: Path) -> None:
    """What each write leaves a technician with lies within what they held or are to hold."""
    platform = Platform(*NAMES)
    before = staff(ana=entry(*PERMISSIONS[:3]), bo=entry(*PERMISSIONS[:3]))
    after = staff(ana=entry(*PERMISSIONS[2:]), bo=entry(*PERMISSIONS[2:]))
    seen: list[tuple[str, Any]] = []
    with closing(platform.open(tmp_path)) as target:
        deploy(target, {"pilot": before})
        platform.after = lambda method, user: seen.append((user, platform.bodies[user])) if method == "PUT" else None
        deploy(target, {"pilot": after})
    assert len(seen) == 3
    for user, body in seen:
        now = {"permissions": body["permissions"], "products": [], "scope": {"clients": body["customers"]}}
        assert any(
            lies_within(now, read_users(files[STAFF])[user] | {"obligations": {}, "authentication": {}})
            for files in (before, after)
        )


def test_against_the_hub(tmp_path: Path) -> None:
    """The reference hub's stand-in for the endpoint takes what is sent, gives it back, and another process is locked out."""
    with running_hub(tmp_path, "--rate", "0") as hub:
        for name in NAMES:
            hub.ask("PUT", f"/api/technicians/{name}", {"role": "read-only"})
        options = {
            "url": hub.url,
            "adapter": "opspilot365",
            "token_env": "T",
            "path": "kept",
            "requests_per_minute": 10**6,
        }
        named = Target("ops", "http", options)
        with closing(open_target(named, tmp_path, {"T": TOKEN})) as target:
            ledger = Ledger()
            for files in (FIRST, SECOND, {}, FIRST):
                ledger.deploy(target, {"pilot": files})
                ledger.check(target)
            found, etag = hub.ask("GET", "/api/technicians/ana/permissions")
            assert found["permissions"] == [WIPE]
            hub.ask("PUT", "/api/technicians/ana/permissions", found | {"customers": "all"}, {"If-Match": etag})
            target.read_status()
            assert read_users(target.read_org("pilot").live[STAFF])["ana"]["scope"] == {"clients": "all"}
            with elsewhere(Address("http", options, tmp_path, {"T": TOKEN})) as other:
                assert other.ask("lock") == "ok"
                with pytest.raises(LockedError, match="`elsewhere`"):
                    deploy(target, {"pilot": SECOND})
                other.kill()
            outcome: Outcome = deploy(target, {"pilot": SECOND})
            assert outcome.done == ("pilot",)
