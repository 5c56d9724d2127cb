"""Saved plans: what an apply reads back of one, which is only what it was made from (docs/plan.md, "Saving a plan")."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from hubcfg.core.canonical import Json
from hubcfg.core.errors import HubcfgError
from hubcfg.planner.plan import Origin

FORMAT = "hubcfg.plan/1"
_OPTIONAL = ("revision", "target", "against")
_ADVICE = "make one with `hubcfg plan --out FILE`"


def origin_document(origin: Origin) -> dict[str, Json]:
    """Returns an origin as the value that `read_origin` reads."""
    return asdict(origin)


def read_origin(text: str) -> Origin:
    """Returns what a saved plan was made from; raises HubcfgError for a text that is no saved plan of this format."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HubcfgError("the file is no saved plan: it is not JSON", help=_ADVICE) from error
    if not isinstance(value, dict) or not str(value.get("format")).startswith("hubcfg.plan/"):
        raise HubcfgError("the file is no saved plan", help=_ADVICE)
    if value["format"] != FORMAT:
        raise HubcfgError(
            f"the plan has the format `{value['format']}`, and this version reads `{FORMAT}`",
            help=f"apply it with the version of hubcfg that made it, or {_ADVICE}",
        )
    return _read(value.get("origin"))


def _read(value: object) -> Origin:
    if not isinstance(value, dict) or value.keys() != set(Origin.__struct_fields__):
        raise HubcfgError("the saved plan does not say what it was made from", help=_ADVICE)
    _check(value)
    return Origin(**value)


def _check(value: Mapping[str, Any]) -> None:
    for name, one in value.items():
        if name == "serial":
            is_right = type(one) is int and one >= 0
        else:
            is_right = isinstance(one, str) or (one is None and name in _OPTIONAL)
        if not is_right:
            raise HubcfgError(f"the saved plan has something else than it should as `origin.{name}`", help=_ADVICE)
