"""Every workflow that the project has, writes or shows, and its action, by the judgement of actionlint, shellcheck and zizmor."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hubcfg import __version__
from hubcfg.cli.known import know_builtin
from hubcfg.cli.scaffold import Beginning, render_project
from tests.docs.pages import ROOT, Page, all_pages
from tests.integration.actions.linters import as_workflow, ask_actionlint, ask_zizmor
from tests.integration.actions.pipeline import TEMPLATE

WORKFLOWS = ".github/workflows/"
ACTION = (ROOT / "action.yml").read_text("utf-8")
_USES = re.compile(r"^\s*(?:- )?uses: (\S+?)@(\S+)(?: # (\S+))?$", re.M)


def scaffolded(branch: str = "main") -> dict[str, str]:
    """Returns the workflows that `hubcfg init` writes."""
    known = know_builtin()
    platform = known.platform("onestack")
    beginning = Beginning(platform, known.catalog(platform.catalog), "acme", "Acme", "ana@acme.example", branch)
    return {name: text for name, text in render_project(beginning).items() if name.startswith(WORKFLOWS)}


def workflows() -> dict[str, str]:
    """Returns all workflows, by paths that say where they are from."""
    own = {f"own/{path.relative_to(ROOT)}": path.read_text("utf-8") for path in ROOT.glob(f"{WORKFLOWS}*.yml")}
    begun = {f"init-{branch}/{name}": text for branch in ("main", "trunk") for name, text in scaffolded(branch).items()}
    shown = {
        f"{page.path.stem}-{block.line}/{block.file}": block.text
        for page in all_pages()
        for block in page.blocks
        if block.file is not None and WORKFLOWS in block.file
    }
    assert own
    assert begun
    assert len(shown) >= 2
    return own | begun | shown


def test_actionlint_and_shellcheck_find_nothing(tmp_path: Path) -> None:
    """Syntax, expressions, inputs and scripts are right in every workflow, and in the action's steps."""
    action = {"action/.github/workflows/as-a-job.yml": as_workflow(ACTION)}
    assert ask_actionlint(tmp_path, workflows() | action) == ""


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    """Nothing that an attacker would look for, nor what merely smells; exceptions stand in .github/zizmor.yml with reasons."""
    others = {
        "own/action.yml": ACTION,
        "own/.github/dependabot.yml": (ROOT / ".github/dependabot.yml").read_text("utf-8"),
    }
    assert ask_zizmor(tmp_path, workflows() | others) == ""


@pytest.mark.parametrize(
    ("line", "who", "said"),
    [
        ('run: echo "${{ github.event.pull_request.title }}"', "both", "title"),
        ("run: echo ${{ steps.none.outputs.x }}", "actionlint", "none"),
        ("run: if [ $x = y ]; then rm -rf $1; fi", "actionlint", "SC2086"),
        ("uses: actions/checkout@v4", "zizmor", "unpinned-uses"),
    ],
)
def test_the_linters_do_look(line: str, who: str, said: str, tmp_path: Path) -> None:
    """What each is relied on for, it finds."""
    text = f"on: pull_request\npermissions: {{}}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - {line}\n"
    workflow = {".github/workflows/bad.yml": text}
    if who in ("both", "actionlint"):
        assert said in ask_actionlint(tmp_path, workflow)
    if who in ("both", "zizmor"):
        assert said in ask_zizmor(tmp_path, workflow)


def test_actions_are_pinned_to_one_commit_each() -> None:
    """A whole commit with its version beside it, the same everywhere; hubcfg itself by its release, and this folder."""
    pins: dict[str, set[tuple[str, str]]] = {}
    for name, text in (workflows() | {"action.yml": ACTION}).items():
        for action, commit, version in _USES.findall(text):
            if action == "hubcfg/hubcfg":
                assert commit == f"v{__version__}", name
                continue
            assert re.fullmatch(r"[0-9a-f]{40}", commit), (name, action)
            assert re.fullmatch(r"v\d+\.\d+\.\d+", version), (name, action)
            pins.setdefault(action, set()).add((commit, version))
        assert len(_USES.findall(text)) + text.count("uses: ./") == text.count("uses: "), name
    assert set(pins) == {
        "actions/checkout",
        "actions/setup-python",
        "actions/upload-artifact",
        "github/codeql-action/upload-sarif",
    }
    assert {name: len(found) for name, found in pins.items()} == dict.fromkeys(pins, 1)


def test_jobs_may_do_no_more_than_they_need() -> None:
    """Nothing by default; only checks may comment and upload; no checkout leaves its token behind; forks get no secret."""
    for name, text in workflows().items():
        workflow: Any = yaml.load(text, yaml.BaseLoader)
        assert workflow["permissions"] == {}, name
        assert not {"pull_request_target", "workflow_run"} & set(workflow["on"]), name
        for job in workflow["jobs"].values():
            rights = dict(job["permissions"])
            assert rights.pop("contents") == "read", name
            if "environment" in job:
                assert rights == {}, name
                assert "github.event_name == " in job["if"], name
            else:
                assert "secrets." not in str(job), name
            checkouts = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert [one["persist-credentials"] for one in checkouts] == ["false"], name


def test_the_documentation_shows_what_init_writes() -> None:
    """The workflow in docs/ci.md is the scaffold's, to the letter."""
    (shown,) = [
        block.text
        for block in Page(ROOT / "docs" / "ci.md").blocks
        if block.file is not None and block.file.endswith("workflows/permissions.yaml")
    ]
    assert {shown} == set(scaffolded().values())


def test_deployments_are_one_at_a_time_and_never_cancelled() -> None:
    """The deploying job has a protected environment and a group of its own, in which nothing is cancelled."""
    (text,) = scaffolded().values()
    deploy = yaml.load(text, yaml.BaseLoader)["jobs"]["deploy"]
    assert deploy["environment"] == "permissions"
    assert deploy["concurrency"] == {"group": "permissions-deploy", "cancel-in-progress": "false"}
    assert "needs" not in deploy, "a lapsed approval must not hold up everybody's revocations"


def test_the_documentation_names_every_input_and_variable() -> None:
    """docs/ci.md has a row for each input of the action and each variable of the GitLab template."""
    text = (ROOT / "docs" / "ci.md").read_text("utf-8")
    inputs = yaml.safe_load(ACTION)["inputs"]
    assert [name for name in inputs if f"| `{name}` |" not in text] == []
    used = set(re.findall(r"HUBCFG_[A-Z_]+", TEMPLATE.read_text("utf-8"))) - {"HUBCFG_HOME"} | {"HUBCFG_COMMENT_TOKEN"}
    assert [name for name in sorted(used) if f"| `{name}` |" not in text] == []
