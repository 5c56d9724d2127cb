"""What single entries of a user's lists contribute: whether anything of them is left, and what would change without them."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from hubcfg.checker.scope import Listed, OrgCheck, listed_denies, listed_grants
from hubcfg.core.instants import BEGINNING, Instant
from hubcfg.core.places import KeyPath
from hubcfg.platforms.grants import Audience, Group, Role
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.resolve import OrgResolver, window_of
from hubcfg.resolver.windows import ALWAYS, Timed, add_timed, boundaries_after, union_at, union_of
from hubcfg.validator.config import Entry

_NOUNS = {"permissions": "", "roles": "the Hub role "}


class Gift(Struct, frozen=True):
    """What one entry of a list gives.

    `timed` is what counts when, `mask` what that is with time windows aside; `matched` is the same before it is kept to the
    audience and to the product entry that it stands in.
    """

    listed: Listed
    timed: Timed
    mask: Mask
    matched: Mask

    @property
    def words(self) -> str:
        """The entry as messages name it."""
        return f"{_NOUNS.get(self.listed.field, 'the group ')}`{self.listed.grant.target}`"


def terms_of(resolver: OrgResolver, listed: Listed) -> Timed:
    """Returns what an entry leads to, without its own window."""
    if listed.field == "permissions":
        return resolver.permission_terms(listed.grant)
    if listed.field == "roles":
        return resolver.role_terms(listed.grant.target)
    return resolver.group_terms(listed.grant.target)


def gifts_of(check: OrgCheck, owner: Entry | Group | Role) -> Iterator[Gift]:
    """Yields what each entry of a user, group or Hub role gives."""
    catalog, resolver = check.org.catalog, check.resolver
    of_audience = catalog.all if isinstance(owner, Role) else catalog.of_audience(owner.audience)
    for listed in listed_grants(owner):
        within = of_audience if listed.product is None else of_audience & catalog.of_product(listed.product)
        terms = terms_of(resolver, listed)
        matched = union_of(terms)
        timed: Timed = {}
        add_timed(timed, terms, window_of(listed.grant), within)
        yield Gift(listed, timed, matched & within, matched)


def repeats(gifts: Sequence[Gift]) -> set[int]:
    """Returns the positions of the gifts whose entry stands earlier in the same list, word for word."""
    if len({gift.listed.grant.target for gift in gifts}) == len(gifts):
        return set()
    seen: set[object] = set()
    found = set()
    for position, gift in enumerate(gifts):
        key = (gift.listed.product, gift.listed.field, gift.listed.grant)
        if key in seen:
            found.add(position)
        seen.add(key)
    return found


def effects_of(check: OrgCheck) -> Iterator["EntryEffects"]:
    """Yields what to judge of each distinct entry: not of suspended users, nor of staff whose role is in question."""
    return (effects_of_entry(check, entry) for entry in check.by_entry if is_judged(check, entry))


def effects_of_entry(check: OrgCheck, entry: Entry) -> "EntryEffects":
    """Returns what an entry's lists do; worked out once for all rules that ask."""
    effects = check.memo.get(entry)
    if not isinstance(effects, EntryEffects):
        effects = check.memo[entry] = EntryEffects(check, entry)
    return effects


def is_judged(check: OrgCheck, entry: Entry) -> bool:
    """Whether it can be told what the lists of an entry come to."""
    return not entry.suspended and (entry.audience is Audience.CLIENT or check.holding(entry).rights.role is not None)


