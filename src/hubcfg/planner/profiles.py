"""Compares what two profiles come to at every instant from one on: permissions, obligations and products."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from hubcfg.core.instants import END, Instant
from hubcfg.planner.change import ObligationChange, PermissionChange, ProductChange, Windows
from hubcfg.planner.state import CatalogState, Phase, Profile
from hubcfg.planner.verdict import Aspect, Difference
from hubcfg.platforms.masks import Mask, MaskNames

# The grants of a profile of before, with the catalog of after.
Recast = Callable[[Profile], tuple[Phase, ...]]


class Words:
    """The permissions of two catalogs as one sequence, so that sets of either can be compared by name."""

    def __init__(self, before: CatalogState | None, after: CatalogState | None) -> None:
        first, second = (one.names if one is not None else () for one in (before, after))
        self.names = first if first == second else tuple(sorted({*first, *second}))
        self.to_names = MaskNames(self.names)
        self._bits = {name: 1 << number for number, name in enumerate(self.names)}
        self.before = self._translator(first)
        self.after = self._translator(second)
        self.categories = self._categories(before, after)
        self.sensitive = self.mask(self.categories)

    def mask(self, names: Iterable[str]) -> Mask:
        """Returns the set of some permissions; names that neither catalog has are left out."""
        mask = 0
        for name in names:
            mask |= self._bits.get(name, 0)
        return mask

    def by_categories(self) -> dict[tuple[str, ...], Mask]:
        """Returns the sensitive permissions by their categories."""
        found: dict[tuple[str, ...], list[str]] = {}
        for name, categories in self.categories.items():
            found.setdefault(categories, []).append(name)
        return {categories: self.mask(names) for categories, names in found.items()}

    def _translator(self, names: tuple[str, ...]) -> Callable[[Mask], Mask]:
        if names == self.names:
            return lambda mask: mask
        to_names = MaskNames(names)
        known: dict[Mask, Mask] = {}

        def translate(mask: Mask) -> Mask:
            if mask not in known:
                known[mask] = self.mask(to_names(mask))
            return known[mask]

        return translate

    def _categories(self, *catalogs: CatalogState | None) -> dict[str, tuple[str, ...]]:
        """Returns what is sensitive: what either side marks, so that taking a mark away hides nothing."""
        found: dict[str, set[str]] = {}
        for catalog in catalogs:
            for name, categories in catalog.sensitive.items() if catalog is not None else ():
                if name in self._bits:
                    found.setdefault(name, set()).update(categories)
        return {name: tuple(sorted(categories)) for name, categories in found.items()}


class ProfileChange(Struct, frozen=True):
    """The difference of two profiles. `held_before` and `held_after` show that something is held, the sensitive first;
    `held_by_both` is held on both sides at some instant, `eased` what of it has lost an obligation.
    """

    permissions: tuple[PermissionChange, ...]
    obligations: tuple[ObligationChange, ...]
    products: tuple[ProductChange, ...]
    gains: tuple[Difference, ...]
    losses: tuple[Difference, ...]
    held_before: Difference | None
    held_after: Difference | None
    held_by_both: Mask
    eased: Mask


class _Moment(Struct, frozen=True):
    """Both sides from `start` until `end`."""

    start: Instant
    end: Instant
    before: Mask
    after: Mask
    products_before: frozenset[str]
    products_after: frozenset[str]
    recast: Mask


class ProfileComparer:
    """Compares profiles of one org, each pair once."""

    def __init__(self, words: Words, onboarding: Mapping[str, str], recast: Recast | None) -> None:
        self._words = words
        self._onboarding = onboarding
        self._recast = recast
        self._by_categories = words.by_categories()
        self._known: dict[tuple[Profile, Profile], ProfileChange] = {}

    def compare(self, before: Profile, after: Profile) -> ProfileChange:
        """Returns the difference of two profiles, of which the second is the later one."""
        key = (before, after)
        if key not in self._known:
            self._known[key] = self._compare(before, after)
        return self._known[key]

    def _compare(self, before: Profile, after: Profile) -> ProfileChange:
        moments = list(self._moments(before, after))
        old, new = self._obligations(before, self._words.before), self._obligations(after, self._words.after)
        both = changed = 0
        for moment in moments:
            both |= moment.before & moment.after
            changed |= moment.before ^ moment.after
        imposed, lifted = _part_from(new, old, both), _part_from(old, new, both)
        return ProfileChange(
            permissions=tuple(self._permission_changes(moments, changed, old, new)) if changed else (),
            obligations=tuple(
                ObligationChange(name, self._names(imposed.get(name, 0)), self._names(lifted.get(name, 0)))
                for name in sorted(imposed.keys() | lifted.keys())
            ),
            products=tuple(self._product_changes(moments)),
            gains=(
                *self._differences(Aspect.PERMISSION, [(one.start, one.after & ~one.before) for one in moments]),
                *self._duties(moments, lifted),
                *_open_products((one.start, one.products_after - one.products_before) for one in moments),
            ),
            losses=(
                *self._differences(Aspect.PERMISSION, [(one.start, one.before & ~one.after) for one in moments]),
                *self._duties(moments, imposed),
                *_open_products((one.start, one.products_before - one.products_after) for one in moments),
            ),
            held_before=self._first_held([(one.start, one.before) for one in moments]),
            held_after=self._first_held([(one.start, one.after) for one in moments]),
            held_by_both=both,
            eased=_union(lifted.values()),
        )

    def _moments(self, before: Profile, after: Profile) -> Iterator[_Moment]:
        is_recast = self._recast is not None
        again = self._recast(before) if self._recast is not None else before.phases
        sides = (before.phases, after.phases, again)
        starts = sorted({phase.instant for phases in sides for phase in phases})
        for start, end in zip(starts, [*starts[1:], END], strict=True):
            old, new, third = (_phase_at(phases, start) for phases in sides)
            yield _Moment(
                start,
                end,
                self._words.before(old.permissions),
                self._words.after(new.permissions),
                old.products,
                new.products,
                self._words.after(third.permissions) if is_recast else self._words.before(old.permissions),
            )

    def _permission_changes(
        self, moments: list[_Moment], changed: Mask, old: Mapping[str, Mask], new: Mapping[str, Mask]
    ) -> Iterator[PermissionChange]:
        parts: dict[tuple[tuple[bool, bool], ...], Mask] = {(): changed}
        written = 0
        for moment in moments:
            written |= moment.after & ~moment.before & ~moment.recast | moment.before & ~moment.after & moment.recast
            split: dict[tuple[tuple[bool, bool], ...], Mask] = {}
            for times, mask in parts.items():
                for was, one in ((True, mask & moment.before), (False, mask & ~moment.before)):
                    for is_now, two in ((True, one & moment.after), (False, one & ~moment.after)):
                        if two:
                            split[(*times, (was, is_now))] = two
            parts = split
        found = []
        for times, mask in parts.items():
            is_gained = (False, True) in times
            duties = new if is_gained else old
            for sensitive, of_category in self._split_by_marks(mask):
                for from_catalog in (False, True):
                    rest = of_category & (~written if from_catalog else written)
                    for obligations, left in _split_by_duties(rest, duties) if rest else ():
                        found.append(
                            PermissionChange(
                                self._names(left),
                                _windows(moments, [was for was, _ in times]),
                                _windows(moments, [is_now for _, is_now in times]),
                                is_gained,
                                (True, False) in times,
                                sensitive,
                                obligations,
                                from_catalog,
                            )
                        )
        yield from sorted(found, key=lambda one: one.permissions)

    def _split_by_marks(self, mask: Mask) -> Iterator[tuple[tuple[str, ...], Mask]]:
        if plain := mask & ~self._words.sensitive:
            yield (), plain
        for categories, marked in self._by_categories.items():
            if mask & marked:
                yield categories, mask & marked

    def _product_changes(self, moments: list[_Moment]) -> Iterator[ProductChange]:
        products = {one for moment in moments for one in moment.products_before ^ moment.products_after}
        for product in sorted(products):
            before = _windows(moments, [product in moment.products_before for moment in moments])
            after = _windows(moments, [product in moment.products_after for moment in moments])
            yield ProductChange(product, before, after, None if before else self._onboarding.get(product))

    def _obligations(self, profile: Profile, translate: Callable[[Mask], Mask]) -> dict[str, Mask]:
        return {name: translate(mask) for name, mask in profile.obligations.items()}

    def _duties(self, moments: list[_Moment], found: Mapping[str, Mask]) -> Iterator[Difference]:
        for name, mask in found.items():
            held = [(one.start, one.before & one.after & mask) for one in moments]
            yield from self._differences(Aspect.OBLIGATION, held, name)

    def _first_held(self, held: list[tuple[Instant, Mask]]) -> Difference | None:
        return next(iter(self._differences(Aspect.SCOPE, held)), None)

    def _differences(
        self, aspect: Aspect, masks: list[tuple[Instant, Mask]], name: str | None = None
    ) -> list[Difference]:
        """Returns the first permission by time and name, a sensitive one where there is any; nothing where there is none."""
        for is_sensitive, within in ((True, self._words.sensitive), (False, -1)):
            first = next(((instant, mask & within) for instant, mask in masks if mask & within), None)
            if first is not None:
                permission = self._words.names[_lowest(first[1])]
                return [Difference(aspect, first[0], permission, name, is_sensitive)]
        return []

    def _names(self, mask: Mask) -> tuple[str, ...]:
        return tuple(self._words.to_names(mask))


def _phase_at(phases: tuple[Phase, ...], instant: Instant) -> Phase:
    return next(phase for phase in reversed(phases) if phase.instant <= instant)


def _windows(moments: list[_Moment], holds: list[bool]) -> Windows:
    """Returns the times in which something holds; neighbouring ones are joined."""
    found: list[tuple[Instant, Instant]] = []
    for moment, is_held in zip(moments, holds, strict=True):
        if is_held and found and found[-1][1] == moment.start:
            found[-1] = (found[-1][0], moment.end)
        elif is_held:
            found.append((moment.start, moment.end))
    return tuple(found)


def _part_from(one: Mapping[str, Mask], other: Mapping[str, Mask], within: Mask) -> dict[str, Mask]:
    """Returns by obligation what it comes with in `one` and not in `other`."""
    return {name: left for name, mask in one.items() if (left := mask & ~other.get(name, 0) & within)}


def _split_by_duties(mask: Mask, duties: Mapping[str, Mask]) -> Iterator[tuple[tuple[str, ...], Mask]]:
    parts: dict[tuple[str, ...], Mask] = {(): mask}
    for name, of_name in sorted(duties.items()):
        split: dict[tuple[str, ...], Mask] = {}
        for names, part in parts.items():
            if part & ~of_name:
                split[names] = part & ~of_name
            if part & of_name:
                split[(*names, name)] = part & of_name
        parts = split
    yield from parts.items()


def _open_products(times: Iterable[tuple[Instant, frozenset[str]]]) -> Iterator[Difference]:
    first = next(((instant, products) for instant, products in times if products), None)
    if first is not None:
        yield Difference(Aspect.PRODUCT, first[0], name=min(first[1]))


def _union(masks: Iterable[Mask]) -> Mask:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _lowest(mask: Mask) -> int:
    return (mask & -mask).bit_length() - 1
