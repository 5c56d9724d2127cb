"""Somebody who is not exempt holds, now or at a later instant, something of both sides of a separation.

Why: who makes an invoice must not approve it; the separation says so for every way in which permissions may come together.

Example:
    separation_of_duties:
      - {name: maker-checker, between: [[books.invoices.create], [books.invoices.approve]]}
    users:
      kim@northwind.example: {role: member, permissions: [books.invoices.create, books.invoices.approve]}

Mend: take one of the two sides from the person; windows that never overlap will do. `exempt_roles` names who may hold both:
where it is missing, the platform's roles with `approves: true`.
"""

from collections.abc import Iterable, Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.instants import format_instant
from hubcfg.core.nearest import shorten
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import Reach
from hubcfg.resolver.access import Holding, Step
from hubcfg.validator.config import Separation


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each user and separation of which the user holds both sides at one instant."""
    for separation in check.separations:
        first, second = (_matches(check, side) for side in separation.sides)
        if not first or not second:
            continue
        exempt = _exempt_roles(check, separation)
        for entry, users in check.by_entry.items():
            if entry.role in exempt:
                continue
            holding = check.holding(entry)
            step = _find_step(holding, first, second)
            if step is None:
                continue
            related = _relate(check, separation)
            message = _describe(check, separation, holding, step, first, second)
            for user in users:
                yield find(RULE, f"`{user.id}` {message}", check.user_key(user), help=_advise(exempt), related=related)


def _matches(check: OrgCheck, patterns: Iterable[str]) -> Mask:
    mask = 0
    for pattern in patterns:
        mask |= check.org.catalog.match(pattern)
    return mask


def _exempt_roles(check: OrgCheck, separation: Separation) -> list[str]:
    if separation.exempt_roles is not None:
        return list(separation.exempt_roles)
    return [role.id for role in check.org.platform.roles.values() if role.approves is Reach.ALL]


def _find_step(holding: Holding, first: Mask, second: Mask) -> Step | None:
    """Returns the first step at which something of both sides is effective."""
    for step in holding.timeline:
        if step.effective & first and step.effective & second:
            return step
    return None


def _describe(check: OrgCheck, separation: Separation, holding: Holding, step: Step, first: Mask, second: Mask) -> str:
    names = check.org.catalog.to_names
    one, other = (shorten(names(step.effective & side), 3) for side in (first, second))
    when = "holds" if step is holding.timeline[0] else f"will from {format_instant(step.instant)} on hold"
    return f"{when} both {one} and {other}, which `{separation.name}` keeps apart"


def _relate(check: OrgCheck, separation: Separation) -> tuple[Related, ...]:
    """Shows the separation where it stands in the tree; one that only the base has stands nowhere in it."""
    if separation not in check.project.separations:
        return ()
    place = check.project.document.place("separation_of_duties", separation.index)
    return (Related(f"`{separation.name}` keeps them apart", place),)


def _advise(exempt: list[str]) -> str:
    return (
        f"take one side away; only holders of {shorten(exempt)} are exempt"
        if exempt
        else "take one side away; nobody is exempt"
    )


RULE = Rule("separation-of-duties", Table.POLICY, __doc__, check=check)
