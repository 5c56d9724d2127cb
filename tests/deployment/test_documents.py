"""What the commands of deployments print as JSON is one valid document that fits its schema, whatever comes of them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hubcfg.applier.holder import describe_self
from hubcfg.applier.target import Place
from hubcfg.applier.targets.directory import open_directory
from hubcfg.views.schemas import output_schemas
from tests.deployment.memory import MemoryTarget
from tests.deployment.sites import KIM, LEE, NOW, SENSITIVE, Site
from tests.unit.cli.running import Outcome


def assert_fits(document: Any) -> None:
    """Asserts that a document fits the schema of its format."""
    errors = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(output_schemas()[document["format"]]).iter_errors(document)
    ]
    assert errors == []


def _format(outcome: Outcome) -> str:
    assert_fits(outcome.json)
    return str(outcome.json["format"])


def _leave_out(site: Site) -> None:
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {SENSITIVE}]")
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    site.land()


def test_receipts_fit(begun: Site) -> None:
    """Of a first deployment, of one with nothing to do, of one that leaves out an org, and of a rollback."""
    for outcome in (begun.apply(), begun.apply()):
        assert _format(outcome) == "hubcfg.receipt/1"
    _leave_out(begun)
    outcome = begun.apply()
    assert (_format(outcome), outcome.json["left_out"]) == ("hubcfg.receipt/1", ["acme"])
    outcome = begun.rollback(1)
    assert (_format(outcome), outcome.json["result"]) == ("hubcfg.receipt/1", "complete")


@pytest.mark.parametrize(
    ("trouble", "result"),
    [
        ({"refuses": {"acme": "no"}}, "partial"),
        ({"refuses": {"acme": "no", "fabrikam": "no"}}, "failed"),
        ({"loses": "after"}, "unconfirmed"),
    ],
)
def test_receipts_of_failures_fit(
    begun: Site, monkeypatch: pytest.MonkeyPatch, trouble: dict[str, Any], result: str
) -> None:
    """Of what was done in part, not at all, or without a confirmation."""
    target = MemoryTarget(**trouble)
    monkeypatch.setattr("hubcfg.deployment.open_target", lambda *_: target)
    outcome = begun.apply()
    assert (outcome.code, _format(outcome), outcome.json["result"]) == (3, "hubcfg.receipt/1", result)
    assert_fits(json.loads(target.records[-1]))


def test_a_receipt_says_when_the_next_apply_is_due(begun: Site) -> None:
    """What the sources give later, with the instant; the text says it beside the result."""
    begun.replace("acme.yaml", "[psa.tickets.read]", "[{permission: psa.tickets.read, starts: 2027-01-01}]")
    begun.land()
    outcome = begun.apply()
    assert _format(outcome) == "hubcfg.receipt/1"
    assert outcome.json["due"] == "2027-01-01T00:00:00Z"
    (coming,) = outcome.json["coming"]
    assert (coming["org"], coming["users"], coming["permissions"]) == ("acme", [LEE], ["psa.tickets.read"])
    assert "another apply is due at 2027-01-01T00:00:00Z" in outcome.err


def test_history_and_records_fit(begun: Site) -> None:
    """Of no deployment at all, and of applies and rollbacks; each record as the target keeps it too."""
    assert _format(begun.command("history", "--format", "json")) == "hubcfg.history/1"
    begun.deploy()
    begun.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    begun.land()
    begun.deploy()
    assert begun.rollback(1).code == 0
    assert _format(begun.command("history", "--format", "json")) == "hubcfg.history/1"
    assert _format(begun.command("history", "verify", "--format", "json")) == "hubcfg.history-verify/1"
    for serial in (1, 2, 3):
        assert_fits(json.loads((begun.folder / f"hubcfg/records/{serial}/record.json").read_text()))


def test_drift_fits(site: Site) -> None:
    """With drift and without."""
    assert _format(site.drift()) == "hubcfg.drift/1"
    site.edit_bundle(lambda bundle: bundle["users"].pop(KIM))
    site.edit_bundle(lambda bundle: bundle["users"]["fay@acme.example"].update(role="admin"), "fabrikam")
    outcome = site.drift()
    assert (_format(outcome), outcome.code) == ("hubcfg.drift/1", 2)


def test_what_unlock_prints_fits(site: Site) -> None:
    """Of no lock, and of one that was ended; refusing to end one is an error document."""
    assert _format(site.command("unlock", "--format", "json")) == "hubcfg.lock/1"
    holder = open_directory("live", {"path": "../target"}, Place(site.root, {}))
    with holder.lock(describe_self("ada", NOW)):
        refused = site.command("unlock", "--format", "json")
        assert (refused.code, _format(refused)) == (1, "hubcfg.findings/1")
        outcome = site.command("unlock", "--force", "--format", "json")
        assert (_format(outcome), outcome.json["holder"]["who"]) == ("hubcfg.lock/1", "ada")


def _stale(site: Site) -> tuple[str, ...]:
    file = site.root.parent / "plan.json"
    assert site.command("plan", "--out", str(file), "--as-of", NOW).code == 0
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    return ("apply", str(file), "--auto-approve")


def _guardrail(site: Site) -> tuple[str, ...]:
    site.land({"fabrikam.yaml": None})
    return ("apply", "--auto-approve")


def _foreign(site: Site) -> tuple[str, ...]:
    (site.folder / "current").unlink()
    return ("apply", "--auto-approve")


def _foreign_drift(site: Site) -> tuple[str, ...]:
    return ("drift", *_foreign(site)[2:])


def _foreign_history(site: Site) -> tuple[str, ...]:
    return ("history", *_foreign(site)[2:])


def _broken(site: Site) -> tuple[str, ...]:
    site.replace("acme.yaml", "kind: Org", "kind: Orgg")
    return ("apply", "--auto-approve")


def _no_project(site: Site) -> tuple[str, ...]:
    (site.root / "hubcfg.yaml").write_text("hubcfg: [\n")
    return ("apply", "--auto-approve")


def _no_target(_: Site) -> tuple[str, ...]:
    return ("apply", "--auto-approve", "--target", "liev")


def _no_base(_: Site) -> tuple[str, ...]:
    return ("apply", "--auto-approve", "--base", "nothing")


def _no_serial(_: Site) -> tuple[str, ...]:
    return ("rollback", "9", "--auto-approve")


def _no_terminal(_: Site) -> tuple[str, ...]:
    return ("apply",)


def _no_plan(site: Site) -> tuple[str, ...]:
    return ("apply", str(site.root / "acme.yaml"), "--auto-approve")


def _as_of(_: Site) -> tuple[str, ...]:
    return ("apply", "--as-of", "2026-01-01", "--auto-approve")


def _unreadable(site: Site) -> tuple[str, ...]:
    site.replace("hubcfg.yaml", "{type: directory, path: ../target}", "{type: postgresql, dsn_env: NO_SUCH_DSN}")
    return ("apply", "--auto-approve")


@pytest.mark.parametrize(
    ("make", "code", "name"),
    [
        (_stale, 1, "stale-plan"),
        (_guardrail, 1, "guardrail"),
        (_foreign, 1, "foreign-state"),
        (_foreign_drift, 1, "foreign-state"),
        (_foreign_history, 1, "foreign-state"),
        (_broken, 1, "schema-violation"),
        (_no_base, 1, "no-trusted-base"),
        (_no_project, 1, None),
        (_no_terminal, 1, None),
        (_no_plan, 1, None),
        (_no_target, 2, None),
        (_no_serial, 2, None),
        (_as_of, 2, None),
        (_unreadable, 2, None),
    ],
)
def test_refusals_fit(site: Site, make: Callable[[Site], tuple[str, ...]], code: int, name: str | None) -> None:
    """A refusal is a document of findings: with the finding, or with `error` where the run itself could not go on."""
    arguments = make(site)
    before = site.state()
    outcome = site.command(*arguments, "--format", "json")
    assert (outcome.code, _format(outcome)) == (code, "hubcfg.findings/1")
    if name is None:
        assert outcome.json["error"]["message"]
    else:
        assert name in [one["name"] for one in outcome.json["findings"]]
        assert outcome.json["counts"]["error"] > 0
    assert site.state() == before
