"""What a target holds after deployments, and when it refuses them."""

import hashlib
from contextlib import closing

import pytest
from msgspec.structs import replace

from hubcfg.applier.target import Deployment, OrgDeployment, StaleError, Status, Writer
from hubcfg.core.canonical import canonical_json
from hubcfg.platforms.grants import Audience
from tests.contracts.bundles import PERMISSIONS, make_bundle, make_staff, read_users
from tests.contracts.deployments import Ledger, deploy, make_deployment, make_holder, make_record
from tests.contracts.elsewhere import elsewhere
from tests.contracts.harness import Stand

STAFF, CLIENT = Audience.STAFF, Audience.CLIENT
NORTHWIND = make_staff("northwind", "lea@x.example", "bo@x.example")
PILOT = make_staff("pilot", "ana@x.example")


def with_clients() -> dict[Audience, bytes]:
    """The files of an org that has clients, and users of theirs."""
    clients = {"contoso": {"name": 'Contoso "&" Søn\'s', "departments": ["board", "it"]}}
    scope = {"company": "contoso"}
    pat = {"permissions": list(PERMISSIONS[:1]), "products": ["devices"], "scope": scope}
    return {
        STAFF: make_bundle("pilot", read_users(PILOT[STAFF]), clients=clients),
        CLIENT: make_bundle("pilot", {"pat@c.example": pat, "quinn@c.example": pat}, CLIENT, clients=clients),
    }


def test_fresh_target_holds_nothing(stand: Stand, target: Writer) -> None:
    """A target that was never written to has serial 0, no orgs, no records and no holder; reading it again says the same."""
    Ledger().check(target)
    assert target.read_status() == Status(0)
    with closing(stand.address.open()) as other:
        Ledger().check(other)


def test_unlock_of_a_fresh_target_finds_no_lock(target: Writer) -> None:
    """A target that nobody has locked has no lock to end, and ending none changes nothing."""
    assert target.unlock() is None
    Ledger().check(target)


def test_locking_alone_deploys_nothing(target: Writer) -> None:
    """A lock that was held and let go leaves the target as it was."""
    with target.lock(make_holder()):
        assert target.read_status().serial == 0
    Ledger().check(target)


def test_first_deployment_reads_back(target: Writer) -> None:
    """What was deployed reads back to the byte: live, as deployed, who ever, the record and the sources."""
    ledger = Ledger()
    ledger.deploy(target, {"northwind": NORTHWIND, "pilot": with_clients()})
    ledger.check(target)


def test_deployments_follow_one_another(target: Writer) -> None:
    """Orgs come and change, those that a deployment does not name stay, and who was ever deployed is kept."""
    ledger = Ledger()
    ledger.deploy(target, {"northwind": NORTHWIND})
    ledger.deploy(target, {"pilot": with_clients()})
    ledger.check(target)
    ledger.deploy(target, {"northwind": make_staff("northwind", "lea@x.example", "new@x.example")})
    ledger.check(target)
    assert ledger.ever["northwind"] == {"lea@x.example", "bo@x.example", "new@x.example"}


def test_audience_comes_and_goes(target: Writer) -> None:
    """An org gains a bundle of its clients' users, and loses it again."""
    ledger = Ledger()
    for files in (PILOT, with_clients(), PILOT):
        ledger.deploy(target, {"pilot": files})
        ledger.check(target)
    assert "pat@c.example" in target.read_org("pilot").ever


def test_emptied_org_is_remembered(target: Writer) -> None:
    """An org that is emptied holds nothing, is still listed, knows who was there, and can be filled again."""
    ledger = Ledger()
    ledger.deploy(target, {"northwind": NORTHWIND, "pilot": with_clients()})
    ledger.deploy(target, {"pilot": {}})
    ledger.check(target)
    assert target.list_orgs()["pilot"] == {}
    assert target.read_org("pilot").ever == {"ana@x.example", "pat@c.example", "quinn@c.example"}
    ledger.deploy(target, {"pilot": PILOT})
    ledger.check(target)


def test_org_without_users(target: Writer) -> None:
    """A bundle without users is held as such, which is not the same as no bundle."""
    ledger = Ledger()
    ledger.deploy(target, {"northwind": make_staff("northwind")})
    ledger.check(target)
    assert target.read_org("northwind").live.keys() == {STAFF}


def test_deployment_of_no_org(target: Writer) -> None:
    """A deployment that changes no org leaves a record and its sources."""
    ledger = Ledger()
    ledger.deploy(target, {"northwind": NORTHWIND})
    ledger.deploy(target, {})
    ledger.check(target)


