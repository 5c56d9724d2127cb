"""What a server answers, read with distrust: it may be a proxy's error page, another program, or broken."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from msgspec import Struct

from hubcfg.applier.target import ForeignStateError, TargetError
from hubcfg.core.canonical import Json

SHOWN = 300
"""How many characters of what a server says are shown."""
OTHER_PROGRAM = "does `url` name the API, and does nothing between here and there answer in its place?"
"""What to do about answers that the API cannot have given."""


class Answer(Struct, frozen=True):
    """One answer. Header names are in lower case.

    `is_second` says that an earlier try of the same request was dropped and may have landed all the same.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_second: bool = False

    @property
    def is_fine(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.status < 300

    @property
    def is_doubtful(self) -> bool:
        """Whether the request, or an earlier try of it, may have been carried out though the answer says that it failed."""
        return not self.is_fine and (self.is_second or self.status >= 500)

    @property
    def etag(self) -> str | None:
        """The version of the resource."""
        return self.headers.get("etag")

    def read_object(self, what: str) -> Mapping[str, Json]:
        """Returns the JSON object that was answered. Raises ForeignStateError where it is none."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            shown = clean(kind) or "nothing"
            raise ForeignStateError(f"{what} is answered with `{shown}`, where JSON is due", help=OTHER_PROGRAM)
        return read_json_object(self.body, what)

    def describe(self) -> str:
        """Returns the status, and what the server says of it."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = ""
        text = f"`{self.status} {phrase}`" if phrase else f"`{self.status}`"
        detail = self._detail()
        return f"{text}: {detail}" if detail else text

    def _detail(self) -> str:
        """Returns the words of an RFC 9457 problem; other bodies are pages for browsers, and are not shown."""
        if "json" not in self.headers.get("content-type", ""):
            return ""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        if not isinstance(value, dict):
            return ""
        said = value.get("detail") or value.get("title")
        return clean(said) if isinstance(said, str) else ""


def read_json_object(body: bytes, what: str) -> Mapping[str, Json]:
    """Returns the JSON object that a body is. Raises ForeignStateError for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ForeignStateError(f"{what} is answered with something that is not JSON", help=OTHER_PROGRAM) from None
    if not isinstance(value, dict):
        raise ForeignStateError(f"{what} is answered with JSON that is no object", help=OTHER_PROGRAM)
    return value


def clean(text: str) -> str:
    """Returns a text of the server's as one short line that does nothing to a terminal."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text[: 4 * SHOWN]).split())
    return line[: SHOWN - 1] + "…" if len(line) > SHOWN else line


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Returns for how many seconds a `Retry-After` header asks: seconds, or an HTTP date; None where it says nothing readable."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def refuse(answer: Answer, what: str) -> TargetError:
    """Returns the error that an answer is which nothing else explains."""
    return TargetError(f"{what} is refused: {answer.describe()}")
