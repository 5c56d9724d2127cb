"""What the commands of deployments say to people, whole: in `tests/golden/deployment`, which `--bless` rewrites."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.deployment.memory import MemoryTarget
from tests.deployment.sites import KIM, SAM, SENSITIVE, Site
from tests.unit.cli.running import Outcome

GOLDEN = Path(__file__).parents[1] / "golden" / "deployment"


def _change(site: Site) -> None:
    site.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")


def _applied(site: Site, _: pytest.MonkeyPatch) -> Outcome:
    _change(site)
    site.replace("acme.yaml", "psa.tickets.create]", f"psa.tickets.create, {SENSITIVE}]")
    site.history.approve("olga", id="kim", ticket="CHG-7", grants=[{"user": KIM, "permissions": [SENSITIVE]}])
    site.land()
    return site.command("apply", "--auto-approve")


def _left_out(site: Site, _: pytest.MonkeyPatch) -> Outcome:
    _change(site)
    site.replace("acme.yaml", "psa.tickets.create]", f"psa.tickets.create, {SENSITIVE}]")
    site.land()
    return site.command("apply", "--auto-approve")


def _nothing(site: Site, _: pytest.MonkeyPatch) -> Outcome:
    return site.command("apply", "--auto-approve")


def _recorded(site: Site, _: pytest.MonkeyPatch) -> Outcome:
    site.land({"fabrikam.yaml": (site.root / "fabrikam.yaml").read_text() + "# a remark\n"})
    return site.command("apply", "--auto-approve")


def _held_back(site: Site, _: pytest.MonkeyPatch) -> Outcome:
    site.land({"fabrikam.yaml": None})
    return site.command("apply", "--auto-approve")


def _fail(site: Site, monkeypatch: pytest.MonkeyPatch, target: MemoryTarget) -> Outcome:
    """Deploys all of it to a target with troubles, and leaves the plan of all that aside."""
    monkeypatch.setattr("hubcfg.deployment.open_target", lambda *_: target)
    outcome = site.command("apply", "--auto-approve")
    return replace(outcome, out=outcome.out.split("\n\n")[-1])


def _partial(site: Site, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    return _fail(site, monkeypatch, MemoryTarget(refuses={"acme": "the server refuses: too many users"}))


def _unconfirmed(site: Site, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    return _fail(site, monkeypatch, MemoryTarget(loses="after"))


def _history(site: Site, _: pytest.MonkeyPatch) -> Outcome:
    _change(site)
    site.replace("acme.yaml", "psa.tickets.create]", f"psa.tickets.create, {SENSITIVE}]")
    site.land()
    assert site.apply().code == 1
    assert site.rollback(1).code == 0
    return site.command("history")


def _drift(site: Site, _: pytest.MonkeyPatch) -> Outcome:
    site.edit_bundle(lambda bundle: bundle["users"].pop(KIM))
    site.edit_bundle(lambda bundle: bundle["users"][SAM].update(role="admin"), "fabrikam")
    return site.command("drift", "--as-of", site.now)


def _verified(site: Site, _: pytest.MonkeyPatch) -> Outcome:
    _change(site)
    site.land()
    site.deploy()
    file = site.folder / "hubcfg/records/1/record.json"
    file.write_text(file.read_text().replace('"who":"', '"who":"not '))
    return site.command("history", "verify")


CASES: dict[str, tuple[int, Callable[[Site, pytest.MonkeyPatch], Outcome]]] = {
    "applied": (0, _applied),
    "left-out": (1, _left_out),
    "nothing": (0, _nothing),
    "recorded": (0, _recorded),
    "held-back": (1, _held_back),
    "partial": (3, _partial),
    "unconfirmed": (3, _unconfirmed),
    "history": (0, _history),
    "drift": (2, _drift),
    "verified": (1, _verified),
}


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_as_it_was_looked_at(site: Site, name: str, monkeypatch: pytest.MonkeyPatch, bless: bool) -> None:
    """Exit code and text of one outcome, with commits, account and machine left aside."""
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setattr("socket.gethostname", lambda: "laptop")
    code, run = CASES[name]
    outcome = run(site, monkeypatch)
    assert outcome.code == code, outcome.out + outcome.err
    text = re.sub(r"\b[0-9a-f]{10}\b", "<commit>", outcome.out)
    if outcome.err:
        text += f"--- stderr\n{outcome.err}"
    file = GOLDEN / f"{name}.txt"
    if bless:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8")
