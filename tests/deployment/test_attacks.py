"""Attacks on deployments: by who may merge, by who may edit the target, and by bad luck; each was tried, and comes to nothing."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.sites import FAY, LEE, OLGA, SAM, SENSITIVE, Site, found, names
from tests.deployment.test_ownership import GUEST
from tests.deployment.test_ownership import _listed as listed

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


def _products(site: Site, id: str, *products: str) -> Path:
    wanted = dict.fromkeys(products, "active")
    return site.history.approve("olga", id=id, changes=[{"change": "products", "products": wanted}])


def test_of_two_spent_approvals_for_one_thing_neither_brings_it_back(site: Site) -> None:
    """Where the first is left aside the second would do; it had gone out of use as well."""
    both, one = "products: {psa: active, crm: active}", "products: {psa: active}"
    for number in (1, 2):
        # Each is used in one deployment, and lies aside where the other is.
        narrow = _products(site, f"narrow-{number}", "psa")
        site.replace("acme.yaml", both, one)
        site.land()
        site.deploy()
        narrow.rename(site.root.parent / narrow.name)
        wide = _products(site, f"wide-{number}", "psa", "crm")
        site.replace("acme.yaml", one, both)
        site.land()
        site.deploy()
        wide.unlink()
    for number in (1, 2):
        (site.root.parent / f"narrow-{number}.yaml").rename(site.root / f"approvals/narrow-{number}.yaml")
    # With Git knowing nothing of them: they stand in the base that is named.
    site.replace("acme.yaml", both, one)
    site.land()
    site.deploy("--base", "HEAD")  # against itself nothing changes, so nothing of them is used
    site.replace("acme.yaml", one, both)
    wide = _products(site, "wide-3", "psa", "crm")
    site.land()
    site.deploy("--base", "HEAD")
    site.replace("acme.yaml", both, one)
    site.land()
    outcome = site.apply()
    assert outcome.json["left_out"] == ["acme"]
    assert names(outcome).count("spent-approval") == 2


def test_a_saved_plan_in_the_work_tree_leaves_the_deployment_at_its_revision(begun: Site) -> None:
    """Untracked files that are no part of the project do not matter; else no deployment that CI makes would judge the next one."""
    begun.command("plan", "--out", str(begun.root / "plan.json"), "--as-of", begun.now)
    begun.deploy(str(begun.root / "plan.json"))
    assert begun.records()[0]["revision"] == begun.history.git("rev-parse", "HEAD")


def test_sources_that_git_ignores_are_at_no_revision(site: Site) -> None:
    """What is deployed of them no commit has, so none is recorded for it."""
    site.land({".gitignore": "local.yaml\n"})
    users = "kind: Users\norg: acme\nusers:\n  zed@acme.example: {role: member, permissions: [psa.tickets.read]}\n"
    site.history.write({"local.yaml": users})
    site.deploy()
    assert site.records()[0]["revision"] is None


def test_a_rollback_records_the_guardrails_of_what_it_restores(site: Site) -> None:
    """Not those of the work tree, which are not deployed."""
    site.replace(
        "acme.yaml", "permissions: [psa.tickets.read]}", "permissions: [psa.tickets.read, psa.tickets.create]}"
    )
    site.land()
    site.deploy()
    site.replace("hubcfg.yaml", "max_removed_users_percent: 20", "max_removed_users_percent: 90")
    assert site.rollback(1).code == 0
    assert site.records()[0]["guardrails"]["max_removed_users_percent"] == 20


def test_an_archive_of_sources_that_was_tampered_with_is_refused(site: Site) -> None:
    """Whatever was done to its bytes: a finding, and never a traceback."""
    _give_more(site)
    site.land()
    site.deploy()
    (file,) = site.folder.rglob("records/1/sources")
    whole = file.read_bytes()
    clashing = io.BytesIO()
    with zipfile.ZipFile(clashing, "w") as archive:
        for name in ("a", "a/b"):
            archive.writestr(name, b"text")
    flipped = [whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :] for at in range(30, len(whole), 97)]
    for content in (b"", clashing.getvalue(), whole[: len(whole) // 2], *flipped):
        file.chmod(0o644)
        file.write_bytes(content)
        outcome = site.rollback(1)
        # A byte that nobody reads, such as one of a date, changes nothing.
        assert names(outcome) == ["foreign-state"] or outcome.json.get("result") == "complete", outcome.out
        if outcome.code == 0:
            site.deploy()


def test_who_starts_a_run_need_not_have_a_name_in_utf_8(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says is text, whatever its bytes; the history shows no control characters of it."""
    monkeypatch.setenv("GITHUB_ACTOR", "mal\udcff\x1b[31m\n\u202e" + "x" * 3000)
    _give_more(site)
    site.land()
    site.deploy()
    assert site.records()[0]["who"].startswith("mal?")
    assert "\x1b" not in site.command("history").out


def _give_more(site: Site) -> None:
    site.replace(
        "acme.yaml", "permissions: [psa.tickets.read]}", "permissions: [psa.tickets.read, psa.tickets.create]}"
    )


