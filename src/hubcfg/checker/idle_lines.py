"""Finds lines of groups and Hub roles that have no effect for anybody who has them."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct, field

from hubcfg.checker.cuts import Cut, explain_cuts
from hubcfg.checker.effects import EntryEffects, Gift, terms_of
from hubcfg.checker.scope import Listed, OrgCheck, is_of_platform, listed_grants
from hubcfg.platforms.grants import Audience, Grants, Group, Role
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.windows import union_of
from hubcfg.validator.config import Entry

# A group or Hub role of an org: ("group" or "role", its id).
BundleKey: TypeAlias = tuple[str, str]


class IdleLine(Struct):
    """A line that has no effect for its holders so far: how many people they are, and what cuts it for them."""

    bundle: Group | Role
    listed: Listed
    holders: int = 0
    cuts: dict[Cut, None] = field(default_factory=dict)


class IdleLines:
    """The lines of an org's groups and Hub roles, platform groups aside, that no holder gets anything from.

    A holder is somebody whose access is known, who is not suspended, and for whom the entry that leads to the line has an
    effect as a whole: where a whole group is of no use to a person, that is said at the person.
    """

    def __init__(self, check: OrgCheck, judged: Iterable[tuple[EntryEffects, int, list[Gift]]]) -> None:
        self._check = check
        self._lines: dict[BundleKey, dict[int, IdleLine]] = {}
        self._masks: dict[BundleKey, list[tuple[Listed, Mask]]] = {}
        self._settled: set[BundleKey] = set()
        self._doubts: dict[tuple[BundleKey, int], list[tuple[EntryEffects, list[Gift]]]] = {}
        self.useful: set[tuple[BundleKey, int]] = set()
        for entry in {user.entry for user in check.org.users.values() if user.id in check.org.unsound}:
            self._trust(entry)
        for effects, count, gifts in judged:
            self._judge(effects, count, gifts)
        self._settle()

    def __iter__(self) -> Iterator[tuple[BundleKey, int, IdleLine]]:
        """Yields each line without effect that at least one person has."""
        for bundle, lines in self._lines.items():
            for index, line in sorted(lines.items()):
                if line.holders:
                    yield bundle, index, line

    def is_shared(self, key: BundleKey) -> bool:
        """Whether a group or Hub role is one that several orgs see."""
        bundle = self._bundle(key)
        return bundle is not None and bundle.is_shared

    def _bundle(self, key: BundleKey) -> Group | Role | None:
        org = self._check.org
        return org.groups.get(key[1]) if key[0] == "group" else org.roles.get(key[1])

    def _masks_of(self, key: BundleKey) -> list[tuple[Listed, Mask]]:
        """Returns the lines of a bundle: its patterns and the platform's groups that it takes in, with what they match."""
        masks = self._masks.get(key)
        if masks is None:
            bundle = self._bundle(key)
            listed = [] if bundle is None else [one for one in listed_grants(bundle) if self._is_line(one)]
            masks = self._masks[key] = [(one, union_of(terms_of(self._check.resolver, one))) for one in listed]
            is_ours = bundle is not None and not is_of_platform(bundle)
            self._lines[key] = {
                index: IdleLine(bundle, one) for index, (one, mask) in enumerate(masks) if is_ours and bundle and mask
            }
        return masks

    def _is_line(self, listed: Listed) -> bool:
        if listed.field == "permissions":
            return True
        group = self._check.org.groups.get(listed.grant.target)
        return group is not None and is_of_platform(group)

    def _trust(self, entry: Entry) -> None:
        """What somebody has whose access is not known may well be of use."""
        for listed in listed_grants(entry):
            if listed.field != "permissions":
                for key in self._reach([(_key(listed), -1)]):
                    self._masks_of(key)
                    self.useful |= {(key, index) for index in self._lines[key]}
                    self._lines[key].clear()

    def _judge(self, effects: EntryEffects, count: int, gifts: list[Gift]) -> None:
        roots = [(key, within) for key, within in self._roots(effects, gifts) if key not in self._settled]
        if not roots:
            return
        reached = self._reach(roots)
        is_client = effects.entry.audience is Audience.CLIENT
        for key, within in reached.items():
            masks = self._masks_of(key)
            for index, line in list(self._lines[key].items()):
                mask = masks[index][1]
                if is_client and not mask & effects.rights.audience:
                    continue  # `staff-permission-for-client` speaks
                if effects.survives(mask & within):
                    del self._lines[key][index]
                    self.useful.add((key, index))
                    continue
                line.holders += count
                if len(line.cuts) < 3:
                    line.cuts |= dict.fromkeys(explain_cuts(effects, mask & within or mask))
                if effects.brings(mask & within):
                    self._doubts.setdefault((key, index), []).append((effects, gifts))
        if not any(self._lines[key] for key in reached):
            self._settled |= {key for key, _ in roots}

    def _roots(self, effects: EntryEffects, gifts: Iterable[Gift]) -> Iterator[tuple[BundleKey, Mask]]:
        for gift in gifts:
            if gift.listed.field != "permissions" and not effects.is_judged_elsewhere(gift):
                product = gift.listed.product
                yield _key(gift.listed), -1 if product is None else self._check.org.catalog.of_product(product)

    def _reach(self, roots: Iterable[tuple[BundleKey, Mask]]) -> dict[BundleKey, Mask]:
        """Returns the bundles that are reached, and in which permissions they count."""
        reached: dict[BundleKey, Mask] = {}
        pending = list(roots)
        while pending:
            key, within = pending.pop()
            before = reached.get(key, 0)
            bundle = self._bundle(key)
            if bundle is None or before | within == before:
                continue
            reached[key] = before | within
            inner: Grants = bundle.groups if isinstance(bundle, Role) else bundle.includes
            pending += [(("group", grant.target), before | within) for grant in inner]
        return reached

    def _settle(self) -> None:
        """Looks closer at lines that come to nothing themselves but may open a product, or come to reading."""
        removed: set[tuple[BundleKey, int]] = set()
        for (key, index), holders in reversed(self._doubts.items()):
            if index not in self._lines[key]:
                continue
            removed.add((key, index))
            if any(self._matters(effects, gifts, removed, key, index) for effects, gifts in holders):
                removed.discard((key, index))
                del self._lines[key][index]
                self.useful.add((key, index))

    def _matters(
        self, effects: EntryEffects, gifts: list[Gift], removed: set[tuple[BundleKey, int]], key: BundleKey, index: int
    ) -> bool:
        masks = self._masks_of(key)
        if masks[index][0].field != "permissions" or any(gift.listed.grant.has_window for gift in gifts):
            return True  # not worth knowing exactly
        without = 0
        for gift in gifts:
            without |= gift.mask if gift.listed.field == "permissions" else 0
        reached = self._reach(self._roots(effects, gifts))
        for other, within in reached.items():
            for position, (listed, mask) in enumerate(self._masks_of(other)):
                if listed.grant.has_window:
                    return True
                if (other, position) not in removed and listed.field == "permissions":
                    without |= mask & within
        without &= effects.rights.audience
        evaluate = self._check.resolver.evaluate
        line = masks[index][1] & reached.get(key, 0) & effects.rights.audience
        usual, _ = evaluate(effects.entry, effects.rights, without | line, effects.denied)
        return evaluate(effects.entry, effects.rights, without, effects.denied)[0] != usual


def _key(listed: Listed) -> BundleKey:
    return ("role" if listed.field == "roles" else "group", listed.grant.target)
