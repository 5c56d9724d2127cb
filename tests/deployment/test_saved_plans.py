"""A saved plan is applied only where sources, built-ins, result and target are those that it was made from; planning writes nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deployment.sites import LEE, NOW, SAM, Site, found, names, read_tree

PLAN = "plan.json"


@pytest.fixture
def saved(site: Site) -> Path:
    """A plan that takes one permission from Sam, and has not been applied."""
    site.replace("fabrikam.yaml", "psa.tickets.read, psa.tickets.create", "psa.tickets.read")
    site.land()
    return save(site)


def save(site: Site, *options: str) -> Path:
    """Saves a plan beside the project."""
    file = site.root.parent / PLAN
    outcome = site.command("plan", "--as-of", site.now, "--out", str(file), *options)
    assert outcome.code == 0, outcome.out
    return file


def assert_refused(site: Site, file: Path, words: str) -> None:
    """Asserts that a plan is refused as stale, with these words, and that nothing changed."""
    before = site.state()
    outcome = site.apply(str(file))
    assert outcome.code == 1
    assert ("stale-plan", words) in [
        (name, message.removeprefix("the plan is stale: ")) for name, message in found(outcome)
    ]
    assert outcome.json["findings"][0]["help"] == "plan again, look at it again, and apply that"
    assert site.state() == before


def test_a_plan_is_applied(site: Site, saved: Path) -> None:
    """What was planned is what is deployed; the same plan is stale afterwards."""
    site.deploy(str(saved))
    assert site.held("fabrikam")[SAM] == ["psa.tickets.read"]
    assert_refused(site, saved, "it was made after deployment 1 of the target, which is at 2 now")


def test_planning_writes_nothing(site: Site) -> None:
    """Neither the work tree nor the target differ after a plan in any form; nor does a target come to be."""
    site.replace("fabrikam.yaml", "psa.tickets.read, psa.tickets.create", "psa.tickets.read")
    tree, target = read_tree(site.root), site.state()
    for form in ("text", "json", "markdown", "html"):
        assert site.command("plan", "--as-of", NOW, "--format", form).code == 0
    assert site.command("plan", "--as-of", NOW, "--detailed-exitcode").code == 2
    assert site.command("plan", "--as-of", NOW, "--against", "HEAD").code == 0
    assert (read_tree(site.root), site.state()) == (tree, target)


def test_planning_makes_no_target(begun: Site) -> None:
    """A folder that is not there yet is still not there after a plan, drift, history and verification."""
    for command in (["plan"], ["drift"], ["history"], ["history", "verify"], ["unlock"]):
        outcome = begun.command(*command)
        assert outcome.code == 0, (command, outcome.out, outcome.err)
    assert not begun.folder.exists()


def test_changed_sources_make_it_stale(site: Site, saved: Path) -> None:
    """A comment is enough: what was reviewed is not what is there."""
    site.land({"fabrikam.yaml": (site.root / "fabrikam.yaml").read_text() + "# more\n"})
    assert_refused(site, saved, "the project's files are others than those it was made from")


def test_time_that_passes_makes_it_stale(site: Site) -> None:
    """The same files come to something else once a window has ended."""
    site.replace("acme.yaml", "[psa.tickets.read]", "[{permission: psa.tickets.assign, expires: 2026-12-01}]")
    site.land()
    file = save(site)
    site.now = "2026-12-02T00:00:00Z"
    assert_refused(site, file, "the same files come to another result now, because time has passed")


def test_another_deployment_makes_it_stale(site: Site, saved: Path) -> None:
    """The target is no longer as the plan found it."""
    site.deploy()
    assert_refused(site, saved, "it was made after deployment 1 of the target, which is at 2 now")


def test_a_change_by_hand_makes_it_stale(site: Site, saved: Path) -> None:
    """Also one in an org that the plan does not touch."""
    site.edit_bundle(lambda bundle: bundle["users"].pop(LEE))
    assert_refused(site, saved, "what the target holds has changed since")


def test_another_version_of_the_builtins_makes_it_stale(
    site: Site, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hubcfg whose catalogs say something else deploys no plan of this one."""
    monkeypatch.setattr("hubcfg.deployment.digest_builtins", lambda: "sha256:other")
    assert_refused(site, saved, "it was made by another version of hubcfg")


