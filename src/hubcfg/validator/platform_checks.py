"""Judges the platforms and catalogs that a project defines (docs/platforms.md, "A platform of your own")."""

import re
from collections.abc import Iterable

from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import did_you_mean
from hubcfg.core.places import KeyPath, Part
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.platform import PatternSet, Platform, PlatformRole, Reach, Scope
from hubcfg.validator.bundles import find_cycles
from hubcfg.validator.definitions import Definitions
from hubcfg.validator.patterns import PatternChecker
from hubcfg.validator.references import Names, ReferenceChecker
from hubcfg.validator.rules import (
    UNKNOWN_GROUP,
    UNKNOWN_PERMISSION,
    UNKNOWN_PLATFORM_ROLE,
    UNKNOWN_PRODUCT,
    UNKNOWN_ROLE,
)
from hubcfg.validator.slips import Slip
from hubcfg.validator.windows import check_entry_windows

_ALIAS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*|\.\*)?\Z")


def check_catalog(definitions: Definitions, catalog: Catalog) -> list[Finding]:
    """Returns what is wrong with a catalog of the project beyond its shape."""
    slips: list[Slip] = []
    for permission in catalog.permissions.values():
        product, resource, action = permission.name.split(".")
        path: KeyPath = ("products", product, "resources", resource, "actions", action)
        slips += _check_categories(catalog, permission.sensitive, (*path, "sensitive"))
        if permission.replaced_by is not None and permission.replaced_by not in catalog.permissions:
            slips.append(
                Slip(
                    (*path, "replaced_by"),
                    UNKNOWN_PERMISSION,
                    f"there is no permission `{permission.replaced_by}`",
                    did_you_mean(permission.replaced_by, catalog.names),
                )
            )
    slips += [slip for alias, target in catalog.aliases.items() for slip in _check_alias(catalog, alias, target)]
    return _placed(definitions, "Catalog", catalog.id, slips)


def _check_categories(catalog: Catalog, listed: Iterable[str], path: KeyPath) -> Iterable[Slip]:
    raw = catalog.raw
    for category in listed:
        if category not in catalog.categories:
            written = _walk(raw, path)
            index = written.index(category) if isinstance(written, list) and category in written else 0
            yield Slip(
                (*path, index),
                SCHEMA_VIOLATION,
                f"there is no sensitive category `{category}`",
                did_you_mean(category, catalog.categories) or "declare it under `sensitive_categories`",
            )


def _check_alias(catalog: Catalog, alias: str, target: str) -> Iterable[Slip]:
    path: KeyPath = ("aliases", alias)
    if not _ALIAS_NAME.match(alias):
        yield Slip(
            path,
            SCHEMA_VIOLATION,
            f"`{alias}` can't be an alias",
            "an alias is two or three names, or two names and `.*`",
            Part.KEY,
        )
        return
    if alias in catalog.permissions or (alias.endswith(".*") and _matches_literally(catalog, alias)):
        yield Slip(
            path, SCHEMA_VIOLATION, f"`{alias}` means permissions of its own, so it can't be an alias", None, Part.KEY
        )
    if alias.endswith(".*"):
        if not _ALIAS_NAME.match(target) or not target.endswith(".*"):
            yield Slip(path, SCHEMA_VIOLATION, f"`{alias}` can only stand for two names and `.*`, not for `{target}`")
        elif not _matches_literally(catalog, target):
            yield Slip(
                path,
                UNKNOWN_PERMISSION,
                f"`{target}` matches no permission of this catalog",
                did_you_mean(target, catalog.names),
            )
    elif target not in catalog.permissions:
        yield Slip(
            path,
            UNKNOWN_PERMISSION,
            f"there is no permission `{target}` in this catalog",
            did_you_mean(target, catalog.names),
        )


def _matches_literally(catalog: Catalog, pattern: str) -> bool:
    prefix = pattern.removesuffix("*")
    return any(name.startswith(prefix) for name in catalog.names)


def check_platform(definitions: Definitions, platform: Platform, catalog: Catalog) -> list[Finding]:
    """Returns what is wrong with a platform of the project beyond its shape."""
    patterns = PatternChecker(catalog)
    slips: list[Slip] = []
    products = Names(UNKNOWN_PRODUCT, "product", catalog.products, where=f"in the catalog `{catalog.id}`")
    slips += _check_list(products, platform.always_active, ("always_active",))
    for product in platform.onboarding:
        slip, _ = products.check(product, ("products", product), Part.KEY)
        slips += [slip] if slip else []
    for id, role in platform.roles.items():
        path: KeyPath = ("roles", id)
        slips += _check_set(patterns, role.baseline, (*path, "baseline"))
        slips += _check_set(patterns, role.ceiling, (*path, "ceiling"))
        slips += _check_list(products, role.implied_products, (*path, "implied_products"))
        slips += _check_role(platform, role, path)
        for name, categories in role.obligations:
            slips += _check_categories_of_role(catalog, categories or (), (*path, "obligations", name))
    slips += _check_set(patterns, platform.client_baseline, ("client_access", "baseline"))
    slips += _check_set(patterns, platform.client_ceiling, ("client_access", "ceiling"))
    roles = Names(UNKNOWN_PLATFORM_ROLE, "role", platform.roles, where="on this platform")
    for index, change in enumerate(_as_list(platform.raw.get("changes"))):
        by = change.get("by") if isinstance(change, dict) else None
        slips += _check_list(roles, [str(role) for role in _as_list(by)], ("changes", index, "by"))
    slips += _check_trust(platform, catalog)
    findings = _placed(definitions, "Platform", platform.id, slips)
    return findings + _check_groups(definitions, platform, catalog)


