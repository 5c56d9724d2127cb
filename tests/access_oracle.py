"""What a user's entry comes to, spelled out one access at a time: the slow and obvious way, to judge the quick one by."""

from collections.abc import Mapping
from typing import Any

MOMENTS = ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00.2Z", "2027-01-01T00:00:01Z", "9999-12-31T23:59:59.9999999Z")
CLIENTS = ("contoso", "fabrikam", "0-globex", "a client to come")


def spell_out(entry: Mapping[str, Any] | None) -> dict[tuple[str, ...], frozenset[str]]:
    """Returns every single thing that a user may, with the conditions under which; nobody may nothing."""
    if entry is None or entry.get("suspended"):
        return {}
    scope = entry["scope"]
    if "company" in scope:
        whom = [("company", scope["company"])]
    else:
        whom = [("client", one) for one in (CLIENTS if scope["clients"] == "all" else scope["clients"])]
    sign_in = {"second factor"} if entry.get("authentication", {}).get("mfa") else set()
    found: dict[tuple[str, ...], frozenset[str]] = {}
    for permission in entry["permissions"]:
        duties = {name for name, names in entry.get("obligations", {}).items() if permission in names}
        end = entry.get("until", {}).get(permission)
        for moment in MOMENTS:
            if end is None or moment.rstrip("Z") < end.rstrip("Z"):
                for kind, one in whom:
                    found["use", permission, kind, one, moment] = frozenset(duties | sign_in)
    for product in entry["products"]:
        found["open", product] = frozenset(sign_in)
    manages = entry.get("manages", [])
    for one in ("anybody", "somebody to come") if manages == "all" else manages:
        found["manage", one] = frozenset(sign_in)
    return found


def lies_within(inner: Mapping[str, Any] | None, outer: Mapping[str, Any] | None) -> bool:
    """Whether `inner` may nothing that `outer` may not, and nothing under fewer conditions."""
    one, other = spell_out(inner), spell_out(outer)
    if inner is not None and outer is not None and one and len({inner.get("uid"), outer.get("uid")} - {None}) > 1:
        return False
    everybody = outer is not None and outer.get("manages") == "all"
    return all(
        (key in other and other[key] <= duties) or (everybody and key[0] == "manage" and bool(other))
        for key, duties in one.items()
    )
