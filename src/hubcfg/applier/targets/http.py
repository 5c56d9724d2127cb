"""A platform's REST API as a target: the reference hub's, or OpsPilot365's (docs/http-targets.md)."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from hubcfg.applier.target import Place, TargetType, Writer
from hubcfg.core.errors import UsageError

_PER_MINUTE = 100


def open_http(name: str, options: Mapping[str, object], place: Place) -> Writer:
    """Returns the API that the options name; nothing is sent yet.

    Raises UsageError where an option or the token is missing, where the token would travel unencrypted, and where the
    libraries that this needs are not installed.
    """
    url = _read_url(name, options.get("url"))
    adapter = options.get("adapter")
    if adapter not in ("hub", "opspilot365"):
        raise UsageError(
            f"`targets.{name}` does not say which API it speaks", help="write `adapter: hub` or `adapter: opspilot365`"
        )
    token_env, token = _read_token(name, options.get("token_env"), place)
    per_minute = options.get("requests_per_minute", _PER_MINUTE)
    assert isinstance(per_minute, int)
    try:
        from hubcfg.applier.rest.client import Client, Surroundings
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("httpx2", "stamina"):
            raise
        raise UsageError(
            f"`targets.{name}` is an API, which needs libraries that are not installed",
            help='run `pip install "hubcfg[http]"`',
        ) from None
    if adapter == "hub":
        from hubcfg.applier.rest.hub import Hub

        return Hub(Client(url, token, token_env, per_minute, Surroundings(place.note)))
    from hubcfg.applier.rest.opspilot365 import OpsPilot365

    path = options.get("path")
    if not isinstance(path, str) or not path:
        raise UsageError(
            f"`targets.{name}` does not say where its records are kept",
            help="OpsPilot365 has no place for them: write for example `path: deployed/opspilot365`, a folder of the project",
        )
    client = Client(url, token, token_env, per_minute, Surroundings(place.note))
    return OpsPilot365(client, place.root / path, place.note)


TARGET = TargetType("http", open_http)


def _read_url(name: str, value: object) -> str:
    """Returns the base address without a slash at its end."""
    if not isinstance(value, str) or not value:
        raise UsageError(f"`targets.{name}` has no `url`", help="write for example `url: https://hub.example.com`")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), None
    if parts.scheme not in ("http", "https") or not host or not value.isprintable() or " " in value:
        raise UsageError(
            f"`targets.{name}.url` is not an address", help="write for example `url: https://hub.example.com`"
        )
    if "@" in parts.netloc:
        raise UsageError(
            f"`targets.{name}.url` contains a name or password",
            help="name the variable that holds the token: `token_env`",
        )
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise UsageError(
            f"`targets.{name}.url` has something after its path", help="write the address up to `?` or `#`"
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(
            f"`targets.{name}.url` is not encrypted, and the token must not be read on the way",
            help="write `https://`; `http://` is for this machine itself (`localhost`, `127.0.0.1`)",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_token(name: str, variable: object, place: Place) -> tuple[str, str]:
    """Returns the variable's name and the token in it."""
    if not isinstance(variable, str) or not variable:
        raise UsageError(
            f"`targets.{name}` does not say where the token is", help="write for example `token_env: HUB_TOKEN`"
        )
    token = place.environment.get(variable, "").strip()
    if not token:
        raise UsageError(
            f"the environment variable `{variable}` is not set",
            help=f"`targets.{name}.token_env` says that it holds the token",
        )
    if not all("!" <= character <= "~" for character in token):
        raise UsageError(
            f"the environment variable `{variable}` holds something that cannot be a token",
            help="a token has no spaces and no characters beyond ASCII",
        )
    return variable, token
