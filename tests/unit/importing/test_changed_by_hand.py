"""Whatever somebody did to a target by hand: the import and its notes together say exactly what the target holds."""

import copy
import json
import random
from typing import Any

import pytest

from hubcfg.core.canonical import canonical_json, digest
from hubcfg.importing.bundles import read_bundles
from hubcfg.importing.importer import Imported, Importer
from hubcfg.importing.notes import Kind
from hubcfg.parser.formatting import format_source
from hubcfg.pipeline import compile_project
from hubcfg.platforms.grants import Audience
from tests.reference.projects import examples
from tests.unit.importing.importing import EXAMPLES, instant, live_bundles, read_files

Bundle = dict[str, Any]


def change(choose: random.Random, bundle: Bundle, names: list[str]) -> None:
    """Changes some users of a bundle as nobody would who knows the rules."""
    roles = [*{user.get("role", "") for user in bundle["users"].values()}, "nobody-has-it"]
    for id in choose.sample(sorted(bundle["users"]), min(4, len(bundle["users"]))):
        user = bundle["users"][id]
        held = set(bundle["permission_sets"][user["set"]])
        match choose.randrange(9):
            case 0:
                held |= set(choose.sample(names, choose.randint(1, 30)))
            case 1:
                held -= set(choose.sample(sorted(held), min(len(held), choose.randint(1, 9))))
            case 2:
                user["role"] = choose.choice(roles)
            case 3:
                user["products"] = sorted(choose.sample(sorted(bundle["products"]), min(3, len(bundle["products"]))))
            case 4 if held:
                ends = ["2027-01-01T00:00:00Z", "2027-02-01T08:00:00.25Z", "2020-01-01T00:00:00Z"]
                user["until"] = {name: choose.choice(ends) for name in choose.sample(sorted(held), min(len(held), 3))}
            case 5:
                user["scope"] = {
                    "clients": choose.choice(["all", [], sorted(bundle.get("clients", {}))[:2], ["nobody"]])
                }
            case 6:
                user["suspended"] = True
            case 7:
                user["manages"] = choose.choice(["all", sorted(bundle["users"])[:3], ["nobody"]])
            case _:
                held.add("no.such.permission")
        listed = sorted(held)
        user["set"] = digest(listed).removeprefix("sha256:")
        bundle["permission_sets"][user["set"]] = listed


def pairs(bundles: dict[Audience, Bundle]) -> set[tuple[str, str]]:
    """Returns who holds what in an org's bundles."""
    return {
        (id, name)
        for bundle in bundles.values()
        for id, user in bundle["users"].items()
        for name in bundle["permission_sets"][user["set"]]
    }


def noted(imported: Imported, kind: Kind) -> set[tuple[str, str]]:
    """Returns the permissions of users that notes of a kind name."""
    return {
        (note.user, name)
        for note in imported.notes
        if note.user is not None and note.about == "permissions" and note.kind is kind
        for name in note.names
    }


@pytest.mark.parametrize("seed", range(examples(8)))
@pytest.mark.parametrize("example", ["onestack", "opspilot365", "msp-panel"])
def test_what_is_not_written_is_noted_and_nothing_else(example: str, seed: int) -> None:
    """Nobody gains or loses a permission by the import but as the notes say; without notes the bytes are the same."""
    choose = random.Random(f"{example} {seed}")
    compiled = compile_project(EXAMPLES / example, as_of=instant(), hygiene=False)
    assert compiled.config is not None
    importer = Importer(*read_files(EXAMPLES / example), instant())
    for org, files in live_bundles(compiled.config, instant()).items():
        names = list(compiled.config.orgs[org].catalog.names)
        before = {audience: copy.deepcopy(json.loads(content)) for audience, content in files.items()}
        for bundle in before.values():
            change(choose, bundle, names)
            used = {user["set"] for user in bundle["users"].values()}
            bundle["permission_sets"] = {id: one for id, one in bundle["permission_sets"].items() if id in used}
        live = {audience: canonical_json(bundle) + b"\n" for audience, bundle in before.items()}
        imported = importer.import_org(read_bundles(org, live))
        after = {audience: json.loads(content) for audience, content in imported.bundles.items()}
        left_out = {note.user for note in imported.notes if note.about == "the user"}
        lost = {pair for pair in pairs(before) - pairs(after) if pair[0] not in left_out}
        assert lost == noted(imported, Kind.MISSING)
        assert pairs(after) - pairs(before) == noted(imported, Kind.BESIDE)
        assert imported.notes or imported.bundles == live
        assert [path for path, text in imported.files.items() if format_source(text) != text] == []
        touched = {note.user for note in imported.notes}
        for audience, bundle in before.items():
            for id, user in bundle["users"].items():
                if id not in touched:
                    mine = after[audience]["users"][id]
                    assert {key: mine.get(key) for key in {*mine, *user} if mine.get(key) != user.get(key)} == {}
