"""Outputs beside the bundles: whoever is left out stays in them as they were deployed."""

import json

from tests.deployment.sites import KIM, LEE, SAM, SENSITIVE, Site

ALL = "{% for one in orgs %}{% for id, user in one.staff.users | dictsort %}{{ one.org.id }},{{ id }},{{ user.permissions | length }}\n{% endfor %}{% endfor %}"
EACH = "{{ org.name }}: {{ staff.users | length }} people\n{% for id, user in staff.users | dictsort %}{{ id }} {{ user.permissions | join(' ') }}\n{% endfor %}"
OUTPUTS = "outputs: [{template: all.j2, path: people.csv, per: project}, {template: each.j2, path: 'lists/{{ org.id }}.txt', per: org}]\n"


def _with_outputs(site: Site) -> None:
    site.replace("hubcfg.yaml", "targets:", OUTPUTS + "targets:")
    site.land({"all.j2": ALL, "each.j2": EACH})
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.create, psa.tickets.edit]")
    site.land()
    site.deploy()


def _read(site: Site, name: str) -> str:
    return (site.folder / "current" / name).read_text()


def test_an_org_that_is_left_out_stays_in_outputs_as_it_was(site: Site) -> None:
    """Its people neither vanish from a file about everybody, nor gain there what is not approved; others' revocations show."""
    _with_outputs(site)
    listed, people = _read(site, "lists/acme.txt"), _read(site, "people.csv")
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    site.replace("fabrikam.yaml", "psa.tickets.create, psa.tickets.edit]", "psa.tickets.create]")
    site.land()
    outcome = site.apply()
    assert (outcome.json["done"], outcome.json["left_out"]) == (["fabrikam"], ["acme"])
    assert _read(site, "lists/acme.txt") == listed
    assert f"{SAM} psa.tickets.create psa.tickets.read\n" in _read(site, "lists/fabrikam.txt")
    assert _read(site, "people.csv") == people.replace(f"fabrikam,{SAM},3", f"fabrikam,{SAM},2")
    assert SENSITIVE not in _read(site, "lists/acme.txt").split(LEE)[1].split("\n")[0]
    manifest = json.loads(_read(site, "manifest.json"))
    assert set(manifest["outputs"]) == {"people.csv", "lists/acme.txt", "lists/fabrikam.txt"}
    assert set(manifest["files"]) == {"orgs/acme/staff.json", "orgs/fabrikam/staff.json"}


def test_an_org_that_was_never_deployed_is_in_no_output(begun: Site) -> None:
    """Nothing of it is in the target, so nothing of it is beside."""
    begun.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    begun.replace("hubcfg.yaml", "targets:", OUTPUTS + "targets:")
    begun.history.write({"all.j2": ALL, "each.j2": EACH})
    outcome = begun.apply()
    assert (outcome.json["done"], outcome.json["left_out"]) == (["fabrikam"], ["acme"])
    assert "acme," not in _read(begun, "people.csv")
    assert not (begun.folder / "current/lists/acme.txt").exists()


def test_people_added_by_hand_are_not_in_outputs(site: Site) -> None:
    """Neither in a whole deployment nor in one that leaves their org out."""
    _with_outputs(site)
    site.edit_bundle(lambda bundle: bundle["users"].update({"guest@acme.example": bundle["users"][KIM]}))
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    site.replace("fabrikam.yaml", "psa.tickets.create, psa.tickets.edit]", "psa.tickets.create]")
    site.land()
    assert site.apply().json["left_out"] == ["acme"]
    assert "guest" not in _read(site, "people.csv")
    assert KIM in _read(site, "people.csv")
