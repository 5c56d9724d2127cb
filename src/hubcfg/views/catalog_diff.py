"""The difference of two catalogs: permissions added and removed, and those whose marks changed."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hubcfg.platforms.catalog import Catalog, Permission
from hubcfg.views.catalog import catalog_header, describe_marks, permission_record
from hubcfg.views.colors import paint

FORMAT = "hubcfg.catalog-diff/1"


class MapDifference(Struct, frozen=True):
    """What two maps of texts do not have in common."""

    added: dict[str, str]
    removed: dict[str, str]
    changed: dict[str, tuple[str, str]]

    @property
    def is_empty(self) -> bool:
        """Whether the maps are equal."""
        return not (self.added or self.removed or self.changed)


class CatalogDifference(Struct, frozen=True):
    """What has to change in one catalog to make it the other; `changed` are marks: name → field → before and after."""

    before: Catalog
    after: Catalog
    added: tuple[Permission, ...]
    removed: tuple[Permission, ...]
    changed: dict[str, dict[str, tuple[Any, Any]]]
    same: int
    aliases: MapDifference
    categories: MapDifference

    @property
    def is_empty(self) -> bool:
        """Whether both have the same permissions with the same marks, aliases and categories."""
        maps_equal = self.aliases.is_empty and self.categories.is_empty
        return maps_equal and not (self.added or self.removed or self.changed)


def compare_catalogs(before: Catalog, after: Catalog) -> CatalogDifference:
    """Returns the difference between two catalogs."""
    changed = {}
    common = [name for name in before.names if name in after.permissions]
    for name in common:
        old, new = permission_record(before.permissions[name]), permission_record(after.permissions[name])
        if fields := {field: (old[field], new[field]) for field in old if old[field] != new[field]}:
            changed[name] = fields
    return CatalogDifference(
        before,
        after,
        added=tuple(after.permissions[name] for name in after.names if name not in before.permissions),
        removed=tuple(before.permissions[name] for name in before.names if name not in after.permissions),
        changed=changed,
        same=len(common) - len(changed),
        aliases=_compare_maps(before.aliases, after.aliases),
        categories=_compare_maps(before.categories, after.categories),
    )


def render_difference(format: str, difference: CatalogDifference, *, use_color: bool = False) -> str:
    """Returns a difference as text or JSON."""
    if format == "json":
        return json.dumps(_document(difference), ensure_ascii=False, indent=2)
    added, removed = difference.added, difference.removed
    width = max((len(name) for name in [*(one.name for one in (*added, *removed)), *difference.changed]), default=0)
    lines = [f"from {_title(difference.before)} to {_title(difference.after)}"]
    lines += [paint(f"+ {_permission(one, width)}", "good", use_color=use_color) for one in added]
    lines += [paint(f"- {_permission(one, width)}", "bad", use_color=use_color) for one in removed]
    for name, fields in difference.changed.items():
        lines += [f"~ {name.ljust(width)}  {_change(field, *values)}" for field, values in fields.items()]
    lines += _map_lines("alias", difference.aliases, use_color)
    lines += _map_lines("sensitive category", difference.categories, use_color)
    if difference.is_empty:
        return f"{lines[0]}: no difference in {difference.same:,} permissions"
    counts = f"{len(added):,} added, {len(removed):,} removed, {len(difference.changed):,} changed"
    return "\n".join([*lines, f"{counts}, {difference.same:,} as they were"])


def _document(difference: CatalogDifference) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "from": catalog_header(difference.before),
        "to": catalog_header(difference.after),
        "added": [permission_record(permission) for permission in difference.added],
        "removed": [permission_record(permission) for permission in difference.removed],
        "changed": [
            {"name": name, "changes": {field: {"from": old, "to": new} for field, (old, new) in fields.items()}}
            for name, fields in difference.changed.items()
        ],
        "aliases": _map_document(difference.aliases),
        "sensitive_categories": _map_document(difference.categories),
    }


def _map_document(difference: MapDifference) -> dict[str, Any]:
    changed = {key: {"from": old, "to": new} for key, (old, new) in difference.changed.items()}
    return {"added": difference.added, "removed": difference.removed, "changed": changed}


def _compare_maps(before: Mapping[str, str], after: Mapping[str, str]) -> MapDifference:
    return MapDifference(
        added={key: text for key, text in sorted(after.items()) if key not in before},
        removed={key: text for key, text in sorted(before.items()) if key not in after},
        changed={key: (text, after[key]) for key, text in sorted(before.items()) if after.get(key, text) != text},
    )


def _title(catalog: Catalog) -> str:
    return f"{catalog.id} {catalog.version}" if catalog.version else catalog.id


def _permission(permission: Permission, width: int) -> str:
    marks = describe_marks(permission)
    return f"{permission.name.ljust(width)}  {'read ' if permission.is_read else 'write'}  {marks}".rstrip()


def _change(field: str, old: Any, new: Any) -> str:
    return f"{field.replace('_', ' ')}: {_words(old)} → {_words(new)}"


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _map_lines(noun: str, difference: MapDifference, use_color: bool) -> list[str]:
    added = [paint(f"+ {noun} {key}: {text}", "good", use_color=use_color) for key, text in difference.added.items()]
    removed = [paint(f"- {noun} {key}: {text}", "bad", use_color=use_color) for key, text in difference.removed.items()]
    return added + removed + [f"~ {noun} {key}: {old} → {new}" for key, (old, new) in difference.changed.items()]
