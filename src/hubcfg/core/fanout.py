"""Spreads work over processes: in chunks, in order, and only where there is an executor to spread it over."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor  # slow to import, and only needed where there is one


Item = TypeVar("Item")
Result = TypeVar("Result")

# How many chunks there are about: enough that a slow one holds nobody up, few enough that handing them over costs little.
CHUNKS = 64


def map_chunks(
    function: Callable[[list[Item]], Result], items: Sequence[Item], executor: "Executor | None"
) -> Iterator[Result]:
    """Yields the results of `function` for chunks of the items, in order; without an executor of one chunk, here."""
    if executor is None or len(items) < 2:
        yield function(list(items))
        return
    size = max(1, len(items) // CHUNKS)
    chunks = [list(items[start : start + size]) for start in range(0, len(items), size)]
    yield from executor.map(function, chunks)
