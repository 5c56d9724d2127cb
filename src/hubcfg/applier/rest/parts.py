"""Takes bundles apart into a head and users, the units of a REST API, and puts them together to the same bytes."""

import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from hubcfg.applier.target import ForeignStateError
from hubcfg.core.canonical import Json, canonical_json, canonical_line
from hubcfg.emitter.bundle import FORMAT
from hubcfg.planner.held import OrgFiles
from hubcfg.platforms.grants import Audience

SPOILED = "something else has written there: see what it was, and put back what a backup has"
"""What to do about bundles that hubcfg cannot have deployed."""

# A user's entry with `permissions`, the sorted list itself, in place of `set`.
FlatEntry: TypeAlias = Mapping[str, Json]
Head: TypeAlias = Mapping[str, Json]


class Person(Struct, frozen=True):
    """One user as a whole: what a write replaces at once."""

    audience: Audience
    entry: FlatEntry

    def to_json(self) -> dict[str, Json]:
        """Returns the user as the hub's API has one."""
        return {"audience": self.audience.value, "user": self.entry}


class OrgParts(Struct, frozen=True):
    """An org's files taken apart: the heads by audience, and all users."""

    heads: Mapping[Audience, Head]
    people: Mapping[str, Person]


def split_org(org: str, files: OrgFiles) -> OrgParts:
    """Returns an org's files in parts. Raises ForeignStateError for what is no bundle of the org."""
    heads: dict[Audience, Head] = {}
    people: dict[str, Person] = {}
    for audience, content in files.items():
        head, entries = _split(org, audience, content)
        heads[audience] = head
        for user, entry in entries.items():
            if user in people:
                raise ForeignStateError(f"user `{user}` of org `{org}` is both staff and a client's user", help=SPOILED)
            people[user] = Person(audience, entry)
    return OrgParts(heads, people)


def join_org(org: str, parts: OrgParts) -> dict[Audience, bytes]:
    """Returns the files that an org's parts come to: one for each head."""
    return {
        audience: _join(
            {**head} | {"format": FORMAT, "org": org, "audience": audience.value},
            {user: person.entry for user, person in parts.people.items() if person.audience is audience},
        )
        for audience, head in parts.heads.items()
    }


def check_bundle(org: str, audience: Audience, content: bytes) -> None:
    """Raises ForeignStateError where a file is not the canonical bundle of an org and audience."""
    value = read_json(content, f"the bundle of org `{org}`")
    _check_head(org, audience, value)
    try:
        is_canonical = canonical_line(value) == content
    except ValueError:
        is_canonical = False
    if not is_canonical:
        raise ForeignStateError(f"the {audience.value} bundle of org `{org}` is not in canonical form", help=SPOILED)


def read_json(content: bytes, what: str) -> dict[str, Json]:
    """Returns the JSON object that `content` is; `what` names it. Raises ForeignStateError for anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise ForeignStateError(f"{what} is not readable as JSON", help=SPOILED) from None
    if not isinstance(value, dict):
        raise ForeignStateError(f"{what} is not a JSON object", help=SPOILED)
    return value


def sha256_hex(content: bytes) -> str:
    """Returns the hex SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def etag_of(value: Json) -> str:
    """Returns the strong ETag that the hub's API gives a value."""
    return f'"{sha256_hex(canonical_json(value))}"'


def _split(org: str, audience: Audience, content: bytes) -> tuple[Head, dict[str, FlatEntry]]:
    value = read_json(content, f"the bundle of org `{org}`")
    _check_head(org, audience, value)
    sets, users = value.get("permission_sets"), value.get("users")
    if not isinstance(sets, dict) or not isinstance(users, dict):
        raise ForeignStateError(
            f"the {audience.value} bundle of org `{org}` has no `users` or `permission_sets`", help=SPOILED
        )
    entries: dict[str, FlatEntry] = {}
    for user, entry in users.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("set"), str) or entry["set"] not in sets:
            raise ForeignStateError(f"user `{user}` of org `{org}` has no `set` of permissions", help=SPOILED)
        flat = {key: part for key, part in entry.items() if key != "set"}
        entries[user] = flat | {"permissions": sets[entry["set"]]}
    left_out = ("users", "permission_sets", "format", "org", "audience")
    return {key: part for key, part in value.items() if key not in left_out}, entries


def _check_head(org: str, audience: Audience, value: Mapping[str, Json]) -> None:
    found = value.get("format")
    if found != FORMAT:
        raise ForeignStateError(
            f"the {audience.value} bundle of org `{org}` has the format `{str(found)[:60]}`",
            help=f"this hubcfg reads `{FORMAT}`; was it deployed by a newer one?",
        )
    if value.get("org") != org or value.get("audience") != audience.value:
        raise ForeignStateError(
            f"what stands for the {audience.value} bundle of org `{org}` is another org's or audience's", help=SPOILED
        )


def _join(head: Head, entries: Mapping[str, FlatEntry]) -> bytes:
    sets: dict[str, Json] = {}
    users: dict[str, Json] = {}
    for user, entry in entries.items():
        permissions = entry["permissions"]
        set_id = sha256_hex(canonical_json(permissions))
        sets[set_id] = permissions
        users[user] = {key: part for key, part in entry.items() if key != "permissions"} | {"set": set_id}
    return canonical_line({**head, "users": users, "permission_sets": sets})
