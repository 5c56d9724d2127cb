"""A comparison as JSON: users refer to nothing, they stand with the change that they have in common."""

from typing import Any

from hubcfg.core.instants import END, format_instant
from hubcfg.planner.change import (
    AccessChange,
    CatalogChange,
    Changed,
    OrgChange,
    PermissionChange,
    UserChange,
    Windows,
)
from hubcfg.planner.state import Extent
from hubcfg.planner.verdict import Totals, Witness
from hubcfg.platforms.grants import Audience


def witness_document(witness: Witness | None) -> dict[str, Any] | None:
    """Returns who gains or loses what; None where nobody does."""
    if witness is None:
        return None
    one = witness.difference
    return {
        "org": witness.org,
        "user": witness.user,
        "aspect": one.aspect.value,
        "permission": one.permission,
        "name": one.name,
        "sensitive": one.is_sensitive,
        "from": format_instant(one.instant),
    }


def totals_document(totals: Totals) -> dict[str, int]:
    """Returns the counts."""
    return {
        "users": totals.users,
        "gained": totals.gained,
        "lost": totals.lost,
        "sensitive_gained": totals.sensitive_gained,
        "sensitive_widened": totals.sensitive_widened,
    }


def org_document(org: OrgChange) -> dict[str, Any]:
    """Returns all that changes in an org."""
    return {
        "org": org.id,
        "presence": org.presence.value,
        "verdict": org.verdict.value,
        "gain": witness_document(org.gain),
        "loss": witness_document(org.loss),
        "totals": totals_document(org.totals),
        "platform": _plain(org.platform),
        "manage": _plain(org.manage),
        "products": [{"product": product, **_both(change)} for product, change in org.products],
        "clients": {
            "added": list(org.clients.added),
            "removed": list(org.clients.removed),
            "changed": list(org.clients.changed),
        },
        "catalog": None if org.catalog is None else _catalog(org.catalog),
        "changes": [_group(change, users) for change, users in org.groups()],
        "unknown": list(org.unknown),
    }


def _catalog(change: CatalogChange) -> dict[str, Any]:
    return {
        "before": {"id": change.before.id, "version": change.before.version},
        "after": {"id": change.after.id, "version": change.after.version},
        "added": list(change.added),
        "removed": list(change.removed),
        "newly_sensitive": list(change.newly_sensitive),
        "no_longer_sensitive": list(change.no_longer_sensitive),
    }


def _group(change: AccessChange, users: list[UserChange]) -> dict[str, Any]:
    scope, manages, sign_in, audience = change.scope, change.manages, change.sign_in, change.audience
    return {
        "users": [_user(user) for user in users],
        "presence": change.presence.value,
        "verdict": change.verdict.value,
        "permissions": [_permission(one) for one in change.permissions],
        "obligations": [
            {"obligation": one.obligation, "imposed": list(one.imposed), "lifted": list(one.lifted)}
            for one in change.obligations
        ],
        "products": [
            {
                "product": one.product,
                "before": _windows(one.before),
                "after": _windows(one.after),
                "onboarding": one.onboarding,
            }
            for one in change.products
        ],
        "scope": None if scope is None else {"before": _scope(scope.before), "after": _scope(scope.after)},
        "manages": None if manages is None else {"before": _names(manages.before), "after": _names(manages.after)},
        "role": _plain(change.role),
        "audience": None
        if audience is None
        else {"before": _audience(audience.before), "after": _audience(audience.after)},
        "suspended": _plain(change.suspended),
        "authentication": None
        if sign_in is None
        else {side: _sign_in(one) for side, one in (("before", sign_in.before), ("after", sign_in.after))},
    }


def _user(user: UserChange) -> dict[str, Any]:
    return {"before": user.before, "after": user.after, "uid": _plain(user.uid), "other_person": user.is_other_person}


def _permission(change: PermissionChange) -> dict[str, Any]:
    return {
        "permissions": list(change.permissions),
        "before": _windows(change.before),
        "after": _windows(change.after),
        "gained": change.is_gained,
        "lost": change.is_lost,
        "sensitive": list(change.sensitive),
        "obligations": list(change.obligations),
        "from_catalog": change.is_from_catalog,
    }


def _windows(windows: Windows) -> list[dict[str, str | None]]:
    return [
        {"from": format_instant(start), "until": None if end == END else format_instant(end)} for start, end in windows
    ]


def _scope(extent: Extent) -> dict[str, Any]:
    return {"clients": _names(extent)} if extent.company is None else {"company": extent.company}


def _names(extent: Extent) -> str | list[str]:
    return "all" if extent.is_all else sorted(extent.names)


def _audience(audience: Audience | None) -> str | None:
    return None if audience is None else audience.value


def _sign_in(sign_in: tuple[str, bool] | None) -> dict[str, Any] | None:
    return None if sign_in is None else {"method": sign_in[0], "mfa": sign_in[1]}


def _plain(change: Changed[Any] | None) -> dict[str, Any] | None:
    return None if change is None else _both(change)


def _both(change: Changed[Any]) -> dict[str, Any]:
    return {"before": change.before, "after": change.after}
