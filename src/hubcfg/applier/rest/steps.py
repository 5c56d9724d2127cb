"""Puts the changes of an org into an order in which what is taken lands before what is given (docs/http-targets.md, "Order")."""

from collections.abc import Iterator

from msgspec import Struct

from hubcfg.applier.rest.bounds import is_within, meet
from hubcfg.applier.rest.parts import Head, OrgParts, Person
from hubcfg.platforms.grants import Audience


class UserStep(Struct, frozen=True):
    """One write of one user: from `before` to `after`; None is nobody."""

    user: str
    before: Person | None
    after: Person | None


class HeadStep(Struct, frozen=True):
    """One write of what a bundle says beside its users."""

    audience: Audience
    before: Head | None
    after: Head | None


class OrgSteps(Struct, frozen=True):
    """The writes of an org, stage by stage.

    `revocations` only take. `heads` follow. `turn` takes and gives in one write, which is sound after all other revocations and
    where no head changes; `grants` only give.
    """

    revocations: tuple[UserStep, ...]
    heads: tuple[HeadStep, ...]
    turn: UserStep | None
    grants: tuple[UserStep, ...]

    def all_users(self) -> Iterator[UserStep]:
        """Yields the writes of users in their order."""
        yield from self.revocations
        if self.turn is not None:
            yield self.turn
        yield from self.grants


def order_steps(before: OrgParts, after: OrgParts) -> OrgSteps:
    """Returns the writes that lead from one state of an org to another; who does not differ is not written."""
    removals: list[UserStep] = []
    narrowings: list[UserStep] = []
    turns: list[tuple[UserStep, Person | None]] = []
    grants: list[UserStep] = []
    for user in sorted(before.people.keys() | after.people.keys()):
        old, new = before.people.get(user), after.people.get(user)
        step = UserStep(user, old, new)
        if old == new:
            continue
        if old is None:
            grants.append(step)
        elif new is None:
            removals.append(step)
        elif is_within(old, new):
            grants.append(step)
        elif is_within(new, old):
            narrowings.append(step)
        else:
            turns.append((step, meet(old, new)))
    heads = tuple(_order_heads(before, after))
    turn = _pick_turn(turns) if not heads else None
    for step, between in turns:
        if step is turn:
            continue
        (removals if between is None else narrowings).append(UserStep(step.user, step.before, between))
        grants.append(UserStep(step.user, between, step.after))
    return OrgSteps((*removals, *narrowings), heads, turn, tuple(sorted(grants, key=lambda step: step.user)))


def _pick_turn(turns: list[tuple[UserStep, Person | None]]) -> UserStep | None:
    """Returns one change that needs no state in between: the last of those that take and give, so that it stays whole."""
    return next((step for step, between in reversed(turns) if between is not None), None)


def _order_heads(before: OrgParts, after: OrgParts) -> Iterator[HeadStep]:
    for audience in Audience:
        old, new = before.heads.get(audience), after.heads.get(audience)
        if old != new:
            yield HeadStep(audience, old, new)
