"""Reads requests: every part is judged by the schema that the API's description shows for it."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from jsonschema_rs import validator_for

from hubcfg.hub.operations import JSON_TYPE, Operation, Parameter
from hubcfg.hub.problems import RefusalError
from hubcfg.hub.strict_json import parse_strict

_INTEGER = re.compile(r"-?[0-9]{1,16}\Z", re.ASCII)
_MAX_MESSAGE = 300


class Judge:
    """What judges the requests for one operation."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._body = None if operation.body is None else validator_for(operation.body)
        self._by_place = {
            place: {one.name: (one, validator_for(one.schema)) for one in operation.parameters if one.place == place}
            for place in ("path", "query")
        }

    def read_path(self, raw: Mapping[str, str]) -> dict[str, str]:
        """Returns the parts of the address, decoded.

        Raises RefusalError where nothing can have such an address: 404, or 422 for a user id that somebody wants to give.
        """
        path = {}
        for name, encoded in raw.items():
            try:
                value = unquote_to_bytes(encoded).decode("utf-8")
            except UnicodeDecodeError:
                raise RefusalError(HTTPStatus.NOT_FOUND, f"`{name}` in the address is not UTF-8") from None
            parameter, validator = self._by_place["path"][name]
            judged = int(value) if _is_integer(parameter) and _INTEGER.match(value) else value
            if not validator.is_valid(judged):
                is_given = self._operation.method == "PUT" and name in ("user", "id")
                status = HTTPStatus.UNPROCESSABLE_ENTITY if is_given else HTTPStatus.NOT_FOUND
                raise RefusalError(
                    status,
                    f"`{value[:_MAX_MESSAGE]}` cannot be {parameter.description[0].lower()}{parameter.description[1:].rstrip('.')}",
                )
            path[name] = value
        return path

    def read_query(self, raw: bytes) -> dict[str, str]:
        """Returns the parameters of the query. Raises RefusalError (422) for one that is unknown, comes twice, or does not fit."""
        try:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict")
        except ValueError:
            raise RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "the query cannot be read") from None
        query: dict[str, str] = {}
        for name, value in pairs:
            known = self._by_place["query"].get(name)
            if known is None:
                raise RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, f"there is no parameter `{name}` here")
            if name in query:
                raise RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, f"the parameter `{name}` comes twice")
            parameter, validator = known
            judged = int(value) if _is_integer(parameter) and _INTEGER.match(value) else value
            if not validator.is_valid(judged):
                raise RefusalError(
                    HTTPStatus.UNPROCESSABLE_ENTITY, f"the parameter `{name}` does not fit: `{value[:_MAX_MESSAGE]}`"
                )
            query[name] = value
        return query

    def read_body(self, content: bytes) -> Any:
        """Returns the value of a body. Raises RefusalError where it is not JSON (400) or does not fit its schema (422)."""
        assert self._body is not None
        try:
            value = parse_strict(content)
        except ValueError as error:
            raise RefusalError(HTTPStatus.BAD_REQUEST, f"the body {error}") from None
        misfit = next(self._body.iter_errors(value), None)
        if misfit is not None:
            where = ".".join(str(part) for part in misfit.instance_path)
            message = misfit.message if len(misfit.message) <= _MAX_MESSAGE else misfit.message[:_MAX_MESSAGE] + "…"
            detail = f"`{where}` in the body does not fit: {message}" if where else f"the body does not fit: {message}"
            raise RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        return value


def require_json(content_type: str | None, encoding: str | None) -> None:
    """Raises RefusalError (415) where a body is announced as something else than JSON in UTF-8, as it is."""
    essence, _, parameters = (content_type or "").partition(";")
    charset = parameters.replace('"', "").replace(" ", "").lower()
    if essence.strip().lower() != JSON_TYPE or charset not in ("", "charset=utf-8"):
        raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body has to be `{JSON_TYPE}` in UTF-8")
    if encoding not in (None, "", "identity"):
        raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body has to be sent without `Content-Encoding`")


def _is_integer(parameter: Parameter) -> bool:
    return parameter.schema.get("type") == "integer"
