"""The notes on a merge request at GitLab, as a pipeline's job sees it."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from hubcfg.ci.api import Api
from hubcfg.ci.sticky import Comment


class GitLabDiscussion(Struct, frozen=True):
    """The notes on a merge request: `path` is where the API has it."""

    api: Api
    path: str

    def own_comments(self) -> Iterator[Comment]:
        """Yields the notes that were written with this token, the oldest first."""
        own = self.api.get("/user")["id"]
        # GitLab lists the newest first unless asked.
        notes = [one for one in self.api.get_all(f"{self.path}/notes") if one["author"]["id"] == own]
        for one in sorted(notes, key=lambda note: int(note["id"])):
            if not one["system"]:
                yield Comment(one["id"], one["body"])

    def create(self, body: str) -> None:
        """Writes a note."""
        self.api.post(f"{self.path}/notes", {"body": body})

    def update(self, comment: Comment, body: str) -> None:
        """Gives a note another text."""
        self.api.send("PUT", f"{self.path}/notes/{comment.id}", {"body": body})


def open_discussion(environment: Mapping[str, str], token: str) -> GitLabDiscussion | None:
    """Returns the notes on the merge request that a pipeline is for; None where it is for none."""
    number = environment.get("CI_MERGE_REQUEST_IID")
    if not number:
        return None
    # The merge request's own project, which is not the pipeline's where the branch comes from a fork.
    project = environment.get("CI_MERGE_REQUEST_PROJECT_ID") or environment["CI_PROJECT_ID"]
    api = Api(environment["CI_API_V4_URL"].rstrip("/"), {"PRIVATE-TOKEN": token})
    return GitLabDiscussion(api, f"/projects/{int(project)}/merge_requests/{int(number)}")
