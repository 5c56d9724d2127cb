"""An apply that is killed leaves every org (over HTTP every user) old or new, and the next one finishes the job."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.harness import Harness, Stand, Unit
from tests.faults.applies import Applies, find_strace
from tests.reference.projects import examples

MOMENTS = 5


@pytest.fixture
def applies(stand: Stand, tmp_path: Path) -> Applies:
    """A project in two states, and a fresh target of each type."""
    missing = find_strace()
    assert missing is None, missing
    made = Applies(tmp_path, stand)
    made.start()
    return made


def test_killed_at_any_system_call(applies: Applies, harness: Harness) -> None:
    """Nothing is torn, nothing is said that did not happen, the records are whole, and applying again converges."""
    applies.write("a")
    assert applies.apply().returncode == 0
    applies.write("b")
    calls = applies.list_calls()
    assert applies.read() == applies.bundles["b"]
    states, deaths = ["a", "b"], 0
    for call in choose_moments(calls):
        old, new = states[1], states[0]
        applies.write(new)
        killed = applies.apply_killed_at(call)
        deaths += killed.returncode != 0
        held = applies.read()
        assert_whole(held, applies.bundles[old], applies.bundles[new], harness.unit)
        if "applied to" in killed.stdout:
            assert held == applies.bundles[new], call
        again = applies.apply()
        assert again.returncode == 0, (call, again.stdout, again.stderr)
        assert applies.read() == applies.bundles[new], call
        verified = applies.run("history", "verify")
        assert verified.returncode == 0, (call, verified.stdout, verified.stderr)
        assert applies.run("drift").returncode == 0
        states.reverse()
    assert deaths >= MOMENTS - 1, choose_moments(calls)


def choose_moments(calls: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Returns the calls to be killed at: spread over all of them, a random one of each part."""
    count = min(len(calls), examples(MOMENTS))
    chance = random.Random(len(calls))
    return [calls[int((part + chance.random()) * len(calls) / count)] for part in range(count)]


def assert_whole(held: dict[str, bytes], old: dict[str, bytes], new: dict[str, bytes], unit: Unit) -> None:
    """Every unit that a target changes at once is wholly old or wholly new."""
    if unit is Unit.TARGET:
        assert held in (old, new)
    elif unit is Unit.ORG:
        for org, content in held.items():
            assert content in (old[org], new[org])
    else:
        for org, content in held.items():
            before, after = (read_users(files[org]) for files in (old, new))
            for user, permissions in read_users(content).items():
                was, will_be = before.get(user), after.get(user)
                meet = None if was is None or will_be is None else was & will_be
                assert permissions in (was, will_be, meet), (org, user)


def read_users(content: bytes) -> dict[str, frozenset[str]]:
    bundle: dict[str, Any] = json.loads(content)
    return {id: frozenset(bundle["permission_sets"][user["set"]]) for id, user in bundle["users"].items()}


def test_two_applies_at_once(applies: Applies, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each says truly whether it was applied; the target is as the one that was says, and the records are whole."""
    applies.write("a")
    assert applies.apply().returncode == 0
    other = Applies(tmp_path_factory.mktemp("other"), applies.stand)
    other.start()
    applies.write("b")
    other.write("b")
    processes = [one.start_apply() for one in (applies, other)]
    codes = []
    for process in processes:
        output, errors = process.communicate(timeout=120)
        codes.append(process.returncode)
        assert process.returncode in (0, 1), (output, errors)
        if process.returncode == 1:
            assert b"error[locked]" in output or b"error[stale-plan]" in output, (output, errors)
    assert 0 in codes
    assert applies.read() == applies.bundles["b"]
    assert applies.run("history", "verify").returncode == 0
