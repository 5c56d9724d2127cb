"""Remembers what documents were bound to, for a second tree that has most of them in common: a base, or a diff's other side."""

from collections.abc import Callable

from hubcfg.parser.document import ParsedFile
from hubcfg.parser.parse import parse_bytes
from hubcfg.validator.config import Config
from hubcfg.validator.definitions import DefinitionMemory
from hubcfg.validator.entries import EntryBinder
from hubcfg.validator.twin import FirstTree


class BindMemory:
    """What has been bound in this run: trees that are bound with the same memory share entries, users and definitions.

    `parse` reads what is built in.
    """

    def __init__(self, parse: Callable[[str, bytes], ParsedFile] = parse_bytes) -> None:
        self.definitions = DefinitionMemory(parse)
        self.first: FirstTree | None = None
        self._config: Config | None = None

    def keep(self, config: Config, first: FirstTree | None) -> None:
        """Remembers a bound configuration, for the tree that is bound next; `first` is the tree where it has no fault."""
        self._config, self.first = config, first

    def binder(self, org: str) -> EntryBinder:
        """Returns what binds the users of an org, with those that are known."""
        known = self._config.orgs.get(org) if self._config is not None else None
        if known is None:
            return EntryBinder()
        # A document stays in memory as long as its users do, so its identity is its own.
        return EntryBinder({(id(user.document), user.id): user for user in known.users.values()})
