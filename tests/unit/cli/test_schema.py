"""`hubcfg schema`: the published schemas are current, right about real documents and outputs, and fit for editors."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from hubcfg.cli.known import know_builtin
from hubcfg.hub.routes import write_description
from hubcfg.parser.parse import parse_source
from hubcfg.parser.sources import SourceFile
from hubcfg.platforms.builtin import builtin_names, has_builtin_catalog, read_builtin
from hubcfg.validator.shape import all_kinds
from hubcfg.views.json_schema import combined_schema, describe_patterns, kind_schema, published_schemas, render_schema
from hubcfg.views.schemas import output_schemas
from tests.unit.cli.running import Run

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "examples").rglob("*.yaml"))


def check(schema: dict[str, Any], value: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


@cache
def validators(kind: str) -> list[Any]:
    """Returns what judges documents of a kind: its own schema and the combined one, with and without a catalog."""
    catalog = know_builtin().catalog("onestack")
    schemas = [kind_schema(kind), combined_schema(), kind_schema(kind, catalog), combined_schema(catalog)]
    return [jsonschema_rs.validator_for(schema) for schema in schemas]


def test_the_schema_folder_is_current(bless: bool) -> None:
    """`schema/` has exactly the schemas that hubcfg publishes, and the hub's description; `pytest --bless` writes it."""
    files = {f"schema/{one.file}": render_schema(one.schema) + "\n" for one in published_schemas()}
    files["schema/hub-openapi.json"] = write_description()
    if bless:
        for path in (ROOT / "schema").rglob("*.json"):
            path.unlink()
        for name, text in files.items():
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(text, "utf-8")
    there = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / "schema").rglob("*.json")}
    assert there.keys() == files.keys()
    assert [name for name in files if files[name] != there[name]] == []


@pytest.mark.parametrize("catalog", [None, "onestack"])
def test_each_is_a_schema_in_standard_words(catalog: str | None) -> None:
    """Each fits the metaschema, and has no keyword of ours, which strict validators would refuse."""
    for one in published_schemas(catalog and know_builtin().catalog(catalog)):
        Draft202012Validator.check_schema(one.schema)
        assert '"x-' not in render_schema(one.schema), one.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_real_documents_fit(path: Path) -> None:
    """Documents that hubcfg accepts fit the schema of their kind and the combined one, with and without a catalog."""
    for document in parse_source(SourceFile(path.name, path.read_bytes)).documents:
        assert isinstance(document.value, dict)
        for validator in validators(str(document.value.get("kind", "Project"))):
            assert validator.is_valid(document.value), [
                error.message for error in validator.iter_errors(document.value)
            ]


@pytest.mark.parametrize("name", builtin_names())
def test_definitions_fit_whole_and_as_patches(name: str) -> None:
    """A Platform or Catalog fits its schema whether it stands alone or extends another."""
    for part in ("platform", "catalog") if has_builtin_catalog(name) else ("platform",):
        document = read_builtin(name, part)
        assert check(kind_schema(part.capitalize()), document.value) == []
        assert check(combined_schema(), document.value) == []


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"kind": "Usrs"},
        {"kind": "Users", "org": "a", "users": {"b": {"rle": "member"}}},
        {"kind": "Users", "org": "a", "users": {"b": {"permissions": [3]}}},
        {"kind": "Users", "org": "a", "users": {"b": {"permissions": [{"permission": "a.b.c", "until": "x"}]}}},
        {"kind": "Platform", "id": "a", "extends": "b", "rols": {}},
        {"kind": "Platform", "id": "a"},
        {"hubcfg": 2, "project": "a"},
        {"hubcfg": 1},
    ],
    ids=str,
)
def test_documents_of_the_wrong_shape_do_not_fit(value: dict[str, Any]) -> None:
    """The combined schema tells kinds apart and refuses what the kind's own schema refuses."""
    assert check(combined_schema(), value)
    assert check(combined_schema(know_builtin().catalog("onestack")), value)


