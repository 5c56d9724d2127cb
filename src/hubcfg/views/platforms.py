"""Platforms for people and programs: their roles, features and groups, and what those come to in the catalog."""

import json
import textwrap
from collections.abc import Sequence

from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Audience, Group
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import PatternSet, Platform, PlatformRole, Reach, Scope, Transfer, match_set
from hubcfg.views.colors import paint
from hubcfg.views.counts import join_words, number

LIST_FORMAT = "hubcfg.platforms/1"
FORMAT = "hubcfg.platform/1"
_WIDTH = 110


def render_platforms(format: str, platforms: Sequence[tuple[Platform, bool]], *, use_color: bool = False) -> str:
    """Returns the platforms, each with whether it is built in, as text or JSON."""
    if format == "json":
        listed = [
            {
                "id": platform.id,
                "name": platform.name,
                "catalog": platform.catalog,
                "built_in": is_builtin,
                "roles": list(platform.roles),
            }
            for platform, is_builtin in platforms
        ]
        return json.dumps({"format": LIST_FORMAT, "platforms": listed}, ensure_ascii=False, indent=2)
    rows = [
        [platform.id, platform.name, "" if is_builtin else "this project's", ", ".join(platform.roles)]
        for platform, is_builtin in platforms
    ]
    return "\n".join(_table(["platform", "name", "", "roles"], rows, use_color))


def render_platform(
    format: str, platform: Platform, catalog: Catalog, is_builtin: bool, *, use_color: bool = False
) -> str:
    """Returns one platform with its catalog, `extends` resolved, as text or JSON."""
    if format == "json":
        document = {"format": FORMAT, "platform": platform.raw, "catalog": catalog.raw}
        return json.dumps(document, ensure_ascii=False, indent=2)
    return "\n".join(_Description(platform, catalog, use_color).lines(is_builtin))


class _Description:
    """One platform in words."""

    def __init__(self, platform: Platform, catalog: Catalog, use_color: bool) -> None:
        self._platform = platform
        self._catalog = catalog
        self._use_color = use_color

    def lines(self, is_builtin: bool) -> list[str]:
        """Returns everything, section by section."""
        platform, catalog = self._platform, self._catalog
        version = f" {catalog.version}" if catalog.version else ""
        sensitive = catalog.sensitive.bit_count()
        counts = f"{number(len(catalog.products), 'product')}, {number(len(catalog.names), 'permission')}, {sensitive:,} sensitive"
        origin = "built in" if is_builtin else "this project's"
        lines = [paint(f"{platform.id}: {platform.name}", "bold", use_color=self._use_color) + f" ({origin})"]
        lines += [f"catalog {catalog.id}{version}: {counts}", "", *self._head("Features"), *self._features()]
        lines += ["", *self._head("Roles"), *self._roles()]
        for role in platform.roles.values():
            lines += ["", *self._role(role)]
        if platform.groups:
            lines += ["", *self._head("Groups"), *self._groups()]
        if platform.onboarding:
            lines += ["", *self._head("First access to a product")]
            lines += _table(None, [[product, text] for product, text in sorted(platform.onboarding.items())], False)
        return lines

    def _head(self, title: str) -> list[str]:
        return [paint(title, "bold", use_color=self._use_color)]

    def _features(self) -> list[str]:
        platform = self._platform
        always = f"; {join_words(list(platform.always_active))} always active" if platform.always_active else ""
        clients = "none"
        if platform.has_clients:
            staff = "staff are assigned to them" if platform.assigns_clients else "all staff work for all of them"
            clients = f"{staff}, {'with' if platform.has_departments else 'without'} departments"
        rows = [
            [
                "subscriptions",
                f"orgs subscribe to products{always}" if platform.subscriptions else "none, all products are active",
            ],
            ["clients", clients],
            ["client users", self._client_users() if platform.client_users else "none"],
            ["teams", "yes" if platform.has_teams else "none"],
        ]
        if (rules := platform.authentication) is not None:
            mfa = "required of everybody" if rules.mfa_required else "optional"
            rows.append(["sign-in", f"{join_words(list(rules.methods), 'or')}, a second factor is {mfa}"])
        for change, roles in platform.changes.items():
            rows.append([f"change of {change}", f"needs an approval by {join_words(list(roles), 'or')}"])
        return _table(None, rows, False)

    def _client_users(self) -> str:
        platform = self._platform
        has = self._patterns(platform.client_baseline) if platform.client_baseline.allow else "what they are granted"
        if platform.client_ceiling == PatternSet(("*",)):
            return f"{has}, at most what the catalog lets clients hold"
        return f"{has}, at most {self._patterns(platform.client_ceiling)}"

    def _roles(self) -> list[str]:
        head = ["role", "name", "holders", "has", "at most", "access", "products", "clients", "approves", "manages"]
        rows = [
            [
                role.id,
                role.name,
                _holders(role),
                f"{self._holdable(role, role.baseline).bit_count():,}",
                f"{self._holdable(role, role.ceiling).bit_count():,}",
                "read-only" if role.is_read_only else "full",
                "all" if role.has_all_products else "granted",
                _scope(role.scope, self._platform),
                _reach(role.approves),
                _reach(role.manages),
            ]
            for role in self._platform.roles.values()
        ]
        return _table(head, rows, self._use_color)

    def _role(self, role: PlatformRole) -> list[str]:
        has = self._patterns(role.baseline) if role.baseline.allow else "nothing but what is granted"
        limit = "the same" if role.ceiling == role.baseline else self._patterns(role.ceiling)
        rows = [["has", has], ["at most", limit]]
        if role.is_read_only:
            rows.append(["access", "what is granted is downgraded to reading"])
        if role.implied_products:
            rows.append(["products", f"{join_words(list(role.implied_products))} without being granted"])
        for name, categories in role.obligations:
            of = (
                "every sensitive permission" if categories is None else f"the categories {join_words(list(categories))}"
            )
            rows.append(["obligation", f"{name} with {of}"])
        notes = f" ({'; '.join(_notes(role))})" if _notes(role) else ""
        return [paint(role.id, "bold", use_color=self._use_color) + notes, *_table(None, rows, False)]

    def _groups(self) -> list[str]:
        rows = [
            [
                group.id,
                group.audience.value,
                f"{self._granted(group).bit_count():,}",
                group.description or group.name or "",
            ]
            for group in self._platform.groups.values()
        ]
        return _table(["group", "audience", "permissions", "description"], rows, self._use_color)

    def _granted(self, group: Group, above: frozenset[str] = frozenset()) -> Mask:
        mask = 0
        for grant in group.permissions:
            mask |= self._catalog.match(grant.target)
        for grant in group.includes:
            included = self._platform.groups.get(grant.target)
            if included is not None and included.id not in above:
                mask |= self._granted(included, above | {group.id})
        return mask & self._catalog.of_audience(group.audience)

    def _holdable(self, role: PlatformRole, patterns: PatternSet) -> Mask:
        """Returns what a holder of the role can get out of patterns: a read-only role only what reads."""
        mask = match_set(self._catalog, patterns) & self._catalog.of_audience(Audience.STAFF)
        return mask & self._catalog.read if role.is_read_only else mask

    def _patterns(self, patterns: PatternSet) -> str:
        without = f" except {', '.join(patterns.exclude)}" if patterns.exclude else ""
        return ", ".join(patterns.allow) + without


