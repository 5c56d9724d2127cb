"""Whose people they are: everybody's of an org that is managed whole, only those whom hubcfg deployed where it is `listed`."""

from typing import Any

from tests.deployment.sites import KIM, LEE, SAM, Site, names

GUEST = "guest@acme.example"


def _listed(site: Site) -> None:
    """Lets only the listed people of fabrikam be hubcfg's."""
    site.replace("fabrikam.yaml", "id: fabrikam", "id: fabrikam\nmanage: listed")
    site.land()
    site.deploy("--base", "HEAD")


def _add(user: str, like: str) -> Any:
    def change(bundle: Any) -> None:
        bundle["users"][user] = dict(bundle["users"][like])

    return change


def test_people_added_by_hand_are_removed_where_all_is_managed(site: Site) -> None:
    """`manage: exclusive`: who is not in the bundle goes; the plan says who, and drift said so before."""
    site.edit_bundle(_add(GUEST, KIM))
    plan = site.plan()
    assert plan["verdict"] == "narrower"
    assert [user["before"] for group in plan["orgs"][0]["changes"] for user in group["users"]] == [GUEST]
    site.deploy()
    assert GUEST not in site.held()


def test_people_added_by_hand_are_left_alone_where_only_listed_people_are_managed(site: Site) -> None:
    """`manage: listed`: they stay as they are, are reported, and survive changes of others."""
    _listed(site)
    site.edit_bundle(_add(GUEST, SAM), "fabrikam")
    plan = site.plan()
    assert (plan["empty"], [org["left_alone"] for org in plan["orgs"]]) == (True, [[GUEST]])
    assert GUEST in site.command("plan", "--as-of", site.now).out
    before = site.held("fabrikam")[GUEST]
    site.replace("fabrikam.yaml", "psa.tickets.read, psa.tickets.create", "psa.tickets.read")
    site.land()
    site.deploy()
    assert site.held("fabrikam")[SAM] == ["psa.tickets.read"]
    assert site.held("fabrikam")[GUEST] == before
    assert site.drift().code == 0


def test_who_was_deployed_once_and_is_no_longer_goes_also_there(site: Site) -> None:
    """Somebody whom hubcfg deployed is hubcfg's for good: brought back by hand, they are removed again."""
    _listed(site)
    line = f"  {SAM}: {{role: member, permissions: [psa.tickets.read, psa.tickets.create]}}\n"
    site.replace("fabrikam.yaml", line, "")
    site.land()
    site.deploy()
    assert SAM not in site.held("fabrikam")
    site.edit_bundle(_add(SAM, "fay@acme.example"), "fabrikam")
    assert site.drift().code == 2
    site.deploy("--allow", "no-owner", "--allow", "revoked")
    assert SAM not in site.held("fabrikam")


def test_who_was_left_alone_becomes_hubcfgs_by_being_listed(site: Site) -> None:
    """Written down, they are managed like everybody; no longer written down, they go."""
    _listed(site)
    site.edit_bundle(_add(GUEST, SAM), "fabrikam")
    line = f"  {GUEST}: {{role: member, permissions: [psa.tickets.assign]}}\n"
    text = (site.root / "fabrikam.yaml").read_text()
    site.land({"fabrikam.yaml": text + line})
    site.deploy()
    assert site.held("fabrikam")[GUEST] == ["psa.tickets.assign"]
    site.land({"fabrikam.yaml": text})
    site.deploy()
    assert GUEST not in site.held("fabrikam")


def test_an_org_that_is_emptied_keeps_who_was_never_hubcfgs(site: Site) -> None:
    """A `listed` org that the project has no more loses hubcfg's people, and nobody else."""
    _listed(site)
    site.edit_bundle(_add(GUEST, SAM), "fabrikam")
    site.land({"fabrikam.yaml": None})
    site.deploy("--allow", "no-owner", "--allow", "revoked")
    assert list(site.held("fabrikam")) == [GUEST]


def test_whose_people_are_left_is_not_decided_by_hand(site: Site) -> None:
    """Who writes `exclusive` into the bundle of a `listed` org that goes gets nobody removed by the deployment after that."""
    _listed(site)
    site.edit_bundle(_add(GUEST, SAM), "fabrikam")
    site.edit_bundle(lambda bundle: bundle.update(manage="exclusive"), "fabrikam")
    site.land({"fabrikam.yaml": None})
    site.deploy("--allow", "no-owner", "--allow", "revoked")
    site.replace("acme.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()
    site.deploy("--allow", "no-owner", "--allow", "revoked", "--allow", "removed-users")
    assert list(site.held("fabrikam")) == [GUEST]


def test_another_projects_target_is_foreign(site: Site) -> None:
    """Two projects can't own the same orgs: whoever comes second is refused by every command that reads, and changes nothing."""
    text = (site.root / "hubcfg.yaml").read_text()
    site.land({"hubcfg.yaml": text.replace("project: acme-access", "project: other-access")})
    before = site.state()
    for command in (["plan"], ["apply", "--auto-approve"], ["drift"], ["history"]):
        outcome = site.command(*command, "--format", "json")
        assert (outcome.code, names(outcome)) == (1, ["foreign-state"]), command
        assert (
            "deployed to by the project `acme-access`, not by `other-access`" in outcome.json["findings"][0]["message"]
        )
        assert outcome.json["findings"][0]["file"] == "hubcfg.yaml"
    assert site.state() == before


def test_a_folder_with_other_things_in_it_is_foreign(begun: Site) -> None:
    """What hubcfg did not write is not overwritten."""
    begun.folder.mkdir()
    (begun.folder / "letter.txt").write_text("dear all\n")
    outcome = begun.apply()
    assert (outcome.code, names(outcome)) == (1, ["foreign-state"])
    assert [file.name for file in begun.folder.iterdir()] == ["letter.txt"]


def test_people_of_an_org_that_was_there_before_hubcfg(site: Site) -> None:
    """An org that the target had already is taken over: what is in the sources stays, and the plan shows who would go."""
    bundle = site.bundle_file().read_text()
    folder = site.folder / "current/orgs/contoso"
    folder.mkdir()
    (folder / "staff.json").write_text(bundle.replace('"org":"acme"', '"org":"contoso"'))
    text = (site.root / "acme.yaml").read_text().replace("acme\n", "contoso\n")
    site.land({"contoso.yaml": "".join(line for line in text.splitlines(True) if LEE not in line)})
    outcome = site.command("plan", "--as-of", site.now, "--base", "HEAD", "--format", "json")
    assert {org["org"] for org in outcome.json["left_out"]} == {"contoso"}
    site.replace("contoso.yaml", "{role: admin, uid: a-1}", "{role: member, uid: a-1}")
    site.land()
    site.deploy("--base", "HEAD", "--allow", "revoked")
    assert LEE not in site.held("contoso")