def test_org_that_stays_the_same_may_be_named(target: Writer) -> None:
    """An org whose bytes do not change may be deployed all the same."""
    ledger = Ledger()
    for _ in range(2):
        ledger.deploy(target, {"northwind": NORTHWIND})
    ledger.check(target)


def test_many_records_are_in_order(target: Writer) -> None:
    """Records come in the order of serials, also beyond nine, each with its sources."""
    ledger = Ledger()
    for count in range(12):
        ledger.deploy(target, {"northwind": make_staff("northwind", f"user-{count}@x.example")})
    ledger.check(target)


def test_another_handle_sees_a_deployment(stand: Stand, target: Writer) -> None:
    """What one handle deployed, another one that was open before reads, and deploys on."""
    ledger = Ledger()
    with closing(stand.address.open()) as other:
        ledger.check(other)
        ledger.deploy(target, {"northwind": NORTHWIND})
        ledger.check(other)
        ledger.deploy(other, {"northwind": {}, "pilot": PILOT})
    ledger.check(target)


def test_another_process_sees_and_deploys(stand: Stand, target: Writer) -> None:
    """Two processes deploy in turn, each upon what the other left."""
    ledger = Ledger()
    ledger.deploy(target, {"pilot": PILOT})
    with elsewhere(stand.address) as other:
        assert other.ask("deploy") == "ok"
    assert target.read_status().serial == 2
    assert dict(target.read_org("pilot").live) == PILOT
    assert len(read_users(target.read_org("northwind").live[STAFF])) == 1
    assert deploy(target, {"northwind": {}}).done == ("northwind",)


def test_stale_by_serial(stand: Stand, target: Writer) -> None:
    """A deployment that was made from an earlier serial is refused, though its orgs are as it found them."""
    ledger = Ledger()
    ledger.deploy(target, {"northwind": NORTHWIND})
    late = make_deployment(target, {"pilot": PILOT})
    with closing(stand.address.open()) as other:
        ledger.deploy(other, {"northwind": make_staff("northwind", "lea@x.example")})
    with target.lock(make_holder()), pytest.raises(StaleError):
        target.deploy(late)
    ledger.check(target)


def test_stale_by_a_serial_ahead(target: Writer) -> None:
    """A deployment whose serial is not the next one is refused."""
    ahead = Deployment(
        7, (OrgDeployment("pilot", {}, PILOT, frozenset({"ana@x.example"})),), canonical_json({"serial": 7}), b"",
        lambda outcome: make_record(7, outcome), lambda _: {},
    )  # fmt: skip
    with target.lock(make_holder()), pytest.raises(StaleError):
        target.deploy(ahead)
    Ledger().check(target)


def test_stale_by_content(stand: Stand, target: Writer) -> None:
    """A deployment is refused as a whole where one of its orgs is not as the plan found it."""
    ledger = Ledger()
    ledger.deploy(target, {"northwind": NORTHWIND, "pilot": with_clients()})
    late = make_deployment(target, {"aaa": make_staff("aaa", "x@x.example"), "northwind": {}, "pilot": PILOT})
    stand.suspend("pilot", CLIENT, "pat@c.example")
    with target.lock(make_holder()), pytest.raises(StaleError, match="pilot"):
        target.deploy(late)
    assert target.read_status() == Status(1, ledger.records[0])
    assert target.read_records() == ledger.records
    assert target.list_orgs().keys() == {"northwind", "pilot"}
    assert dict(target.read_org("northwind").live) == NORTHWIND


def test_stale_by_an_org_that_is_there_already(target: Writer) -> None:
    """A deployment that takes an org for absent is refused where there is one."""
    ledger = Ledger()
    ledger.deploy(target, {"pilot": PILOT})
    made = make_deployment(target, {"pilot": {}})
    blind = OrgDeployment("pilot", {}, make_staff("pilot", "bo@x.example"), frozenset())
    orgs = (blind,)
    late = Deployment(2, orgs, made.beginning, made.sources, made.make_record, made.make_extras)
    with target.lock(make_holder()), pytest.raises(StaleError, match="pilot"):
        target.deploy(late)
    ledger.check(target)


