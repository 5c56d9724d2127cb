"""Hindrances in words: what stands in the way, where, and what would change it."""

from collections.abc import Sequence
from typing import assert_never

from msgspec import Struct

from hubcfg.core.instants import format_instant
from hubcfg.core.places import Place
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.access import OrgAccess
from hubcfg.resolver.explain import Explanation, Hindrance, Obstacle
from hubcfg.validator.config import User
from hubcfg.views.counts import join_words

_SHOWN_CARRIERS = 3


class Reason(Struct, frozen=True):
    """One hindrance in words: `message` says what stands in the way and `place` where, `advice` what would change it."""

    obstacle: Obstacle
    message: str
    places: tuple[Place, ...]
    advice: str


def find_reasons(access: OrgAccess, explanation: Explanation) -> list[Reason]:
    """Returns what keeps the permission of an explanation away, in words."""
    writer = _Writer(access, explanation.user, explanation.permission)
    return [writer.reason(one, explanation) for one in explanation.hindrances]


def needed_reasons(explanation: Explanation, reasons: Sequence[Reason]) -> list[Reason]:
    """Returns the reasons whose advice is to be followed.

    Nothing helps where the audience is the other one; where only roles may hold the permission that give it themselves, no grant
    is needed beside such a role.
    """
    final = [reason for reason in reasons if reason.obstacle is Obstacle.AUDIENCE]
    if final:
        return final
    has_role_advice = any(reason.obstacle in (Obstacle.CEILING, Obstacle.READ_ONLY) for reason in reasons)
    if has_role_advice and explanation.roles and set(explanation.roles) == set(explanation.giving):
        return [reason for reason in reasons if reason.obstacle is not Obstacle.NOT_GRANTED]
    return list(reasons)


def summarize_hindrances(access: OrgAccess, user: User, permission: str, hindrances: Sequence[Hindrance]) -> str:
    """Returns what keeps a permission away in half a sentence."""
    writer = _Writer(access, user, permission)
    return join_words([writer.message(one) for one in hindrances]) or "nothing stands in the way"


