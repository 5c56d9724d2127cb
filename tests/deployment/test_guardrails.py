"""Guardrails: each at exactly its limit and one beyond, by the strictest of tree, base and last deployment, lifted only by name."""

import json

import pytest

from hubcfg.planner.guardrails import SMALLEST_ORG, Guardrail
from tests.deployment.sites import FAY, LEE, OLGA, Site, found, names, people

PLAIN = "{role: member, permissions: [psa.tickets.read]}"


def _trips(site: Site) -> list[str]:
    return [one["guardrail"] for one in site.plan()["guardrails"]]


def _stock(site: Site, count: int, limits: str = "", entry: str = PLAIN) -> None:
    """Deploys an org `fabrikam` with an owner and so many other people; `limits` replaces the guardrails."""
    if limits:
        site.replace("hubcfg.yaml", "max_removed_users_percent: 20, max_revoked_percent: 50", limits)
    site.land({"fabrikam.yaml": people("fabrikam", count, FAY, entry)})
    site.deploy("--base", "HEAD")


def _drop(site: Site, *numbers: int, instead: str | None = None, entry: str = PLAIN) -> None:
    """Removes some people, or gives them another entry."""
    for number in numbers:
        line = f"  p{number:02}@acme.example: {entry}\n"
        site.replace("fabrikam.yaml", line, "" if instead is None else f"  p{number:02}@acme.example: {instead}\n")
    site.land()


def test_removed_users_at_the_limit_and_beyond(site: Site) -> None:
    """20 % of twenty is four: four people may go, the fifth is one too many; nothing is changed until it is allowed by name."""
    _stock(site, 19)
    _drop(site, 1, 2, 3, 4)
    assert _trips(site) == []
    _drop(site, 5)
    before = site.state()
    outcome = site.apply()
    assert outcome.code == 1
    ((name, message),) = found(outcome)
    assert name == "guardrail"
    assert message.startswith(
        "removed-users: 5 of the 20 users of the org `fabrikam` would be removed or suspended, more than 20 %"
    )
    assert "--allow removed-users" in outcome.json["findings"][0]["help"]
    assert site.state() == before
    assert site.apply("--allow", "revoked").code == 1
    assert site.state() == before
    site.deploy("--allow", "removed-users", "--allow", "no-owner")
    assert site.records()[0]["allowed"] == ["removed-users"]
    assert len(site.held("fabrikam")) == 15


def test_suspended_people_count_as_removed(site: Site) -> None:
    """Whoever becomes suspended can do nothing any more; whoever was so already does not count again."""
    _stock(site, 19)
    _drop(site, 1, 2, 3, instead="{role: member, suspended: true, permissions: [psa.tickets.read]}")
    _drop(site, 4)
    assert _trips(site) == []
    _drop(site, 5)
    assert _trips(site) == ["removed-users"]
    site.deploy("--allow", "removed-users")
    _drop(site, 6, 7, 8)
    assert _trips(site) == []


@pytest.mark.parametrize(("users", "trips"), [(SMALLEST_ORG - 1, []), (SMALLEST_ORG, ["removed-users"])])
def test_small_orgs_have_no_percentage_of_people(site: Site, users: int, trips: list[str]) -> None:
    """Of nine people three may go; of ten they may not."""
    _stock(site, users - 1)
    _drop(site, 1, 2, 3)
    assert _trips(site) == trips


def test_revoked_at_the_limit_and_beyond(site: Site) -> None:
    """Of two hundred pairs of a user and a permission two may go where 1 % may; with the third it is refused."""
    site.replace("hubcfg.yaml", "max_revoked_percent: 50", "max_revoked_percent: 1")
    owner = len(site.held("fabrikam")[FAY])
    text = people("fabrikam", 200 - owner, FAY).replace(", crm: active", "")
    site.land({"fabrikam.yaml": text})
    site.deploy("--allow", "revoked")
    assert sum(map(len, site.held("fabrikam").values())) == 200
    _drop(site, 1, 2, instead="{role: member}")
    assert _trips(site) == []
    _drop(site, 3, instead="{role: member}")
    assert _trips(site) == ["revoked"]
    before = site.state()
    ((_, message),) = found(site.apply("--allow", "removed-users"))
    assert message == "revoked: 3 of the 200 permissions that people of the org `fabrikam` hold would go, more than 1 %"
    assert site.state() == before
    site.deploy("--allow", "revoked")
    assert site.records()[0]["allowed"] == ["revoked"]