class EntryEffects:
    """What the entries of one user's lists do, given all else that the user has. `active` is what the org can use."""

    def __init__(self, check: OrgCheck, entry: Entry) -> None:
        self.check = check
        self.entry = entry
        self.active = active = check.active
        holding = check.holding(entry)
        self.rights = holding.rights
        self.denied = holding.denied
        self.gifts = list(gifts_of(check, entry))
        role = holding.rights.role
        self.is_read_only = role is not None and role.is_read_only
        # Without a `products` map, or a role that opens everything, grants open the products that they belong to.
        self.is_access_implied = role is not None and not role.has_all_products and entry.products is None
        granted = 0
        for gift in self.gifts:
            granted |= gift.mask
        self.granted = granted
        if role is None or role.has_all_products:
            self.open = active
        elif holding.granted.keys() <= {ALWAYS}:
            self.open = check.resolver.within(holding.reach)
        else:
            self.open = self._opened_by(granted & ~self.denied)

    def _opened_by(self, kept: Mask) -> Mask:
        resolver = self.check.resolver
        return resolver.within(resolver.open_products(self.entry, self.rights, kept))

    @property
    def sure_baseline(self) -> Mask:
        """What the role gives whichever grants there are."""
        role, within_ceiling = self.rights.role, self.rights.baseline & self.rights.ceiling
        if not within_ceiling or role is None or role.has_all_products:
            return within_ceiling
        return within_ceiling & (self._opened_by(0) if self.is_access_implied else self.open)

    def survives(self, mask: Mask) -> Mask:
        """Returns what of a grant is effective in itself: neither denied, nor cut, nor turned into reading."""
        return self._counts(mask & self.rights.audience & ~self.denied)

    def _counts(self, mask: Mask) -> Mask:
        left = mask & self.rights.ceiling & self.open
        return left & self.check.org.catalog.read if self.is_read_only else left

    def brings(self, mask: Mask) -> Mask:
        """Returns all that a grant may add by itself: what it comes to, and what the role gives in the products it opens."""
        if not mask:
            return 0
        catalog, rights = self.check.org.catalog, self.rights
        most = self.check.resolver.downgrade(rights, mask) & ~self.denied
        if self.is_access_implied and rights.baseline:
            most |= rights.baseline & self.check.resolver.within(catalog.products_of(mask & ~self.denied))
        return most & rights.ceiling & (self.active if self.is_access_implied else self.open)

    def is_needless(self, gift: Gift, rest: Iterable[Gift]) -> bool:
        """Whether the user would hold the same, at every instant, with `rest` alone."""
        if not self.brings(gift.mask):
            return True
        total: Timed = {}
        for other in rest:
            add_timed(total, other.timed)
        with_gift = dict(total)
        add_timed(with_gift, gift.timed)
        return self.come_to_same((total, self.denied), (with_gift, self.denied))

    def come_to_same(self, one: tuple[Timed, Mask], other: tuple[Timed, Mask]) -> bool:
        """Whether two pairs of grants and denies make the same effective at every instant."""
        instants: list[Instant] = [BEGINNING]
        if not one[0].keys() | other[0].keys() <= {ALWAYS}:
            instants += boundaries_after([one[0], other[0]], BEGINNING)
        evaluate, entry, rights = self.check.resolver.evaluate, self.entry, self.rights
        for instant in instants:
            first = evaluate(entry, rights, union_at(one[0], instant), one[1])
            second = evaluate(entry, rights, union_at(other[0], instant), other[1])
            if first[0] != second[0]:
                return False
        return True

    @cached_property
    def split(self) -> tuple[list[Gift], list[Gift]]:
        """The gifts of which nothing is left and that change nothing, and the others.

        Where two are of use only to each other's exclusion the later one goes. What stands twice is judged once, and what some
        other finding speaks about (a product that is not subscribed, a group of the other audience) counts as of use.
        """
        idle: list[Gift] = []
        twice = repeats(self.gifts)
        kept = [gift for position, gift in enumerate(self.gifts) if position not in twice]
        for position in reversed(range(len(kept))):
            gift = kept[position]
            if not gift.matched or self.survives(gift.mask) or self.is_judged_elsewhere(gift):
                continue
            rest = kept[:position] + kept[position + 1 :]
            if self.is_needless(gift, rest):
                idle.append(gift)
                kept = rest
        idle.reverse()
        return idle, kept

    def is_judged_elsewhere(self, gift: Gift) -> bool:
        """Whether another finding says what is wrong: an inactive product entry, or what is of the other audience."""
        org, listed = self.check.org, gift.listed
        if listed.product is not None and not org.catalog.of_product(listed.product) & self.active:
            return True
        if listed.field == "groups":
            group = org.groups.get(listed.grant.target)
            return group is None or group.audience is not self.entry.audience
        is_client = self.entry.audience is Audience.CLIENT
        return is_client and not gift.matched & self.rights.audience

    def needless_denies(self) -> Iterator[tuple[KeyPath, str, str | None, Mask, Mask]]:
        """Yields each deny that changes nothing: path, pattern, product, what it matches, and what the other denies match.

        Not those of which something is effective through the role's baseline: `ineffective-deny` speaks about them.
        """
        entry, check = self.entry, self.check
        potential = check.holding(entry).potential
        denies = [
            (path, pattern, product, self._deny_mask(pattern, product))
            for path, pattern, product in listed_denies(entry)
        ]
        if not denies:
            return
        granted = check.holding(entry).granted
        found = []
        for position in reversed(range(len(denies))):
            path, pattern, product, mask = denies[position]
            is_closed = product is not None and not check.org.catalog.of_product(product) & self.active
            if mask & potential or is_closed:
                continue
            others = 0
            for index, other in enumerate(denies):
                if index != position:
                    others |= other[3]
            alone = mask & ~others
            if self._counts(alone & self.granted):
                continue  # without the deny it would be held
            if not alone & self.reachable or self.come_to_same((granted, self.denied), (granted, others)):
                found.append((path, pattern, product, mask, others))
                denies[position] = (path, pattern, product, 0)
        yield from reversed(found)

    def patterns_denying(self, mask: Mask) -> list[str]:
        """Returns the deny patterns that take any of the permissions away."""
        denies = listed_denies(self.entry)
        return list(
            dict.fromkeys(pattern for _, pattern, product in denies if self._deny_mask(pattern, product) & mask)
        )

    @property
    def reachable(self) -> Mask:
        """What a deny could take away: what is granted, and what that comes to for a role that only reads."""
        return self.granted | self.check.resolver.downgrade(self.rights, self.granted)

    def _deny_mask(self, pattern: str, product: str | None) -> Mask:
        catalog = self.check.org.catalog
        mask = catalog.match(pattern) & self.rights.audience
        return mask if product is None else mask & catalog.of_product(product)


def covers(wanted: Timed, others: Sequence[Timed], always: Mask = 0) -> bool:
    """Whether the others, with what there is `always`, give all that is wanted at every instant at which it is."""
    for other in others:
        always |= other.get(ALWAYS, 0)
    for (start, end), mask in wanted.items():
        missing = mask & ~always
        if not missing:
            continue
        helpful = [{window: part} for other in others for window, part in other.items() if part & missing]
        if not helpful:
            return False
        for instant in [start, *(edge for edge in boundaries_after(helpful, start) if edge < end)]:
            there = 0
            for part in helpful:
                there |= union_at(part, instant)
            if missing & ~there:
                return False
    return True
