"""The GitHub action on the default branch, its steps run for real: deployment, what holds it up, and drift."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.actions.composite import Machine, Ran
from tests.integration.actions.repositories import GROUPS, PROJECT, Repository, files, git, held, land, people

WIDER = GROUPS.replace("psa.tickets.create]", "psa.tickets.create, psa.tickets.assign]")
FABRIKAM = """kind: Org
id: fabrikam
products: {psa: active}
---
kind: Users
org: fabrikam
users:
  fay@fabrikam.example: {role: owner}
  sam@fabrikam.example: {role: member, permissions: [psa.tickets.read]}
"""
P009 = "p009@acme.example"


@dataclass
class Site:
    """A repository and what is deployed of it."""

    folder: Path
    runs: int = 0

    @property
    def bundle(self) -> Path:
        """What is deployed for the staff of the org."""
        return self.folder / "target/current/orgs/acme/staff.json"

    def land(self, landed: Mapping[str, str]) -> Repository:
        """Commits to the default branch."""
        return land(self.folder / "w", landed)

    def run(self, command: str, **inputs: str) -> Ran:
        """Runs the action as a push to the default branch does."""
        self.runs += 1
        variables = {
            "GITHUB_REPOSITORY": "acme/access",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REF_NAME": "main",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SHA": "0" * 40,
        }
        event = {"repository": {"default_branch": "main"}}
        machine = Machine(self.folder / "w", self.folder / f"t{self.runs}", "push", event, variables)
        return machine.run({"command": command, **inputs})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site of which the first commit is deployed."""
    begun = Site(tmp_path)
    begun.land({**files(), "fabrikam.yaml": FABRIKAM})
    ran = begun.run("apply", target="local")
    assert ran.code == 0, ran.log
    return begun


def test_what_has_landed_is_deployed(site: Site) -> None:
    """The summary has the plan and what apply said; what is deployed is what has landed; a second run changes nothing."""
    assert held(site.bundle, P009) == ["psa.tickets.create", "psa.tickets.read"]
    site.land({"groups.yaml": WIDER})
    ran = site.run("apply")
    assert ran.code == 0, ran.log
    assert "psa.tickets.assign" in held(site.bundle, P009)
    assert "**hubcfg plan: wider**" in ran.summary
    assert "### What apply said" in ran.summary
    again = site.run("apply")
    assert again.code == 0, again.log
    assert "nothing to change" in again.summary


def test_an_old_run_deploys_nothing(site: Site) -> None:
    """Starting an old run again does not put back what has been taken away since; it passes and says why."""
    first = git(site.folder / "w", "rev-parse", "HEAD")
    site.land({"groups.yaml": WIDER})
    assert site.run("apply").code == 0
    git(site.folder / "w", "checkout", "-q", "--detach", first)
    ran = site.run("apply")
    assert ran.code == 0, ran.log
    assert "nothing deployed: the branch has moved on" in "\n".join(ran.commands("notice"))
    assert "psa.tickets.assign" in held(site.bundle, P009)


def test_a_guardrail_is_lifted_by_name_alone(site: Site) -> None:
    """An accident is refused and nothing changes; with the guardrails' names it is carried out."""
    site.land({"users.yaml": people(count=20)})
    before = site.bundle.read_bytes()
    ran = site.run("apply")
    assert ran.code == 1
    assert "removed-users" in ran.summary
    assert site.bundle.read_bytes() == before
    ran = site.run("apply", allow="removed-users  revoked")
    assert ran.code == 0, ran.log
    assert site.bundle.read_bytes() != before


def test_names_of_guardrails_are_no_patterns(site: Site) -> None:
    """What is typed into the field is neither a pattern of files nor a command."""
    site.land({"users.yaml": people(count=20)})
    ran = site.run("apply", allow="* $(touch taken-over) ; touch taken-over")
    assert ran.code == 2
    assert "groups.yaml" not in ran.log
    assert not [*site.folder.rglob("taken-over")]


def test_an_error_in_one_org_holds_up_no_other(site: Site) -> None:
    """The org with something unapproved stays as it is, the other is deployed, and the job fails."""
    taken = FABRIKAM.replace("[psa.tickets.read]", "[psa.tickets.read, psa.tickets.delete]")
    site.land({"groups.yaml": WIDER, "fabrikam.yaml": taken})
    ran = site.run("apply")
    assert "psa.tickets.assign" in held(site.bundle, P009)
    assert ran.code == 1
    assert "fabrikam" in ran.summary


def test_broken_sources_deploy_nothing(site: Site) -> None:
    """Without a plan there is no deployment, and the job fails."""
    before = site.bundle.read_bytes()
    site.land({"users.yaml": "kind: Users\norg: [acme\n"})
    ran = site.run("apply")
    assert (ran.code, ran.steps["Deploy"]) == (1, "skipped")
    assert site.bundle.read_bytes() == before


def test_drift_fails_visibly(site: Site) -> None:
    """Nothing is reported where nothing was changed; what was is in the log, the summary and an annotation; nothing is mended."""
    ran = site.run("drift", target="local")
    assert ran.code == 0, ran.log
    content = json.loads(site.bundle.read_text("utf-8"))
    del content["users"][P009]
    site.bundle.write_text(json.dumps(content), "utf-8")
    ran = site.run("drift")
    assert ran.code == 2
    assert [one for one in ran.commands("error") if "behind hubcfg's back" in one]
    assert P009 in ran.summary
    assert P009 in ran.log
    assert P009 not in json.loads(site.bundle.read_text("utf-8"))["users"]


def test_a_target_that_can_not_be_read_is_no_drift(site: Site) -> None:
    """A wrong name fails, and nobody is told that something was changed."""
    ran = site.run("drift", target="elsewhere")
    assert ran.code not in (0, 70)
    assert "behind hubcfg's back" not in ran.log


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    """A slip in a workflow does not pass as a check that did nothing."""
    repository = land(tmp_path / "w", {"hubcfg.yaml": PROJECT})
    machine = Machine(repository.root, tmp_path / "t", "push", {}, {}, is_installed=False)
    ran = machine.run({"command": "chekc"})
    assert ran.code == 2
    assert set(ran.steps.values()) == {"success", "failure", "skipped"}
