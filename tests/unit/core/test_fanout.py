"""Work is spread in order, little of it ahead of what is looked at."""

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from hubcfg.core.fanout import AHEAD, map_ordered, sees_files, split_chunks


def test_order_and_demand() -> None:
    """Results come in the order of the items, of which no more are taken than wait at a time."""
    taken = []

    def items() -> Any:
        for number in count():
            taken.append(number)
            yield number

    with ThreadPoolExecutor(2) as pool:
        results = map_ordered(str, items(), pool)
        assert [next(results) for _ in range(3)] == ["0", "1", "2"]
        results.close()  # type: ignore[attr-defined]  # it is a generator
    assert len(taken) == AHEAD + 2


def test_failure() -> None:
    """What a task raises ends the whole, and what waits is cancelled."""
    futures: list[Future[Any]] = []

    class Waiting(Executor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            futures.append(Future())
            if len(futures) == 1:
                futures[0].set_exception(ZeroDivisionError())
            return futures[-1]

    with pytest.raises(ZeroDivisionError):
        list(map_ordered(str, range(5), Waiting()))
    assert [future.cancelled() for future in futures] == [False, True, True, True, True]


@pytest.mark.parametrize(("items", "expected"), [(0, 0), (1, 1), (3, 3), (10, 5)])
def test_chunks(items: int, expected: int) -> None:
    """Chunks hold all items in order, and are about as many as is said."""
    chunks = split_chunks(range(items), 5)
    assert [one for chunk in chunks for one in chunk] == list(range(items))
    assert len(chunks) == expected


def test_only_the_standard_library_works_here() -> None:
    """Executors of other libraries may work on machines that do not have the files."""
    with ThreadPoolExecutor(1) as pool:
        assert sees_files(pool)
        assert sees_files(None)
    assert not sees_files(type("Other", (Executor,), {"__module__": "elsewhere"})())