def test_the_catalog_stands_where_patterns_may(hubcfg: Run) -> None:
    """Each place for a pattern offers every permission, resource and product, described; other text is not refused."""
    schema = hubcfg("schema", "Users", "--with-catalog", "msp-panel").json
    pattern = schema["$defs"]["pattern"]
    user = schema["properties"]["users"]["additionalProperties"]["properties"]
    assert user["deny"]["items"] == {"$ref": "#/$defs/pattern"}
    assert user["permissions"]["items"]["anyOf"][0] == {"$ref": "#/$defs/pattern"}
    assert user["permissions"]["items"]["anyOf"][1]["properties"]["permission"] == {"$ref": "#/$defs/pattern"}
    offered = {snippet["label"]: snippet["description"] for snippet in pattern["defaultSnippets"]}
    catalog = know_builtin().catalog("msp-panel")
    assert offered.keys() == {
        "*",
        "panel.*",
        *catalog.names,
        *(name.rsplit(".", 1)[0] + ".*" for name in catalog.names),
    }
    assert offered["panel.billing.view"] == "See invoices, payments and the current plan (read; sensitive: financial)"
    assert offered["panel.billing.*"] == "Every action on billing of panel: 2 permissions, 2 of them sensitive"
    assert offered["*"] == "Everything there is and will be: 34 permissions, 16 of them sensitive"
    *by_product, everything = pattern["allOf"]
    hovered = [known for choice in by_product for known in choice["then"]["anyOf"][1]["oneOf"]]
    assert {one["const"]: one["description"] for one in hovered} | {"*": everything["then"]["description"]} == offered
    assert check(pattern, "panel.what.ever") == check(pattern, "panel.billing.view") == []
    assert check(pattern, 3) != []


def test_wildcards_are_completed_with_their_quotes() -> None:
    """A pattern that begins with `*` is inserted quoted, because YAML would take it for an alias."""
    definition = kind_schema("Tests", know_builtin().catalog("onestack"))["$defs"]["pattern"]
    bodies = {snippet["label"]: snippet["body"] for snippet in definition["defaultSnippets"]}
    assert (bodies["*"], bodies["psa.*"]) == ('"*"', "psa.*")


def test_aliases_and_marks_are_described() -> None:
    """A description says what is special: who may hold it, what it is sensitive for, other names."""
    described = describe_patterns(know_builtin().catalog("onestack"))
    assert described["psa.tickets.create"] == "Open a new ticket (write; clients too)"
    assert described["rmm.devices.edit"].endswith("(write; also rmm.endpoints.edit)")


@pytest.mark.parametrize("kind", sorted(all_kinds()))
def test_a_kind_is_printed(hubcfg: Run, kind: str) -> None:
    """A kind's schema is printed under its name in any case."""
    assert hubcfg("schema", kind).json == hubcfg("schema", kind.lower()).json == kind_schema(kind)


@pytest.mark.parametrize("format", sorted(output_schemas()))
def test_an_output_format_is_printed(hubcfg: Run, format: str) -> None:
    """A format's schema is printed under its full name, and under its short one where that is no kind's."""
    assert hubcfg("schema", format).json == output_schemas()[format]
    short = format.removeprefix("hubcfg.").split("/")[0]
    is_kind = short in map(str.lower, all_kinds())
    assert hubcfg("schema", short).json == (kind_schema(short.capitalize()) if is_kind else output_schemas()[format])


def test_hubcfg_yaml_has_a_schema_under_its_own_name(hubcfg: Run) -> None:
    """The project file has no `kind`; its schema is found by the file's name."""
    assert hubcfg("schema", "hubcfg.yaml").json["title"] == "hubcfg.yaml"


def test_the_list_names_every_schema(hubcfg: Run) -> None:
    """Text and JSON list the same."""
    listed = hubcfg("schema", "--format", "json").json["schemas"]
    text = hubcfg("schema").out
    assert [one["name"] for one in listed] == ["all", *sorted(all_kinds()), *output_schemas()]
    assert not [one for one in listed if f"  {one['name']} " not in text]


def test_files_are_written(hubcfg: Run, tmp_path: Path) -> None:
    """`--out` takes a file for one schema and a folder for all; without a project the catalog must be named."""
    assert hubcfg("schema", "--out", str(tmp_path / "s")).code == 0
    assert json.loads((tmp_path / "s/outputs/bundle.json").read_text()) == output_schemas()["hubcfg.bundle/1"]
    file = tmp_path / "editor" / "all.json"
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: p\nplatform: msp-panel\n")
    outcome = hubcfg("-C", str(tmp_path), "schema", "--all", "--with-catalog", "--out", str(file))
    assert (outcome.code, outcome.out) == (0, "")
    assert json.loads(file.read_text()) == combined_schema(know_builtin().catalog("msp-panel"))
    assert hubcfg("schema", "--all", "--out", str(file / "below")).code == 3


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["Usres"], "did you mean `Users`?"),
        (["bundel"], "did you mean `bundle`?"),
        (["Users", "--all"], "`--all` is one schema for all kinds"),
        (["--with-catalog", "Users"], "write the kind first: `hubcfg schema Users --with-catalog`"),
        (["Users", "--with-catalog", "onestak"], "did you mean `onestack`?"),
        (["Users", "--with-catalog"], "there are `msp-panel`, `onestack`"),
    ],
)
def test_mistakes_name_what_was_meant(hubcfg: Run, tmp_path: Path, arguments: list[str], advice: str) -> None:
    """A wrong name is wrong usage, and the message has the nearest right one."""
    outcome = hubcfg("-C", str(tmp_path), "schema", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert advice in outcome.err
