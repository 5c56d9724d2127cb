"""Attacks on deployments: by who may merge, by who may edit the target, and by bad luck; each was tried, and comes to nothing."""

from tests.deployment.sites import FAY, LEE, SENSITIVE, Site, names

TOMORROW = "2026-11-23T12:00:00Z"


def _give_lee(site: Site) -> None:
    site.replace("acme.yaml", "permissions: [psa.tickets.read]}", f"permissions: [psa.tickets.read, {SENSITIVE}]}}")


def test_an_approval_dated_ahead_is_judged_when_its_time_comes(site: Site) -> None:
    """Somebody who may approve nothing here signs for later, and lands it past the checks: it never comes to count."""
    _give_lee(site)
    site.history.approve(
        FAY, key="fay", approved_at="2026-11-23T00:00:00Z", grants=[{"user": LEE, "permissions": [SENSITIVE]}]
    )
    site.land()
    outcome = site.apply()
    assert (outcome.code, outcome.json.get("left_out", ["acme"])) == (1, ["acme"])
    site.now = TOMORROW
    site.land({"note.yaml": "kind: Users\norg: fabrikam\nusers: {}\n"})
    outcome = site.apply()
    assert "approver-not-entitled" in names(outcome)
    assert SENSITIVE not in site.held()[LEE]


def test_who_becomes_admin_unapproved_approves_nothing_later(site: Site) -> None:
    """An unapproved role is left out, and gives no authority even when it has gone again before it is asked about."""
    text = (site.root / "acme.yaml").read_text("utf-8")
    site.replace("acme.yaml", "  kim@", f"  {FAY}: {{role: admin}}\n  kim@")
    site.land()
    assert site.apply().code == 1
    site.history.write({"acme.yaml": text})
    _give_lee(site)
    site.history.approve(FAY, key="fay", grants=[{"user": LEE, "permissions": [SENSITIVE]}])
    site.land()
    outcome = site.apply()
    assert "approver-not-entitled" in names(outcome)
    assert SENSITIVE not in site.held()[LEE]
