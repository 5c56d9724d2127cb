"""The description of the API (OpenAPI 3.1), made from the operations that serve it."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from hubcfg.hub.operations import API_HEADER, JSON_TYPE, Operation, Parameter, Success
from hubcfg.hub.problems import MEDIA_TYPE
from hubcfg.hub.schemas import API_VERSION, PROBLEM, Schema
from hubcfg.hub.tokens import Right

_ABOUT = """\
The reference hub of hubcfg keeps permission bundles user by user, and answers who may do what, now.
Every answer is canonical JSON (RFC 8785); refusals are problems (RFC 9457). A resource's ETag is the SHA-256 of its body."""

_HEADERS: dict[str, dict[str, Any]] = {
    API_HEADER: {"description": "The version of this API.", "required": True, "schema": {"const": str(API_VERSION)}},
    "ETag": {
        "description": "The strong ETag: the SHA-256 of the body; the lock's has a number behind it.",
        "required": True,
        "schema": {"type": "string", "pattern": r'^"[0-9a-f]{64}(\.[0-9]+)?"$'},
    },
    "Retry-After": {
        "description": "The seconds after which to try again.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[1-9][0-9]*$"},
    },
    "WWW-Authenticate": {
        "description": "How to say who you are.",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
}
_REFUSALS: dict[HTTPStatus, tuple[str, tuple[str, ...]]] = {
    HTTPStatus.BAD_REQUEST: ("The request cannot be read.", ()),
    HTTPStatus.UNAUTHORIZED: ("There is no token, or none that is known.", ("WWW-Authenticate",)),
    HTTPStatus.FORBIDDEN: ("The token may only read.", ()),
    HTTPStatus.NOT_FOUND: ("There is no such thing.", ()),
    HTTPStatus.CONFLICT: ("The state of things does not allow it; the detail says why.", ()),
    HTTPStatus.PRECONDITION_FAILED: ("It is not, or no longer, as the request's condition says.", ()),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("The body is too large.", ()),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("The body is not sent as `application/json`.", ()),
    HTTPStatus.UNPROCESSABLE_ENTITY: ("The request can be read, but does not fit; the detail says where.", ()),
    HTTPStatus.PRECONDITION_REQUIRED: ("The write needs `If-Match` or `If-None-Match: *`.", ()),
    HTTPStatus.TOO_MANY_REQUESTS: ("The token has made too many requests.", ("Retry-After",)),
    HTTPStatus.SERVICE_UNAVAILABLE: ("The data cannot be read or written now; nothing was changed.", ("Retry-After",)),
}


def problems_of(operation: Operation) -> list[HTTPStatus]:
    """Returns every refusal that an operation can answer with."""
    statuses = {HTTPStatus.SERVICE_UNAVAILABLE, *operation.problems}
    places = {parameter.place for parameter in operation.parameters}
    if operation.right is not Right.NONE:
        statuses |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNPROCESSABLE_ENTITY}
    if operation.right is Right.WRITE:
        statuses |= {HTTPStatus.FORBIDDEN}
    if "path" in places:
        statuses |= {HTTPStatus.NOT_FOUND}
    if "header" in places:
        statuses |= {HTTPStatus.BAD_REQUEST}
    if operation.body is not None:
        statuses |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        }
    return sorted(statuses)


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """Returns the OpenAPI description of operations."""
    operations = list(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe_operation(operation)
    titled = {schema["title"]: schema for one in operations for schema in _schemas(one) if "title" in schema}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hubcfg reference hub",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "headers": _HEADERS,
            "responses": {f"Problem{status:d}": _describe_refusal(status) for status in _REFUSALS},
            "schemas": {"Problem": PROBLEM, **dict(sorted(titled.items()))},
        },
    }


def _schemas(operation: Operation) -> Iterator[Schema]:
    if operation.body is not None:
        yield operation.body
    yield from (success.schema for success in operation.successes.values() if success.schema is not None)


def _describe_operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": [] if operation.right is Right.NONE else [{"token": []}],
        "responses": {str(int(status)): _describe_success(success) for status, success in operation.successes.items()}
        | {
            str(int(status)): {"$ref": f"#/components/responses/Problem{status:d}"} for status in problems_of(operation)
        },
    }
    if operation.parameters:
        described["parameters"] = [_describe_parameter(parameter) for parameter in operation.parameters]
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {JSON_TYPE: {"schema": _refer(operation.body)}}}
    return described


def _describe_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _describe_success(success: Success) -> dict[str, Any]:
    names = (API_HEADER, "ETag") if success.has_etag else (API_HEADER,)
    described: dict[str, Any] = {"description": success.description, "headers": _refer_headers(names)}
    if success.schema is not None:
        described["content"] = {success.media_type: {"schema": _refer(success.schema)}}
    return described


def _describe_refusal(status: HTTPStatus) -> dict[str, Any]:
    description, headers = _REFUSALS[status]
    return {
        "description": description,
        "headers": _refer_headers((API_HEADER, *headers)),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _refer_headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refer(schema: Schema) -> Schema:
    return {"$ref": f"#/components/schemas/{schema['title']}"} if "title" in schema else schema
