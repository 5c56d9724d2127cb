"""Keeps the requests to a target below so many a minute, whoever makes them."""

from collections import deque
from collections.abc import Callable

_MINUTE = 60.0


class Limiter:
    """Lets at most `per_minute` requests begin within any minute.

    `clock` gives seconds that only ever grow, `sleep` waits for some; `note` is told of waits that a person would notice.
    """

    def __init__(
        self, per_minute: int, clock: Callable[[], float], sleep: Callable[[float], None], note: Callable[[str], None]
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._sleep = sleep
        self._note = note
        self._begun: deque[float] = deque(maxlen=per_minute)

    def wait(self) -> None:
        """Returns when the next request may begin, and counts it."""
        if len(self._begun) == self._per_minute:
            # A sleep may end early, so the clock decides.
            while (seconds := self._begun[0] + _MINUTE - self._clock()) > 0:
                if seconds >= 1:
                    self._note(f"waiting {seconds:.0f} s: at most {self._per_minute} requests a minute")
                self._sleep(seconds)
        self._begun.append(self._clock())