def _holders(role: PlatformRole) -> str:
    least, most = role.min_holders, role.max_holders
    if most is None:
        return f"at least {least}" if least else "any"
    if least == most:
        return f"exactly {least}"
    return f"{least} to {most}" if least else f"at most {most}"


def _scope(scope: Scope, platform: Platform) -> str:
    return scope.value if platform.has_clients else "-"


def _reach(reach: Reach) -> str:
    return {Reach.ALL: "yes", Reach.NONE: "no", Reach.LED_TEAMS: "led teams"}[reach]


def _notes(role: PlatformRole) -> list[str]:
    notes = ["root of trust"] if role.root else []
    if role.assignment_needs_approval:
        notes.append("holding it needs an approval")
    if role.transfer is Transfer.PREVIOUS_HOLDER:
        notes.append("a new holder needs an approval by the previous one")
    if role.transfer is Transfer.FORBIDDEN:
        notes.append("configuration neither gives nor moves it")
    return notes


def _table(head: list[str] | None, rows: list[list[str]], use_color: bool) -> list[str]:
    """Returns rows in columns; the last one is wrapped within itself."""
    everything = rows if head is None else [head, *rows]
    columns = [index for index in range(len(rows[0])) if any(row[index] for row in rows)]
    widths = {index: max(len(row[index]) for row in everything) for index in columns}
    indent = 2 + sum(widths[index] + 2 for index in columns[:-1])
    lines = []
    for row in everything:
        start = "  " + "".join(row[index].ljust(widths[index]) + "  " for index in columns[:-1])
        rest = " " * indent
        wrapped = textwrap.wrap(
            row[columns[-1]], max(_WIDTH - indent, 40), break_long_words=False, break_on_hyphens=False
        )
        text = "\n".join([start + (wrapped[0] if wrapped else ""), *(rest + line for line in wrapped[1:])]).rstrip()
        lines.append(paint(text, "dim", use_color=use_color) if row is head else text)
    return lines
