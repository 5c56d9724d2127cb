"""Conditional requests (RFC 9110, section 13): strong ETags, `If-Match` and `If-None-Match`."""

import hashlib
import re
from http import HTTPStatus

from hubcfg.hub.problems import RefusalError

_LIST = re.compile(r'[ \t]*(?:(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"[ \t]*(?:,[ \t]*|$))+\Z')
_TAG = re.compile(r'((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")')


def etag_of(content: bytes) -> str:
    """Returns the ETag of a body: the quoted hex SHA-256 of its bytes."""
    return f'"{hashlib.sha256(content).hexdigest()}"'


def read_tags(name: str, text: str) -> frozenset[str] | None:
    """Returns the ETags that a header lists; None for `*`, which stands for any.

    Raises RefusalError (400) where it lists none.
    """
    if text.strip() == "*":
        return None
    if not _LIST.match(text):
        raise RefusalError(HTTPStatus.BAD_REQUEST, f'`{name}` takes quoted ETags such as `"0a1b"`, or `*`')
    return frozenset(_TAG.findall(text))


def require_write_condition(current: str | None, if_match: str | None, if_none_match: str | None) -> None:
    """Makes sure that who writes knows what is there: `current` is its ETag, None where there is nothing.

    Raises RefusalError: 428 without a condition, 412 where it does not hold.
    """
    if if_match is None and (if_none_match is None or read_tags("If-None-Match", if_none_match) is not None):
        what = "`If-None-Match: *` to create it" if current is None else "`If-Match` with the ETag of what you saw"
        raise RefusalError(HTTPStatus.PRECONDITION_REQUIRED, f"this write needs {what}")
    require_match(current, if_match)
    if if_none_match is not None:
        tags = read_tags("If-None-Match", if_none_match)
        if current is not None and (tags is None or current in tags):
            raise RefusalError(HTTPStatus.PRECONDITION_FAILED, "it exists already")


def require_match(current: str | None, if_match: str | None) -> None:
    """Raises RefusalError (412) where an `If-Match` is given that does not hold."""
    if if_match is None:
        return
    tags = read_tags("If-Match", if_match)
    if current is None:
        raise RefusalError(HTTPStatus.PRECONDITION_FAILED, "it does not exist, or not any more")
    if tags is not None and current not in tags:
        raise RefusalError(HTTPStatus.PRECONDITION_FAILED, "it was changed since: its ETag is another one now")


def is_unchanged(current: str, if_none_match: str | None) -> bool:
    """Whether a reader has what is there already (weak comparison, as RFC 9110 says for reading)."""
    if if_none_match is None:
        return False
    tags = read_tags("If-None-Match", if_none_match)
    return tags is None or any(tag.removeprefix("W/") == current for tag in tags)
