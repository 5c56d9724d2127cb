"""`hubcfg init`: what it begins is good at once, on every platform, and it spoils nothing that is there."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from hubcfg import __version__
from hubcfg.cli.known import know_builtin
from hubcfg.cli.scaffold import Beginning, make_id, render_project, write_project
from hubcfg.core.errors import OutsideError
from hubcfg.parser.formatting import format_source
from hubcfg.platforms.builtin import builtin_names
from hubcfg.views.json_schema import combined_schema
from tests.unit.cli.running import Run


def commit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "HUBCFG_BASE"):
        monkeypatch.delenv(variable, raising=False)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@acme.example"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("platform", builtin_names())
def test_a_project_is_good_at_once(hubcfg: Run, tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It validates, passes its tests, is formatted and compiles with no finding; before the first commit only that is said."""
    root = tmp_path / "acme"
    arguments = ["--platform", platform, "--name", 'Acme: "IT" & Söhne', "--owner", "ana@acme.example"]
    assert hubcfg("init", str(root), *arguments).code == 0
    outcome = hubcfg("-C", str(root), "validate", "--format", "json")
    assert (outcome.code, {one["name"] for one in outcome.json["findings"]} - {"no-trusted-base"}) == (0, set())
    commit(root, monkeypatch)
    outcome = hubcfg("-C", str(root), "validate", "--format", "json")
    assert (outcome.code, outcome.json["findings"]) == (0, [])
    assert hubcfg("-C", str(root), "test").code == 0
    assert hubcfg("-C", str(root), "fmt", "--check").code == 0
    assert hubcfg("-C", str(root), "compile", "-o", str(root / "build")).code == 0
    staff = json.loads((root / "build/orgs/acme-it-sohne/staff.json").read_text())
    assert (staff["org"], staff["platform"]) == ("acme-it-sohne", platform)
    assert "ana@acme.example" in staff["users"]
    status = subprocess.run(["git", "-C", str(root), "status", "--porcelain"], check=True, capture_output=True)
    assert status.stdout == b"", "what compile writes is ignored"


@pytest.mark.parametrize("platform", builtin_names())
def test_the_templates_for_any_platform_do_for_each(hubcfg: Run, tmp_path: Path, platform: str) -> None:
    """A platform that nobody has written templates for gets a project that is as good, only smaller."""
    known = know_builtin()
    bound = known.platform(platform)
    beginning = Beginning(bound, known.catalog(bound.catalog), "acme", "Acme", "ana@acme.example")
    write_project(tmp_path / "p", render_project(beginning, "any"))
    outcome = hubcfg("-C", str(tmp_path / "p"), "validate", "--format", "json")
    assert (outcome.code, {one["name"] for one in outcome.json["findings"]} - {"no-trusted-base"}) == (0, set())
    assert hubcfg("-C", str(tmp_path / "p"), "test").code == 0
    assert hubcfg("-C", str(tmp_path / "p"), "fmt", "--check").code == 0


@pytest.mark.parametrize("platform", builtin_names())
def test_every_file_is_sound(hubcfg: Run, tmp_path: Path, platform: str) -> None:
    """YAML is canonical, JSON is JSON, nothing of a template is left, and the editor knows the platform's catalog."""
    assert hubcfg("init", str(tmp_path / "p"), "--platform", platform).code == 0
    files = {
        path.relative_to(tmp_path / "p").as_posix(): path for path in (tmp_path / "p").rglob("*") if path.is_file()
    }
    for name, path in files.items():
        text = path.read_text("utf-8")
        assert text.endswith("\n"), name
        assert not re.search(r"<<|<%|%>|[ \t]+$|\n\n\n", text, re.MULTILINE), name
        if name.endswith((".yaml", ".yml")) and not name.startswith("."):
            assert format_source(text) == text, name
        if name.endswith(".json"):
            json.loads(text)
    known = know_builtin()
    catalog = known.catalog(known.platform(platform).catalog)
    assert json.loads(files[".vscode/hubcfg.schema.json"].read_text()) == combined_schema(catalog)


