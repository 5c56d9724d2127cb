"""Measures whole processes, and prints what they took as ratios against floors."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

HUBCFG = [sys.executable, "-m", "hubcfg"]


@dataclass(frozen=True, slots=True)
class Figure:
    """What one command took: the medians of its runs in seconds, on the clock and of all processors, and the most memory of one
    process in MiB."""

    seconds: float
    work: float
    memory: float


def measure(
    command: list[str],
    runs: int,
    *,
    environment: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Figure:
    """Runs a command a few times, each time after `before`; it must succeed."""
    seconds, work, memory = [], [], 0.0
    for _ in range(runs):
        if before is not None:
            before()
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        work.append(usage.ru_utime + usage.ru_stime)
        memory = max(memory, usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024))
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(f"this failed: {' '.join(command)}")
    return Figure(statistics.median(seconds), statistics.median(work), memory)


def report(name: str, figure: Figure, floor: Figure, floor_name: str, users: int | None = None) -> None:
    """Prints one line: the figure, its ratio to the floor, memory, and the time for each user."""
    each = f"  {figure.seconds / users * 1e6:7.1f} µs a user" if users else ""
    ratio = figure.seconds / floor.seconds
    print(
        f"{name:<44} {figure.seconds:8.3f} s = {ratio:6.2f} × {floor_name:<13} {figure.work:8.3f} s work {figure.memory:7.0f} MiB{each}",
        flush=True,
    )
