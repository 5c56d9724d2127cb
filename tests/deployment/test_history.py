"""The records of deployments: what they say, and that `history verify` finds one that was changed, dropped or reordered."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hubcfg.applier.records import seal_record
from tests.deployment.sites import Site, names


@pytest.fixture
def past(site: Site) -> Site:
    """A target with four deployments."""
    for word in ("assign", "edit", "reply"):
        text = (site.root / "fabrikam.yaml").read_text()
        site.land({"fabrikam.yaml": text.replace("psa.tickets.read,", f"psa.tickets.read, psa.tickets.{word},")})
        site.deploy()
    return site


def _record(site: Site, serial: int) -> Path:
    return site.folder / "hubcfg/records" / str(serial) / "record.json"


def _change(site: Site) -> None:
    file = _record(site, 2)
    file.write_text(file.read_text().replace('"who":"', '"who":"not '))


def _change_and_seal(site: Site) -> None:
    file = _record(site, 2)
    value = json.loads(file.read_text())
    previous = _record(site, 1).read_bytes()
    told = {key: part for key, part in value.items() if key not in ("seal", "previous", "format")}
    file.write_bytes(seal_record(told | {"who": "somebody else"}, previous))


def _drop(site: Site) -> None:
    shutil.rmtree(site.folder / "hubcfg/records/2")


def _reorder(site: Site) -> None:
    second, third = _record(site, 2).read_bytes(), _record(site, 3).read_bytes()
    _record(site, 2).write_bytes(third)
    _record(site, 3).write_bytes(second)


def _change_last(site: Site) -> None:
    file = _record(site, 4)
    file.write_text(file.read_text().replace('"who":"', '"who":"not '))


def _change_and_seal_last(site: Site) -> None:
    file = _record(site, 4)
    value = json.loads(file.read_text())
    told = {key: part for key, part in value.items() if key not in ("seal", "previous", "format")}
    told["orgs"]["fabrikam"]["staff"] = "0" * 64
    file.write_bytes(seal_record(told, _record(site, 3).read_bytes()))


def _drop_last(site: Site) -> None:
    shutil.rmtree(site.folder / "hubcfg/records/4")


def _blank(site: Site) -> None:
    _record(site, 3).write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_change, "the record of deployment 2 was changed after it was written"),
        (_change_and_seal, "the record of deployment 3 does not follow the one before it"),
        (_drop, "the record of deployment 2 is missing"),
        (_reorder, "the record of deployment 2 is missing, or not in its place: there is 3"),
        (_change_last, "the record of deployment 4 was changed after it was written"),
        (_change_and_seal_last, "what the target keeps as deployed of the org `fabrikam` is not what the record"),
        (_drop_last, "records/4/record.json` is missing"),
        (_blank, "the record of deployment"),
    ],
)
def test_verifying_finds_what_was_done_to_records(past: Site, spoil: Callable[[Site], None], words: str) -> None:
    """The fault is named, in text and as JSON, and the exit code is 1."""
    assert past.command("history", "verify").code == 0
    spoil(past)
    outcome = past.command("history", "verify", "--format", "json")
    assert (outcome.code, outcome.json["intact"]) == (1, False)
    assert any(words in fault for fault in outcome.json["faults"]), outcome.json["faults"]
    text = past.command("history", "verify")
    assert text.code == 1
    assert words in text.out


def test_history_says_what_happened(past: Site) -> None:
    """Latest first: when, by whom, from which revision, what it came to, and by which approvals."""
    outcome = past.command("history")
    assert outcome.code == 0
    assert [line for line in outcome.out.splitlines() if line.startswith("deployment")] == [
        f"deployment {serial}" for serial in (4, 3, 2, 1)
    ]
    assert "by not" not in outcome.out
    assert f"revision {past.history.git('rev-parse', 'HEAD')[:10]}, judged by deployment 3" in outcome.out
    assert "approvals: adam-admin" in outcome.out
    latest = past.records()[0]
    assert (latest["serial"], latest["kind"], latest["result"]) == (4, "apply", "complete")
    assert latest["done"] == ["fabrikam"]
    assert latest["counts"] == {"orgs": 1, "users": 1, "gained": 1, "lost": 0, "sensitive_gained": 0}
    assert latest["guardrails"] == {"max_removed_users_percent": 20, "max_revoked_percent": 50}
    assert latest["approvals"]["acme"].keys() == {"adam-admin"}
    assert latest["previous"] == past.records()[1]["sha256"]


def test_a_record_of_a_newer_format_is_foreign(past: Site) -> None:
    """What a newer hubcfg wrote is not guessed at."""
    file = _record(past, 4)
    file.write_text(file.read_text().replace("hubcfg.deployment/1", "hubcfg.deployment/9"))
    outcome = past.apply()
    assert (outcome.code, names(outcome)) == (1, ["foreign-state"])
    assert "hubcfg.deployment/9" in outcome.json["findings"][0]["message"]


def test_who_deploys_in_ci_is_who_started_the_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record names the person, not the runner's account."""
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    text = (site.root / "fabrikam.yaml").read_text()
    site.land({"fabrikam.yaml": text.replace("psa.tickets.create]", "psa.tickets.assign]")})
    site.deploy()
    assert site.records()[0]["who"] == "octocat"