@pytest.mark.parametrize("field", ["sources", "builtins", "result", "state"])
def test_a_plan_that_was_edited_is_stale(site: Site, saved: Path, field: str) -> None:
    """Whatever it says that it was made from is compared with what is there."""
    plan = json.loads(saved.read_text())
    plan["origin"][field] = "sha256:" + "0" * 64
    saved.write_text(json.dumps(plan))
    before = site.state()
    outcome = site.apply(str(saved))
    assert (outcome.code, names(outcome)) == (1, ["stale-plan"])
    assert site.state() == before


def test_what_an_edited_plan_claims_to_change_does_not_count(site: Site, saved: Path) -> None:
    """A plan is never executed as such: apply compiles afresh, and deploys what the sources say."""
    plan = json.loads(saved.read_text())
    plan["orgs"], plan["guardrails"], plan["left_out"] = [], [], []
    saved.write_text(json.dumps(plan))
    site.deploy(str(saved))
    assert site.held("fabrikam")[SAM] == ["psa.tickets.read"]


def _no_json(text: str) -> str:
    return text[:-9]


def _another_format(text: str) -> str:
    return text.replace("hubcfg.plan/1", "hubcfg.plan/2")


def _another_document(text: str) -> str:
    return text.replace("hubcfg.plan/1", "hubcfg.findings/1")


def _no_origin(text: str) -> str:
    return text.replace('"origin"', '"origins"')


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_json, "is not JSON"),
        (_another_format, "has the format `hubcfg.plan/2`"),
        (_another_document, "is no saved plan"),
        (_no_origin, "does not say what it was made from"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(site: Site, saved: Path, spoil: Callable[[str], str], words: str) -> None:
    """A message, no traceback, and nothing changed."""
    saved.write_text(spoil(saved.read_text()))
    before = site.state()
    outcome = site.apply(str(saved))
    assert outcome.code == 1
    assert words in outcome.json["error"]["message"]
    assert site.state() == before


def test_a_plan_for_another_target_is_applied_to_that_one_only(site: Site) -> None:
    """The plan says which target it is for; naming another one is wrong usage."""
    site.replace("hubcfg.yaml", "path: ../target}}", "path: ../target}, spare: {type: directory, path: ../spare}}")
    site.land()
    site.deploy()
    file = save(site, "--target", "spare")
    outcome = site.apply(str(file), "--target", "live")
    assert outcome.code == 2
    assert outcome.json["error"]["message"] == "the plan is for the target `spare`, not for `live`"
    assert site.deploy(str(file))["target"] == "spare"
    assert (site.root.parent / "spare/current").is_symlink()
    assert len(site.records()) == 2


def test_a_comparison_with_a_revision_is_no_plan_to_apply(site: Site) -> None:
    """Neither can it be saved, nor is what it prints applied."""
    assert site.command("plan", "--against", "HEAD", "--out", "x.json").code == 2
    file = site.root.parent / PLAN
    file.write_text(site.command("plan", "--against", "HEAD", "--format", "json").out)
    outcome = site.apply(str(file))
    assert outcome.code == 2
    message = outcome.json["error"]["message"]
    assert message.startswith("the plan compares with `HEAD` (")
    assert message.endswith("), so there is no target to apply it to")


def test_apply_takes_no_other_instant(site: Site) -> None:
    """An earlier instant would revive what has expired."""
    for command in (["apply"], ["rollback", "1"]):
        outcome = site.command(*command, "--auto-approve", "--as-of", "2026-01-01")
        assert outcome.code == 2
        assert "--as-of" in outcome.err
