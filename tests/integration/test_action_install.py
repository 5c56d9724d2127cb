"""The GitHub action installs hubcfg from its own checkout, whatever the repository that it checks has lying around."""

from pathlib import Path

from hubcfg import __version__
from tests.integration.actions.composite import Machine
from tests.integration.actions.repositories import files, land


def test_the_action_installs_itself_and_checks(tmp_path: Path) -> None:
    """From nothing to a verdict, in an environment of its own; files that are called like Python's modules are not imported."""
    evil = "raise SystemExit('taken over')\n"
    traps = dict.fromkeys(("pip/__init__.py", "venv/__init__.py", "json.py", "secrets.py", "hubcfg/__main__.py"), evil)
    repository = land(tmp_path / "w", {**files(), **traps})
    event = {"repository": {"default_branch": "main"}}
    variables = {
        "GITHUB_REPOSITORY": "acme/access",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REF_NAME": "main",
        "GITHUB_RUN_ID": "42",
        "GITHUB_SHA": repository.head,
    }
    machine = Machine(repository.root, tmp_path / "t", "push", event, variables, is_installed=False)
    ran = machine.run({})
    assert ran.code == 0, ran.log
    assert f"hubcfg {__version__}" in ran.log
    assert "taken over" not in ran.log
    assert (tmp_path / "t/hubcfg/venv/bin/hubcfg").is_file()
    assert "no errors, 1 test passed" in ran.summary
