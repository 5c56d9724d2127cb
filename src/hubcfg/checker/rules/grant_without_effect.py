"""A grant, deny or `clients` entry that changes nothing, time windows aside.

What is granted may be cut by the ceiling of the role, by its being read-only, by product access, by the org's subscriptions or
by a deny; a pattern in a product entry may be of another product; a deny may take what nobody granted; and `clients` mean
nothing to a role that works for all of them or none. What is reported has no effect for anybody who has it.

Why: a line without effect looks like access, or like a safeguard, in every review; and it may come to life unseen when the thing
that cuts it changes.

Example:
    bill@northwind.example: {role: billing, permissions: [psa.tickets.create]}   # the ceiling of `billing` cuts it

Mend: remove the line, or change what cuts it: the role, the product access, the subscription or the deny.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from hubcfg.checker.cuts import Cut, explain_cuts, join_cures, join_reasons
from hubcfg.checker.effects import EntryEffects, Gift, effects_of
from hubcfg.checker.idle_lines import BundleKey, IdleLine, IdleLines
from hubcfg.checker.scope import OrgCheck, ProjectCheck, bundle_place
from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Place
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.platforms.grants import Group
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import Scope
from hubcfg.validator.config import Entry
from hubcfg.validator.slips import Slip

# A line of a shared group or Hub role: its platform, the bundle, and the line's index.
_LineKey = tuple[str, BundleKey, int]


class _Line(Struct, frozen=True):
    """A line without effect, in words: what it is, whose it is, how many people have it, and what cuts it for them."""

    place: Place
    what: str
    bundle: str
    holders: int
    cuts: dict[Cut, None]

    def report(self) -> Finding:
        """Returns the finding for the line."""
        whom = "the one user who has" if self.holders == 1 else f"any of the {self.holders} users who have"
        cuts = list(self.cuts)
        message = f"{self.what} has no effect for {whom} {self.bundle}: {join_reasons(cuts)}"
        return find(RULE, message, self.place, help=join_cures(cuts))


class _Lines(Struct, frozen=True):
    """The lines of shared groups and Hub roles that have an effect in an org, and those that have none."""

    useful: set[_LineKey]
    idle: dict[_LineKey, _Line]


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each entry of a user, and each line of the org's groups and Hub roles, that changes nothing."""
    judged = []
    for effects in effects_of(check):
        users = check.by_entry[effects.entry]
        idle, kept = effects.split
        judged.append((effects, len(users), kept))
        for slip in (*_grant_slips(effects, idle), *_deny_slips(effects)):
            yield from (slip.at(user.document, user.path) for user in users)
    yield from _find_idle_clients(check)
    if not check.org.is_partial:
        for _, _, line in IdleLines(check, judged):
            if not line.bundle.is_shared:
                yield _line_of(line).report()


def check_project(check: ProjectCheck) -> Iterator[Finding]:
    """Yields a finding for each line of a shared group or Hub role that has no effect for any holder in any org."""
    if check.config.is_partial:
        return
    useful: set[_LineKey] = set()
    idle: dict[_LineKey, _Line] = {}
    for of_org in check.facts[RULE.name]:
        useful |= of_org.useful
        for key, line in of_org.idle.items():
            known = idle.get(key)
            if known is not None:
                line = replace(known, holders=known.holders + line.holders, cuts=known.cuts | line.cuts)
            idle[key] = line
    yield from (line.report() for key, line in idle.items() if key not in useful)


def gather(check: OrgCheck) -> _Lines:
    """Returns which lines of shared groups and Hub roles have an effect for some holder in an org, and which for none."""
    found = _Lines(set(), {})
    if not check.has_shared_bundles:
        return found
    platform = check.org.platform.id
    lines = IdleLines(
        check, ((effects, len(check.by_entry[effects.entry]), effects.split[1]) for effects in effects_of(check))
    )
    found.useful.update((platform, key, index) for key, index in lines.useful if lines.is_shared(key))
    found.idle.update(((platform, key, index), _line_of(line)) for key, index, line in lines if line.bundle.is_shared)
    return found


def _grant_slips(effects: EntryEffects, idle: list[Gift]) -> Iterator[Slip]:
    for gift in idle:
        cuts = explain_cuts(effects, gift.matched, gift.listed.product)
        yield Slip(gift.listed.path, RULE, f"{gift.words} has no effect here: {join_reasons(cuts)}", join_cures(cuts))


def _deny_slips(effects: EntryEffects) -> Iterator[Slip]:
    for path, pattern, product, mask, others in effects.needless_denies():
        reason, cure = _explain_deny(effects, pattern, product, mask, others)
        yield Slip(path, RULE, f"the deny `{pattern}` changes nothing: {reason}", cure)


def _explain_deny(
    effects: EntryEffects, pattern: str, product: str | None, mask: Mask, others: Mask
) -> tuple[str, str]:
    catalog = effects.check.org.catalog
    taken = mask & effects.reachable
    if product is not None and not catalog.match(pattern) & catalog.of_product(product):
        return (f"it stands in the entry of `{product}`, and is of another product",
                "a deny under `products` counts in its own product alone; move it out, or remove it")  # fmt: skip
    if not taken:
        return "none of it is granted", "remove it, or grant what it is meant to narrow"
    if not taken & ~others:
        return "another deny takes the same away", "remove it"
    cuts = explain_cuts(effects, taken & ~others, denied=0)
    return (
        f"what it takes away has no effect anyway, because {join_reasons(cuts)}",
        "remove it, and the grant if it gives nothing else",
    )


def _find_idle_clients(check: OrgCheck) -> Iterator[Finding]:
    """Clients mean nothing to a role that works for all of them, or for none."""
    if not check.org.platform.assigns_clients:
        return
    for entry, users in check.by_entry.items():
        role = check.holding(entry).rights.role
        if role is None or entry.suspended or role.scope is Scope.ASSIGNED:
            continue
        whom = "all clients" if role.scope is Scope.ALL else "no client"
        for user in users:
            if user.clients is not None:
                first = (0,) if isinstance(user.clients, tuple) and user.clients else ()
                yield find(RULE, f"`clients` changes nothing, because the role `{role.id}` works for {whom}",
                           check.place(user, "clients", *first), help=_advise_clients(check, entry))  # fmt: skip


def _advise_clients(check: OrgCheck, entry: Entry) -> str:
    roles = [
        role.id for role in check.org.platform.roles.values() if role.scope is Scope.ASSIGNED and role.id != entry.role
    ]
    return (
        f"remove `clients`, or give a role that works for assigned clients: {shorten(roles)}"
        if roles
        else "remove `clients`"
    )


def _line_of(line: IdleLine) -> _Line:
    bundle, listed = line.bundle, line.listed
    noun = "group" if isinstance(bundle, Group) else "Hub role"
    what = f"`{listed.grant.target}`" if listed.field == "permissions" else f"the group `{listed.grant.target}`"
    return _Line(bundle_place(bundle, *listed.path), what, f"the {noun} `{bundle.id}`", line.holders, line.cuts)


RULE = Rule("grant-without-effect", Table.POLICY, __doc__, Severity.WARNING, check, check_project, gather)
