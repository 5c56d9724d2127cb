"""A permission catalog: which permissions there are, what they are like, and what patterns mean in it."""

from functools import cached_property

from msgspec import Struct

from hubcfg.core.canonical import digest
from hubcfg.parser.document import Document, Value, as_map
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask, MaskNames
from hubcfg.platforms.patterns import is_pattern

# How many masks a memo keeps at most; what is asked for more often than that is not worth the memory.
MAX_MEMO = 10_000

BUILTIN_CATEGORIES = {
    "deletion": "Deletes, voids or irrevocably removes records",
    "financial": "Money: invoices, payments, prices, pay, budgets",
    "user-management": "Users, roles, permissions, keys",
    "audit-log": "Who did what: audit logs and histories",
}


class Permission(Struct, frozen=True):
    """One permission of a catalog. `replaced_by` names what to use instead of a deprecated one."""

    name: str
    is_read: bool
    audiences: frozenset[Audience]
    sensitive: tuple[str, ...]
    description: str | None
    deprecated: bool
    replaced_by: str | None

    @property
    def product(self) -> str:
        """The first segment of the name."""
        return self.name.split(".", 1)[0]


class Catalog:
    """A resolved catalog. What it answers depends on its document alone; the memos only save time."""

    def __init__(self, document: Document) -> None:
        raw = document.value
        assert isinstance(raw, dict)
        self.document = document
        self.raw: dict[str, Value] = {key: value for key, value in raw.items() if key != "extends"}
        self.id = str(raw["id"])
        version = raw.get("version")
        self.version = version if isinstance(version, str) else None
        self.permissions = {permission.name: permission for permission in _read_permissions(raw)}
        self.names = tuple(sorted(self.permissions))
        self.products = tuple(sorted(as_map(raw.get("products"))))
        self.aliases = {alias: str(target) for alias, target in as_map(raw.get("aliases")).items()}
        self.all: Mask = (1 << len(self.names)) - 1
        self._segments: tuple[dict[str, Mask], ...] = ({}, {}, {})
        self._read: Mask = 0
        self._of_audience = dict.fromkeys(Audience, 0)
        self._of_category: dict[str, Mask] = {}
        self._matches: dict[str, Mask] = {}
        self._beside: dict[Mask, Mask] = {}
        self._resources: dict[str, list[Mask]] = {}
        self.to_names = MaskNames(self.names)
        self._index()

    def _index(self) -> None:
        # Bits are gathered in lists first: joining wide integers bit by bit is quadratic in the width.
        segments: tuple[dict[str, list[int]], ...] = ({}, {}, {})
        resources: dict[str, list[int]] = {}
        reads: list[int] = []
        audiences: dict[Audience, list[int]] = {audience: [] for audience in Audience}
        categories: dict[str, list[int]] = {}
        for bit, name in enumerate(self.names):
            permission = self.permissions[name]
            parts = name.split(".")
            for position, part in enumerate(parts):
                segments[position].setdefault(part, []).append(bit)
            resources.setdefault(f"{parts[0]}.{parts[1]}", []).append(bit)
            if permission.is_read:
                reads.append(bit)
            for audience in permission.audiences:
                audiences[audience].append(bit)
            for category in permission.sensitive:
                categories.setdefault(category, []).append(bit)
        width = len(self.names)
        self._segments = tuple({part: _mask(bits, width) for part, bits in table.items()} for table in segments)
        self._read = _mask(reads, width)
        for resource, bits in resources.items():
            self._resources.setdefault(resource.split(".", 1)[0], []).append(_mask(bits, width))
        self._of_audience = {audience: _mask(bits, width) for audience, bits in audiences.items()}
        self._of_category = {category: _mask(bits, width) for category, bits in categories.items()}

    @cached_property
    def digest(self) -> str:
        """The `sha256:` digest of the resolved catalog, which bundles carry."""
        return digest(self.raw)

    @property
    def read(self) -> Mask:
        """The permissions whose access is `read`."""
        return self._read

    @cached_property
    def sensitive(self) -> Mask:
        """The permissions that are sensitive in any category."""
        union = 0
        for mask in self._of_category.values():
            union |= mask
        return union

    @cached_property
    def categories(self) -> dict[str, str]:
        """The sensitive categories with their descriptions: the four built-in ones and the catalog's own."""
        own = {name: str(text or "") for name, text in as_map(self.raw.get("sensitive_categories")).items()}
        return BUILTIN_CATEGORIES | own

    def of_audience(self, audience: Audience) -> Mask:
        """Returns the permissions that a user of this audience may hold."""
        return self._of_audience[audience]

    def of_category(self, category: str) -> Mask:
        """Returns the permissions that are sensitive in this category."""
        return self._of_category.get(category, 0)

    def of_product(self, product: str) -> Mask:
        """Returns the permissions of a product; none where the catalog does not have it."""
        return self._segments[0].get(product, 0)

    def products_of(self, mask: Mask) -> frozenset[str]:
        """Returns the products that the permissions in `mask` belong to."""
        return frozenset([product for product, of_product in self._segments[0].items() if mask & of_product])

    def reads_beside(self, mask: Mask) -> Mask:
        """Returns the `read` permissions of the products and resources that the permissions in `mask` belong to."""
        beside = self._beside.get(mask)
        if beside is None:
            beside = 0
            for product in self.products_of(mask):
                for of_resource in self._resources[product]:
                    if mask & of_resource:
                        beside |= of_resource & self._read
            if len(self._beside) < MAX_MEMO:
                self._beside[mask] = beside
        return beside

    def expand_alias(self, pattern: str) -> str:
        """Returns what an alias stands for, and any other pattern as it is (docs/language.md, "Catalogs")."""
        if pattern in self.aliases:
            return self.aliases[pattern]
        segments = pattern.split(".")
        if len(segments) == 3:
            family = self.aliases.get(f"{segments[0]}.{segments[1]}.*")
            if family is not None:
                return f"{family.removesuffix('.*')}.{segments[2]}"
        return pattern

    def match(self, pattern: str) -> Mask:
        """Returns the permissions that a pattern means, of any audience; none for what is not a pattern."""
        mask = self._matches.get(pattern)
        if mask is None:
            mask = self._matches[pattern] = self._match(self.expand_alias(pattern))
        return mask

    def _match(self, pattern: str) -> Mask:
        if not is_pattern(pattern):
            return 0
        mask = self.all
        for table, segment in zip(self._segments, pattern.split("."), strict=False):
            if segment != "*":
                mask &= table.get(segment, 0)
        return mask


