"""What `hubcfg who-can` says: who holds what a pattern matches, and through what."""

from msgspec import Struct

from hubcfg.core.instants import format_instant
from hubcfg.resolver.access import Holding, OrgAccess
from hubcfg.resolver.explain import Explainer
from hubcfg.validator.config import User
from hubcfg.views.held import Row, describe_origin, held_rows

FORMAT = "hubcfg.who-can/1"


class Share(Struct, frozen=True):
    """What some users of an org hold of the pattern, in the same way; `possible` is how much their audience may hold."""

    rows: tuple[Row, ...]
    possible: int
    users: list[User]


class Holders(Struct, frozen=True):
    """Who holds something in one org. `unknown` are the users whose access is not known because of errors."""

    access: OrgAccess
    pattern: str
    matched: list[str]
    needs_all: bool
    shares: list[Share]
    unknown: list[str]

    @property
    def count(self) -> int:
        """How many users hold it."""
        return sum(len(share.users) for share in self.shares)

    @property
    def as_of(self) -> str:
        """The instant that is looked at."""
        return format_instant(self.access.instant)


def find_holders(access: OrgAccess, pattern: str, *, needs_all: bool) -> Holders:
    """Finds who holds any, or all, of what the pattern matches for their audience; once for each distinct holding."""
    org, catalog = access.org, access.org.catalog
    mask = catalog.match(pattern)
    explainer = Explainer(access)
    shares: dict[tuple[object, ...], Share] = {}
    found: dict[tuple[Holding, object], Share | None] = {}
    for user in org.users.values():
        if user.id in org.unsound:
            continue
        holding = access.holding(user)
        alike = (holding, tuple(access.approved.get(user.id, ())))
        if alike not in found:
            possible = mask & holding.rights.audience
            held = holding.effective & possible
            share = None
            if held and (held == possible or not needs_all):
                rows = tuple(held_rows(explainer, user, mask))
                key = (possible.bit_count(), *((row.permission, describe_origin(row), row.until) for row in rows))
                share = shares.setdefault(key, Share(rows, possible.bit_count(), []))
            found[alike] = share
        share = found[alike]
        if share is not None:
            share.users.append(user)
    ordered = sorted(shares.values(), key=lambda share: (-len(share.rows), share.users[0].id))
    return Holders(access, pattern, catalog.to_names(mask), needs_all, ordered, sorted(org.unsound & org.users.keys()))


def render_holders(format: str, holders: list[Holders], *, width: int, use_color: bool) -> str:
    """Returns who holds it in each org, as text or JSON."""
    if format == "json":
        from hubcfg.views.who_can.json import render_json

        return render_json(holders)
    from hubcfg.views.who_can.text import render_text

    return render_text(holders, width, use_color)
