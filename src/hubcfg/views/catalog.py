"""Catalogs for people and programs: what permissions there are, with their marks."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from hubcfg.platforms.catalog import Catalog, Permission
from hubcfg.platforms.grants import Audience
from hubcfg.views.colors import paint
from hubcfg.views.counts import number

FORMAT = "hubcfg.catalog/1"

_TITLES = ("permission", "access", "audience", "sensitive", "description")


def render_permissions(
    format: str,
    catalog: Catalog,
    permissions: Sequence[Permission],
    *,
    pattern: str | None = None,
    words: Sequence[str] = (),
    use_color: bool = False,
) -> str:
    """Returns permissions of a catalog as text or JSON; `words` are those of a search, whose result has an order of its own."""
    if format == "json":
        document = {
            "format": FORMAT,
            "catalog": catalog_header(catalog),
            "pattern": pattern,
            "words": list(words),
            "permissions": permission_records(catalog, permissions),
            "sensitive_categories": dict(sorted(catalog.categories.items())),
            "aliases": dict(sorted(catalog.aliases.items())),
        }
        return json.dumps(document, ensure_ascii=False, indent=2)
    aliases = aliases_of(catalog)
    rows = [_row(permission, aliases.get(permission.name, [])) for permission in permissions]
    widths = [_width(title, [row[column] for row in rows]) for column, title in enumerate(_TITLES[:4])]
    titles = [title.ljust(width) for title, width in zip(_TITLES, widths, strict=False) if width]
    head = paint("  " + "  ".join([*titles, _TITLES[4]]), "dim", use_color=use_color)
    if words:
        return "\n".join([head, *_lines(permissions, rows, widths, use_color), "", _count(catalog, permissions)])
    blocks = []
    for product, members in groupby(zip(permissions, rows, strict=True), lambda pair: pair[0].product):
        of_product = list(members)
        lines = _lines([one for one, _ in of_product], [row for _, row in of_product], widths, use_color)
        blocks.append("\n".join([paint(_product_name(catalog, product), "bold", use_color=use_color), *lines]))
    return f"{head}\n" + "\n\n".join([*blocks, _count(catalog, permissions)])


def catalog_header(catalog: Catalog) -> dict[str, Any]:
    """Returns what identifies a catalog, as bundles have it too."""
    return {"id": catalog.id, "version": catalog.version, "digest": catalog.digest}


def permission_records(catalog: Catalog, permissions: Iterable[Permission]) -> list[dict[str, Any]]:
    """Returns permissions with all their marks, as values of JSON."""
    aliases = aliases_of(catalog)
    return [permission_record(permission) | {"aliases": aliases.get(permission.name, [])} for permission in permissions]


def permission_record(permission: Permission) -> dict[str, Any]:
    """Returns the marks of one permission, as a value of JSON."""
    return {
        "name": permission.name,
        "access": _access(permission),
        "audiences": _audiences(permission),
        "sensitive": list(permission.sensitive),
        "description": permission.description,
        "deprecated": permission.deprecated,
        "replaced_by": permission.replaced_by,
    }


def aliases_of(catalog: Catalog) -> dict[str, list[str]]:
    """Returns the other names of permissions, by permission."""
    found: dict[str, list[str]] = {}
    for alias, target in sorted(catalog.aliases.items()):
        family = target.removesuffix("*")
        names = catalog.to_names(catalog.match(target)) if alias.endswith(".*") else [target]
        for name in names:
            other = alias.removesuffix("*") + name.removeprefix(family) if alias.endswith(".*") else alias
            found.setdefault(name, []).append(other)
    return found


def describe_marks(permission: Permission, aliases: Sequence[str] = ()) -> str:
    """Returns what is special about a permission in words: categories, audience, deprecation, other names."""
    marks = [f"sensitive: {', '.join(permission.sensitive)}"] if permission.sensitive else []
    if Audience.CLIENT in permission.audiences:
        marks.append("clients too" if Audience.STAFF in permission.audiences else "clients only")
    if permission.deprecated:
        marks.append(f"deprecated, use {permission.replaced_by}" if permission.replaced_by else "deprecated")
    if aliases:
        marks.append(f"also {', '.join(aliases)}")
    return "; ".join(marks)


def _width(title: str, cells: Sequence[str]) -> int:
    """Returns the width of a column; one without anything in it is left out."""
    widest = max(map(len, cells), default=0)
    return max(widest, len(title)) if widest else 0


def _row(permission: Permission, aliases: Sequence[str]) -> tuple[str, str, str, str, str]:
    is_for_clients = Audience.CLIENT in permission.audiences
    notes = [permission.description or ""]
    if permission.deprecated:
        notes.append(f"(deprecated: use {permission.replaced_by})" if permission.replaced_by else "(deprecated)")
    if aliases:
        notes.append(f"(also {', '.join(aliases)})")
    return (
        permission.name,
        _access(permission),
        ", ".join(_audiences(permission)) if is_for_clients else "",
        ", ".join(permission.sensitive),
        " ".join(filter(None, notes)),
    )


def _lines(
    permissions: Sequence[Permission], rows: Sequence[tuple[str, ...]], widths: Sequence[int], use_color: bool
) -> list[str]:
    lines = []
    for permission, row in zip(permissions, rows, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False) if width]
        if permission.sensitive:
            position = len([width for width in widths[:3] if width])
            cells[position] = paint(cells[position], "sensitive", use_color=use_color)
        lines.append("  " + "  ".join([*cells, row[4]]).rstrip())
    return lines


def _count(catalog: Catalog, permissions: Sequence[Permission]) -> str:
    version = f" {catalog.version}" if catalog.version else ""
    shown, total = len(permissions), len(catalog.names)
    sensitive = sum(1 for permission in permissions if permission.sensitive)
    of = "" if shown == total else f" of {total:,}"
    counted = f"{shown:,}{of} permissions" if of else number(shown, "permission")
    return f"{catalog.id}{version}: {counted}, {sensitive:,} sensitive"


def _product_name(catalog: Catalog, product: str) -> str:
    products = catalog.raw.get("products")
    raw = products.get(product) if isinstance(products, dict) else None
    name = raw.get("name") if isinstance(raw, dict) else None
    return f"{product}: {name}" if isinstance(name, str) and name != product else product


def _access(permission: Permission) -> str:
    return "read" if permission.is_read else "write"


def _audiences(permission: Permission) -> list[str]:
    return [audience.value for audience in Audience if audience in permission.audiences]
