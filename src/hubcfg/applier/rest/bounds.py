"""What lies within what: bounds on a user's access, so that a change can take first and give afterwards.

Access is compared field by field: permissions, products, clients, managed users, when permissions end, the obligations that
come with them, suspension, and whether signing in takes a second factor (docs/http-targets.md, "Order").
"""

from collections.abc import Mapping

from hubcfg.applier.rest.parts import SPOILED, FlatEntry, Person
from hubcfg.applier.target import ForeignStateError
from hubcfg.core.canonical import Json
from hubcfg.core.instants import END, Instant, format_instant, read_instant


def is_within(inner: Person, outer: Person) -> bool:
    """Whether everything that `inner` may, `outer` may too, under no stricter conditions. Another person may nothing of it."""
    if not _is_same_person(inner, outer):
        return False
    one, other = inner.entry, outer.entry
    return (
        (one.get("suspended") is True or other.get("suspended") is not True)
        and _names(one, "permissions") <= _names(other, "permissions")
        and _names(one, "products") <= _names(other, "products")
        and _covers(_scope(other), _scope(one))
        and _covers(_manages(other), _manages(one))
        and (_needs_second_factor(one) or not _needs_second_factor(other))
        and all(
            _until(one, name) <= _until(other, name) and _duties(other, name) <= _duties(one, name)
            for name in _names(one, "permissions")
        )
    )


def meet(old: Person, new: Person) -> Person | None:
    """Returns the widest access that lies within both; None where that is nobody's: of two people, or of two companies.

    The role and what else gives nothing by itself are those of the side that holds fewer permissions, the old one where that
    is not clear, so that the result lies within that side to the letter.
    """
    if not _is_same_person(old, new):
        return None
    one, other = old.entry, new.entry
    is_fewer = _names(other, "permissions") < _names(one, "permissions")
    base = other if is_fewer else one
    permissions = sorted(_names(one, "permissions") & _names(other, "permissions"))
    met: dict[str, Json] = {
        "permissions": permissions,
        "products": sorted(_names(one, "products") & _names(other, "products")),
        "scope": _scope_json(base, _common(_scope(one), _scope(other))),
    }
    for key in ("role", "uid", "authentication"):
        value = base.get(key, (one if is_fewer else other).get(key))
        if value is not None:
            met[key] = value
    authentication = met.get("authentication")
    if isinstance(authentication, Mapping) and (_needs_second_factor(one) or _needs_second_factor(other)):
        met["authentication"] = {**authentication, "mfa": True}
    until = {name: min(_until(one, name), _until(other, name)) for name in permissions}
    duties: dict[str, list[str]] = {}
    for name in permissions:
        for duty in _duties(one, name) | _duties(other, name):
            duties.setdefault(duty, []).append(name)
    manages = _common(_manages(one), _manages(other))
    optional: dict[str, Json] = {
        "until": {name: format_instant(end) for name, end in until.items() if end != END},
        "obligations": dict(duties),
        "manages": "all" if manages is None else sorted(manages),
        "suspended": one.get("suspended") is True or other.get("suspended") is True,
    }
    return Person(old.audience, met | {key: value for key, value in optional.items() if value})


# Some clients or users; None means all of them.
_Extent = frozenset[str] | None


def _is_same_person(one: Person, other: Person) -> bool:
    """Whether both are one person, who works for the same side: ids can be given to others, uids cannot."""
    uids = {one.entry.get("uid"), other.entry.get("uid")} - {None}
    return one.audience is other.audience and len(uids) < 2 and _company(one.entry) == _company(other.entry)


def _names(entry: FlatEntry, key: str) -> frozenset[str]:
    return _strings(entry.get(key, []), key)


def _strings(value: Json, key: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ForeignStateError(f"a user's `{key}` is not a list of names", help=SPOILED)
    return frozenset(value)


def _map(entry: FlatEntry, key: str) -> Mapping[str, Json]:
    value = entry.get(key, {})
    if not isinstance(value, Mapping):
        raise ForeignStateError(f"a user's `{key}` is not a map", help=SPOILED)
    return value


def _company(entry: FlatEntry) -> Json:
    return _map(entry, "scope").get("company")


def _scope(entry: FlatEntry) -> _Extent:
    clients = _map(entry, "scope").get("clients", [])
    return None if clients == "all" else _strings(clients, "scope")


def _manages(entry: FlatEntry) -> _Extent:
    value = entry.get("manages", [])
    return None if value == "all" else _strings(value, "manages")


def _covers(outer: _Extent, inner: _Extent) -> bool:
    return outer is None or (inner is not None and inner <= outer)


def _common(one: _Extent, other: _Extent) -> _Extent:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _scope_json(base: FlatEntry, extent: _Extent) -> Json:
    if _company(base) is not None:
        return dict(_map(base, "scope"))
    return {"clients": "all" if extent is None else sorted(extent)}


def _until(entry: FlatEntry, name: str) -> Instant:
    text = _map(entry, "until").get(name)
    if text is None:
        return END
    instant = read_instant(text) if isinstance(text, str) else None
    if instant is None:
        raise ForeignStateError(f"a user's `until` of `{name}` is not an instant", help=SPOILED)
    return instant


def _duties(entry: FlatEntry, name: str) -> frozenset[str]:
    return frozenset(
        duty for duty, names in _map(entry, "obligations").items() if isinstance(names, list) and name in names
    )


def _needs_second_factor(entry: FlatEntry) -> bool:
    return _map(entry, "authentication").get("mfa") is True
