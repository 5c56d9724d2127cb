"""Says what of an import cannot be written: by comparing what the source has with what the written YAML comes to."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum

from msgspec import Struct

from hubcfg.core.instants import Instant, format_instant
from hubcfg.importing.held import HeldOrg, HeldPerson
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.access import Rights
from hubcfg.validator.config import Org

_PLAIN = re.compile(r"[\w.@+*/:-]{1,254}\Z")
_MOST_IN_COMMENT = 5


class Kind(Enum):
    """What a note says: something of the source is missing, there is something beside it, or it is another."""

    MISSING = "missing"
    BESIDE = "beside"
    DIFFERENT = "different"


class Note(Struct, frozen=True):
    """One thing that the written YAML does not say as the source has it.

    `about` is the field of the bundle (`permissions`, `until`, `scope` …); `user` is None for the org itself; `names` are the
    permissions or ids in question; `reason` says why, as a sentence.
    """

    org: str
    user: str | None
    about: str
    kind: Kind
    names: tuple[str, ...]
    reason: str

    def sentence(self, limit: int | None = None) -> str:
        """Returns the note in words, with at most `limit` names."""
        names = list(map(show, self.names[:limit]))
        more = len(self.names) - len(names)
        listed = ", ".join(names) + (f" and {more} more" if more else "")
        head = {Kind.MISSING: "not written", Kind.BESIDE: "more than there was", Kind.DIFFERENT: "not the same"}[
            self.kind
        ]
        return f"{head}: {self.about}{' ' + listed if listed else ''} ({self.reason})"

    @property
    def comment(self) -> str:
        """The note as a comment in YAML."""
        return self.sentence(_MOST_IN_COMMENT)


def show(text: str) -> str:
    """Returns a text of the source so that nothing in it can be taken for anything else, in a terminal or a comment."""
    return text if _PLAIN.match(text) else json.dumps(text).replace("#", "\\u0023")


class Comparison:
    """Compares an org as it was with what its YAML comes to; `rights` says what somebody's platform role allows."""

    def __init__(self, org: Org, rights: Callable[[HeldPerson], Rights], instant: Instant) -> None:
        self._org = org
        self._rights = rights
        self._instant = instant

    def compare(self, before: HeldOrg, after: HeldOrg, left_out: Mapping[str, str]) -> Iterator[Note]:
        """Yields what is not the same; `left_out` are the people who could not be written, with the reasons."""
        yield from self._compare_heads(before, after)
        for id, person in before.people.items():
            now = after.people.get(id)
            if now is None:
                yield self._note(id, "the user", Kind.MISSING, (), left_out.get(id, "it can't be written"))
            else:
                yield from self._compare_people(person, now)

    def _note(self, user: str | None, about: str, kind: Kind, names: Iterable[str], reason: str) -> Note:
        return Note(self._org.id, user, about, kind, tuple(names), reason)

    def _compare_heads(self, before: HeldOrg, after: HeldOrg) -> Iterator[Note]:
        catalog, now = before.catalog, after.catalog
        if catalog is not None and catalog != now:
            mine = show(f"{self._org.catalog.id} {self._org.catalog.version or ''}".strip())
            was = show(f"{catalog[0]} {catalog[1] or ''}".strip())
            how = "of other contents" if catalog[:2] == (now or catalog)[:2] else f"which is {was}"
            reason = f"the target's bundles are by a catalog {how}; here it is {mine}"
            yield self._note(None, "catalog", Kind.DIFFERENT, (), reason)
        if before.manage != after.manage:
            yield self._note(None, "manage", Kind.DIFFERENT, (before.manage,), f"here it is {after.manage}")
        old, new = before.products, after.products or {}
        if old is not None and catalog is not None:
            lost = [id for id, state in old.items() if new.get(id) != state]
            more = [id for id in new if id not in old]
            if lost:
                yield self._note(None, "products", Kind.MISSING, lost, "an org of this platform can't have them so")
            if more:
                yield self._note(None, "products", Kind.BESIDE, more, "the platform gives them to every org")
        for id, client in before.clients.items():
            found = after.clients.get(id)
            if found is None:
                yield self._note(None, "clients", Kind.MISSING, (id,), self._why_no_client(id))
            elif client.name is not None and client != found:
                yield self._note(None, "clients", Kind.DIFFERENT, (id,), "its departments can't be written so")

    def _why_no_client(self, id: str) -> str:
        if not self._org.platform.has_clients:
            return f"the platform {self._org.platform.id} has no clients"
        return "its id can't be one of a client" if id not in self._org.clients else "no user belongs to it"

    def _compare_people(self, before: HeldPerson, after: HeldPerson) -> Iterator[Note]:
        id, rights = before.id, self._rights(before)
        if before.lists is not None:
            return
        yield from self._compare_permissions(before, after, rights)
        if before.products is not None and before.products != after.products:
            yield from self._compare_products(before, after)
        held = before.permissions & after.permissions
        old, new = dict(before.until), dict(after.until)
        stray = sorted(old.keys() - before.permissions)
        if stray:
            reason = "the target says when it ends, and not that it is held"
            yield self._note(id, "until", Kind.MISSING, stray, reason)
        yield from self._compare_ends(before, {name: (old.get(name), new.get(name)) for name in sorted(held)}, rights)
        if before.sign_in is not None and before.sign_in != after.sign_in:
            reason = "the platform has other rules" if after.sign_in else "the platform has no sign-in rules"
            yield self._note(id, "authentication", Kind.DIFFERENT, (before.sign_in[0],), reason)
        elif before.sign_in is None and after.sign_in is not None and before.obligations is not None:
            yield self._note(id, "authentication", Kind.BESIDE, (after.sign_in[0],), "the platform has sign-in rules")
        if before.role is not None and before.role != after.role:
            yield self._note(id, "role", Kind.MISSING, (before.role,), "client users have none")
        if before.uid is not None and before.uid != after.uid:
            yield self._note(
                id, "uid", Kind.MISSING, (before.uid,), "somebody else has the same, or it can't be written"
            )
        for about, was, now in (
            ("scope", before.clients, after.clients), ("company", before.company, after.company),
            ("manages", before.manages, after.manages),
        ):  # fmt: skip
            if was is not None and was != now:
                here = "nobody" if not now else now if isinstance(now, str) else ", ".join(map(show, now[:5]))
                names = (was,) if isinstance(was, str) else was
                yield self._note(id, about, Kind.DIFFERENT, names, f"by its role it is {here} here")
        if before.obligations is not None:
            duties = {(duty, name) for duty, names in before.obligations for name in names}
            now_due = {(duty, name) for duty, names in after.obligations or () for name in names}
            for pairs, kind in ((duties - now_due, Kind.MISSING), (now_due - duties, Kind.BESIDE)):
                # Those of what is itself missing, or there beside, go without saying.
                of = {name for _, name in pairs} - (before.permissions ^ after.permissions)
                if of:
                    yield self._note(id, "obligations", kind, sorted(of), "they follow from the role and the catalog")
        if before.is_suspended != after.is_suspended:
            yield self._note(id, "suspended", Kind.DIFFERENT, (), "it can't be written")

    def _compare_ends(
        self, person: HeldPerson, ends: Mapping[str, tuple[Instant | None, Instant | None]], rights: Rights
    ) -> Iterator[Note]:
        """Yields what ends at other times; a baseline ends with an approval of its role, or with its product."""
        base = set(self._org.catalog.to_names(rights.baseline))
        reasons: dict[str, list[str]] = {}
        for name, (old, new) in ends.items():
            if old == new:
                continue
            there = "there it does not end" if old is None else f"there it ends on {format_instant(old)}"
            here = "here it does not" if new is None else f"here on {format_instant(new)}"
            how = (
                f", with an approval of the role {show(person.role)} or the access to its product"
                if name in base and person.role
                else ""
            )
            reasons.setdefault(f"{there}{how}; {here}", []).append(name)
        for reason, names in reasons.items():
            yield self._note(person.id, "until", Kind.DIFFERENT, names, reason)

    def _compare_permissions(self, before: HeldPerson, after: HeldPerson, rights: Rights) -> Iterator[Note]:
        reasons: dict[str, list[str]] = {}
        until = dict(before.until)
        for name in sorted(before.permissions - after.permissions):
            reasons.setdefault(self._why_missing(before, name, rights, until), []).append(name)
        for reason, names in reasons.items():
            yield self._note(before.id, "permissions", Kind.MISSING, names, reason)
        more = sorted(after.permissions - before.permissions)
        if more:
            reason = (
                f"the baseline of the role {show(before.role)} gives it" if before.role else "every client user has it"
            )
            yield self._note(before.id, "permissions", Kind.BESIDE, more, reason)

    def _why_missing(self, person: HeldPerson, name: str, rights: Rights, until: Mapping[str, Instant]) -> str:
        catalog = self._org.catalog
        if name not in catalog.permissions:
            return f"the catalog {catalog.id} does not have it"
        permission, bit = catalog.permissions[name], catalog.match(name)
        if person.is_suspended:
            return "who is suspended holds nothing"
        if name in until and until[name] <= self._instant:
            return f"it ended on {format_instant(until[name])}"
        if person.audience not in permission.audiences:
            return f"it is not for {'client users' if person.audience is Audience.CLIENT else 'staff'}"
        if not bit & rights.ceiling:
            return (
                f"it is beyond what the role {show(person.role)} may hold"
                if person.role
                else "client users may not hold it"
            )
        if permission.product not in self._org.active_products:
            return f"the org has no product {permission.product}"
        if rights.role is not None and rights.role.is_read_only and not permission.is_read:
            return f"the role {rights.role.id} only reads"
        return f"there the user has no access to the product {permission.product}"

    def _compare_products(self, before: HeldPerson, after: HeldPerson) -> Iterator[Note]:
        old, new = before.products or frozenset(), after.products or frozenset()
        if old - new:
            yield self._note(
                before.id, "products", Kind.MISSING, sorted(old - new), "nothing that can be written opens them"
            )
        if new - old:
            reason = "the role opens them" if before.role else "the permissions open them"
            yield self._note(before.id, "products", Kind.BESIDE, sorted(new - old), reason)
