"""What GitHub tells a run about a pull request, and the action run for one."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.integration.actions.composite import TOKEN, Machine, Ran
from tests.integration.actions.forges import Forge
from tests.integration.actions.repositories import Repository

REPOSITORY, NUMBER, BOT = "acme/access", 7, "github-actions[bot]"
SERVER = "https://github.example"


def github() -> Forge:
    """Returns GitHub's API with an empty discussion, for the token that every run has."""
    return Forge(TOKEN, BOT, is_github=True)


def pull_request_event(
    repository: Repository, *, origin: str = REPOSITORY, author: str = "kim", title: str = "Change"
) -> dict[str, Any]:
    """Returns the event of a pull request; `origin` is where its branch lives."""
    head = {"sha": repository.head, "ref": "change", "repo": {"full_name": origin}}
    pull = {"number": NUMBER, "title": title, "head": head, "user": {"login": author}}
    return {"pull_request": pull, "repository": {"full_name": REPOSITORY, "default_branch": "main"}}


def variables(forge: Forge, **more: str) -> dict[str, str]:
    """Returns the variables that GitHub sets in every run."""
    return {
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SERVER_URL": SERVER,
        "GITHUB_API_URL": forge.address,
        "GITHUB_GRAPHQL_URL": f"{forge.address}/graphql",
        "GITHUB_RUN_ID": "42",
        "GITHUB_SHA": "0" * 40,
        **more,
    }


def machine_for(repository: Repository, forge: Forge, temp: Path, event: Mapping[str, Any]) -> Machine:
    """Returns a runner that has checked out what a pull request comes to."""
    told = variables(forge, GITHUB_BASE_REF="main", GITHUB_HEAD_REF="change", GITHUB_REF_NAME=f"{NUMBER}/merge")
    return Machine(repository.root, temp, "pull_request", event, told)


def check(
    repository: Repository,
    forge: Forge,
    temp: Path,
    *,
    event: Mapping[str, Any] | None = None,
    refusing: tuple[str, ...] = (),
    **inputs: str,
) -> Ran:
    """Runs the action for a pull request."""
    machine = machine_for(repository, forge, temp, event if event is not None else pull_request_event(repository))
    return replace(machine, refusing=refusing).run(inputs)
