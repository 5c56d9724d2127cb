"""Spreads work over processes: in chunks, in order, and only where there is an executor to spread it over."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future  # slow to import, and only needed where there is one


Item = TypeVar("Item")
Result = TypeVar("Result")

# How many chunks there are about: enough that a slow one holds nobody up, few enough that handing them over costs little.
CHUNKS = 64
# How many tasks wait for a process or to be looked at: enough that none is idle, few enough that memory stays small.
AHEAD = 32


def map_chunks(
    function: Callable[[list[Item]], Result], items: Sequence[Item], executor: "Executor | None"
) -> Iterator[Result]:
    """Yields the results of `function` for chunks of the items, in order; without an executor of one chunk, here."""
    if executor is None or len(items) < 2:
        yield function(list(items))
        return
    yield from map_ordered(function, split_chunks(items), executor)


def split_chunks(items: Sequence[Item], chunks: int = CHUNKS) -> list[list[Item]]:
    """Returns the items in about so many chunks."""
    size = max(1, len(items) // chunks)
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], executor: "Executor | None"
) -> Iterator[Result]:
    """Yields the result of each item, in order; items are taken from the iterator only shortly before they are worked on."""
    if executor is None:
        yield from map(function, items)
        return
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(executor.submit(function, item))
            if len(pending) >= AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def sees_files(executor: "Executor | None") -> bool:
    """Whether the processes of an executor can read this machine's files: the standard library's run here, others anywhere."""
    near = ("concurrent.futures.process", "concurrent.futures.thread")
    return executor is None or any(one.__module__ in near for one in type(executor).__mro__)
