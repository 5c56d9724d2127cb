"""The comments on a pull request at GitHub, as a workflow's run sees it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from hubcfg.ci.api import Api
from hubcfg.ci.sticky import Comment

API_VERSION = "2022-11-28"
_VIEWER = {"query": "query { viewer { login } }"}


class PullRequest(Struct, frozen=True):
    """The pull request that a run is about."""

    number: int
    head: str
    is_from_fork: bool


def read_pull_request(environment: Mapping[str, str]) -> PullRequest | None:
    """Returns the pull request of a run, by the event that GitHub describes in a file; None for other events."""
    path = environment.get("GITHUB_EVENT_PATH")
    if not path:
        return None
    event: Any = json.loads(Path(path).read_text("utf-8"))
    found = event.get("pull_request")
    if found is None:
        return None
    # A fork that was deleted since has no repository any more.
    origin = (found["head"].get("repo") or {}).get("full_name")
    return PullRequest(found["number"], found["head"]["sha"], origin != environment["GITHUB_REPOSITORY"])


class GitHubDiscussion(Struct, frozen=True):
    """The comments on a pull request. `graphql` is GitHub's other API, which knows whose the token is."""

    rest: Api
    graphql: Api
    repository: str
    number: int

    def own_comments(self) -> Iterator[Comment]:
        """Yields the comments that were written with this token, the oldest first."""
        answer = self.graphql.post("", _VIEWER, is_repeatable=True)
        own = answer["data"]["viewer"]["login"]
        for one in self.rest.get_all(f"/repos/{self.repository}/issues/{self.number}/comments"):
            author = one["user"] or {}
            # GitHub's own APIs differ in whether an app's name has its suffix. No person's name can have it.
            is_own = author.get("login") == own or (author.get("type"), author.get("login")) == ("Bot", f"{own}[bot]")
            if is_own:
                yield Comment(one["id"], one["body"] or "")

    def create(self, body: str) -> None:
        """Writes a comment."""
        self.rest.post(f"/repos/{self.repository}/issues/{self.number}/comments", {"body": body})

    def update(self, comment: Comment, body: str) -> None:
        """Gives a comment another text."""
        self.rest.send("PATCH", f"/repos/{self.repository}/issues/comments/{comment.id}", {"body": body})


def open_discussion(environment: Mapping[str, str], token: str, number: int) -> GitHubDiscussion:
    """Returns the comments on a pull request of the repository that a workflow runs in."""
    headers = {"Authorization": f"Bearer {token}", "X-GitHub-Api-Version": API_VERSION}
    rest = Api(environment.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"), headers)
    graphql = Api(environment.get("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql"), headers)
    return GitHubDiscussion(rest, graphql, environment["GITHUB_REPOSITORY"], number)