def test_an_empty_checkout_wipes_nothing(site: Site) -> None:
    """A project without any org is refused, by several names, and all are needed."""
    site.land({"acme.yaml": None, "fabrikam.yaml": None, "approvals/adam-admin.yaml": None})
    before = site.state()
    outcome = site.apply()
    assert outcome.code == 1
    assert {message.split(":")[0] for _, message in found(outcome)} == {"empty-project", "no-owner", "revoked"}
    assert site.apply("--allow", "empty-project").code == 1
    assert site.state() == before
    site.deploy("--allow", "empty-project", "--allow", "no-owner", "--allow", "revoked")
    assert not site.bundle_file().exists()
    assert not site.bundle_file("fabrikam").exists()


def test_a_deleted_org_is_emptied_once_its_guardrails_are_lifted(site: Site) -> None:
    """An org that the project has no more trips, and goes as a whole; orgs that it never had are not touched."""
    stranger = site.folder / "current/orgs/elsewhere/staff.json"
    stranger.parent.mkdir()
    bundle = site.bundle_file().read_text().replace('"org":"acme"', '"org":"elsewhere"')
    stranger.write_text(bundle)
    site.land({"fabrikam.yaml": None})
    assert set(_trips(site)) == {"no-owner", "revoked"}
    site.deploy("--allow", "no-owner", "--allow", "revoked")
    assert not site.bundle_file("fabrikam").exists()
    assert (site.folder / "current/orgs/elsewhere/staff.json").read_text() == bundle
    assert site.records()[0]["orgs"]["fabrikam"] == {}


def test_an_org_keeps_a_root_holder(site: Site) -> None:
    """Where the last root holder would be suspended, validation says so first; where somebody is left, nothing trips."""
    site.replace("acme.yaml", f"{OLGA}: {{role: owner}}", f"{OLGA}: {{role: owner, suspended: true}}")
    site.land()
    outcome = site.apply()
    assert outcome.code == 1
    assert "role-holder-count" in names(outcome)


def test_the_owner_does_not_change_behind_the_previous_ones_back(site: Site) -> None:
    """A base that somebody names makes the change count as landed; the target still knows who the owner was."""
    site.replace("acme.yaml", f"{OLGA}: {{role: owner}}", f"{OLGA}: {{role: member, permissions: [psa.tickets.read]}}")
    site.replace(
        "acme.yaml",
        "lee@acme.example: {role: member, permissions: [psa.tickets.read]}",
        "lee@acme.example: {role: owner}",
    )
    site.land()
    options = ("--base", "HEAD", "--allow", "revoked")
    outcome = site.apply(*options)
    ((name, message),) = found(outcome)
    assert name == "guardrail"
    assert message.startswith("owner-change: `lee@acme.example` would become `owner` of the org `acme`")
    assert f"`{OLGA}`" in message
    site.deploy(*options, "--allow", "owner-change")
    assert "owner-change" in site.records()[0]["allowed"]


def test_the_owner_changes_with_the_previous_ones_approval(site: Site) -> None:
    """What the previous holder has signed trips nothing."""
    site.replace("acme.yaml", f"{OLGA}: {{role: owner}}", f"{OLGA}: {{role: member, permissions: [psa.tickets.read]}}")
    site.replace(
        "acme.yaml",
        "lee@acme.example: {role: member, permissions: [psa.tickets.read]}",
        "lee@acme.example: {role: owner}",
    )
    site.history.approve("olga", id="handover", changes=[{"change": "owner", "role": "owner", "from": OLGA, "to": LEE}])
    site.land()
    assert "owner-change" not in _trips(site)
    site.deploy("--allow", "revoked")