def test_ci_checks_by_this_version_and_deploys_nothing_yet(hubcfg: Run, tmp_path: Path) -> None:
    """The workflow uses this version's action and runs no command of its own; deployment waits for a variable that names a target."""
    root = tmp_path / "p"
    assert hubcfg("init", str(root)).code == 0
    workflow = yaml.safe_load((root / ".github/workflows/permissions.yaml").read_text())
    jobs = workflow["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert {step["uses"] for step in steps if "hubcfg" in step["uses"]} == {f"hubcfg/hubcfg@v{__version__}"}
    assert not any("run" in step for step in steps)
    assert set(jobs) == {"check", "deploy", "drift"}
    assert "if" not in jobs["check"]
    assert {jobs[name]["if"].startswith("vars.HUBCFG_TARGET != ''") for name in ("deploy", "drift")} == {True}
    given = {key for step in steps for key in step["with"] if step["uses"].startswith("hubcfg/")}
    assert given <= set(yaml.safe_load((Path(__file__).parents[3] / "action.yml").read_text())["inputs"])


def test_hooks_are_those_that_hubcfg_offers(hubcfg: Run, tmp_path: Path) -> None:
    """The project uses every hook of this version's .pre-commit-hooks.yaml; tests/integration runs them."""
    root = tmp_path / "p"
    assert hubcfg("init", str(root)).code == 0
    (repository,) = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())["repos"]
    assert (repository["repo"], repository["rev"]) == ("https://github.com/hubcfg/hubcfg", f"v{__version__}")
    offered = yaml.safe_load((Path(__file__).parents[3] / ".pre-commit-hooks.yaml").read_text())
    assert {hook["id"] for hook in repository["hooks"]} == {hook["id"] for hook in offered}


@pytest.mark.parametrize("platform", builtin_names())
def test_the_readme_s_commands_work(hubcfg: Run, tmp_path: Path, platform: str) -> None:
    """Each command in the project's README can be run there."""
    root = tmp_path / "p"
    assert hubcfg("init", str(root), "--platform", platform).code == 0
    commands = re.findall(r"^ *\$ hubcfg (.*)$", (root / "README.md").read_text(), re.MULTILINE)
    assert len(commands) > 5
    for command in commands:
        arguments = shlex.split(command, comments=True)
        if "--out" in arguments:
            arguments[-1] = str(root / arguments[-1])
        assert hubcfg("-C", str(root), *arguments).code == 0, command


def test_names_come_from_the_folder_where_none_are_given(hubcfg: Run, tmp_path: Path) -> None:
    """The org is called after the folder, and the project and the owner after the org."""
    document = hubcfg("init", str(tmp_path / "Größe & Söhne"), "--format", "json").json
    assert (document["org"], document["project"]) == ("groe-sohne", "groe-sohne-access")
    assert (document["owner"], document["platform"]) == ("owner@groe-sohne.example", "onestack")
    assert "name: Groe Sohne\n" in (tmp_path / "Größe & Söhne/orgs/groe-sohne.yaml").read_text()
    assert document["files"] == sorted(document["files"])
    assert all((tmp_path / "Größe & Söhne" / file).is_file() for file in document["files"])


def test_ids_are_made_of_names() -> None:
    """Letters lose their accents, all else becomes a dash, and what is too long is cut."""
    assert make_id("Acme IT Services, Inc.") == "acme-it-services-inc"
    assert make_id("Čapek & spol.") == "capek-spol"
    assert make_id("…") == ""
    assert make_id(f"{'a' * 62} b") == "a" * 62


def test_the_example_is_never_the_owner(hubcfg: Run, tmp_path: Path) -> None:
    """An owner with the example's address gets an example with another one."""
    arguments = ["--org", "acme", "--owner", "Technician@acme.example"]
    assert hubcfg("init", str(tmp_path / "p"), *arguments).code == 0
    assert hubcfg("-C", str(tmp_path / "p"), "test").code == 0
    assert "first-technician@acme.example:" in (tmp_path / "p/users/staff.yaml").read_text()