class _Writer:
    def __init__(self, access: OrgAccess, user: User, permission: str) -> None:
        self._access = access
        self._user = user
        self._permission = permission
        self._product = permission.split(".", 1)[0]

    def message(self, one: Hindrance) -> str:
        """Returns what stands in the way; the same words for all permissions of a product that the same hinders."""
        role, product, org = self._user.entry.role, self._product, self._access.org.id
        match one.obstacle:
            case Obstacle.SUSPENDED:
                return "the entry is suspended"
            case Obstacle.AUDIENCE:
                is_client = self._user.entry.audience is Audience.CLIENT
                return "only staff may hold it" if is_client else "only client users may hold it"
            case Obstacle.NO_ROLE:
                return "the entry has no platform role"
            case Obstacle.READ_ONLY:
                return f"the role `{role}` only reads"
            case Obstacle.NOT_GRANTED:
                return "nothing grants it"
            case Obstacle.NOT_YET:
                return f"what grants it begins at {_instant(one)}"
            case Obstacle.ENDED:
                return f"what granted it ended at {_instant(one)}"
            case Obstacle.DENIED:
                return f"{_denies(one)} {'takes' if len(one.denies) == 1 else 'take'} it away"
            case Obstacle.CEILING:
                return "client users may not hold it" if role is None else f"the role `{role}` may not hold it"
            case Obstacle.NOT_SUBSCRIBED:
                return f"the org `{org}` has not subscribed to `{product}`"
            case Obstacle.NO_PRODUCT_ENTRY:
                return f"`{product}` is not among the entry's `products`"
            case Obstacle.NO_ACCESS_IMPLIED:
                if one.denies:
                    return f"{_denies(one)} {'leaves' if len(one.denies) == 1 else 'leave'} nothing that would open `{product}`"
                return f"nothing granted opens `{product}`"
            case _ as never:
                assert_never(never)

    def reason(self, one: Hindrance, explanation: Explanation) -> Reason:
        """Returns a hindrance with its places and advice."""
        return Reason(one.obstacle, self.message(one), self._places(one, explanation), self._advice(one, explanation))

    def _places(self, one: Hindrance, explanation: Explanation) -> tuple[Place, ...]:
        user, entry = self._user, self._user.entry
        place = user.document.place
        match one.obstacle:
            case Obstacle.SUSPENDED:
                return (place(*user.path, "suspended"),)
            case Obstacle.DENIED | Obstacle.NO_ACCESS_IMPLIED:
                return tuple(place(*user.path, *deny.path) for deny in one.denies)
            case Obstacle.READ_ONLY | Obstacle.CEILING:
                return (place(*user.path, "role"),) if entry.role is not None else ()
            case Obstacle.NOT_SUBSCRIBED:
                document = self._access.org.document
                raw = document.value
                has_products = isinstance(raw, dict) and "products" in raw
                return (document.key("products") if has_products else document.place("id"),)
            case Obstacle.NO_PRODUCT_ENTRY:
                return (user.document.key(*user.path, "products"),)
            case Obstacle.NOT_YET | Obstacle.ENDED:
                links = [link for chain in explanation.waiting.chains for link in chain.links]
                return tuple(link.place(user) for link in links if one.instant in (link.grant.start, link.grant.end))
        return ()

    def _advice(self, one: Hindrance, explanation: Explanation) -> str:
        product, permission = self._product, self._permission
        match one.obstacle:
            case Obstacle.SUSPENDED:
                return "remove `suspended: true`"
            case Obstacle.AUDIENCE:
                return "no change to this entry can give it"
            case Obstacle.NO_ROLE:
                return "add `role:` with a role of the platform"
            case Obstacle.READ_ONLY | Obstacle.CEILING:
                return self._other_roles(explanation)
            case Obstacle.NOT_GRANTED:
                return self._grant(explanation)
            case Obstacle.NOT_YET:
                return f"wait until {_instant(one)}, or change `starts`"
            case Obstacle.ENDED:
                return "write a later `expires`, if it is still needed"
            case Obstacle.DENIED:
                return _lift(one)
            case Obstacle.NOT_SUBSCRIBED:
                return f"add `{product}: active` to the org's `products`"
            case Obstacle.NO_PRODUCT_ENTRY:
                return f"add `{product}: {{}}` to the entry's `products`"
            case Obstacle.NO_ACCESS_IMPLIED:
                if one.denies:
                    return _lift(one)
                return f"grant `{permission}`, or name `{product}` in `products` (beside every other product that stays open)"
            case _ as never:
                assert_never(never)

    def _other_roles(self, explanation: Explanation) -> str:
        if self._user.entry.audience is Audience.CLIENT:
            return "no change to this entry can give it: the platform's `client_access` keeps it from client users"
        if not explanation.roles:
            return f"no role of the platform `{self._access.org.platform.id}` may hold it"
        fit = [f"`{role}`" for role in explanation.roles if role not in explanation.giving]
        giving = [f"`{role}`" for role in explanation.giving]
        parts = [f"{join_words(fit)} may hold it"] if fit else []
        parts += [f"{join_words(giving)} {'has' if len(giving) == 1 else 'have'} it without a grant"] if giving else []
        return f"give another role: {'; '.join(parts)}"

    def _grant(self, explanation: Explanation) -> str:
        named = [
            f"the {'Hub role' if one.noun == 'role' else 'group'} `{one.id}` ({one.size:,} permissions)"
            if one.size > 1
            else f"the {'Hub role' if one.noun == 'role' else 'group'} `{one.id}` (nothing else)"
            for one in explanation.carriers[:_SHOWN_CARRIERS]
        ]
        more = len(explanation.carriers) - len(named)
        tail = [f"{more} more"] if more else []
        itself = f"`{self._permission}` to the entry's `permissions`"
        return (
            f"add {itself}" if not named else f"add {itself}, or one that gives it: {join_words([*named, *tail], 'or')}"
        )


def _denies(one: Hindrance) -> str:
    patterns = join_words([f"`{deny.pattern}`" for deny in one.denies])
    return f"the deny {patterns}" if len(one.denies) == 1 else f"the denies {patterns}"


def _lift(one: Hindrance) -> str:
    verb = "remove or narrow" if any("*" in deny.pattern for deny in one.denies) else "remove"
    return f"{verb} the {'deny' if len(one.denies) == 1 else 'denies'}"


def _instant(one: Hindrance) -> str:
    return format_instant(one.instant) if one.instant is not None else "another time"
