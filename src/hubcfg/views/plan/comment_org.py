"""One org in a comment: what changes for whom, what is sensitive first."""

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import chain, islice

from hubcfg.core.instants import Instant
from hubcfg.planner.change import AccessChange, OrgChange, Presence, UserChange
from hubcfg.planner.plan import OrgPlan
from hubcfg.views.changes.facts import (
    PRESENCE,
    Line,
    count_lines,
    describe_product,
    facts_of_duties,
    facts_of_org,
    facts_of_users,
    gives_sensitive,
    lines_by_product,
    touches_sensitive,
)
from hubcfg.views.changes.words import describe_user, describe_witnesses
from hubcfg.views.counts import number
from hubcfg.views.held import fold_names
from hubcfg.views.inert import code, prose
from hubcfg.views.plan.level import ALL, Level, Packing, cut_names
from hubcfg.views.plan.packing import WIDER, Group, Pack, pack_by_permissions, pack_by_users
from hubcfg.views.plan.words import SHIELD, describe_strangers

# Of who only loses something sensitive, as many are named before they are counted; who gains it is named as long as it fits.
SHOWN_LOSERS = 10
# What removed users lose is all that they had; as many lines of a product are shown before they are counted.
SHOWN_OF_REMOVED = 3
# At the beginning of an item it would begin a list within.
_SIGN, _ESCAPED = re.compile(r"^([+-])"), r"\\\1"


class OrgDetails:
    """An org to show, with what takes long to work out, which is done once for all levels."""

    def __init__(self, org: OrgPlan) -> None:
        self.org = org
        self.change: OrgChange = org.change
        self.groups: list[Group] = org.change.groups()
        self.sensitive = [one for one in self.groups if touches_sensitive(one[0])]
        self.routine = [one for one in self.groups if not touches_sensitive(one[0])]

    @cached_property
    def by_users(self) -> list[Pack]:
        """What is sensitive, by users."""
        return pack_by_users(self.sensitive)

    @cached_property
    def by_permissions(self) -> list[Pack]:
        """What is sensitive, by permissions."""
        return pack_by_permissions(self.sensitive)

    def render(self, level: Level, now: Instant, *, is_alone: bool) -> Iterator[str]:
        """Yields the lines about the org; one that is alone needs no witnesses of its own."""
        if level.packing is Packing.NONE:
            return _Org(self, level, now, is_alone).render()
        packs = self.by_users if level.packing is Packing.USERS else self.by_permissions
        return (render_pack(one, level) for one in packs)


def render_pack(pack: Pack, level: Level) -> str:
    """Returns a line about users and what is sensitive of what they gain and lose."""
    most = level.users if level.packing >= Packing.PERMISSIONS else len(pack.users)
    names = ", ".join(cut_names(pack.users, most, code))
    count = f"{number(len(pack.users), 'user')}: " if len(pack.users) > 1 else ""
    return f"- {SHIELD} {count}{names}: {', '.join(item_words(sign, text) for sign, text in pack.folded())}"


def item_words(sign: str, text: str) -> str:
    """Returns sensitive permissions of one resource with their sign, all of them."""
    return f"{code(text, ALL)} {WIDER}" if sign == WIDER else code(f"{sign} {text}", ALL)


class _Org:
    def __init__(self, details: OrgDetails, level: Level, now: Instant, is_alone: bool) -> None:
        self._details = details
        self._change = details.change
        self._level = level
        self._now = now
        self._is_alone = is_alone

    def render(self) -> Iterator[str]:
        """Yields the lines."""
        facts = [f"- {_SIGN.sub(_ESCAPED, text)}" for text in self._facts()]
        if facts:
            yield from (*facts, "")
        shown = islice(self._details.routine, self._level.groups)
        for change, users in chain(self._details.sensitive, shown):
            yield from self._group(change, users)
        if left := self._details.routine[self._level.groups :]:
            count = number(sum(len(users) for _, users in left), "more user")
            yield f"And {count}, with nothing sensitive."

    def _facts(self) -> Iterator[str]:
        if not self._is_alone:
            yield from describe_witnesses(self._change, self._now, code)
        yield from facts_of_org(self._change, lambda names: cut_names(names, min(self._level.users, 20)), code)
        if self._details.org.strangers:
            yield prose(describe_strangers(self._details.org, min(self._level.users, 20)), 10_000)

    def _group(self, change: AccessChange, users: list[UserChange]) -> Iterator[str]:
        presence = PRESENCE.get(change.presence)
        most = self._level.users
        if touches_sensitive(change):
            most = len(users) if gives_sensitive(change) else max(SHOWN_LOSERS, most)
        names = ", ".join(cut_names(users, most, lambda user: describe_user(user, code)))
        noun = f"{presence} user" if presence else "user"
        head = f"{number(len(users), noun)}: " if len(users) > 1 else f"{presence}: " if presence else ""
        yield f"{head}{names}"
        yield ""
        for label, text in facts_of_users(change, code):
            yield f"- {label}: {text}"
        products = lines_by_product(change.permissions, self._now)
        is_gone = change.presence is Presence.REMOVED
        for lines in products.values():
            yield from self._sensitive([line for line in lines if line.sensitive], is_one=is_gone)
        for text in fold_names(change.widened):
            yield f"- {SHIELD} {item_words(WIDER, text)}"
        for product, lines in products.items():
            most = min(self._level.lines, SHOWN_OF_REMOVED if is_gone else ALL)
            yield from self._routine(product, [line for line in lines if not line.sensitive], most)
        for one in change.products if change.presence is not Presence.REMOVED else ():
            sign, marks = describe_product(one, self._now)
            yield f"- {code(f'{sign} product {one.product}')}{_marks(marks)}"
        for obligation, is_imposed, permissions in facts_of_duties(change):
            shown = ", ".join(cut_names(permissions, max(self._level.lines, 3), code))
            yield f"- {code(obligation)} {'needed now' if is_imposed else 'no longer needed'} for {shown}"
        yield ""

    def _sensitive(self, lines: list[Line], *, is_one: bool) -> Iterator[str]:
        """Yields a line for each resource, or one for all of a product."""
        if is_one and len(lines) > 1:
            yield f"- {SHIELD} {', '.join(map(_code_of, lines))}"
            return
        yield from (f"- {SHIELD} {_code_of(line)}{_marks(line.marks)}" for line in lines)

    def _routine(self, product: str, lines: list[Line], most: int) -> Iterator[str]:
        if len(lines) <= most:
            yield from (f"- {_code_of(line)}{_marks(line.marks)}" for line in lines)
            return
        for line, count in count_lines(lines).items():
            yield f"- {code(f'{line.sign} {product}')}: {number(count, 'permission')}{_marks(line.marks)}"


def _code_of(line: Line) -> str:
    return code(f"{line.sign} {line.resource}: {', '.join(line.actions)}", ALL)


def _marks(marks: str) -> str:
    return f" ({prose(marks)})" if marks else ""
