"""Drift: what a target holds that hubcfg did not leave there (docs/deployment.md, "Drift")."""

from collections.abc import Mapping

from msgspec import Struct

from hubcfg.planner.change import Comparison


class Drift(Struct, frozen=True):
    """What differs between what was deployed last and what the target holds, by org.

    `silent` are orgs whose bytes differ in a way that is nobody's access; `strangers` people whom nobody deployed, in orgs that
    only `listed` people are managed of: they are no drift.
    """

    serial: int
    comparison: Comparison
    silent: tuple[str, ...]
    strangers: Mapping[str, tuple[str, ...]]

    @property
    def is_empty(self) -> bool:
        """Whether the target is as it was left."""
        return self.comparison.is_empty and not self.silent
