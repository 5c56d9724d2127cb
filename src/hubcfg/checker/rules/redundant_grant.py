"""An entry all of which comes from another one anyway, at every instant; or the same entry twice in a list.

Why: taking one of the two away changes nothing, which surprises whoever means to take access away.

Example:
    groups:
      desk: {permissions: [psa.tickets.*, psa.tickets.read]}   # `psa.tickets.read` is in `psa.tickets.*`

Mend: remove the entry, or the wider one if that was not meant; `hubcfg fix` removes what stands twice in a list.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from hubcfg.checker.effects import EntryEffects, Gift, covers, effects_of_entry, gifts_of, is_judged, repeats
from hubcfg.checker.scope import OrgCheck, ProjectCheck, bundle_place
from hubcfg.core.finding import Edit, EditAction, Finding, Fix, find
from hubcfg.core.places import KeyPath, Place
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.platforms.grants import Group, Role
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.windows import ALWAYS, Timed, union_of
from hubcfg.validator.bundles import find_cycles
from hubcfg.validator.config import Entry

_TWICE = "stands in the list twice"


class _Needless(Struct, frozen=True):
    """An entry that is not needed: where it stands, relative to its owner, and why."""

    path: KeyPath
    words: str
    reason: str

    def at(self, place: Place) -> Finding:
        """Returns the finding for the entry, which stands at `place`."""
        if self.reason != _TWICE:
            return find(RULE, f"{self.words} {self.reason}", place, help="remove it; nobody's access changes")
        fix = Fix("remove the repetition", (Edit(place, EditAction.REMOVE_ITEM),))
        return find(RULE, f"{self.words} {self.reason}", place, help="remove one of the two", fix=fix)


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each redundant entry of the org's users, groups and Hub roles."""
    for entry, users in check.by_entry.items():
        for needless in _find_in_entry(check, entry):
            yield from (needless.at(check.place(user, *needless.path)) for user in users)
    in_circles = find_cycles(check.org.groups)[1]
    for bundle in check.bundles():
        for needless in _find_in_bundle(check, bundle, in_circles):
            yield needless.at(bundle_place(bundle, *needless.path))


def check_project(check: ProjectCheck) -> Iterator[Finding]:
    """Yields a finding for each entry of a shared group or Hub role that is redundant in the catalogs of all its orgs."""
    bundles: dict[Place, Group | Role] = {}
    found: dict[Place, dict[_Needless, None]] = {}
    catalogs: set[tuple[str, str]] = set()
    for one in check.orgs:
        key = (one.org.platform.id, one.org.catalog.id)
        if key in catalogs:
            continue
        catalogs.add(key)
        in_circles = find_cycles(one.org.groups)[1]
        own: list[Group | Role] = [*one.org.groups.values(), *one.org.roles.values()]
        shared = {bundle_place(bundle) for bundle in check.shared_bundles()}
        for bundle in own:
            place = bundle_place(bundle)
            if place in shared:
                bundles[place] = bundle
                needless = dict.fromkeys(_find_in_bundle(one, bundle, in_circles))
                before = found.setdefault(place, needless)
                found[place] = {item: None for item in before if item in needless}
    for place, listed in found.items():
        yield from (needless.at(bundle_place(bundles[place], *needless.path)) for needless in listed)


def _find_in_entry(check: OrgCheck, entry: Entry) -> Iterator[_Needless]:
    if not is_judged(check, entry):
        yield from _find_repeated(list(gifts_of(check, entry)))
        return
    effects = effects_of_entry(check, entry)
    if not effects.gifts:
        return
    yield from _find_repeated(effects.gifts)
    _, kept = effects.split
    wanted = [
        _wanted(effects, gift) if _is_current(check, gift) and effects.survives(gift.mask) else {} for gift in kept
    ]
    # Of what only opens a product, or comes to reading, being covered is not the whole story.
    is_simple = not effects.is_read_only and not (effects.is_access_implied and effects.rights.baseline)
    removed: set[int] = set()
    for position, words in _find_covered(kept, wanted, effects.sure_baseline, f"the role `{entry.role}`"):
        removed.add(position)
        rest = (gift for index, gift in enumerate(kept) if index not in removed)
        if is_simple or effects.is_needless(kept[position], rest):
            yield _Needless(kept[position].listed.path, kept[position].words, words)
        else:
            removed.discard(position)


