"""Remembers what documents were bound to, for a second tree that has most of them in common: a base, or a diff's other side."""

from hubcfg.validator.collect import EntryMemory
from hubcfg.validator.config import Config
from hubcfg.validator.entries import EntryBinder


class BindMemory:
    """What has been bound in this run: trees that are bound with the same memory share entries and users."""

    def __init__(self) -> None:
        self.entries = EntryMemory()
        self._config: Config | None = None

    def keep(self, config: Config) -> None:
        """Remembers a bound configuration, for the tree that is bound next."""
        self._config = config

    def binder(self, org: str) -> EntryBinder:
        """Returns what binds the users of an org, with those that are known."""
        known = self._config.orgs.get(org) if self._config is not None else None
        if known is None:
            return EntryBinder()
        # A document stays in memory as long as its users do, so its identity is its own.
        return EntryBinder({(id(user.document), user.id): user for user in known.users.values()})