def test_append_record(target: Writer) -> None:
    """A record can be written down without a deployment: it becomes the last one, and what is held stays."""
    ledger = Ledger()
    ledger.deploy(target, {"pilot": with_clients()})
    record = canonical_json({"format": "hubcfg.deployment/1", "serial": 2, "interrupted": True})
    with target.lock(make_holder()):
        target.append_record(record, 2)
        assert target.read_status().record == record
    assert target.read_records() == [*ledger.records, record]
    assert target.read_sources(2) is None
    assert dict(target.read_org("pilot").live) == dict(target.read_org("pilot").deployed) == with_clients()
    assert deploy(target, {"pilot": {}}).done == ("pilot",)
    assert target.read_status().serial == 3


@pytest.mark.parametrize("serial", [1, 3])
def test_append_record_in_the_wrong_place(target: Writer, serial: int) -> None:
    """A record whose serial is not the next one is refused."""
    ledger = Ledger()
    ledger.deploy(target, {"pilot": PILOT})
    with target.lock(make_holder()), pytest.raises(StaleError):
        target.append_record(canonical_json({"serial": serial}), serial)
    ledger.check(target)


def test_change_by_hand_shows_in_live_alone(stand: Stand, target: Writer) -> None:
    """A user whom somebody suspends by hand is suspended in `live`, not in `deployed`, and the org's digest changes."""
    deploy(target, {"northwind": NORTHWIND, "pilot": with_clients()})
    stand.suspend("northwind", STAFF, "bo@x.example")
    held = target.read_org("northwind")
    assert dict(held.deployed) == NORTHWIND
    before, now = read_users(held.deployed[STAFF]), read_users(held.live[STAFF])
    assert now == before | {"bo@x.example": before["bo@x.example"] | {"suspended": True}}
    assert target.list_orgs()["northwind"] == {STAFF: hashlib.sha256(held.live[STAFF]).hexdigest()}
    assert dict(target.read_org("pilot").live) == dict(target.read_org("pilot").deployed)


def test_removal_by_hand_shows_in_live_alone(stand: Stand, target: Writer) -> None:
    """A user whom somebody removes by hand is missing in `live`, not in `deployed`, and was there once."""
    deploy(target, {"pilot": with_clients()})
    stand.remove("pilot", CLIENT, "quinn@c.example")
    held = target.read_org("pilot")
    assert dict(held.deployed) == with_clients()
    assert read_users(held.live[CLIENT]).keys() == {"pat@c.example"}
    assert "quinn@c.example" in held.ever


def test_change_by_hand_outlasts_deployments_of_other_orgs(stand: Stand, target: Writer) -> None:
    """A deployment that does not name an org leaves what people did to it, and what was deployed there, as they are."""
    deploy(target, {"northwind": NORTHWIND})
    stand.suspend("northwind", STAFF, "bo@x.example")
    before = target.read_org("northwind")
    deploy(target, {"pilot": PILOT})
    after = target.read_org("northwind")
    assert (dict(after.live), dict(after.deployed), after.ever) == (
        dict(before.live),
        dict(before.deployed),
        before.ever,
    )


def test_deployment_over_a_change_by_hand(stand: Stand, target: Writer) -> None:
    """A plan that saw what was changed by hand replaces it, also where it brings back what was deployed before."""
    ledger = Ledger()
    ledger.deploy(target, {"northwind": NORTHWIND})
    stand.suspend("northwind", STAFF, "bo@x.example")
    stand.remove("northwind", STAFF, "lea@x.example")
    ledger.deploy(target, {"northwind": NORTHWIND})
    ledger.check(target)


def test_several_steps_under_one_lock(target: Writer) -> None:
    """Under one lock a record can be appended, a deployment refused, and others carried out."""
    with target.lock(make_holder()):
        target.append_record(canonical_json({"serial": 1}), 1)
        made = make_deployment(target, {"pilot": PILOT})
        with pytest.raises(StaleError):
            target.deploy(replace(made, serial=1))
        assert target.deploy(made).record is not None
        assert target.deploy(make_deployment(target, {"pilot": {}, "northwind": NORTHWIND})).record is not None
    assert target.read_status().serial == len(target.read_records()) == 3
    assert dict(target.read_org("northwind").live) == NORTHWIND
    assert dict(target.read_org("pilot").live) == {}


def test_a_deployment_of_no_org_is_recorded(target: Writer) -> None:
    """Where nobody's access changes and the sources are others, the record and the sources are all that is written."""
    ledger = Ledger()
    ledger.deploy(target, {})
    ledger.check(target)
    ledger.deploy(target, {"acme": make_staff("acme", "ada@acme.example")})
    ledger.deploy(target, {})
    ledger.check(target)
