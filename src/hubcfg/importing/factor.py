"""Makes groups of what several people hold, so that little is left to read (docs/import.md, "Groups")."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from hubcfg.core.instants import END, Instant
from hubcfg.importing.cores import Definition, find_cores
from hubcfg.importing.needs import Piece
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask

# Fewer permissions than this are as short in each person's own entry as in a group.
LEAST_SHARED = 3
# More permissions of one person alone than this are written as a group, for reading and for what comes later.
MOST_DIRECT = 6
# With an end each permission takes a line of its own.
MOST_DIRECT_TIMED = 3
# At most so many permissions are denied to somebody of whom a group says too much.
MOST_DENIED = 3


class Share(Struct, frozen=True):
    """What one person is to be granted, beside the platform role; `may_deny`: a group may say a little too much."""

    audience: Audience
    role: str | None
    pieces: tuple[Piece, ...]
    may_deny: bool = False


class Given(Struct, frozen=True):
    """What comes of a share: groups by their keys and direct permissions, each with its end, and denies."""

    groups: tuple[tuple[Mask | str, Instant], ...] = ()
    direct: tuple[tuple[Mask, Instant], ...] = ()
    deny: Mask = 0


class NewGroup(Struct, frozen=True):
    """A group to write: `mask` is what it comes to and its key; `includes` are the keys of other new groups."""

    audience: Audience
    mask: Mask
    includes: tuple[Mask, ...]
    own: Mask
    holders: int
    roles: tuple[str, ...]


class _Seen(Struct):
    """Who holds a set of permissions."""

    holders: int = 0
    roles: Counter[str] = field(default_factory=Counter)
    is_lasting: bool = False
    may_deny: bool = True


class Factoring:
    """The groups that an org's people come to; `known` are those that there are already, by audience."""

    def __init__(self, shares: Iterable[Share], known: Mapping[Audience, Mapping[str, Mask]]) -> None:
        self._known = {
            audience: sorted(groups.items(), key=lambda item: (-item[1].bit_count(), item[0]))
            for audience, groups in known.items()
        }
        self._built_in: dict[tuple[Audience, Mask], tuple[tuple[str, ...], Mask]] = {}
        self._seen: dict[tuple[Audience, Mask], _Seen] = {}
        self._whole: dict[Audience, set[Mask]] = {audience: set() for audience in Audience}
        for share in shares:
            self._count(share)
        self._alone: dict[tuple[Audience, Mask], Given] = {}
        self.groups: list[NewGroup] = []
        for audience in Audience:
            self._settle(audience)

    def _count(self, share: Share) -> None:
        for piece in share.pieces:
            _, rest = self._take_known(share.audience, piece.mask)
            if not rest:
                continue
            seen = self._seen.setdefault((share.audience, rest), _Seen())
            seen.holders += 1
            seen.roles[share.role or ""] += 1
            seen.is_lasting |= piece.end == END
            # A deny takes from all that somebody is granted, so there must be nothing beside.
            seen.may_deny &= share.may_deny and len(share.pieces) == 1 and rest == piece.mask

    def _take_known(self, audience: Audience, mask: Mask) -> tuple[tuple[str, ...], Mask]:
        """Returns groups that there are already and that lie wholly within a set, and what is left of it."""
        key = (audience, mask)
        if key not in self._built_in:
            chosen, rest = [], mask
            for id, group in self._known.get(audience, ()):
                if group & ~mask == 0 and (group & rest).bit_count() >= LEAST_SHARED:
                    chosen.append(id)
                    rest &= ~group
            self._built_in[key] = tuple(chosen), rest
        return self._built_in[key]

    def _settle(self, audience: Audience) -> None:
        """Decides which sets become groups, and how those are put together."""
        sets = {mask: seen for (whose, mask), seen in self._seen.items() if whose is audience}
        shared = {mask for mask, seen in sets.items() if seen.holders > 1 and mask.bit_count() >= LEAST_SHARED}
        self._whole[audience] = set(shared)
        by_size = sorted(shared, key=lambda mask: (-mask.bit_count(), mask))
        for mask, seen in sorted(sets.items()):
            if mask in shared:
                continue
            alike = [group for group in by_size if seen.may_deny and sets[group].roles.keys() >= seen.roles.keys()]
            given = self._cover(mask, by_size, alike, seen.is_lasting)
            if given is None:
                self._whole[audience].add(mask)
            else:
                self._alone[(audience, mask)] = given
        definitions = find_cores(self._whole[audience])
        for definition in definitions:
            seen = sets.get(definition.mask, _Seen())
            self.groups.append(_group(audience, definition, seen))
        # What the groups have in common may be what somebody alone has, too.
        by_size = [definition.mask for definition in reversed(definitions)]
        for mask, seen in sets.items():
            before = self._alone.get((audience, mask))
            after = None if before is None or before.deny else self._cover(mask, by_size, [], seen.is_lasting)
            if after is not None:
                self._alone[(audience, mask)] = after

    def _cover(self, mask: Mask, groups: list[Mask], alike: list[Mask], is_lasting: bool) -> Given | None:
        """Returns a set as groups and a few permissions; None where it had better be a group of its own.

        Of the groups that people of the same role have, `alike`, one may say a little too much, which is denied then.
        """
        chosen, rest = [], mask
        for group in groups:
            if group & ~mask == 0 and (group & rest).bit_count() >= LEAST_SHARED:
                chosen.append(group)
                rest &= ~group
        cost, deny = len(chosen) + rest.bit_count(), 0
        for group in alike if is_lasting else ():
            beyond, beside = group & ~mask, mask & ~group
            count = beyond.bit_count()
            if 0 < count <= MOST_DENIED and 1 + count + beside.bit_count() < cost and 3 * count < group.bit_count():
                cost, chosen, rest, deny = 1 + count + beside.bit_count(), [group], beside, beyond
        if rest.bit_count() > (MOST_DIRECT if is_lasting else MOST_DIRECT_TIMED):
            return None
        return Given(tuple((group, END) for group in chosen), ((rest, END),) if rest else (), deny)

    def give(self, share: Share) -> Given:
        """Returns what a share comes to."""
        groups: list[tuple[Mask | str, Instant]] = []
        direct: list[tuple[Mask, Instant]] = []
        deny = 0
        for piece in share.pieces:
            known, rest = self._take_known(share.audience, piece.mask)
            groups += [(id, piece.end) for id in known]
            if not rest:
                continue
            if rest in self._whole[share.audience]:
                groups.append((rest, piece.end))
                continue
            given = self._alone[(share.audience, rest)]
            groups += [(group, piece.end) for group, _ in given.groups]
            direct += [(mask, piece.end) for mask, _ in given.direct]
            deny |= given.deny
        return Given(tuple(groups), tuple(direct), deny)


def _group(audience: Audience, definition: Definition, seen: _Seen) -> NewGroup:
    roles = tuple(sorted(role for role in seen.roles if role))
    return NewGroup(audience, definition.mask, definition.includes, definition.own, seen.holders, roles)
