"""Binds users' entries: people who say the same about access share one Entry."""

import marshal
from collections.abc import Mapping
from types import MappingProxyType

from hubcfg.parser.document import Document, Value, as_strings
from hubcfg.platforms.grants import Audience, bind_grants
from hubcfg.validator.collect import Item
from hubcfg.validator.config import Entry, ProductEntry, User
from hubcfg.validator.slips import Slip
from hubcfg.validator.windows import check_entry_windows

_ACCESS_FIELDS = ("audience", "role", "roles", "groups", "permissions", "deny", "products", "suspended")

EMPTY: Mapping[tuple[int, str], User] = MappingProxyType({})


class EntryBinder:
    """Binds the users of one org; `slips` says what is wrong with the windows of each distinct entry.

    `known` are users of another tree, by the identity of their document and by their id: they are the same here.
    """

    def __init__(self, known: Mapping[tuple[int, str], User] = EMPTY) -> None:
        self._known = known
        self._entries: dict[bytes, Entry] = {}
        self.slips: dict[Entry, list[Slip]] = {}

    def bind(self, item: Item) -> User:
        """Returns the user of an entry that fits its schema."""
        known = self._known.get((id(item.document), item.id))
        if known is not None:
            if known.entry not in self.slips:
                self.slips[known.entry] = check_entry_windows(item.value or {})
            return known
        assert item.value is not None
        return self.bind_raw(item.id, item.document, item.value)

    def bind_raw(self, id: str, document: Document, raw: dict[str, Value]) -> User:
        """Returns the user of an entry that is known to fit its schema."""
        get = raw.get
        entry = self.entry_of(raw)
        clients, authentication = get("clients"), get("authentication")
        method, mfa = (
            (authentication.get("method"), authentication.get("mfa"))
            if isinstance(authentication, dict)
            else (None, None)
        )
        return User(
            id,
            document,
            entry,
            get("name"),  # type: ignore[arg-type]  # the schema says: text
            get("uid"),  # type: ignore[arg-type]  # text
            get("company"),  # type: ignore[arg-type]  # text
            tuple(map(str, clients)) if isinstance(clients, list) else clients,  # type: ignore[arg-type]  # or `all`
            method,  # type: ignore[arg-type]  # text
            mfa,  # type: ignore[arg-type]  # a boolean
            "authentication" in raw,
        )

    def entry_of(self, raw: dict[str, Value]) -> Entry:
        """Returns what a user's entry says about access: the same Entry for all who say the same."""
        # Version 0 writes equal values as equal bytes, whatever objects they share.
        key = marshal.dumps(list(map(raw.get, _ACCESS_FIELDS)), 0)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _bind_entry(raw)
            self.slips[entry] = check_entry_windows(raw)
        return entry


def _bind_entry(raw: dict[str, Value]) -> Entry:
    products = raw.get("products")
    role = raw.get("role")
    return Entry(
        audience=Audience(raw.get("audience", "staff")),
        role=role if isinstance(role, str) else None,
        roles=bind_grants(raw.get("roles"), "roles"),
        groups=bind_grants(raw.get("groups"), "groups"),
        permissions=bind_grants(raw.get("permissions"), "permissions"),
        deny=as_strings(raw.get("deny")),
        products=tuple(_bind_product(product, entry) for product, entry in products.items())
        if isinstance(products, dict)
        else None,
        suspended=raw.get("suspended") is True,
    )


def _bind_product(product: str, raw: Value) -> ProductEntry:
    assert isinstance(raw, dict)
    return ProductEntry(
        product=product,
        roles=bind_grants(raw.get("roles"), "roles"),
        groups=bind_grants(raw.get("groups"), "groups"),
        permissions=bind_grants(raw.get("permissions"), "permissions"),
        deny=as_strings(raw.get("deny")),
    )
