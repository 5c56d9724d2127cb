"""Takes bundles apart into rows, and puts rows together again to the same bytes (docs/tables.md, "Rows").

What users have in common is kept once: a **set** is the members of a permission set, of a scope, of what ends when, or of the
obligations; users name it by a number. The numbers are the database's own, and nothing in a bundle depends on them.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias

from msgspec import Struct

from hubcfg.applier.sql.database import Row
from hubcfg.applier.target import ForeignStateError
from hubcfg.core.canonical import Json, canonical_json, canonical_without_numbers
from hubcfg.emitter.bundle import FORMAT

Members: TypeAlias = tuple[tuple[str, ...], ...]
Value: TypeAlias = dict[str, Any]

EVERY_CLIENT = "*"

HEAD_COLUMNS = ("org", "audience", "format", "platform", "manage", "catalog", "products", "clients", "rest")
USER_COLUMNS = (
    *("org", "user_id", "audience", "role", "uid", "suspended"),
    *("permission_set", "client_set", "ending_set", "obligation_set"),
    *("products", "manages", "authentication", "rest"),
)
SET_COLUMNS = slice(6, 10)

_TEXT_FIELDS = ("products", "manages", "authentication")
_ENTRY_FIELDS = frozenset({"set", "scope", "until", "obligations", "role", "uid", "suspended", *_TEXT_FIELDS})


class Kind(Enum):
    """What a set is of: its name in `sets`."""

    PERMISSIONS = "permissions"
    CLIENTS = "clients"
    COMPANY = "company"
    ENDINGS = "endings"
    OBLIGATIONS = "obligations"

    @property
    def table(self) -> str:
        """The table of the members."""
        return "hubcfg_clients" if self is Kind.COMPANY else f"hubcfg_{self.value}"


# The columns of the members, by table.
MEMBER_COLUMNS: dict[str, tuple[str, ...]] = {
    "hubcfg_permissions": ("permission",),
    "hubcfg_clients": ("client",),
    "hubcfg_endings": ("permission", "ends_at"),
    "hubcfg_obligations": ("permission", "obligation"),
}


class SetContent(Struct, frozen=True):
    """The members of a set, sorted; two of the same content are the same set."""

    kind: Kind
    members: Members

    @property
    def digest(self) -> str:
        """What the set is looked up by; of permissions, the name that bundles give it."""
        names: Json = (
            [one[0] for one in self.members] if self.kind is Kind.PERMISSIONS else [self.kind.value, self.members]
        )
        return hashlib.sha256(canonical_json(names)).hexdigest()


def parse_bundle(content: bytes) -> Value:
    """Returns a bundle's value. Raises ValueError where it is not a bundle of this format."""
    value = json.loads(content)
    if not isinstance(value, dict) or value.get("format") != FORMAT or not isinstance(value.get("users"), dict):
        raise ValueError(f"not a bundle of the format `{FORMAT}`")
    return value


def describe_permissions(names: list[str]) -> SetContent:
    """Returns the set of a list of permissions."""
    return SetContent(Kind.PERMISSIONS, tuple((name,) for name in sorted(names)))


def describe_scope(scope: Value) -> SetContent:
    """Returns the set of a scope: its clients, or `*` for all. Raises ValueError for a scope of another form."""
    if scope.keys() == {"company"}:
        return SetContent(Kind.COMPANY, ((scope["company"],),))
    if scope.keys() != {"clients"}:
        raise ValueError(f"a scope of an unknown form: {scope}")
    names = [EVERY_CLIENT] if scope["clients"] == "all" else sorted(scope["clients"])
    return SetContent(Kind.CLIENTS, tuple((name,) for name in names))


def describe_until(until: Mapping[str, str], write_instant: Callable[[str], str]) -> SetContent:
    """Returns the set of a map from permissions to the instants at which they end."""
    return SetContent(Kind.ENDINGS, tuple(sorted((name, write_instant(end)) for name, end in until.items())))


