"""Every attack of the tables of tests/cases/approvals is stopped by the finding that it names, and the honest change passes.

A table is a list. An entry says the `attack` in words, the project that it starts from (`start`), what has `landed` before
(pull requests, one after the other, each of which passed), the `change` (its files, and its approvals), and `stopped`: which
findings at error level, all of them, in which files, and parts of what they say. `honest` is a list of changes that look like
it and pass; each may say which findings below error level it `warns` of.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.approvals.histories import STARTS, History, begin, errors, load_starts, step

TABLES = sorted(path for path in STARTS.parent.glob("*.yaml") if path != STARTS)


def _load() -> list[Any]:
    return [
        pytest.param(entry, id=f"{path.stem}: {entry['attack']}")
        for path in TABLES
        for entry in yaml.safe_load(path.read_text("utf-8"))
    ]


def _land(root: Path, entry: dict[str, Any]) -> History:
    history = begin(root, entry.get("start", "onestack"))
    for count, change in enumerate(entry.get("landed", ()), 1):
        step(history, change)
        compiled = history.compile()
        assert compiled.verified is not None, (f"step {count} was to pass", errors(compiled))
        history.commit(f"Step {count}")
    history.git("switch", "-q", "-c", "attack")
    return history


@pytest.mark.parametrize("entry", _load())
def test_the_attack_is_stopped(entry: dict[str, Any], tmp_path: Path) -> None:
    """The change comes to no bundle, by the very findings that are meant to stop it, and by no others."""
    history = _land(tmp_path, entry)
    step(history, entry["change"])
    history.commit()
    compiled = history.compile(as_of=entry["change"].get("as_of", "2026-11-22T00:00:00Z"))
    found = errors(compiled)
    assert compiled.verified is None
    assert {(name, file) for name, file, _ in found} == {(one["finding"], one["file"]) for one in entry["stopped"]}, (
        found
    )
    for one in entry["stopped"]:
        said = [message for name, file, message in found if (name, file) == (one["finding"], one["file"])]
        assert any(one.get("says", "") in message for message in said), said


@pytest.mark.parametrize("entry", [one for one in _load() if "honest" in one.values[0]])
def test_the_honest_change_passes(entry: dict[str, Any], tmp_path: Path) -> None:
    """What looks like the attack and is approved as it must be, or needs no approval, passes."""
    history = _land(tmp_path, entry)
    for count, honest in enumerate(entry["honest"], 1):
        step(history, honest)
        history.commit()
        compiled = history.compile(as_of=honest.get("as_of", "2026-11-22T00:00:00Z"))
        assert compiled.verified is not None, (count, errors(compiled))
        warned = {finding.name for finding in compiled.findings if finding.rule.is_protected}
        assert warned == set(honest.get("warns", ())), count
        history.git("reset", "-q", "--hard", "main")


@pytest.mark.parametrize("name", load_starts())
def test_what_attacks_start_from_is_valid(name: str, tmp_path: Path) -> None:
    """Each starting project passes, so that what stops an attack is the attack."""
    history = begin(tmp_path, name)
    compiled = history.compile()
    assert compiled.verified is not None, errors(compiled)
    assert compiled.approvals is not None
    assert compiled.approvals.base.label.startswith("`main` (")