def _spoil(site: Site, user: str) -> None:
    """Adds somebody by hand to fabrikam, who shares a set of permissions that was changed in place."""

    def change(bundle: Any) -> None:
        bundle["users"][user] = dict(bundle["users"][SAM])
        names = bundle["permission_sets"][bundle["users"][SAM]["set"]]
        bundle["permission_sets"][bundle["users"][SAM]["set"]] = sorted([*names, SENSITIVE])

    site.edit_bundle(change, "fabrikam")


def test_a_set_of_permissions_that_was_changed_for_others_is_not_ours(site: Site) -> None:
    """In a `listed` org people whom nobody deployed keep what they have, and hubcfg's people come to nothing by that."""
    listed(site)
    _spoil(site, GUEST)
    new = "tom@acme.example"
    line = f"  {SAM}: {{role: member, permissions: [psa.tickets.read, psa.tickets.create]}}\n"
    site.replace("fabrikam.yaml", line, line + line.replace(SAM, new))
    site.land()
    site.deploy()
    held = site.held("fabrikam")
    assert (SENSITIVE in held[GUEST], SENSITIVE in held[SAM], SENSITIVE in held[new]) == (True, False, False)
    assert site.plan()["empty"]
    assert site.drift().code == 0


def test_people_who_are_left_alone_are_no_drift_before_and_after_a_deployment(site: Site) -> None:
    """They are in the copy of what was deployed too, and may change, come and go."""
    listed(site)
    site.edit_bundle(lambda bundle: bundle["users"].update({GUEST: bundle["users"][SAM]}), "fabrikam")
    site.replace("fabrikam.yaml", "psa.tickets.read, psa.tickets.create", "psa.tickets.read")
    site.land()
    site.deploy()
    assert site.drift().code == 0
    site.edit_bundle(lambda bundle: bundle["users"].update({"other@x.example": bundle["users"][SAM]}), "fabrikam")
    assert site.drift().json["left_alone"] == {"fabrikam": [GUEST, "other@x.example"]}
    assert site.drift().code == 0
    site.edit_bundle(lambda bundle: bundle["users"].pop(GUEST), "fabrikam")
    assert site.drift().code == 0
    site.edit_bundle(lambda bundle: bundle["users"].pop(SAM), "fabrikam")
    assert site.drift().code == 2


def test_somebody_who_makes_himself_owner_by_hand_neither_holds_anything_up_nor_stands_in_for_one(site: Site) -> None:
    """In a `listed` org guardrails are about hubcfg's people."""
    listed(site)
    site.edit_bundle(lambda bundle: bundle["users"].update({GUEST: bundle["users"][FAY]}), "fabrikam")
    site.replace("fabrikam.yaml", "psa.tickets.read, psa.tickets.create", "psa.tickets.read")
    site.land()
    site.deploy("--allow", "revoked")
    site.land({"fabrikam.yaml": None})
    outcome = site.apply()
    assert [message.split(":")[0] for _, message in found(outcome)] == ["no-owner", "revoked"]


def test_somebody_in_two_bundles_is_told(site: Site) -> None:
    """Added by hand as staff, a client's user would hide behind the own entry: hubcfg does not read that as one person."""
    users = "users:\n  pat@contoso.example: {audience: client, company: contoso, groups: [client-admin]}\n"
    clients = "kind: Clients\norg: acme\nclients: {contoso: {name: Contoso}}\n---\nkind: Users\norg: acme\n"
    site.land({"clients.yaml": clients + users})
    site.deploy()
    site.edit_bundle(lambda bundle: bundle["users"].update({"pat@contoso.example": bundle["users"][OLGA]}))
    assert names(site.drift()) == ["foreign-state"]
    assert names(site.apply()) == ["foreign-state"]


def test_a_clients_user_whom_nobody_deployed_is_left_alone_too(site: Site) -> None:
    """Also where the org has no client's users of its own, and before and after a deployment."""
    listed(site)
    folder = site.bundle_file("fabrikam").parent
    bundle = json.loads(site.bundle_file("fabrikam").read_text("utf-8"))
    entry = {**bundle["users"][SAM], "scope": {"company": "contoso"}}
    del entry["role"]
    bundle |= {"audience": "client", "clients": {"contoso": {"name": "Contoso", "departments": []}}}
    text = json.dumps(bundle | {"users": {GUEST: entry}}, sort_keys=True, separators=(",", ":"))
    (folder / "client.json").write_text(text + "\n", "utf-8")
    assert [org["left_alone"] for org in site.plan()["orgs"]] == [[GUEST]]
    assert site.drift().code == 0
    site.replace("fabrikam.yaml", "psa.tickets.read, psa.tickets.create", "psa.tickets.read")
    site.land()
    site.deploy()
    assert GUEST in (folder / "client.json").read_text("utf-8")
    assert (site.drift().code, site.apply().json["result"]) == (0, "nothing-to-do")


def test_what_is_left_out_is_not_said_to_be_as_the_project_says(site: Site) -> None:
    """Where all that there was to do waits for an approval, the text says that nothing was changed."""
    _give_lee(site)
    site.land()
    outcome = site.command("apply", "--auto-approve")
    assert outcome.code == 1
    assert "nothing was changed: `live` stays at deployment 1" in outcome.out
    assert "as the project says" not in outcome.out
