"""Changes of access in words: times, extents, witnesses, users; what all texts about a comparison share."""

from collections.abc import Callable

from hubcfg.core.instants import END, Instant, format_instant
from hubcfg.planner.change import Changed, Comparison, OrgChange, PermissionChange, Presence, UserChange, Windows
from hubcfg.planner.state import Extent, SignIn
from hubcfg.planner.verdict import Aspect, Totals, Witness
from hubcfg.views.counts import number

_SHOWN_NAMES = 8


def describe_times(before: Windows, after: Windows, now: Instant) -> str:
    """Returns when something is held on the side that has it, or on both: `until …`, `from …`, `until … → for good`."""
    if not before or not after:
        words = _times(before or after, now)
        return "" if words == "for good" else words if not before else f"was {words}"
    return f"{_times(before, now)} → {_times(after, now)}"


def _times(windows: Windows, now: Instant) -> str:
    return ", ".join(_time(start, end, now) for start, end in windows)


def _time(start: int, end: int, now: Instant) -> str:
    parts = [f"from {format_instant(Instant(start))}"] if start > now else []
    parts += [f"until {format_instant(Instant(end))}"] if end != END else []
    return " ".join(parts) or "for good"


def sign_of(change: PermissionChange) -> str:
    """Returns `+`, `-`, or `±` where something is gained at one time and lost at another."""
    if change.is_gained:
        return "±" if change.is_lost else "+"
    return "-"


def describe_extent(extent: Extent, everything: str, nothing: str, quote: Callable[[str], str] = str) -> str:
    """Returns an extent in words."""
    if extent.company is not None:
        return f"the company {quote(extent.company)}"
    if extent.is_all:
        return everything
    return _list(extent.names, quote) if extent.names else nothing


def describe_extents(change: Changed[Extent], everything: str, nothing: str, quote: Callable[[str], str] = str) -> str:
    """Returns a change of extent: what comes and goes of long lists, else both sides."""
    before, after = change.before, change.after
    is_listed = not any(one.is_all or one.company is not None for one in (before, after))
    if is_listed and max(len(before.names), len(after.names)) > _SHOWN_NAMES:
        parts = [
            (sign, names) for sign, names in (("+", after.names - before.names), ("-", before.names - after.names))
        ]
        return "; ".join(f"{sign} {_list(names, quote)}" for sign, names in parts if names)
    return " → ".join(describe_extent(one, everything, nothing, quote) for one in (before, after))


def _list(names: frozenset[str], quote: Callable[[str], str]) -> str:
    shown = [quote(name) for name in sorted(names)]
    more = f" and {len(shown) - _SHOWN_NAMES} more" if len(shown) > _SHOWN_NAMES else ""
    return ", ".join(shown[:_SHOWN_NAMES]) + more


def describe_sign_in(sign_in: SignIn | None) -> str:
    """Returns how somebody signs in."""
    return "none" if sign_in is None else f"{sign_in[0]} {'with' if sign_in[1] else 'without'} a second factor"


def describe_witness(witness: Witness, now: Instant, *, is_gain: bool, quote: Callable[[str], str] = str) -> str:
    """Returns who gains or loses what, as the end of a sentence."""
    one = witness.difference
    permission, name = ("" if text is None else quote(text) for text in (one.permission, one.name))
    words = {
        (Aspect.PERMISSION, True): f"gains {permission}",
        (Aspect.PERMISSION, False): f"loses {permission}",
        (Aspect.SCOPE, True): f"gains {permission} for {name}",
        (Aspect.SCOPE, False): f"loses {permission} for {name}",
        (Aspect.OBLIGATION, True): f"no longer needs {name} for {permission}",
        (Aspect.OBLIGATION, False): f"needs {name} for {permission}",
        (Aspect.MANAGEMENT, True): f"manages {name}",
        (Aspect.MANAGEMENT, False): f"no longer manages {name}",
        (Aspect.PRODUCT, True): f"gains the product {name}",
        (Aspect.PRODUCT, False): f"loses the product {name}",
    }[one.aspect, is_gain]
    later = f" from {format_instant(one.instant)}" if one.instant > now else ""
    return f"{quote(witness.user)} {words}{later}{', which is sensitive' if one.is_sensitive else ''}"


def describe_witnesses(change: Comparison | OrgChange, now: Instant, quote: Callable[[str], str] = str) -> list[str]:
    """Returns who gains and who loses what, as far as anybody does."""
    return [
        describe_witness(witness, now, is_gain=is_gain, quote=quote)
        for witness, is_gain in ((change.gain, True), (change.loss, False))
        if witness is not None
    ]


def describe_user(user: UserChange, quote: Callable[[str], str] = str) -> str:
    """Returns a user's id with what is particular about it."""
    notes = []
    if user.is_other_person:
        notes.append("now another person" if user.access.presence is Presence.ADDED else "the person before")
    if user.uid is not None:
        notes.append(
            f"uid {' → '.join('none' if one is None else quote(one) for one in (user.uid.before, user.uid.after))}"
        )
    name = f"{quote(user.before or '')} → {quote(user.after or '')}" if user.is_rename else quote(user.id)
    return f"{name} ({', '.join(notes)})" if notes else name


def describe_totals(totals: Totals) -> str:
    """Returns the counts as a sentence."""
    gained = number(totals.gained, "permission") + " gained"
    if totals.sensitive_gained:
        gained += f" ({totals.sensitive_gained:,} sensitive)"
    parts = [gained, f"{totals.lost:,} lost"]
    if totals.sensitive_widened:
        parts.append(f"{totals.sensitive_widened:,} sensitive held more widely")
    return f"{number(totals.users, 'user')} touched: {', '.join(parts)}"
