"""How far a long run has come, told to whoever asked for it."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, TypeVar

Item = TypeVar("Item")

# Is told a stage, how much of it is done, and how much there is of it (0 where that is not known).
Progress: TypeAlias = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


def counted(items: Iterable[Item], progress: Progress, stage: str, total: int) -> Iterator[Item]:
    """Yields the items, and tells for each how many came before it."""
    progress(stage, 0, total)
    for done, item in enumerate(items, 1):
        yield item
        progress(stage, done, total)
