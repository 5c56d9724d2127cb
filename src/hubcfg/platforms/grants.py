"""Grants: entries of `permissions`, `groups`, `roles` and `includes` lists, and the groups and roles made of them."""

from enum import Enum

from msgspec import Struct

from hubcfg.core.instants import BEGINNING, END, Instant, parse_instant
from hubcfg.parser.document import Document, Value, as_text

# The key of the object form of an entry, by the list that it stands in.
ENTRY_KEYS = {"permissions": "permission", "groups": "group", "roles": "role", "includes": "group"}


class Audience(Enum):
    """Whose permissions they are: the MSP's own staff, or its clients' users."""

    STAFF = "staff"
    CLIENT = "client"


class Grant(Struct, frozen=True):
    """One entry: a pattern or an id, and when it counts (`start <= t < end`).

    `is_object` tells the object form, in which the target is the value of a key of its own.
    """

    target: str
    start: Instant = BEGINNING
    end: Instant = END
    reason: str | None = None
    ticket: str | None = None
    is_object: bool = False

    @property
    def has_window(self) -> bool:
        """Whether the entry counts at some instants only."""
        return self.start != BEGINNING or self.end != END


Grants = tuple[Grant, ...]


class Group(Struct, frozen=True):
    """A permission group: patterns, and other groups of its audience that it includes."""

    id: str
    document: Document
    path: tuple[str | int, ...]
    name: str | None
    description: str | None
    audience: Audience
    includes: Grants
    permissions: Grants
    is_shared: bool = False


class Role(Struct, frozen=True):
    """A Hub role: groups and patterns under one name, for assignment."""

    id: str
    document: Document
    path: tuple[str | int, ...]
    name: str | None
    description: str | None
    groups: Grants
    permissions: Grants
    is_shared: bool = False


def bind_grants(raw: Value, field: str) -> Grants:
    """Returns the entries of a list that has passed its schema; `field` is the list's name."""
    if not raw:
        return ()
    assert isinstance(raw, list)
    return tuple(bind_grant(entry, ENTRY_KEYS[field]) for entry in raw)


def bind_grant(raw: Value, key: str) -> Grant:
    """Returns one entry; `key` names its target in the object form. A window that can't be read counts as never."""
    if isinstance(raw, str):
        return Grant(raw)
    assert isinstance(raw, dict)
    target, reason, ticket = raw[key], raw.get("reason"), raw.get("ticket")
    assert isinstance(target, str)
    start, end = read_window(raw)
    return Grant(
        target,
        start if start is not None else END,
        end if end is not None else BEGINNING,
        reason if isinstance(reason, str) else None,
        ticket if isinstance(ticket, str) else None,
        is_object=True,
    )


def read_window(raw: dict[str, Value]) -> tuple[Instant | None, Instant | None]:
    """Returns start and end of an entry in the object form; None for one that is not an instant."""
    start: Instant | None = BEGINNING
    end: Instant | None = END
    if "starts" in raw:
        text = raw["starts"]
        start = parse_instant(text) if isinstance(text, str) else None
    if "expires" in raw:
        text = raw["expires"]
        end = parse_instant(text, end_of_day=True) if isinstance(text, str) else None
    return start, end


def bind_group(document: Document, path: tuple[str | int, ...], raw: dict[str, Value], *, is_shared: bool) -> Group:
    """Returns the group at `path`, which has passed its schema."""
    return Group(
        id=str(path[-1]),
        document=document,
        path=path,
        name=as_text(raw.get("name")),
        description=as_text(raw.get("description")),
        audience=Audience(raw.get("audience", "staff")),
        includes=bind_grants(raw.get("includes"), "includes"),
        permissions=bind_grants(raw.get("permissions"), "permissions"),
        is_shared=is_shared,
    )


def bind_role(document: Document, path: tuple[str | int, ...], raw: dict[str, Value], *, is_shared: bool) -> Role:
    """Returns the Hub role at `path`, which has passed its schema."""
    return Role(
        id=str(path[-1]),
        document=document,
        path=path,
        name=as_text(raw.get("name")),
        description=as_text(raw.get("description")),
        groups=bind_grants(raw.get("groups"), "groups"),
        permissions=bind_grants(raw.get("permissions"), "permissions"),
        is_shared=is_shared,
    )
