"""Approvals that went out of use and come back: told by the records of deployments, where Git does not know."""

from pathlib import Path

from tests.deployment.sites import LEE, SAM, SENSITIVE, Site, names

WITH, WITHOUT = f"[psa.tickets.read, {SENSITIVE}]", "[psa.tickets.read]"


def _approve(site: Site, id: str = "lee") -> Path:
    return site.history.approve("olga", id=id, grants=[{"user": LEE, "permissions": [SENSITIVE]}])


def _grant(site: Site) -> None:
    site.replace("acme.yaml", WITHOUT, WITH)


def _revoke(site: Site) -> None:
    site.replace("acme.yaml", WITH, WITHOUT)


def test_an_approval_that_went_out_of_use_is_spent(site: Site) -> None:
    """In one deployment the permission goes, in the next it is back under the same approval, which lay there all the time."""
    _approve(site)
    _grant(site)
    site.land()
    site.deploy()
    assert site.records()[0]["approvals"]["acme"].keys() == {"adam-admin", "lee"}
    _revoke(site)
    site.land()
    site.deploy()
    assert site.records()[0]["approvals"]["acme"].keys() == {"adam-admin"}
    _grant(site)
    site.land()
    assert site.command("validate", "--base", "HEAD").code == 0
    outcome = site.apply()
    assert (outcome.code, outcome.json["left_out"]) == (1, ["acme"])
    assert set(names(outcome)) == {"spent-approval", "unapproved-sensitive-grant"}
    assert SENSITIVE not in site.held()[LEE]


def test_a_new_approval_brings_it_back(site: Site) -> None:
    """Signed anew, the same grant is approved."""
    first = _approve(site)
    _grant(site)
    site.land()
    site.deploy()
    _revoke(site)
    first.unlink()
    site.land()
    site.deploy()
    _grant(site)
    _approve(site, "lee-again")
    site.land()
    site.deploy()
    assert SENSITIVE in site.held()[LEE]


def test_an_approval_that_merely_lies_there_is_no_error(site: Site) -> None:
    """Out of use and not wanted back, it is a warning, and everything is deployed."""
    _approve(site)
    _grant(site)
    site.land()
    site.deploy()
    _revoke(site)
    site.land()
    site.deploy()
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    receipt = site.deploy()
    assert "unused-approval" in [one["name"] for one in receipt["findings"]]
    assert "spent-approval" not in [one["name"] for one in receipt["findings"]]


def test_an_org_that_is_left_out_keeps_its_approvals_in_use(site: Site) -> None:
    """While it waits for something else, what its people hold still rests on them: they are not spent afterwards."""
    _approve(site)
    _grant(site)
    site.land()
    site.deploy()
    site.replace("acme.yaml", "psa.tickets.create]", f"psa.tickets.create, {SENSITIVE}]")
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    outcome = site.apply()
    assert (outcome.json["done"], outcome.json["left_out"]) == (["fabrikam"], ["acme"])
    assert site.records()[0]["approvals"]["acme"].keys() == {"adam-admin", "lee"}
    site.replace("acme.yaml", f"psa.tickets.create, {SENSITIVE}]", "psa.tickets.create]")
    site.land()
    site.deploy()
    assert SENSITIVE in site.held()[LEE]


def test_a_person_who_comes_back_from_a_suspension_is_approved_anew(site: Site) -> None:
    """A suspended person holds nothing, so the approval goes out of use meanwhile."""
    _approve(site)
    _grant(site)
    site.land()
    site.deploy()
    site.replace("acme.yaml", "lee@acme.example: {role", "lee@acme.example: {suspended: true, role")
    site.land()
    site.deploy("--allow", "removed-users")
    site.replace("acme.yaml", "{suspended: true, role", "{role")
    site.land()
    assert "spent-approval" in names(site.apply())
    assert SAM in site.held("fabrikam")
