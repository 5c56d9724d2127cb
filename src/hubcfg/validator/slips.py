"""Slips: findings without a place yet, so that what many documents share is checked once and reported everywhere."""

from msgspec import Struct

from hubcfg.core.finding import Edit, EditAction, Finding, Fix, find
from hubcfg.core.places import KeyPath, Part, Place
from hubcfg.core.rule import Rule
from hubcfg.parser.document import Document


class Slip(Struct, frozen=True):
    """What is wrong at a path relative to an entry; `replacement` is the right word, where it is certain."""

    path: KeyPath
    rule: Rule
    message: str
    help: str | None = None
    part: Part = Part.VALUE
    replacement: str | None = None

    def at(self, document: Document, base: KeyPath) -> Finding:
        """Returns the finding in the entry at `base` of `document`."""
        place = Place(document.file, document.index, base + self.path, self.part)
        fix = None
        if self.replacement is not None:
            fix = Fix(f"write `{self.replacement}`", (Edit(place, EditAction.REPLACE, self.replacement),))
        return find(self.rule, self.message, place, help=self.help, fix=fix)
