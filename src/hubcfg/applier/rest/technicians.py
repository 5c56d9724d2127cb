"""What OpsPilot365 is told of a technician, and what it tells: the body of its one documented endpoint, as far as we assume it."""

from collections.abc import Mapping

from hubcfg.applier.rest.answers import Answer
from hubcfg.applier.rest.parts import FlatEntry
from hubcfg.applier.target import ForeignStateError
from hubcfg.core.canonical import Json

PLATFORM = "opspilot365"
OBLIGATION = "manager-approval"
# How somebody signs in of whom it is not known what they hold: no bundle says so, hence every plan sees a change.
UNKNOWN: Mapping[str, Json] = {"method": "unknown", "mfa": False}

_SAID = ("permissions", "scope", "role", "authentication", "until", "obligations", "suspended")


def to_body(entry: FlatEntry) -> dict[str, Json]:
    """Returns what is sent for a technician."""
    duties, scope = entry.get("obligations"), entry.get("scope")
    is_suspended = entry.get("suspended") is True
    body: dict[str, Json] = {
        "role": entry.get("role"),
        "permissions": [] if is_suspended else entry.get("permissions"),
        "customers": scope.get("clients") if isinstance(scope, Mapping) else [],
        "managerApproval": duties.get(OBLIGATION, []) if isinstance(duties, Mapping) and not is_suspended else [],
        "until": {} if is_suspended else entry.get("until", {}),
    }
    if entry.get("authentication") not in (None, UNKNOWN):
        body["authentication"] = entry["authentication"]
    return body


def to_empty_body(entry: FlatEntry) -> dict[str, Json]:
    """Returns what is sent for somebody who is removed: no permission and no customer, as there is no documented DELETE."""
    return to_body({**entry, "permissions": [], "scope": {"clients": []}, "obligations": {}, "until": {}})


def is_empty_body(body: Mapping[str, Json]) -> bool:
    """Whether a technician holds nothing."""
    return not body.get("permissions")


def is_same_body(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether two bodies say the same; a field that is empty may as well be left out."""
    return all((one.get(key) or None) == (other.get(key) or None) for key in one.keys() | other.keys())


def read_body(answer: Answer) -> Mapping[str, Json] | None:
    """Returns what the platform says that a technician holds; None where it says it in a form that we do not know."""
    try:
        value = answer.read_object("a technician's permissions")
    except ForeignStateError:
        return None
    customers, until = value.get("customers", []), value.get("until", {})
    is_known = (
        _are_names(value.get("permissions"))
        and (customers == "all" or _are_names(customers))
        and _are_names(value.get("managerApproval", []))
        and isinstance(until, Mapping)
        and isinstance(value.get("role", ""), str)
        and isinstance(value.get("authentication", {}), Mapping)
    )
    return value if is_known else None


def overlay(entry: FlatEntry, body: Mapping[str, Json]) -> FlatEntry:
    """Returns an entry with what the platform says in place of what was written; what it does not know stays."""
    permissions = _sorted_names(body.get("permissions"))
    customers = body.get("customers", [])
    found: dict[str, Json] = {
        "products": sorted({name.partition(".")[0] for name in permissions}),
        **{key: value for key, value in entry.items() if key not in _SAID},
        "permissions": permissions,
        "scope": {"clients": customers if customers == "all" else _sorted_names(customers)},
    }
    approvals = _sorted_names(body.get("managerApproval", []))
    optional: dict[str, Json] = {
        "role": body.get("role"),
        "authentication": body.get("authentication"),
        "until": body.get("until"),
        "obligations": {OBLIGATION: approvals} if approvals else None,
    }
    return found | {key: value for key, value in optional.items() if value}


def _are_names(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _sorted_names(value: Json) -> list[str]:
    return sorted({str(name) for name in value}) if isinstance(value, list) else []