def describe_obligations(obligations: Mapping[str, list[str]]) -> SetContent:
    """Returns the set of a map from obligations to permissions."""
    pairs = sorted((permission, name) for name, permissions in obligations.items() for permission in permissions)
    return SetContent(Kind.OBLIGATIONS, tuple(pairs))


class Encoder:
    """Makes rows of an org's bundles; `sets` are those that the rows name, in the order of their first use."""

    def __init__(self, org: str, write_instant: Callable[[str], str]) -> None:
        self._org = org
        self._write_instant = write_instant
        self._known: dict[tuple[str, str], Any] = {}
        self.sets: dict[SetContent, None] = {}

    def encode_head(self, bundle: Value) -> tuple[str | None, ...]:
        """Returns the row of `bundles` for what a bundle says beside its users."""
        known = {*HEAD_COLUMNS, "users", "permission_sets"}
        rest = {key: value for key, value in bundle.items() if key not in known}
        return (
            *(self._org, bundle["audience"], bundle["format"], bundle["platform"], bundle["manage"]),
            *(_to_text(bundle["catalog"]), _to_text(bundle["products"])),
            _to_text(bundle["clients"]) if "clients" in bundle else None,
            _to_text(rest) if rest else None,
        )

    def encode_user(self, id: str, entry: Value, bundle: Value) -> tuple[Any, ...]:
        """Returns a user's row, with the content of sets in place of their numbers."""
        rest = {key: value for key, value in entry.items() if key not in _ENTRY_FIELDS}
        permissions = bundle["permission_sets"]
        until, obligations = entry.get("until"), entry.get("obligations")
        return (
            *(self._org, id, bundle["audience"], entry.get("role"), entry.get("uid"), entry.get("suspended", False)),
            self._set("set", entry["set"], lambda name: describe_permissions(permissions[name])),
            self._set("scope", entry["scope"], describe_scope),
            None if until is None else self._set("until", until, lambda one: describe_until(one, self._write_instant)),
            None if obligations is None else self._set("obligations", obligations, describe_obligations),
            self._text(entry["products"]),
            self._text(entry["manages"]) if "manages" in entry else None,
            self._text(entry["authentication"]) if "authentication" in entry else None,
            _to_text(rest) if rest else None,
        )

    def _set(self, field: str, value: Any, describe: Callable[[Any], SetContent]) -> SetContent:
        key = (field, str(value))
        content = self._known.get(key)
        if content is None:
            content = self._known[key] = describe(value)
            self.sets[content] = None
        assert isinstance(content, SetContent)
        return content

    def _text(self, value: Json) -> str:
        key = ("text", str(value))
        text = self._known.get(key)
        if text is None:
            text = self._known[key] = _to_text(value)
        return str(text)


