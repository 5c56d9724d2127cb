"""Going back: to the sources of an earlier deployment, compiled now, under the same guards, as a deployment of its own."""

import io
import shutil
import subprocess
import zipfile

from tests.deployment.sites import LEE, SAM, SENSITIVE, Site, names, people


def _change_sam(site: Site, old: str, new: str) -> None:
    site.replace("fabrikam.yaml", old, new)
    site.land()
    site.deploy()


def test_it_brings_back_what_was(site: Site) -> None:
    """The earlier sources are deployed again; the record says what kind it was and what it restores; the files stay as they are."""
    before = site.held("fabrikam")
    _change_sam(site, "psa.tickets.create]", "psa.tickets.assign]")
    assert site.held("fabrikam") != before
    tree = (site.root / "fabrikam.yaml").read_text()
    outcome = site.rollback(1)
    assert outcome.code == 0, outcome.out
    assert site.held("fabrikam") == before
    assert (site.root / "fabrikam.yaml").read_text() == tree
    latest, second, first = site.records()
    assert (latest["kind"], latest["restores"], latest["serial"]) == ("rollback", 1, 3)
    assert (second["kind"], first["kind"]) == ("apply", "apply")
    assert (latest["revision"], latest["sources"]) == (first["revision"], first["sources"])
    assert "deployment 3 (back to 1)" in site.command("history").out


def test_the_next_apply_undoes_it(site: Site) -> None:
    """The work tree still says the later thing, and is deployed by the next apply."""
    _change_sam(site, "psa.tickets.create]", "psa.tickets.assign]")
    after = site.held("fabrikam")
    assert site.rollback(1).code == 0
    site.deploy()
    assert site.held("fabrikam") == after


def test_what_has_ended_stays_ended(site: Site) -> None:
    """The sources are compiled at the present instant: a window that has closed since does not open again."""
    site.replace(
        "acme.yaml", "[psa.tickets.read]", "[psa.tickets.read, {permission: psa.tickets.assign, expires: 2026-12-01}]"
    )
    site.land()
    site.deploy()
    assert "psa.tickets.assign" in site.held()[LEE]
    site.replace(
        "acme.yaml", "[psa.tickets.read, {permission: psa.tickets.assign, expires: 2026-12-01}]", "[psa.tickets.read]"
    )
    site.land()
    site.deploy()
    site.now = "2026-12-02T00:00:00Z"
    assert site.rollback(2).code == 0
    assert site.held()[LEE] == ["psa.tickets.read"]


def _approved_once(site: Site) -> None:
    """Deploys a sensitive permission with its approval as deployment 2, and takes both away as deployment 3."""
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    file = site.history.approve("olga", id="lee", grants=[{"user": LEE, "permissions": [SENSITIVE]}])
    site.land()
    site.deploy()
    site.replace("acme.yaml", f"[psa.tickets.read, {SENSITIVE}]", "[psa.tickets.read]")
    file.unlink()
    site.land()
    site.deploy()


def test_a_spent_approval_is_asked_for_again(site: Site) -> None:
    """Going back is no way to bring a revoked permission back under its old approval."""
    _approved_once(site)
    outcome = site.rollback(2)
    assert (outcome.code, outcome.json["left_out"]) == (1, ["acme"])
    assert "spent-approval" in names(outcome)
    assert SENSITIVE not in site.held()[LEE]


def test_an_approval_that_has_ended_is_asked_for_again(site: Site) -> None:
    """What was approved until a day is not approved after it."""
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    site.history.approve("olga", id="lee", expires="2026-12-01", grants=[{"user": LEE, "permissions": [SENSITIVE]}])
    site.land()
    site.deploy()
    _change_sam(site, "psa.tickets.create]", "psa.tickets.assign]")
    site.now = "2026-12-02T00:00:00Z"
    outcome = site.rollback(2)
    assert (outcome.code, outcome.json["left_out"]) == (1, ["acme"])
    assert "expired-approval" in names(outcome)
    assert "psa.tickets.create" in site.held("fabrikam")[SAM]


def test_guardrails_hold(site: Site) -> None:
    """Going back to before two dozen people came is refused like any other removal of them."""
    site.land({"fabrikam.yaml": people("fabrikam", 24, "fay@acme.example").replace(", crm: active", "")})
    site.deploy()
    before = site.state()
    outcome = site.rollback(1)
    assert (outcome.code, set(names(outcome))) == (1, {"guardrail"})
    assert site.state() == before
    assert site.rollback(1, "--allow", "removed-users").code == 0


def test_a_serial_that_there_is_not_is_wrong_usage(site: Site) -> None:
    """The message names those that there are."""
    outcome = site.rollback(7)
    assert outcome.code == 2
    assert outcome.json["error"]["help"].startswith("the last ones are 1;")


def test_it_works_outside_git(site: Site) -> None:
    """The target keeps the sources; where nothing was ever at a revision, `--bootstrap` lets the tree itself serve."""
    shutil.rmtree(site.root / ".git")
    shutil.rmtree(site.folder)
    site.deploy("--bootstrap")
    before = site.held("fabrikam")
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.deploy("--bootstrap")
    assert site.rollback(1).code == 1
    assert site.rollback(1, "--bootstrap").code == 0
    assert site.held("fabrikam") == before


def test_it_works_in_a_shallow_clone(site: Site) -> None:
    """A clone of the newest commit, which is the deployed one, is enough to go back further than it reaches."""
    before = site.held("fabrikam")
    _change_sam(site, "psa.tickets.create]", "psa.tickets.assign]")
    whole = site.root.with_name("whole")
    site.root.rename(whole)
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", f"file://{whole}", str(site.root)], check=True, capture_output=True
    )
    assert site.rollback(1).code == 0
    assert site.held("fabrikam") == before


def test_sources_that_were_changed_in_the_target_are_refused(site: Site) -> None:
    """What the target gives back must be what the record says that was deployed."""
    file = site.folder / "hubcfg/records/1/sources"
    packed = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"psa.tickets.create", b"psa.tickets.assign"))
    file.write_bytes(packed.getvalue())
    before = site.state()
    outcome = site.rollback(1)
    assert (outcome.code, names(outcome)) == (1, ["foreign-state"])
    assert site.state() == before
