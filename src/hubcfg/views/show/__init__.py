"""What `hubcfg show` says of a user: who they are in the org, and what they hold through what."""

from msgspec import Struct

from hubcfg.core.instants import Instant, format_instant
from hubcfg.emitter.bundle import resolve_authentication
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.access import Holding, OrgAccess, Scope
from hubcfg.resolver.explain import Explainer
from hubcfg.validator.config import Org, User
from hubcfg.views.held import Row, held_rows
from hubcfg.views.places import Lines

FORMAT = "hubcfg.show/1"


class Change(Struct, frozen=True):
    """What begins and ends at a later instant, by the windows of grants."""

    instant: str
    begins: list[str]
    ends: list[str]


class Shown(Struct, frozen=True):
    """One user in one org. `is_known` is false where errors keep the access from being known: then nothing is held here."""

    org: Org
    user: User
    holding: Holding
    place: str
    at: dict[str, object]
    as_of: str
    is_known: bool
    scope: Scope
    products: list[str]
    manages: str | list[str]
    obligations: dict[str, list[str]]
    authentication: dict[str, object] | None
    rows: list[Row]
    coming: list[Change]

    @property
    def is_client(self) -> bool:
        """Whether it is a client's own user."""
        return self.user.entry.audience is Audience.CLIENT


def show_user(access: OrgAccess, user: User, lines: Lines) -> Shown:
    """Gathers what is known of a user."""
    holding = access.holding(user)
    catalog = access.org.catalog
    is_known = user.id not in access.org.unsound
    key = user.document.key(*user.path)
    authentication = resolve_authentication(access.org, user)
    return Shown(
        org=access.org,
        user=user,
        holding=holding,
        place=lines.at(key),
        at=dict(lines.json(key)),
        as_of=format_instant(access.instant),
        is_known=is_known,
        scope=access.scope(user),
        products=sorted(holding.products) if is_known else [],
        manages=access.manages(user),
        obligations={name: catalog.to_names(mask) for name, mask in access.obligations(holding).items()}
        if is_known
        else {},
        authentication=None if authentication is None else dict(authentication),
        rows=held_rows(Explainer(access), user) if is_known else [],
        coming=list(_changes(access, holding)) if is_known else [],
    )


def _changes(access: OrgAccess, holding: Holding) -> list[Change]:
    names = access.org.catalog.to_names
    found = []
    before = holding.timeline[0]
    for step in holding.timeline[1:]:
        begins, ends = step.effective & ~before.effective, before.effective & ~step.effective
        found.append(Change(format_instant(Instant(step.instant)), names(begins), names(ends)))
        before = step
    return found


def render_shown(format: str, shown: list[Shown], *, width: int, use_color: bool) -> str:
    """Returns the users as text or JSON."""
    if format == "json":
        from hubcfg.views.show.json import render_json

        return render_json(shown)
    from hubcfg.views.show.text import render_text

    return render_text(shown, width, use_color)