def test_an_empty_repository_is_a_good_place(hubcfg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.git` is no obstacle, the workflow runs on the repository's branch, and `git init` is not told again."""
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    outcome = hubcfg("init", "--org", "acme")
    assert outcome.code == 0
    assert "branches: [trunk]" in (tmp_path / ".github/workflows/permissions.yaml").read_text()
    assert "\n  git add . && git commit" in outcome.out
    assert "  hubcfg validate " in outcome.out


def test_a_folder_is_taken_from_where_the_project_is_looked_for(hubcfg: Run, tmp_path: Path) -> None:
    """`-C` holds for `init` too, and the next steps that it names are those of the new project."""
    outcome = hubcfg("-C", str(tmp_path), "init", "a b", "--org", "acme")
    assert (tmp_path / "a b/hubcfg.yaml").is_file()
    assert f"hubcfg -C '{tmp_path}/a b' validate" in outcome.out


def test_nothing_is_overwritten(hubcfg: Run, tmp_path: Path) -> None:
    """Files that are in the way are named, all of them, and nothing is written beside them."""
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "users").mkdir()
    (tmp_path / "users/staff.yaml").symlink_to("nowhere")
    outcome = hubcfg("init", str(tmp_path))
    assert outcome.code == 1
    assert "has `README.md`, `users/staff.yaml` already" in outcome.err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["README.md", "staff.yaml", "users"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_project_is_not_begun_twice_nor_within_another(hubcfg: Run, tmp_path: Path) -> None:
    """Either is refused by name."""
    assert hubcfg("init", str(tmp_path / "p")).code == 0
    again = hubcfg("init", str(tmp_path / "p"))
    assert (again.code, "is a project already" in again.err) == (1, True)
    within = hubcfg("init", str(tmp_path / "p/deeper/down"))
    assert (within.code, "lies inside the project at" in within.err) == (1, True)
    assert not (tmp_path / "p/deeper").exists()


def test_what_cannot_be_finished_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk refuses half-way, nothing is left of what was written, folders included."""
    write = Path.write_text

    def fail_late(path: Path, *arguments: object, **options: object) -> int:
        if path.name == "third.txt":
            raise OSError(28, os.strerror(28))
        return write(path, *arguments, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Path, "write_text", fail_late)
    with pytest.raises(OutsideError, match="No space left"):
        write_project(tmp_path / "p", {"a/first.txt": "", "b/c/second.txt": "", "third.txt": ""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says", "advice"),
    [
        (["--platform", "onestak"], "there is no built-in platform `onestak`", "did you mean `onestack`?"),
        (["--org", "Acme_IT"], "`Acme_IT` can't be an org's id", "did you mean `acme-it`?"),
        (["--org", "…"], "can't be an org's id", "lower-case letters"),
        (["--owner", "a b"], "the user id 'a b' contains", "e-mail address"),
        (["--name", "two\nlines"], "must be one line", "Acme IT"),
    ],
)
def test_mistakes_name_what_was_meant(
    hubcfg: Run, tmp_path: Path, arguments: list[str], says: str, advice: str
) -> None:
    """A wrong answer is wrong usage, and nothing is written."""
    outcome = hubcfg("init", str(tmp_path / "p"), *arguments)
    assert outcome.code == 2
    assert says in outcome.err
    assert advice in outcome.err
    assert not (tmp_path / "p").exists()


def test_a_terminal_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hubcfg: Run) -> None:
    """On a terminal what is not given is asked for, and a wrong answer is asked for again."""
    answers = iter(["msp-pannel", "msp-panel", "Acme", "", "ana@acme.example"])
    asked: list[str] = []

    def answer(prompt: str, *_: object, **__: object) -> str:
        asked.append(prompt)
        return next(answers)

    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", answer)
    outcome = hubcfg("init", str(tmp_path / "p"))
    assert outcome.code == 0
    assert len(asked) == 5
    assert "did you mean `msp-panel`?" in outcome.err
    org = yaml.safe_load((tmp_path / "p/orgs/acme.yaml").read_text())
    assert org == {"kind": "Org", "id": "acme", "name": "Acme"}
    assert "ana@acme.example:" in (tmp_path / "p/users/staff.yaml").read_text()


def test_the_first_key(hubcfg: Run, tmp_path: Path) -> None:
    """`--key` puts the owner's public key into the signers file, so that the first approval can be signed."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    begun = hubcfg("init", str(tmp_path / "acme"), "--owner", "ana@acme.example", "--key", str(key.with_suffix(".pub")))
    assert begun.code == 0
    signers = (tmp_path / "acme" / "trust" / "allowed_signers").read_text()
    assert f"ana@acme.example {' '.join(key.with_suffix('.pub').read_text().split()[:2])}\n" in signers
    (tmp_path / "acme" / "users" / "eva.yaml").write_text(
        "kind: Users\norg: acme\nusers:\n  eva@acme.example: {role: member, permissions: [psa.tickets.delete]}\n"
    )
    approve = ("-C", str(tmp_path / "acme"), "approve", "--as", "ana@acme.example", "--all", "--reason", "Clean-up")
    assert hubcfg(*approve, "--key", str(key)).code == 0
    assert hubcfg("-C", str(tmp_path / "acme"), "validate").code == 0


def test_a_key_that_is_none(hubcfg: Run, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text("not a key\n")
    outcome = hubcfg("init", str(tmp_path / "acme"), "--key", str(tmp_path / "key.pub"))
    assert outcome.code == 2
    assert not (tmp_path / "acme").exists()
