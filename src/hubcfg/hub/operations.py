"""Operations: one method of one resource, with all that serves it, judges its requests and describes it."""

import sqlite3
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, TypeAlias

from msgspec import Struct, field

from hubcfg.core.canonical import Json, canonical_json
from hubcfg.core.instants import Instant
from hubcfg.hub.conditions import etag_of, is_unchanged
from hubcfg.hub.schemas import Schema
from hubcfg.hub.tokens import Right, Token

JSON_TYPE = "application/json"
API_HEADER = "Hubcfg-Api"
BINARY_TYPE = "application/octet-stream"

SMALL = 1 << 20
LARGE = 64 << 20


class Parameter(Struct, frozen=True):
    """One parameter of a request: a part of the address, of the query, or a header."""

    name: str
    place: str
    schema: Schema
    description: str


class Call(Struct, frozen=True):
    """One request, judged and read: what its handler needs of it."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    content: bytes
    token: Token | None
    now: Instant

    def header(self, name: str) -> str | None:
        """Returns a header's value; None where it was not sent."""
        return self.headers.get(name.lower())


class Answer(Struct, frozen=True):
    """What a request is answered."""

    status: HTTPStatus
    body: bytes = b""
    media_type: str = JSON_TYPE
    etag: str | None = None


class Success(Struct, frozen=True):
    """A description of one good answer; `schema` is None where it has no body."""

    description: str
    schema: Schema | None = None
    media_type: str = JSON_TYPE
    has_etag: bool = False


Handle: TypeAlias = Callable[[sqlite3.Connection, Call], Answer]


class Operation(Struct, frozen=True):
    """One method of one path. `problems` are the refusals that not every operation has.

    `changes` tells whether it runs in a transaction that may write; a `tag` heads its section in the description.
    """

    id: str
    method: str
    path: str
    summary: str
    handle: Handle
    tag: str
    right: Right
    successes: Mapping[HTTPStatus, Success]
    problems: tuple[HTTPStatus, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Schema | None = None
    limit: int = SMALL
    changes: bool = field(default=False)


def show(value: Json) -> Answer:
    """Returns an answer with a value, without an ETag: for what is no resource to be written back."""
    return Answer(HTTPStatus.OK, canonical_json(value))


def show_resource(call: Call, content: bytes, etag: str | None = None, media_type: str = JSON_TYPE) -> Answer:
    """Returns an answer with a resource and its ETag, or, to who has it already, that it is unchanged."""
    etag = etag_of(content) if etag is None else etag
    if is_unchanged(etag, call.header("If-None-Match")):
        return Answer(HTTPStatus.NOT_MODIFIED, etag=etag)
    return Answer(HTTPStatus.OK, content, media_type, etag)


def written(etag: str, *, is_new: bool) -> Answer:
    """Returns the answer to a PUT."""
    return Answer(HTTPStatus.CREATED if is_new else HTTPStatus.NO_CONTENT, etag=etag)


DONE = Answer(HTTPStatus.NO_CONTENT)

CREATED = Success("Created.", has_etag=True)
REPLACED = Success("Replaced.", has_etag=True)
NOT_MODIFIED = Success("You have it already.", has_etag=True)


def shown(description: str, schema: Schema) -> Mapping[HTTPStatus, Success]:
    """Returns the good answers of an operation that shows something without an ETag."""
    return MappingProxyType({HTTPStatus.OK: Success(description, schema)})


def resource(description: str, schema: Schema, media_type: str = JSON_TYPE) -> Mapping[HTTPStatus, Success]:
    """Returns the good answers of an operation that shows a resource."""
    found = Success(description, schema, media_type, has_etag=True)
    return MappingProxyType({HTTPStatus.OK: found, HTTPStatus.NOT_MODIFIED: NOT_MODIFIED})


PUT_SUCCESSES = MappingProxyType({HTTPStatus.CREATED: CREATED, HTTPStatus.NO_CONTENT: REPLACED})
DELETE_SUCCESSES = MappingProxyType({HTTPStatus.NO_CONTENT: Success("Deleted.")})


def header(name: str, description: str) -> Parameter:
    """Returns a header as a parameter."""
    return Parameter(name, "header", {"type": "string"}, description)


IF_MATCH = header("If-Match", "The ETag of what you saw; the write is refused (412) if it is another one now.")
IF_NONE_MATCH = header("If-None-Match", "`*`: create it; the write is refused (412) if it exists.")
IF_CHANGED = header("If-None-Match", "The ETag of what you have; 304 if that is what there is.")
HUB_LOCK = header("Hubcfg-Lock", "The ETag of the lock that you hold.")
IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "The same key with the same body within 24 hours gets the same answer, and nothing is done twice.",
)
