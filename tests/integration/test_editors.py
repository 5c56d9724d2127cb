"""The settings that `hubcfg init` writes make the language server of editors complete, explain and mark."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubcfg.cli.known import know_builtin
from hubcfg.cli.main import run
from hubcfg.validator.shape import document_kinds
from hubcfg.views.json_schema import describe_patterns
from tests.docs.pages import ROOT, Page
from tests.integration.language_server import LanguageServer

# Of each platform: an everyday permission and one that is sensitive.
PLATFORMS = {
    "onestack": ("psa.tickets.reply", "psa.tickets.delete"),
    "msp-panel": ("panel.clients.view", "panel.billing.view"),
    "opspilot365": ("tickets.tickets.reply", "devices.devices.wipe"),
}
USER = "kind: Users\norg: acme\nusers:\n  kim@acme.example:\n    role: member\n"
# Where a pattern may stand, in each way of writing it; the cursor comes where `…` is.
PLACES = {
    "list": f"{USER}    permissions:\n      - …\n",
    "list in a line": f"{USER}    permissions: […]\n",
    "later in the list": f"{USER}    permissions: [psa.tickets.read, …]\n",
    "object": f"{USER}    permissions:\n      - permission: …\n",
    "object in a line": f"{USER}    permissions:\n      - {{permission: …}}\n",
    "deny": f"{USER}    deny:\n      - …\n",
    "group": "kind: Groups\norg: acme\ngroups:\n  desk:\n    permissions:\n      - …\n",
    "Hub role": "kind: Roles\norg: acme\nroles:\n  desk:\n    permissions: […]\n",
    "test": "kind: Tests\norg: acme\ntests:\n  - name: one\n    user: kim@acme.example\n    can: […]\n",
    "second document": f"{USER}---\nkind: Groups\norg: acme\ngroups:\n  desk:\n    permissions: […]\n",
}


def begin(platform: str, folder: Path) -> Path:
    """Begins a project and returns its folder."""
    root = (folder / "acme").resolve()
    assert run(["init", str(root), "--platform", platform]) == 0
    return root


def read_settings(root: Path) -> dict[str, Any]:
    settings = json.loads((root / ".vscode/settings.json").read_text())
    assert isinstance(settings, dict)
    return settings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """A server that has opened a new project of onestack."""
    root = begin("onestack", tmp_path_factory.mktemp("onestack"))
    with LanguageServer(root, read_settings(root)) as server:
        yield server


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_new_project_is_known_at_once(tmp_path: Path, platform: str) -> None:
    """No file that `init` writes is marked, be it ours or not, and permissions of its own platform are offered and explained."""
    root = begin(platform, tmp_path)
    known = know_builtin()
    catalog = known.catalog(known.platform(platform).catalog)
    patterns = describe_patterns(catalog)
    everyday, sensitive = PLATFORMS[platform]
    with LanguageServer(root, read_settings(root)) as server:
        files = [path for path in root.rglob("*.y*ml") if path.is_file()]
        assert len(files) >= 6
        marked = {path.name: server.judge(path.relative_to(root).as_posix(), path.read_text()) for path in files}
        assert {name: found for name, found in marked.items() if found} == {}
        offered = server.complete("users/new.yaml", f"{USER}    permissions: [{everyday.rpartition('.')[0]}.|]\n")
        assert {pattern: offered[pattern].description for pattern in patterns} == patterns
        whole = [sensitive.rpartition(".")[0] + ".*", sensitive.partition(".")[0] + ".*", '"*"']
        for pattern in (everyday, sensitive, *whole):
            shown = server.hover("users/new.yaml", f"{USER}    permissions: [|{pattern}]\n")
            assert as_markdown(patterns[pattern.strip('"')]) in shown, pattern
    assert catalog.permissions[sensitive].description in patterns[sensitive]
    assert "sensitive: " in patterns[sensitive]


def as_markdown(text: str) -> str:
    """Returns a text as the server shows it, with what is special in Markdown escaped."""
    return re.sub(r"([\\`*_{}\[\]#+~|<>])", r"\\\1", text)


@pytest.mark.parametrize("place", PLACES)
def test_every_pattern_is_offered_wherever_one_may_stand(server: LanguageServer, place: str) -> None:
    """All are there, half typed or not; each says what it gives, and each is text in YAML: `*` comes with its quotes."""
    patterns = describe_patterns(know_builtin().catalog("onestack"))
    for begun in ("", "psa.tickets."):
        offered = server.complete(f"{place}.yaml", PLACES[place].replace("…", f"{begun}|"))
        assert {pattern: offered[pattern].description for pattern in patterns} == patterns
        assert {offered[pattern].text for pattern in patterns} == patterns.keys() - {"*"} | {'"*"'}
        assert "*" not in {one.text for one in offered.values()}


def test_fields_and_kinds_explain_themselves(server: LanguageServer) -> None:
    """Fields are offered with what they mean, and so are the kinds of documents, all of them."""
    fields = server.complete("fields.yaml", f"{USER}    |\n")
    assert {"permissions", "deny", "groups", "uid"} <= fields.keys()
    assert all(field.description for field in fields.values())
    assert "Direct grants" in server.hover("fields.yaml", f"{USER}    permi|ssions: []\n")
    kinds = {name: kind.schema["description"] for name, kind in document_kinds().items()}
    offered = server.complete("kinds.yaml", "kind: |\n")
    assert {name: one.description for name, one in offered.items()} == kinds
    for name, description in kinds.items():
        assert as_markdown(description) in server.hover("kinds.yaml", f"kind: |{name}\n")


@pytest.mark.parametrize("path", ["users/staff.yaml", "anywhere.yaml", "deep/down/here.yml"])
def test_mistakes_are_marked_in_every_source(server: LanguageServer, path: str) -> None:
    """What hubcfg reads is bound, in whatever folder: unknown fields and kinds are marked, what is right is not."""
    assert server.judge(path, f"{USER}    rle: member\n") == ["Property rle is not allowed."]
    assert server.judge(path, f"{USER}    permissions: [no.such.thing]\n") == [], "that is for `hubcfg validate`"
    (wrong,) = server.judge(path, "kind: Usrs\n")
    assert all(f'"{name}"' in wrong for name in document_kinds())


@pytest.mark.parametrize("kind", document_kinds())
def test_mistakes_are_marked_in_every_kind(server: LanguageServer, kind: str) -> None:
    """One schema serves all kinds: each of them knows its fields."""
    assert "Property whatever is not allowed." in server.judge("kind.yaml", f"kind: {kind}\nwhatever: 1\n")


def test_mistakes_in_the_project_file_are_marked(server: LanguageServer) -> None:
    """hubcfg.yaml, which has no kind, is bound as well."""
    judged = server.judge("hubcfg.yaml", "hubcfg: 1\nproject: acme\nplatfrom: onestack\n")
    assert judged == ["Property platfrom is not allowed."]
    assert "platform" in server.complete("hubcfg.yaml", "hubcfg: 1\nproject: acme\n|\n")


@pytest.mark.parametrize(
    "path", [".github/workflows/other.yaml", ".pre-commit-config.yaml", ".gitlab-ci.yml", "users/.hidden.yaml"]
)
def test_what_hubcfg_does_not_read_is_left_alone(server: LanguageServer, path: str) -> None:
    """Files whose name or folder begins with a dot are other programs'."""
    assert server.judge(path, "kind: Usrs\nwhatever: 1\n") == []