class Decoder:
    """Makes bundles of rows. `members` are the members of the sets, by table and number; `companies` the scopes of that kind."""

    def __init__(
        self,
        members: Mapping[str, Mapping[int, Members]],
        companies: frozenset[int],
        read_instant: Callable[[object], str | None],
    ) -> None:
        self._members = members
        self._companies = companies
        self._read_instant = read_instant
        self._known: dict[tuple[str, object], Any] = {}

    def decode(self, head: Row, users: list[Row]) -> Value:
        """Returns a bundle of its row and its users'."""
        bundle = self._decode_head(head)
        entries, permissions = {}, {}
        for row in users:
            entry = self._decode_user(row)
            names = entry.pop("names")
            permissions[entry["set"]] = names
            entries[row[1]] = entry
        return {**bundle, "permission_sets": permissions, "users": entries}

    def _decode_head(self, row: Row) -> Value:
        org, audience, format, platform, manage, catalog, products, clients, rest = row
        where = f"the row of `{org}` in `bundles`"
        if format != FORMAT:
            raise unreadable(f"{where} has the format `{format}`, and this hubcfg knows `{FORMAT}`")
        head: Value = {} if rest is None else _to_map(rest, where)
        head |= {"format": format, "org": org, "audience": audience, "platform": platform, "manage": manage}
        head |= {
            "catalog": self._value("catalog", catalog, where),
            "products": self._value("products", products, where),
        }
        return head if clients is None else head | {"clients": self._value("clients", clients, where)}

    def _decode_user(self, row: Row) -> Value:
        org, id, _, role, uid, suspended, permissions, clients, endings, obligations, *texts, rest = row
        where = f"the row of `{id}` of `{org}` in `users`"
        entry: Value = {} if rest is None else _to_map(rest, where)
        entry["set"], entry["names"] = self._set("hubcfg_permissions", permissions, _name_permissions)
        entry["scope"] = self._set("hubcfg_clients", clients, lambda one: _to_scope(one, clients in self._companies))
        if role is not None:
            entry["role"] = role
        if uid is not None:
            entry["uid"] = uid
        if suspended:
            entry["suspended"] = True
        if endings is not None and (until := self._set("hubcfg_endings", endings, self._to_until)):
            entry["until"] = until
        if obligations is not None and (named := self._set("hubcfg_obligations", obligations, _to_obligations)):
            entry["obligations"] = named
        for name, text in zip(_TEXT_FIELDS, texts, strict=True):
            if text is not None:
                entry[name] = self._value(name, text, where)
        return entry

    def _set(self, table: str, number: int, decode: Callable[[Members], Any]) -> Any:
        key = (table, number)
        if key not in self._known:
            # A number that no set has is a set without members, as it is to whoever asks the tables.
            self._known[key] = decode(self._members[table].get(number, ()))
        return self._known[key]

    def _value(self, field: str, text: str, where: str) -> Any:
        key = ("text", text)
        if key not in self._known:
            self._known[key] = _from_text(text, f"{where} has a column `{field}` that is no JSON")
        return self._known[key]

    def _to_until(self, members: Members) -> Value:
        until = {}
        for permission, moment in members:
            instant = until[permission] = self._read_instant(moment)
            if instant is None:
                raise unreadable(f"`endings` has an end of `{permission}` that is no instant: `{moment}`")
        return until


def encode_bundle(bundle: Value) -> bytes:
    """Returns the bytes of a bundle, as the emitter writes them."""
    try:
        return canonical_without_numbers(bundle) + b"\n"
    except ValueError as error:
        raise unreadable(f"the tables hold of `{bundle['org']}` what cannot be written as text") from error


def unreadable(message: str) -> ForeignStateError:
    """Returns the error for rows that no bundle can be made of."""
    return ForeignStateError(message, help="mend or delete it by hand; docs/tables.md says what the columns hold")


def _name_permissions(members: Members) -> tuple[str, list[str]]:
    content = SetContent(Kind.PERMISSIONS, tuple(sorted(members)))
    return content.digest, [name for (name,) in content.members]


def _to_scope(members: Members, is_company: bool) -> Value:
    names = sorted(name for (name,) in members)
    if is_company and len(names) == 1 and names[0] != EVERY_CLIENT:
        return {"company": names[0]}
    return {"clients": "all" if EVERY_CLIENT in names else names}


def _to_obligations(members: Members) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for permission, obligation in sorted(members):
        named.setdefault(obligation, []).append(permission)
    return named


def _to_text(value: Json) -> str:
    return canonical_json(value).decode()


def _to_map(text: str, where: str) -> Value:
    value = _from_text(text, f"{where} has a column `rest` that is no JSON")
    if not isinstance(value, dict):
        raise unreadable(f"{where} has a column `rest` that is no JSON object")
    return value


def _from_text(text: str, message: str) -> Any:
    try:
        value = json.loads(text)
        canonical_json(value)  # what parses and cannot be written again: a number that is none, half a character
    except (ValueError, RecursionError) as error:
        raise unreadable(message) from error
    return value
