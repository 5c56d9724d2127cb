"""Keeps one comment of a pull request up to date: written once, found again by its hidden mark, never repeated."""

from collections.abc import Iterator
from enum import Enum
from typing import Protocol
from urllib.parse import quote

from msgspec import Struct

from hubcfg.ci.api import ApiError


class Comment(Struct, frozen=True):
    """A comment on a pull request or merge request."""

    id: int
    body: str


class Discussion(Protocol):
    """The comments on one pull request, on some service."""

    def own_comments(self) -> Iterator[Comment]:
        """Yields the comments that were written with the token at hand, the oldest first; those of nobody else."""
        ...

    def create(self, body: str) -> None:
        """Writes a comment."""
        ...

    def update(self, comment: Comment, body: str) -> None:
        """Gives a comment another text."""
        ...


class Outcome(Enum):
    """What became of the comment."""

    CREATED = "wrote the comment"
    UPDATED = "updated the comment"
    UNCHANGED = "the comment says this already"
    NOT_NEEDED = "nothing to say, so no comment"


def mark_for(project: str) -> str:
    """Returns the first line of a comment, which a page does not show. `project` is the project's folder, `.` at the top.

    Two projects of one repository have a comment each. A folder's name can't end the mark.
    """
    folder = "" if project in ("", ".") else f": {quote(project).replace('--', '-%2D')}"
    return f"<!-- hubcfg plan{folder} -->"


def keep_comment(discussion: Discussion, mark: str, text: str, *, is_needed: bool = True) -> Outcome:
    """Writes the comment, or brings the one that is there up to date. `is_needed` is false where a first one would say nothing.

    A comment counts as the one that is meant only if it begins with the mark and was written with the same token: somebody
    else who writes the mark into a comment gets no plan put under their name, which they could edit afterwards.
    """
    body = f"{mark}\n{text}"
    found = _find(discussion, mark)
    if found is None:
        if not is_needed:
            return Outcome.NOT_NEEDED
        try:
            discussion.create(body)
            return Outcome.CREATED
        except ApiError as error:
            if error.is_refusal:
                raise
            # The answer got lost or was an error; the comment may be there all the same.
            found = _find(discussion, mark)
            if found is None:
                discussion.create(body)
                return Outcome.CREATED
    if _same(found.body, body):
        return Outcome.UNCHANGED
    discussion.update(found, body)
    return Outcome.UPDATED


def _find(discussion: Discussion, mark: str) -> Comment | None:
    return next((one for one in discussion.own_comments() if one.body.partition("\n")[0].rstrip() == mark), None)


def _same(left: str, right: str) -> bool:
    """Whether two texts are the same, line endings and space at the ends aside: services change those."""
    return left.replace("\r\n", "\n").strip() == right.replace("\r\n", "\n").strip()
