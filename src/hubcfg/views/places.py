"""Where things stand, as `file:line`: places become lines only for what is shown."""

from collections.abc import Callable, Iterable

from hubcfg.core.canonical import Json
from hubcfg.core.places import Place, Span
from hubcfg.parser.document import BUILTIN
from hubcfg.parser.lines import split_lines
from hubcfg.parser.locating import words_at
from hubcfg.parser.locator import locate_places
from hubcfg.resolver.chains import Link
from hubcfg.validator.config import User


class Lines:
    """Finds the lines of places; each file is read once for all places that are asked for together."""

    def __init__(self, read: Callable[[str], str | None]) -> None:
        self._read = read
        self._spans: dict[Place, Span] = {}

    def prepare(self, places: Iterable[Place]) -> None:
        """Works out the lines of many places at once, each file in one reading."""
        wanted: dict[str, set[Place]] = {}
        for place in places:
            if place not in self._spans and not is_builtin(place):
                wanted.setdefault(place.file, set()).add(place)
        for file, there in wanted.items():
            text = self._read(file)
            self._spans |= dict.fromkeys(there, Span(file)) if text is None else locate_places(text, there)

    def span(self, place: Place) -> Span:
        """Returns the span of a place in a source file."""
        self.prepare([place])
        return self._spans[place]

    def at(self, place: Place) -> str:
        """Returns a place as `file:line`, or `built in`."""
        if is_builtin(place):
            return "built in"
        span = self.span(place)
        return f"{span.file}:{span.line}" if span.line else span.file

    def json(self, place: Place) -> dict[str, Json]:
        """Returns a place as JSON: `file` and `line`, both null for what is built in."""
        if is_builtin(place):
            return {"file": None, "line": None}
        span = self.span(place)
        return {"file": span.file, "line": span.line or None}

    def at_link(self, link: Link, user: User) -> str:
        """Returns where a link of the user's chains stands; `built in` also for what the project's own platform inherits."""
        place = self._of_link(link, user)
        return "built in" if place is None else self.at(place)

    def json_link(self, link: Link, user: User) -> dict[str, Json]:
        """Returns where a link of the user's chains stands as JSON."""
        place = self._of_link(link, user)
        return {"file": None, "line": None} if place is None else self.json(place)

    def _of_link(self, link: Link, user: User) -> Place | None:
        place = link.place(user)
        if is_builtin(place) or link.owner is None or link.owner.path[0] != "groups" or not _is_platform(link):
            return place
        span = self.span(place)
        words = words_at(split_lines(self._read(span.file) or ""), span)
        return place if link.grant.target in words else None


def is_builtin(place: Place) -> bool:
    """Whether a place lies in what comes with hubcfg."""
    return place.file.startswith(BUILTIN)


def _is_platform(link: Link) -> bool:
    raw = link.owner.document.value if link.owner is not None else None
    return isinstance(raw, dict) and raw.get("kind") == "Platform"