def _find_in_bundle(check: OrgCheck, bundle: Group | Role, in_circles: set[str]) -> Iterator[_Needless]:
    gifts = list(gifts_of(check, bundle))
    yield from _find_repeated(gifts)
    if isinstance(bundle, Group) and bundle.id in in_circles:
        return
    kept = _without_repeated(gifts)
    wanted = [gift.timed if _is_current(check, gift) else {} for gift in kept]
    for position, words in _find_covered(kept, wanted, 0, ""):
        yield _Needless(kept[position].listed.path, kept[position].words, words)


def _find_covered(gifts: Sequence[Gift], wanted: Sequence[Timed], always: Mask, role: str) -> Iterator[tuple[int, str]]:
    """Yields the positions of the entries whose `wanted` part comes from the others, the last first, and what it comes from.

    An entry that is yielded is no longer counted on for those before it.
    """
    before = [always]
    for gift in gifts:
        before.append(before[-1] | gift.timed.get(ALWAYS, 0))
    has_windows = any(not gift.timed.keys() <= {ALWAYS} for gift in gifts)
    later: list[Gift] = []
    after: Mask = 0
    for position in reversed(range(len(gifts))):
        wants, gift = wanted[position], gifts[position]
        there = before[position] | after
        if wants and (
            not any(mask & ~there for mask in wants.values())
            or (has_windows and covers(wants, [one.timed for one in (*gifts[:position], *later)], always))
        ):
            yield position, _name_source(wants, [*gifts[:position], *reversed(later)], always, role)
        else:
            later.append(gift)
            after |= gift.timed.get(ALWAYS, 0)


def _name_source(wants: Timed, others: Sequence[Gift], always: Mask, role: str) -> str:
    if covers(wants, (), always):
        return f"gives nothing that {role} does not give anyway"
    for other in others:
        if covers(wants, [other.timed]):
            return f"gives nothing that {other.words} does not give anyway"
    of_all = union_of(wants)
    names = [other.words for other in others if union_of(other.timed) & of_all]
    return f"gives nothing that {join_words([*names, role] if of_all & always else names)} do not give anyway"


def join_words(words: Sequence[str]) -> str:
    """Returns the first three of some words as a list in a sentence."""
    shown = [*words[:3], f"{len(words) - 3} more"] if len(words) > 3 else list(words)
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _wanted(effects: EntryEffects, gift: Gift) -> Timed:
    """Returns what an entry gives that the role can have at all; what is cut by a subscription may come back with it."""
    left = ~effects.denied & effects.rights.ceiling
    if effects.is_read_only:
        left &= effects.check.org.catalog.read
    return {window: mask & left for window, mask in gift.timed.items() if mask & left}


def _is_current(check: OrgCheck, gift: Gift) -> bool:
    """Whether an entry is judged: what has ended is `expired-grant`'s."""
    return gift.listed.grant.end > check.instant


def _without_repeated(gifts: Sequence[Gift]) -> list[Gift]:
    twice = repeats(gifts)
    return [gift for position, gift in enumerate(gifts) if position not in twice]


def _find_repeated(gifts: Sequence[Gift]) -> Iterator[_Needless]:
    for position in sorted(repeats(gifts)):
        gift = gifts[position]
        yield _Needless(gift.listed.path, gift.words, _TWICE)


RULE = Rule("redundant-grant", Table.POLICY, __doc__, Severity.INFO, check, check_project)
