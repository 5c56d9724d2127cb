"""Tokens: who may do what with the hub, and how often."""

import hashlib
import hmac
import math
import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum

from msgspec import Struct


class Right(Enum):
    """What a request needs: nothing at all, a token that may read, or one that may write."""

    NONE = "none"
    READ = "read"
    WRITE = "write"


class Token(Struct, frozen=True):
    """One token, of which only the hash is kept; `id` tells tokens apart without showing them."""

    id: str
    may_write: bool
    hashed: bytes

    def __repr__(self) -> str:
        return f"<token {self.id}>"  # not the hash: it would be one more thing to keep secret


class Tokens:
    """The tokens that a server knows."""

    def __init__(self, writing: Iterable[str], reading: Iterable[str] = ()) -> None:
        self._tokens = [_make_token(text, True) for text in writing] + [_make_token(text, False) for text in reading]

    def find(self, authorization: str | None) -> Token | None:
        """Returns the token of an `Authorization` header; None where it has none that is known.

        Every known token is compared with, each in constant time, so that the time says nothing about them.
        """
        scheme, _, given = (authorization or "").partition(" ")
        hashed = _hash(given.strip(" ").encode("latin-1", "replace"))
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.hashed, hashed):
                found = token
        return found if scheme.lower() == "bearer" else None


def _make_token(text: str, may_write: bool) -> Token:
    hashed = _hash(text.encode("latin-1", "replace"))
    return Token(hashlib.sha256(b"id:" + hashed).hexdigest(), may_write, hashed)


def _hash(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


class RateLimiter:
    """Token buckets: each key may make `per_minute` requests at once, and as many again each minute; 0 means any number."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> int:
        """Counts a request; returns 0 where it may go ahead, else the whole seconds after which the next one may."""
        if self._per_minute == 0:
            return 0
        with self._lock:
            now = self._clock()
            level, last = self._buckets.get(key, (float(self._per_minute), now))
            level = min(float(self._per_minute), level + (now - last) * self._per_minute / 60)
            is_allowed = level >= 1
            self._buckets[key] = (level - 1 if is_allowed else level, now)
        # The margin keeps who waits exactly so long from finding the bucket short of one by a rounding error.
        return 0 if is_allowed else max(1, math.ceil((1 - level) * 60 / self._per_minute + 0.001))
