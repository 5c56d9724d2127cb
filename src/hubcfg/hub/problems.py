"""Problems: answers that say why a request was refused (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from hubcfg.core.canonical import canonical_json

MEDIA_TYPE = "application/problem+json"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class RefusalError(Exception):
    """A request that is refused with a status; `detail` says why, in one sentence."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] = NO_HEADERS) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def write_problem(status: int, detail: str) -> bytes:
    """Returns the body of a problem's answer."""
    title = HTTPStatus(status).phrase
    return canonical_json({"type": "about:blank", "title": title, "status": int(status), "detail": detail})
