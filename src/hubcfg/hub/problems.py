"""Problems: answers that say why a request was refused (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from hubcfg.core.canonical import canonical_json

MEDIA_TYPE = "application/problem+json"
# What RFC 9457 calls a problem that its status says all about; and who wrote after somebody else took the lock.
UNSPECIFIC = "about:blank"
LOCK_LOST = "/problems/lock-lost"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class RefusalError(Exception):
    """A request that is refused with a status; `detail` says why, in one sentence.

    `kind` is the problem's type, where programs have to tell it from others of the same status.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] = NO_HEADERS, kind: str = UNSPECIFIC
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.kind = kind


def write_problem(status: int, detail: str, kind: str = UNSPECIFIC) -> bytes:
    """Returns the body of a problem's answer."""
    title = HTTPStatus(status).phrase
    return canonical_json({"type": kind, "title": title, "status": int(status), "detail": detail})