def test_a_project_may_lie_in_a_folder(tmp_path: Path) -> None:
    """Where the folder above it is opened, the settings of docs/editors.md bind the project's files and no others."""
    begin("onestack", tmp_path).rename(tmp_path / "access")
    (block,) = (one for one in Page(ROOT / "docs/editors.md").blocks if one.language == "json")
    with LanguageServer(tmp_path.resolve(), json.loads(block.text)) as server:
        assert server.judge("access/users/staff.yaml", f"{USER}    rle: x\n") == ["Property rle is not allowed."]
        assert server.judge("access/hubcfg.yaml", "hubcfg: 1\nproject: a\n") == []
        assert server.judge("charts/values.yaml", "kind: Users\nrle: x\n") == []


def test_a_comment_binds_a_file_without_any_settings(tmp_path: Path) -> None:
    """The comment of docs/editors.md does, with the path from the file."""
    root = begin("onestack", tmp_path)
    (comment,) = re.findall(r"^# yaml-language-server: .*$", Page(ROOT / "docs/editors.md").text, re.MULTILINE)
    with LanguageServer(root, {}) as server:
        text = f"{USER}    rle: member\n"
        assert server.judge("users/staff.yaml", text) == []
        assert server.judge("users/staff.yaml", f"{comment}\n{text}") == ["Property rle is not allowed."]


def test_the_documentation_gives_neovim_the_same_settings(tmp_path: Path) -> None:
    """What docs/editors.md has Neovim tell the server is what `init` has VS Code tell it."""
    settings = read_settings(begin("onestack", tmp_path))
    (block,) = (one for one in Page(ROOT / "docs/editors.md").blocks if one.language == "lua")
    ((schema, globs),) = settings["yaml.schemas"].items()
    listed = ", ".join(f'"{glob}"' for glob in globs)
    assert f'["{schema}"] = {{ {listed} }}' in " ".join(block.text.split())
    assert settings["yaml.format.enable"] is False
    assert "format = { enable = false }" in block.text
