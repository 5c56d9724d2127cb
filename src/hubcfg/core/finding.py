"""Findings: what is wrong with the user's files, as values."""

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from hubcfg.core.places import AnyPlace, KeyPath
from hubcfg.core.rule import Rule, Severity

# Stands in a help line for the words at the place, as the file has them; filled in when the place is worked out.
AS_WRITTEN = "\ufffcas written\ufffc"


class EditAction(Enum):
    """What an edit does with the words at its place."""

    REPLACE = "replace"
    REMOVE_ITEM = "remove item"


class Edit(Struct, frozen=True):
    """One change of source text: the words at `place` become `text`, or the list item there goes."""

    place: AnyPlace
    action: EditAction
    text: str = ""


class Fix(Struct, frozen=True):
    """A change that is safe to make without thinking; `title` says it in the imperative."""

    title: str
    edits: tuple[Edit, ...]


class Related(Struct, frozen=True):
    """Another place that helps to understand a finding."""

    message: str
    place: AnyPlace


class Finding(Struct, frozen=True):
    """One thing that is wrong, or worth a look, at one place.

    `message` is one lower-case sentence without a full stop; `help` is advice; `severity` is the rule's unless
    the rule has reason to differ or the project configured another. `path` is that of the place, kept when the place has
    become a span. `orgs` are those whose access alone it stands against; None means the whole project.
    """

    rule: Rule
    message: str
    place: AnyPlace
    help: str | None = None
    related: tuple[Related, ...] = ()
    fix: Fix | None = None
    severity: Severity = Severity.ERROR
    path: KeyPath = ()
    orgs: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """The finding's kebab-case name, its one identity everywhere."""
        return self.rule.name

    def moved(self, place: AnyPlace) -> "Finding":
        """Returns the same finding at another place."""
        return replace(self, place=place)

    def of(self, *orgs: str) -> "Finding":
        """Returns the same finding, said to stand against the access of some orgs alone."""
        return self if self.orgs == orgs else replace(self, orgs=orgs)


def find(
    rule: Rule,
    message: str,
    place: AnyPlace,
    *,
    help: str | None = None,
    related: tuple[Related, ...] = (),
    fix: Fix | None = None,
    severity: Severity | None = None,
) -> Finding:
    """Makes a finding of `rule`, at the rule's own severity unless another is given."""
    return Finding(rule, message, place, help, related, fix, severity or rule.severity)
