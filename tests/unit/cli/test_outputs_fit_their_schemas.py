"""What hubcfg writes and prints fits the schemas that it publishes for it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hubcfg.core.instants import Instant, parse_instant
from hubcfg.emitter.bundle import build_bundles
from hubcfg.pipeline import compile_project
from hubcfg.views.schemas import output_schemas
from tests.unit.cli.running import Run

EXAMPLES = Path(__file__).parents[3] / "examples"
AS_OF = "2026-11-22T00:00:00Z"


def assert_fits(document: Any) -> None:
    schema = output_schemas()[document["format"]]
    errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]
    assert errors == []


@pytest.mark.parametrize("format", sorted(output_schemas()))
def test_formats_are_closed(format: str) -> None:
    """A format's schema requires the format, and knows all fields of it: nothing is printed that it does not describe."""
    schema = output_schemas()[format]
    assert schema["required"][0] == "format"
    assert schema["additionalProperties"] is False
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.iterdir()))
def test_bundles_fit(example: str, flat: bool) -> None:
    """Every org file of the examples fits, shared sets or not; whether approvals are current does not matter here."""
    compiled = compile_project(EXAMPLES / example, as_of=_instant(AS_OF))
    assert compiled.access is not None
    bundles = [bundle for access in compiled.access.orgs.values() for bundle in build_bundles(access, flat=flat)]
    assert bundles
    for bundle in bundles:
        assert_fits(json.loads(bundle.content))


def test_what_compile_writes_fits(hubcfg: Run, tmp_path: Path) -> None:
    """The files of a compiled folder and the report about them, in a project with an output of its own."""
    root, out = tmp_path / "project", tmp_path / "out"
    assert hubcfg("init", str(root)).code == 0
    (root / "names.j2").write_text("{{ org.id }}\n")
    with (root / "hubcfg.yaml").open("a") as file:
        file.write("outputs: [{template: names.j2, path: 'names/{{ org.id }}.txt', per: org}]\n")
    outcome = hubcfg("-C", str(root), "compile", "-o", str(out), "--format", "json")
    assert list(outcome.json["manifest"]["outputs"]) == ["names/project.txt"]
    files = sorted(out.rglob("*.json"))
    documents = [outcome.json, *(json.loads(path.read_text()) for path in files)]
    assert {document["format"] for document in documents} == {
        "hubcfg.compile/1",
        "hubcfg.manifest/1",
        "hubcfg.bundle/1",
    }
    for document in documents:
        assert_fits(document)


@pytest.mark.parametrize(
    "change",
    [
        {"audience": "everybody"},
        {"users": {"a": {"products": [], "scope": {"clients": "all"}}}},
        {"users": {"a": {"set": "0" * 64, "permissions": [], "products": [], "scope": {"clients": "all"}}}},
        {"users": {"a": {"set": "0" * 64, "products": [], "scope": {"clients": "some"}}}},
        {"users": {"a": {"set": "0" * 64, "products": [], "scope": {"company": "x"}, "manages": []}}},
        {"permission_sets": {"0": []}},
        {"more": 1},
    ],
    ids=str,
)
def test_a_bundle_of_another_shape_does_not_fit(change: dict[str, Any]) -> None:
    """The schema says more than `an object`: each of these is refused."""
    compiled = compile_project(EXAMPLES / "quickstart", as_of=_instant(AS_OF))
    bundle = json.loads(next(content for path, content in compiled.files.items() if path.endswith("staff.json")))
    schema = output_schemas()["hubcfg.bundle/1"]
    assert list(Draft202012Validator(schema).iter_errors(bundle)) == []
    assert list(Draft202012Validator(schema).iter_errors(bundle | change)) != []


@pytest.mark.parametrize(
    "arguments",
    [
        ["catalog", "list", "--platform", "onestack"],
        ["catalog", "list", "psa.*", "--platform", "onestack"],
        ["catalog", "search", "invoice", "--platform", "onestack"],
        ["catalog", "diff", "onestack", "opspilot365"],
        ["platforms"],
        ["platforms", "show", "msp-panel"],
        ["platforms", "show", "onestack-four-roles"],
        ["rules"],
        ["rules", "unused-bundle"],
        ["schema"],
    ],
    ids=" ".join,
)
def test_what_is_looked_up_fits(hubcfg: Run, arguments: list[str]) -> None:
    """`--format json` of the commands that need no project."""
    outcome = hubcfg(*arguments, "--format", "json")
    assert outcome.code == 0
    assert_fits(outcome.json)


def test_findings_fit(hubcfg: Run, tmp_path: Path) -> None:
    """Findings with and without places, help, related places and fixes, in `validate` and where `compile` refuses."""
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: p\nplatform: onestack\n")
    (tmp_path / "bad.yaml").write_bytes(b"\xff")
    (tmp_path / "org.yaml").write_text(
        "kind: Org\nid: a\nproducts: {psa: active}\n---\nkind: Users\norg: a\nusers:\n  o: {role: owner}\n"
        "  b: {role: member, permissions: [users.manage, psa.tickets.raed]}\n  B: {role: member, permissions: [*]}\n"
    )
    for arguments in (["validate"], ["compile", "-o", str(tmp_path / "out")]):
        outcome = hubcfg("-C", str(tmp_path), *arguments, "--format", "json")
        assert outcome.code == 1
        assert outcome.json["counts"]["error"] > 0
        assert_fits(outcome.json)
    assert_fits(hubcfg("-C", str(tmp_path / "none"), "validate", "--format", "json").json)


@pytest.mark.parametrize("arguments", [["catlog"], ["rules", "nothing"], ["catalog", "list", "--platform", "x"]])
def test_errors_fit(hubcfg: Run, arguments: list[str]) -> None:
    """Wrong usage is a findings document too, with an `error`."""
    outcome = hubcfg(*arguments, "--format", "json")
    assert outcome.code == 2
    assert outcome.json["error"]["message"]
    assert_fits(outcome.json)


def test_what_init_prints_fits(hubcfg: Run, tmp_path: Path) -> None:
    """The report about a project that was begun."""
    assert_fits(hubcfg("init", str(tmp_path / "p"), "--format", "json").json)


def _instant(text: str) -> Instant:
    instant = parse_instant(text)
    assert instant is not None
    return instant