def test_a_role_that_configuration_never_hands_on_stays_where_it_is(begun: Site) -> None:
    """Where a platform forbids that the owner changes, the target's owner is held to as well, whatever the base says."""
    panel = "kind: Org\nid: acme\n---\nkind: Clients\norg: acme\nclients: {contoso: {}}\n---\nkind: Users\norg: acme\nusers:\n"
    user = "{role: msp-user, clients: [contoso]}"
    text = (
        (begun.root / "hubcfg.yaml").read_text().replace("onestack", "msp-panel").replace("percent: 50", "percent: 100")
    )
    begun.land({"hubcfg.yaml": text, "fabrikam.yaml": None, "approvals/adam-admin.yaml": None})
    begun.land({"acme.yaml": f"{panel}  {OLGA}: {{role: owner}}\n  {LEE}: {user}\n"})
    begun.deploy()
    begun.land({"acme.yaml": f"{panel}  {LEE}: {{role: owner}}\n  {OLGA}: {user}\n"})
    outcome = begun.apply("--base", "HEAD")
    assert [message.split(":")[0] for _, message in found(outcome)] == ["owner-change"]


@pytest.mark.parametrize("loosened", ["max_removed_users_percent: 90, max_revoked_percent: 50"])
def test_a_loosened_guardrail_holds_for_one_deployment_more(site: Site, loosened: str) -> None:
    """Approved and all, it takes effect only once it has been deployed."""
    _stock(site, 19)
    site.replace("hubcfg.yaml", "max_removed_users_percent: 20, max_revoked_percent: 50", loosened)
    for by, org in (("olga", "acme"), ("fay", "fabrikam")):
        site.history.approve(by, org=org, id=f"{org}-looser", changes=[{"change": "trust", "digest": "tree"}])
    _drop(site, 1, 2, 3, 4, 5)
    assert _trips(site) == ["removed-users"]
    assert site.apply().code == 1
    for number in (1, 2, 3, 4, 5):
        text = (site.root / "fabrikam.yaml").read_text() + f"  p{number:02}@acme.example: {PLAIN}\n"
        (site.root / "fabrikam.yaml").write_text(text)
    site.land()
    assert site.deploy()["done"] == []
    _drop(site, 1, 2, 3, 4, 5)
    assert _trips(site) == []
    site.deploy()


def test_a_stricter_guardrail_holds_at_once(site: Site) -> None:
    """It needs no approval, and counts in the deployment that brings it."""
    _stock(site, 19)
    site.replace("hubcfg.yaml", "max_removed_users_percent: 20", "max_removed_users_percent: 5")
    _drop(site, 1)
    assert _trips(site) == []
    _drop(site, 2)
    assert _trips(site) == ["removed-users"]


def test_what_was_recorded_counts_where_the_base_is_looser(site: Site) -> None:
    """A base that is named does not loosen what the last deployment went by."""
    _stock(site, 19)
    site.replace("hubcfg.yaml", "max_removed_users_percent: 20", "max_removed_users_percent: 90")
    _drop(site, 1, 2, 3, 4, 5)
    outcome = site.apply("--base", "HEAD")
    assert [message.split(":")[0] for _, message in found(outcome)] == ["removed-users"]
    assert site.records()[0]["guardrails"]["max_removed_users_percent"] == 20


def test_guardrails_are_named_on_the_command_line_only_as_they_are(site: Site) -> None:
    """An unknown name is wrong usage and lifts nothing."""
    outcome = site.apply("--allow", "everything")
    assert outcome.code == 2
    for guardrail in Guardrail:
        assert guardrail.value in outcome.json["error"]["message"]


def test_a_renamed_person_is_not_removed(site: Site) -> None:
    """Another id with the same `uid` is the same person, who loses nothing."""
    entry = "{role: member, permissions: [psa.tickets.read]}"
    lines = "".join(f"  p{n:02}@acme.example: {{uid: u{n}, {entry[1:]}\n" for n in range(1, 20))
    org = "kind: Org\nid: fabrikam\nproducts: {psa: active}\n---\nkind: Users\norg: fabrikam\nusers:\n  fay@acme.example: {role: owner}\n"
    site.land({"fabrikam.yaml": org + lines})
    site.deploy()
    renamed = lines.replace("@acme.example", "@acme-group.example")
    site.land({"fabrikam.yaml": org + renamed})
    plan = site.plan()
    assert plan["guardrails"] == []
    assert plan["verdict"] == "equivalent"
    site.deploy()
    assert json.loads(site.bundle_file("fabrikam").read_text())["users"].keys() >= {"p01@acme-group.example"}
