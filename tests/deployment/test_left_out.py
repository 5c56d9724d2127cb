"""Errors of approvals and of separation of duties leave out only the org that has them; any other error refuses everything."""

import pytest

from tests.deployment.sites import KIM, LEE, SAM, SENSITIVE, Site, names

SEPARATED = "separation_of_duties: [{name: desk, between: [[psa.tickets.create], [psa.tickets.assign]]}]\n"


def _revoke(site: Site) -> None:
    """Takes something away in the other org."""
    site.replace("fabrikam.yaml", "psa.tickets.read, psa.tickets.create", "psa.tickets.read")


def test_an_unapproved_grant_leaves_its_org_out(site: Site) -> None:
    """The org is named and stays as it was; the other org's revocation is applied; the exit code is 1."""
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    _revoke(site)
    site.land()
    before = site.bundle_file().read_bytes()
    outcome = site.apply()
    assert outcome.code == 1
    assert (outcome.json["result"], outcome.json["done"], outcome.json["left_out"]) == (
        "complete",
        ["fabrikam"],
        ["acme"],
    )
    assert names(outcome) == ["unapproved-sensitive-grant"]
    assert site.bundle_file().read_bytes() == before
    assert site.held("fabrikam")[SAM] == ["psa.tickets.read"]
    assert site.records()[0]["left_out"] == ["acme"]


def test_it_is_said_in_text_as_well(site: Site) -> None:
    """The text names the org that is left out, and why."""
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    _revoke(site)
    site.land()
    outcome = site.command("apply", "--auto-approve")
    assert outcome.code == 1
    assert "applied to `live` as deployment 2: 1 org" in outcome.out
    assert "left out: acme, which stays as it was: 1 error, the first is unapproved-sensitive-grant" in outcome.out


def test_a_lapsed_approval_holds_up_nobody_else(site: Site) -> None:
    """When an approval has ended, its org stays as it was, and everybody else's revocations go through."""
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    site.history.approve("olga", id="lee", expires="2026-12-01", grants=[{"user": LEE, "permissions": [SENSITIVE]}])
    site.land()
    site.deploy()
    _revoke(site)
    site.land()
    site.now = "2026-12-02T00:00:00Z"
    outcome = site.apply()
    assert (outcome.code, outcome.json["done"], outcome.json["left_out"]) == (1, ["fabrikam"], ["acme"])
    assert "expired-approval" in names(outcome)


def test_separation_of_duties_leaves_its_org_out(site: Site) -> None:
    """Somebody who comes to hold both sides holds up only the own org."""
    site.replace("hubcfg.yaml", "targets:", SEPARATED + "targets:")
    site.land()
    site.deploy()
    site.replace("acme.yaml", "psa.tickets.create]", "psa.tickets.create, psa.tickets.assign]")
    _revoke(site)
    site.land()
    outcome = site.apply()
    assert (outcome.code, outcome.json["done"], outcome.json["left_out"]) == (1, ["fabrikam"], ["acme"])
    assert names(outcome) == ["separation-of-duties"]


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("[psa.tickets.read]", "[psa.tickets.raed]", "unknown-permission"),
        ("lee@acme.example: {role: member,", "lee@acme.example: {role: owner,", "role-holder-count"),
        ("lee@acme.example: {role", "lee@acme.example: {rolle", "schema-violation"),
    ],
)
def test_other_errors_refuse_everything(site: Site, old: str, new: str, name: str) -> None:
    """An error of Language, References or Platform rules anywhere: a finding, exit 1, and nothing changed in any org."""
    site.replace("acme.yaml", old, new)
    _revoke(site)
    site.land()
    before = site.state()
    outcome = site.apply()
    assert outcome.code == 1
    assert name in names(outcome)
    assert outcome.json["format"] == "hubcfg.findings/1"
    assert site.state() == before


def test_nothing_is_recorded_when_all_that_there_is_waits_for_an_approval(site: Site) -> None:
    """With nothing to do for the other org there is no deployment, and the exit code is still 1."""
    site.replace("acme.yaml", "crm: active", "crm: trial, rmm: active")
    site.land()
    outcome = site.apply()
    assert (outcome.code, outcome.json["result"], outcome.json["left_out"]) == (1, "nothing-to-do", ["acme"])
    assert len(site.records()) == 1


def test_a_grant_that_waits_for_an_approval_does_not_become_the_base(site: Site) -> None:
    """It gives no authority either: what somebody comes to hold unapproved is nothing to approve for others with."""
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    site.land()
    outcome = site.apply()
    assert (outcome.code, outcome.json["result"], outcome.json["left_out"]) == (1, "nothing-to-do", ["acme"])
    outcome = site.command("apply", "--auto-approve")
    assert outcome.code == 1
    assert "left out: acme" in outcome.out
    assert len(site.records()) == 1


def test_what_was_left_out_is_deployed_once_it_is_approved(site: Site) -> None:
    """The approval arrives, and the next apply is whole."""
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    _revoke(site)
    site.land()
    assert site.apply().code == 1
    site.history.approve("olga", id="lee", grants=[{"user": LEE, "permissions": [SENSITIVE]}])
    site.land()
    assert site.deploy()["done"] == ["acme"]
    assert SENSITIVE in site.held()[LEE]
    assert SENSITIVE not in site.held()[KIM]
