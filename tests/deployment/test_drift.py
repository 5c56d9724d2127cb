"""Drift: what somebody changed in the target behind hubcfg's back; exit 2 when there is any."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.deployment.sites import KIM, LEE, SAM, Site

GUEST = "guest@acme.example"


def _add(bundle: Any) -> None:
    bundle["users"][GUEST] = dict(bundle["users"][KIM])


def _remove(bundle: Any) -> None:
    del bundle["users"][KIM]


def _suspend(bundle: Any) -> None:
    bundle["users"][KIM]["suspended"] = True


def _widen(bundle: Any) -> None:
    bundle["permission_sets"][bundle["users"][LEE]["set"]].append("psa.tickets.delete")


def _make_admin(bundle: Any) -> None:
    bundle["users"][LEE]["role"] = "admin"


@pytest.mark.parametrize(
    ("change", "who", "verdict"),
    [
        (_add, GUEST, "wider"),
        (_remove, KIM, "narrower"),
        (_suspend, KIM, "narrower"),
        (_widen, LEE, "wider"),
        (_make_admin, LEE, None),
    ],
)
def test_a_change_by_hand_is_drift(site: Site, change: Callable[[Any], None], who: str, verdict: str | None) -> None:
    """Each kind of change is told, with who it is about and what it means; the next apply puts back what the project says."""
    site.edit_bundle(change)
    outcome = site.drift()
    assert outcome.code == 2
    document = outcome.json
    assert (document["drifted"], document["serial"], [org["org"] for org in document["orgs"]]) == (True, 1, ["acme"])
    users = [user["after"] or user["before"] for group in document["orgs"][0]["changes"] for user in group["users"]]
    assert users == [who]
    assert verdict in (None, document["verdict"])
    text = site.command("drift", "--as-of", site.now)
    assert text.code == 2
    assert who in text.out
    assert "`hubcfg apply` puts back what the project says" in text.out
    site.deploy("--allow", "revoked")
    assert site.drift().code == 0


def test_a_deleted_file_is_drift(site: Site) -> None:
    """An org without its file has lost everybody."""
    site.bundle_file("fabrikam").unlink()
    outcome = site.drift()
    assert outcome.code == 2
    assert SAM in outcome.out
    site.deploy()
    assert SAM in site.held("fabrikam")
    assert site.drift().code == 0


def test_what_changes_nobodys_access_is_told_too(site: Site) -> None:
    """A file that was written anew with the same meaning is no longer hubcfg's own bytes."""
    file = site.bundle_file()
    file.write_text(file.read_text().replace(",", ", "))
    outcome = site.drift()
    assert outcome.code == 2
    assert (outcome.json["orgs"], outcome.json["silent"]) == ([], ["acme"])
    assert "nobody's access" in site.command("drift", "--as-of", site.now).out


def test_nothing_is_drift_where_nothing_was_changed(site: Site) -> None:
    """Changed sources are no drift, and neither is time that passes; an empty target has none."""
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    outcome = site.drift()
    assert (outcome.code, outcome.json["drifted"]) == (0, False)


def test_strangers_are_no_drift_where_only_listed_people_are_managed(site: Site) -> None:
    """They are left alone and reported, and the exit code is 0; a change to somebody who is hubcfg's is drift there too."""
    site.replace("acme.yaml", "id: acme", "id: acme\nmanage: listed")
    site.land()
    site.deploy("--base", "HEAD")
    site.edit_bundle(_add)
    outcome = site.drift()
    assert (outcome.code, outcome.json["left_alone"]) == (0, {"acme": [GUEST]})
    assert GUEST in site.command("drift", "--as-of", site.now).out
    site.edit_bundle(_remove)
    outcome = site.drift()
    assert (outcome.code, outcome.json["left_alone"]) == (2, {"acme": [GUEST]})


def test_a_file_that_is_no_bundle_any_more_is_foreign(site: Site) -> None:
    """What cannot be compared is a finding with help, and never a traceback."""
    site.bundle_file().write_text("{}")
    outcome = site.drift()
    assert (outcome.code, [one["name"] for one in outcome.json["findings"]]) == (1, ["foreign-state"])


def test_drift_needs_no_project_without_errors(site: Site) -> None:
    """What happened in the target is told also while the sources are broken."""
    site.edit_bundle(_remove)
    (site.root / "acme.yaml").write_text("kind: Org\nid: [\n")
    outcome = site.drift()
    assert outcome.code == 2
    assert KIM in outcome.out
