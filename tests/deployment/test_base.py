"""What a deployment is judged by: the revision that the target says was deployed last, whatever else is said elsewhere."""

import subprocess

import pytest

from tests.approvals.histories import public_key
from tests.deployment.sites import FABRIKAM, KIM, LEE, PROJECT, SAM, SENSITIVE, Site, found, names

NEW_ORG = FABRIKAM.replace("fabrikam", "contoso").replace("fay@", "mal@").replace("sam@", "moe@")


def _land_unapproved_change(site: Site) -> None:
    """Lands, past every check, that nobody may be removed any more before somebody looks."""
    site.replace("hubcfg.yaml", "max_removed_users_percent: 20", "max_removed_users_percent: 90")
    site.land()


@pytest.mark.parametrize(
    "variables", [{}, {"HUBCFG_BASE": "HEAD"}, {"CI": "true"}, {"GITHUB_ACTIONS": "true"}], ids=str
)
def test_what_landed_past_the_checks_is_stopped_at_apply(
    site: Site, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """A trust change that is new against the last deployment is judged, whatever HEAD or the environment say."""
    _land_unapproved_change(site)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = site.state()
    outcome = site.apply()
    assert outcome.code == 1
    assert set(names(outcome)) == {"unapproved-change"}
    assert outcome.json["base"].startswith("deployment 1 (")
    assert site.state() == before


def test_the_base_that_is_named_counts_and_is_recorded(site: Site) -> None:
    """`--base` is somebody's decision; the record keeps it."""
    _land_unapproved_change(site)
    site.deploy("--base", "HEAD")
    assert site.records()[0]["base"].startswith("`HEAD` (")


def test_a_new_approval_is_judged_by_the_last_deployment(site: Site) -> None:
    """Whoever becomes admin and approves in what was not deployed yet was not entitled."""
    site.replace("acme.yaml", "kim@acme.example: {role: member,", "kim@acme.example: {role: admin,")
    site.replace("trust/allowed_signers", "adam@", f"kim@acme.example {public_key('kim')}\nadam@")
    site.land()
    site.replace("fabrikam.yaml", "psa.tickets.create]", f"psa.tickets.create, {SENSITIVE}]")
    site.history.approve("kim", org="fabrikam", grants=[{"user": SAM, "permissions": [SENSITIVE]}])
    site.land()
    outcome = site.apply()
    assert outcome.code == 1
    assert {"unapproved-change", "invalid-signature"} <= set(names(outcome))
    assert SENSITIVE not in site.held("fabrikam")[SAM]


def test_an_unreadable_revision_is_an_error_and_no_reason_to_take_another(site: Site) -> None:
    """After the history was rewritten nothing is deployed until somebody names the base."""
    site.history.git("commit", "-q", "--amend", "-m", "Begin again")
    site.history.git("reflog", "expire", "--expire=now", "--all")
    site.history.git("gc", "-q", "--prune=now")
    before = site.state()
    outcome = site.apply()
    assert outcome.code == 1
    ((name, message),) = found(outcome)
    assert name == "no-trusted-base"
    assert "the revision of deployment 1" in message
    assert site.state() == before
    assert site.apply("--bootstrap").code == 1
    assert site.apply("--base", "HEAD").code == 0


def test_a_shallow_clone_that_lacks_the_revision_deploys_nothing(site: Site) -> None:
    """A clone of the newest commit alone cannot be judged by the one before."""
    site.replace("acme.yaml", "[psa.tickets.read]", "[psa.tickets.assign]")
    site.land()
    _clone(site, depth=1)
    outcome = site.apply()
    assert names(outcome) == ["no-trusted-base"]
    assert "fetch" in outcome.json["findings"][0]["help"]


def _clone(site: Site, depth: int) -> None:
    """Replaces the work tree by a shallow clone of itself."""
    whole = site.root.with_name("whole")
    site.root.rename(whole)
    subprocess.run(
        ["git", "clone", "-q", "--depth", str(depth), f"file://{whole}", str(site.root)],
        check=True,
        capture_output=True,
    )


def test_outside_git_the_first_deployment_needs_to_be_said(site: Site) -> None:
    """Where only the tree itself can serve, apply refuses without `--bootstrap`, and goes on with it."""
    subprocess.run(["rm", "-rf", str(site.root / ".git"), str(site.folder)], check=True)
    outcome = site.apply()
    assert (outcome.code, names(outcome)) == (1, ["no-trusted-base"])
    assert "--bootstrap" in next(one["help"] for one in outcome.json["findings"] if one["severity"] == "error")
    assert not site.folder.exists()
    receipt = site.deploy("--bootstrap")
    assert (receipt["base"], receipt["revision"]) == ("the tree itself", None)


def test_a_dirty_work_tree_is_judged_by_the_last_revision_that_is_known(site: Site) -> None:
    """Deploying what is not committed records no revision; what comes after it is still judged by the last one that is known."""
    site.replace("acme.yaml", "[psa.tickets.read]", "[psa.tickets.assign]")
    assert site.deploy()["revision"] is None
    _land_unapproved_change(site)
    outcome = site.apply()
    assert set(names(outcome)) == {"unapproved-change"}
    assert outcome.json["base"].startswith("deployment 1 (")


def test_what_was_left_out_does_not_become_the_base(site: Site) -> None:
    """Another org's deployment from the same revision is no way to have an unapproved change count as landed."""
    site.land({"contoso.yaml": NEW_ORG})
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    for change in ("psa.tickets.assign]", "psa.tickets.edit]", "psa.tickets.reply]"):
        site.replace("fabrikam.yaml", "psa.tickets.read, ", f"psa.tickets.read, {change.strip(']')}, ")
        site.land()
        outcome = site.apply()
        assert outcome.code == 1
        assert (outcome.json["done"], outcome.json["left_out"]) == (["fabrikam"], ["contoso"])
        assert outcome.json["base"].startswith("deployment 1 (")
    assert not (site.folder / "current/orgs/contoso").exists()


def test_a_key_that_landed_without_a_change_of_access_counts_afterwards(site: Site) -> None:
    """A deployment that changes nobody's access is recorded, so that the next one is judged by what has landed by then."""
    site.replace("acme.yaml", "lee@acme.example: {role: member", "lee@acme.example: {role: admin")
    site.history.approve("olga", id="lee-admin", grants=[{"user": "lee@acme.example", "role": "admin"}])
    site.land()
    site.deploy()
    site.replace("trust/allowed_signers", "adam@", f"lee@acme.example {public_key('lee')}\nadam@")
    for by, org in (("olga", "acme"), ("fay", "fabrikam")):
        site.history.approve(by, org=org, id=f"{org}-lee-key", changes=[{"change": "trust", "digest": "tree"}])
    site.land()
    receipt = site.deploy()
    assert (receipt["serial"], receipt["result"], receipt["done"]) == (3, "complete", [])
    assert site.deploy()["result"] == "nothing-to-do"
    site.replace("acme.yaml", "psa.tickets.create]", f"psa.tickets.create, {SENSITIVE}]")
    site.history.approve("lee", id="by-lee", grants=[{"user": KIM, "permissions": [SENSITIVE]}])
    site.land()
    site.deploy()
    assert SENSITIVE in site.held()[KIM]


def test_a_target_in_the_work_tree_vouches_for_nothing(begun: Site) -> None:
    """Its records could come with the change that they are to judge: what has landed counts instead."""
    begun.land({"hubcfg.yaml": PROJECT.replace("../target", "deploy"), ".gitignore": "/deploy/\n"})
    assert begun.deploy()["base"].startswith("`HEAD` (")
    begun.replace("acme.yaml", "[psa.tickets.read]", "[psa.tickets.assign]")
    begun.land()
    assert begun.deploy()["base"].startswith("`HEAD` (")


def test_the_first_deployment_from_git_is_judged_by_what_has_landed(begun: Site) -> None:
    """Without any record, HEAD serves, and an uncommitted change is new."""
    begun.replace("acme.yaml", "psa.tickets.create]", f"psa.tickets.create, {SENSITIVE}]")
    outcome = begun.apply()
    assert (outcome.code, outcome.json["left_out"]) == (1, ["acme"])
    assert outcome.json["done"] == ["fabrikam"]


def test_a_lapsed_approval_does_not_hold_the_base_back(site: Site) -> None:
    """What is left out only because time has passed waits for nothing that its revision would do without: that becomes the base."""
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    grants = [{"user": LEE, "permissions": [SENSITIVE]}]
    site.history.approve("olga", id="lee", expires="2026-12-01", grants=grants)
    site.land()
    site.deploy()
    site.now = "2026-12-02T00:00:00Z"
    site.replace("trust/allowed_signers", "adam@", f"sam@acme.example {public_key('sam')}\nadam@")
    for by, org in (("olga", "acme"), ("fay", "fabrikam")):
        site.history.approve(by, org=org, id=f"{org}-sam-key", changes=[{"change": "trust", "digest": "tree"}])
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    outcome = site.apply()
    assert (outcome.json["done"], outcome.json["left_out"]) == (["fabrikam"], ["acme"])
    assert site.records()[0]["vouches"] is True
    site.replace("fabrikam.yaml", "psa.tickets.assign]", "psa.tickets.edit]")
    site.land()
    outcome = site.apply()
    assert (outcome.json["done"], outcome.json["left_out"]) == (["fabrikam"], ["acme"])
    assert outcome.json["base"].startswith("deployment 3 (")


def test_a_lapsed_approval_is_no_cover_for_something_else(site: Site) -> None:
    """Where an org is left out for two reasons, and one of them is a change that nobody approved, the base stays."""
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    grants = [{"user": LEE, "permissions": [SENSITIVE]}]
    site.history.approve("olga", id="lee", expires="2026-12-01", grants=grants)
    site.land()
    site.deploy()
    site.now = "2026-12-02T00:00:00Z"
    site.replace("acme.yaml", "kim@acme.example: {role: member,", "kim@acme.example: {role: admin,")
    site.replace("acme.yaml", "psa: active, crm: active", "psa: active")
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    outcome = site.apply()
    assert (outcome.json["done"], outcome.json["left_out"]) == (["fabrikam"], ["acme"])
    assert {"expired-approval", "unapproved-change"} <= set(names(outcome))
    assert site.records()[0]["vouches"] is False
    site.replace("fabrikam.yaml", "psa.tickets.assign]", "psa.tickets.edit]")
    site.land()
    assert site.apply().json["base"].startswith("deployment 2 (")