def _check_role(platform: Platform, role: PlatformRole, path: KeyPath) -> Iterable[Slip]:
    if role.scope is not Scope.ALL and not platform.assigns_clients:
        yield Slip(
            (*path, "scope"),
            SCHEMA_VIOLATION,
            f"the scope of `{role.id}` must be `all`, because the platform assigns no clients",
            "write `scope: all`, or `clients: {assigned: true}` for the platform",
        )
    if role.max_holders is not None and role.max_holders < role.min_holders:
        yield Slip(
            (*path, "holders"),
            SCHEMA_VIOLATION,
            f"`{role.id}` must have at least {role.min_holders} and at most {role.max_holders} holders",
        )
    if not platform.has_teams:
        for field, reach in (("approves", role.approves), ("manages", role.manages)):
            if reach is Reach.LED_TEAMS:
                yield Slip(
                    (*path, field),
                    SCHEMA_VIOLATION,
                    "`led-teams` means nothing here, because the platform has no teams",
                    "write `teams: true` for the platform",
                )


def _check_trust(platform: Platform, catalog: Catalog) -> Iterable[Slip]:
    if not catalog.sensitive:
        return
    if not any(role.root for role in platform.roles.values()):
        yield Slip(
            ("roles",),
            SCHEMA_VIOLATION,
            "the catalog marks permissions as sensitive, but no role is `root`",
            "mark the role whose holders are trusted from the start with `root: true`",
            Part.KEY,
        )
    if not any(role.approves is not Reach.NONE for role in platform.roles.values()):
        yield Slip(
            ("roles",),
            SCHEMA_VIOLATION,
            "the catalog marks permissions as sensitive, but no role `approves`",
            "give a role `approves: true`",
            Part.KEY,
        )


def _check_categories_of_role(catalog: Catalog, categories: Iterable[str], path: KeyPath) -> Iterable[Slip]:
    for index, category in enumerate(categories):
        if category not in catalog.categories:
            yield Slip(
                (*path, index),
                SCHEMA_VIOLATION,
                f"there is no sensitive category `{category}`",
                did_you_mean(category, catalog.categories),
            )


def _check_groups(definitions: Definitions, platform: Platform, catalog: Catalog) -> list[Finding]:
    groups = Names(UNKNOWN_GROUP, "group", platform.groups, where="on this platform")
    roles = Names(UNKNOWN_ROLE, "Hub role", ())
    checker = ReferenceChecker(catalog, platform.id, groups, roles)
    slips: list[Slip] = []
    for group in platform.groups.values():
        found, _ = checker.check_group(group)
        raw = _walk(platform.raw, group.path)
        found += check_entry_windows(raw) if isinstance(raw, dict) else []
        slips += [Slip((*group.path, *slip.path), slip.rule, slip.message, slip.help, slip.part) for slip in found]
    findings = _placed(definitions, "Platform", platform.id, slips)
    if not platform.document.is_builtin:
        findings += find_cycles(platform.groups, lambda path: definitions.find_place("Platform", platform.id, path))[0]
    return findings


def _check_set(patterns: PatternChecker, chosen: PatternSet, path: KeyPath) -> list[Slip]:
    return patterns.check_all(chosen.allow, (*path, "allow")) + patterns.check_all(chosen.exclude, (*path, "except"))


def _check_list(names: Names, listed: Iterable[str], path: KeyPath) -> list[Slip]:
    return [slip for index, name in enumerate(listed) if (slip := names.check(name, (*path, index))[0])]


def _placed(definitions: Definitions, kind: str, id: str, slips: Iterable[Slip]) -> list[Finding]:
    findings = []
    for slip in slips:
        is_written = definitions.find_place(kind, id, slip.path) is not None
        inherited = "" if is_written else f", though what is inherited names it in `{' › '.join(map(str, slip.path))}`"
        place = definitions.place(kind, id, slip.path, slip.part)
        findings.append(find(slip.rule, slip.message + inherited, place, help=slip.help))
    return findings


def _walk(raw: object, path: KeyPath) -> object:
    for step in path:
        raw = raw.get(step) if isinstance(raw, dict) else None
    return raw


def _as_list(raw: object) -> list[object]:
    return raw if isinstance(raw, list) else []