def _mask(bits: list[int], width: int) -> Mask:
    digits = bytearray((width + 7) // 8)
    for bit in bits:
        digits[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(digits, "little")


def _read_permissions(raw: dict[str, Value]) -> list[Permission]:
    return [
        _read_permission(f"{product}.{resource}.{action}", as_map(marks))
        for product, of_product in as_map(raw.get("products")).items()
        for resource, of_resource in as_map(as_map(of_product).get("resources")).items()
        for action, marks in as_map(as_map(of_resource).get("actions")).items()
    ]


def _read_permission(name: str, marks: dict[str, Value]) -> Permission:
    audiences = marks.get("audiences")
    sensitive = marks.get("sensitive")
    description = marks.get("description")
    replaced_by = marks.get("replaced_by")
    return Permission(
        name=name,
        is_read=marks.get("access") == "read",
        audiences=frozenset(map(Audience, audiences)) if isinstance(audiences, list) else _STAFF_ONLY,
        sensitive=tuple(sorted({str(category) for category in sensitive})) if isinstance(sensitive, list) else (),
        description=description if isinstance(description, str) else None,
        deprecated=marks.get("deprecated") is True,
        replaced_by=replaced_by if isinstance(replaced_by, str) else None,
    )


_STAFF_ONLY = frozenset({Audience.STAFF})
