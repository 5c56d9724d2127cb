"""The OpenAPI description is whole, is made from what serves, and says of users and heads what bundles say."""

import json
import re
import sys
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hubcfg.hub.routes import OPERATIONS, write_description
from hubcfg.hub.schemas import ENTRY, HEAD
from hubcfg.views.schemas import output_schemas
from tests.unit.cli.running import Run, runner


@pytest.fixture
def hubcfg(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


def test_the_command_prints_it(hubcfg: Run, tmp_path: Any) -> None:
    """`hubcfg hub openapi` prints what the server serves, or writes it to a file."""
    assert hubcfg("hub", "openapi").out == write_description()
    path = tmp_path / "openapi.json"
    assert hubcfg("hub", "openapi", "--out", str(path)).code == 0
    assert path.read_text("utf-8") == write_description()
    assert hubcfg("hub", "openapi", "--out", str(tmp_path / "no" / "where")).code == 3


def test_schemas_are_schemas() -> None:
    """Each fits the metaschema of JSON Schema 2020-12, which OpenAPI 3.1 uses."""
    for schema in json.loads(write_description())["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_path_names_its_parameters() -> None:
    """What stands in braces in a path is described, and nothing else is; operations have ids of their own."""
    for operation in OPERATIONS:
        named = {one.name for one in operation.parameters if one.place == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", operation.path)), operation.id
    assert len({operation.id for operation in OPERATIONS}) == len(OPERATIONS)


def test_users_and_heads_are_what_bundles_have() -> None:
    """A user's entry is that of a bundle with the permissions in full, a head all the rest: by the bundle's own schema."""
    bundle = output_schemas()["hubcfg.bundle/1"]
    described = dict(bundle["properties"])
    users, entry = described.pop("users"), ENTRY["properties"]
    theirs = users["additionalProperties"]["properties"]
    assert _shape(entry) == _shape({key: value for key, value in theirs.items() if key != "set"})
    in_the_address = ("format", "org", "audience", "permission_sets")
    assert _shape(HEAD["properties"]) == _shape(
        {key: value for key, value in described.items() if key not in in_the_address}
    )


def _shape(schema: Any) -> Any:
    """Returns a schema without what is for people, and with what is required as a set."""
    if isinstance(schema, dict):
        return {
            key: sorted(value) if key == "required" else _shape(value)
            for key, value in schema.items()
            if not (key in ("description", "title") and isinstance(value, str)) and (key, value) != ("required", [])
        }
    return [_shape(one) for one in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_the_command_says_what_to_install(
    hubcfg: Run, missing: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`hub serve` names the package that is missing, and the command that installs it; describing the API needs neither."""
    for name in [
        one for one in sys.modules if one.split(".")[0] == missing or one in ("hubcfg.hub.app", "hubcfg.hub.serving")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    done = hubcfg("hub", "serve", "--data", str(tmp_path / "hub.sqlite"), "--token-env", "HUB_TOKEN")
    assert (done.code, missing in done.err, "pip install 'hubcfg[hub]'" in done.err) == (2, True, True)
    assert hubcfg("hub", "openapi").code == 0
