"""Finds what people must be granted so that they come out as they are: resolution (docs/resolution.md), read backwards."""

from msgspec import Struct

from hubcfg.core.instants import END, Instant
from hubcfg.importing.held import HeldPerson
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.access import Rights
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.validator.config import Entry, Org


class Words:
    """The texts that stand in lists of permissions, a bit each: the catalog's permissions, then patterns as they come."""

    def __init__(self, org: Org) -> None:
        self._catalog = org.catalog
        self._texts = list(org.catalog.names)
        self._bits: dict[str, Mask] = {}

    def bit(self, text: str) -> Mask:
        """Returns the bit of a permission or pattern; an alias of a permission has that one's."""
        name = self._catalog.expand_alias(text)
        if name in self._catalog.permissions:
            return self._catalog.match(name)
        if name not in self._bits:
            self._bits[name] = 1 << len(self._texts)
            self._texts.append(name)
        return self._bits[name]

    def texts(self, mask: Mask) -> list[str]:
        """Returns what the bits of a mask stand for, patterns last."""
        names = self._catalog.to_names(mask & self._catalog.all)
        more = mask >> len(self._catalog.names)
        return names + [text for place, text in enumerate(self._texts[len(self._catalog.names) :]) if more >> place & 1]


class Piece(Struct, frozen=True):
    """Permissions that are to be granted until an instant, END where they last."""

    end: Instant
    mask: Mask


class Need(Struct, frozen=True):
    """What somebody is to be granted, and the `products` map of the entry, where it needs one."""

    pieces: tuple[Piece, ...] = ()
    products: tuple[str, ...] | None = None


class NeedFinder:
    """Finds what the people of one org need, once for all who are alike."""

    def __init__(self, org: Org, words: Words, instant: Instant) -> None:
        self._org = org
        self._catalog = org.catalog
        self._words = words
        self._instant = instant
        self._resolver = OrgResolver(org)
        self._needs: dict[tuple[object, ...], Need] = {}
        self._masks: dict[frozenset[str], Mask] = {}

    def rights(self, person: HeldPerson) -> Rights:
        """Returns what the person's platform role, or being a client user, gives and allows."""
        return self._resolver.rights(Entry(person.audience, person.role, (), (), (), (), None, False))

    def find(self, person: HeldPerson) -> Need:
        """Returns what a person must be granted; what no entry can give is left out."""
        if person.lists is not None:
            return self._take_lists(person)
        key = (person.audience, person.role, person.is_suspended, person.permissions, person.until, person.products)
        if key not in self._needs:
            self._needs[key] = self._find(person)
        return self._needs[key]

    def _take_lists(self, person: HeldPerson) -> Need:
        assert person.lists is not None
        ends: dict[Instant, Mask] = {}
        for text, end in person.lists.permissions:
            lasting = END if end is None else end
            ends[lasting] = ends.get(lasting, 0) | self._words.bit(text)
        return Need(_pieces(ends), person.lists.products)

    def _find(self, person: HeldPerson) -> Need:
        rights = self.rights(person)
        if person.is_suspended:
            return Need()
        ends = self._ends(person, rights.ceiling & self._resolver.within(self._org.active_products), rights)
        role = rights.role
        if person.audience is Audience.CLIENT or role is None or role.has_all_products:
            base = rights.baseline & rights.ceiling
            return Need(_pieces({end: mask & ~base for end, mask in ends.items()}))
        return self._open_products(person, rights, ends)

    def _ends(self, person: HeldPerson, possible: Mask, rights: Rights) -> dict[Instant, Mask]:
        """Returns what the person can hold of what is held, by when it ends; what has ended is gone."""
        left = self._mask(person.permissions) & possible
        if rights.role is not None and rights.role.is_read_only:
            left &= self._catalog.read
        ends: dict[Instant, Mask] = {}
        for name, end in person.until:
            bit = self._catalog.match(name) & left if name in self._catalog.permissions else 0
            left &= ~bit
            if bit and end > self._instant:
                ends[end] = ends.get(end, 0) | bit
        ends[END] = left
        return ends

    def _mask(self, names: frozenset[str]) -> Mask:
        if names not in self._masks:
            mask = 0
            for name in names:
                if name in self._catalog.permissions:
                    mask |= self._catalog.match(name)
            self._masks[names] = mask
        return self._masks[names]

    def _open_products(self, person: HeldPerson, rights: Rights, ends: dict[Instant, Mask]) -> Need:
        """Returns what is to be granted, and how the products are opened: by what is granted, or by a map.

        A baseline that ends with the access to its product says that the access is implied, by a grant that ends then.
        """
        assert rights.role is not None
        catalog, active = self._catalog, self._org.active_products
        always = active & {*self._org.platform.always_active, *rights.role.implied_products}
        held = 0
        for mask in ends.values():
            held |= mask
        wanted = ((catalog.products_of(held) if person.products is None else person.products) & active) - always
        base = rights.baseline & rights.ceiling & self._resolver.within(wanted | always)
        grants = {end: mask & ~base for end, mask in ends.items()}
        opened: dict[str, Instant] = {}
        for end in sorted(grants):
            opened |= dict.fromkeys(catalog.products_of(grants[end]), end)
        due = self._due(ends, base, wanted)
        is_implied = opened.keys() - always == wanted and all(opened[product] == end for product, end in due.items())
        if not is_implied and all(end == END for end in due.values()):
            return Need(_pieces(grants), tuple(sorted(wanted)))
        for product, end in due.items():
            if opened.get(product, -1) < end:
                grants[end] |= self._opener(ends[end] & base & catalog.of_product(product))
        for product in wanted - opened.keys() - due.keys():
            # It is open, and nothing in it is held: whatever was granted there is without effect.
            grants[END] |= self._opener(catalog.of_product(product) & self._powerless(rights))
        return Need(_pieces(grants))

    def _powerless(self, rights: Rights) -> Mask:
        """Returns the permissions that come to nothing where they are granted with a role."""
        beyond = rights.audience & ~rights.ceiling
        if rights.role is None or not rights.role.is_read_only:
            return beyond
        lowered = 0
        for name in self._catalog.to_names(rights.audience & ~self._catalog.read):
            bit = self._catalog.match(name)
            if not self._catalog.reads_beside(bit) & rights.ceiling & rights.audience:
                lowered |= bit
        return beyond & self._catalog.read | lowered

    def _due(self, ends: dict[Instant, Mask], base: Mask, wanted: frozenset[str]) -> dict[str, Instant]:
        """Returns until when products must be open for the baseline in them to last as long as it does."""
        due: dict[str, Instant] = {}
        for end in sorted(ends):
            due |= dict.fromkeys(self._catalog.products_of(ends[end] & base) & wanted, end)
        return due

    def _opener(self, mask: Mask) -> Mask:
        """Returns one permission of a set that, granted, opens its product: one that is not sensitive if possible."""
        plain = mask & ~self._catalog.sensitive or mask
        return plain & -plain


def _pieces(ends: dict[Instant, Mask]) -> tuple[Piece, ...]:
    return tuple(Piece(end, mask) for end, mask in sorted(ends.items(), reverse=True) if mask)
