"""Guardrails: what a deployment may not do unless somebody says so (docs/deployment.md, "Guardrails")."""

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from fractions import Fraction

from msgspec import Struct

from hubcfg.core.instants import Instant, read_instant
from hubcfg.planner.bundles import Bundle, Object
from hubcfg.platforms.grants import Audience

# Of a smaller org a share says little: one of three people is a third.
SMALLEST_ORG = 10


class Guardrail(Enum):
    """What one is called, on the command line and in records."""

    REMOVED_USERS = "removed-users"
    REVOKED = "revoked"
    NO_OWNER = "no-owner"
    EMPTY_PROJECT = "empty-project"
    OWNER_CHANGE = "owner-change"


class Limits(Struct, frozen=True):
    """How many percent of an org's users may go, and of its pairs of a user and a permission, in one deployment."""

    removed_users: float
    revoked: float

    def stricter(self, other: "Limits") -> "Limits":
        """Returns the smaller of each."""
        return Limits(min(self.removed_users, other.removed_users), min(self.revoked, other.revoked))


class Trip(Struct, frozen=True):
    """One guardrail that a plan trips. `org` is None where it is about the whole project."""

    guardrail: Guardrail
    org: str | None
    message: str
    help: str


class Roots(Struct, frozen=True):
    """The platform roles of an org that are its root, and those of them that only the one who holds them may hand on."""

    roles: frozenset[str]
    handed_on: frozenset[str]


def count_losses(
    before: Mapping[Audience, Bundle], after: Mapping[Audience, Bundle], instant: Instant
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns how many users of an org go or are suspended, of how many; and how many pairs of a user and a permission go, of how
    many.
    """
    new = _Side(after, instant)
    old = _Side(before, instant)
    gone = lost = pairs = 0
    for (_, user, bundle), twin in zip(old.people, _find_twins(old, new), strict=True):
        if twin is None or (new.is_suspended(twin) and not _is_suspended(user)):
            gone += 1
        held = old.held(user, bundle)
        pairs += len(held)
        lost += len(held if twin is None else held - new.held_by(twin))
    return (gone, len(old.users)), (lost, pairs)


def _find_twins(old: "_Side", new: "_Side") -> list[str | None]:
    """Returns who each person of before is afterwards: by uid, else by id; two uids under one id are two people."""
    renamed = {uid: id for id, uid in new.uids.items()}
    found = [renamed.get(old.uids.get(id, "")) for id, _, _ in old.people]
    taken = set(found)
    return [
        id if twin is None and id in new.users and id not in taken and not (id in old.uids and id in new.uids) else twin
        for (id, _, _), twin in zip(old.people, found, strict=True)
    ]


class _Side:
    def __init__(self, bundles: Mapping[Audience, Bundle], instant: Instant) -> None:
        self._instant = instant
        self.people = [(id, user, bundle) for bundle in bundles.values() for id, user in bundle.users.items()]
        self.users = {id: (user, bundle) for id, user, bundle in self.people}
        self.uids = {id: str(user["uid"]) for id, user, _ in self.people if "uid" in user}
        self._sets: dict[tuple[str, ...], frozenset[str]] = {}

    def is_suspended(self, id: str) -> bool:
        return _is_suspended(self.users[id][0])

    def held_by(self, id: str) -> frozenset[str]:
        if id not in self.users:
            return frozenset()
        user, bundle = self.users[id]
        return self.held(user, bundle)

    def held(self, user: Object, bundle: Bundle) -> frozenset[str]:
        """Returns what somebody holds at the instant."""
        if _is_suspended(user):
            return frozenset()
        names = bundle.permissions(user)
        if names not in self._sets:
            self._sets[names] = frozenset(names)
        until = user.get("until")
        if not isinstance(until, dict):
            return self._sets[names]
        ended = {name for name, text in until.items() if (read_instant(str(text)) or 0) <= self._instant}
        return self._sets[names] - ended


def check_losses(
    org: str, losses: tuple[tuple[int, int], tuple[int, int]], limits: Limits, size: int
) -> Iterable[Trip]:
    """Yields what is tripped by how much an org loses; exactly the limit is allowed. `size` are all users in the target."""
    (gone, all_users), (lost, all_pairs) = losses
    if size >= SMALLEST_ORG and gone * 100 > _exact(limits.removed_users) * all_users:
        yield Trip(
            Guardrail.REMOVED_USERS, org,
            f"{gone:,} of the {all_users:,} users of the org `{org}` would be removed or suspended, "
            f"more than {limits.removed_users:g} %",
            "if they are to go, `--allow removed-users` lets this one deployment do it",
        )  # fmt: skip
    if lost * 100 > _exact(limits.revoked) * all_pairs:
        yield Trip(
            Guardrail.REVOKED, org,
            f"{lost:,} of the {all_pairs:,} permissions that people of the org `{org}` hold would go, "
            f"more than {limits.revoked:g} %",
            "if they are to go, `--allow revoked` lets this one deployment do it",
        )  # fmt: skip


def _exact(percent: float) -> Fraction:
    """Returns a percentage as it was written: 64.1 in binary is a little less."""
    return Fraction(str(percent))


def check_roots(
    org: str,
    held: Mapping[Audience, Bundle],
    after: Mapping[Audience, Bundle],
    roots: Roots,
    approved: Collection[tuple[str, str]],
) -> Iterable[Trip]:
    """Yields what is tripped by who is an org's root.

    `held` is what counts as the state before: what hubcfg left, or what the target had where hubcfg never was; `approved` are the
    changes of holder that are approved, each the role and who is to hold it.
    """
    owners = _holders(after, roots.roles)
    was, remains = (any(one.users for one in bundles.values()) for bundles in (held, after))
    # Of an org that the project has no more the platform, and so its roots, may be gone as well: nobody is no root holder.
    is_emptied = was and not remains
    if is_emptied or (roots.roles and not owners and (remains or _holders(held, roots.roles))):
        yield Trip(
            Guardrail.NO_OWNER, org, f"nobody would be left in the org `{org}` who holds its root role",
            "give the role to somebody; if the org is to end, `--allow no-owner` lets this one deployment do it",
        )  # fmt: skip
    before = {(role, id) for role, id in _holders(held, roots.handed_on)}
    if not before:
        return
    for role, id in sorted(_holders(after, roots.handed_on) - before):
        if (role, id) not in approved:
            who = " and ".join(f"`{one}`" for _, one in sorted(before))
            yield Trip(
                Guardrail.OWNER_CHANGE, org,
                f"`{id}` would become `{role}` of the org `{org}`, and the one who is it in the target, {who}, has not approved that",
                f"let {who} approve it: `hubcfg approve --as …`; `--allow owner-change` lets this one deployment do it",
            )  # fmt: skip


def _holders(bundles: Mapping[Audience, Bundle], roles: frozenset[str]) -> set[tuple[str, str]]:
    """Returns who holds one of some roles and is not suspended."""
    return {
        (str(user["role"]), id)
        for bundle in bundles.values()
        for id, user in bundle.users.items()
        if user.get("role") in roles and not _is_suspended(user)
    }


def _is_suspended(user: Object) -> bool:
    return user.get("suspended") is True
