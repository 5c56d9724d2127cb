"""A deprecated permission, or an alias, wherever a pattern may stand.

Why: old names go one day, and two names for one thing make a review miss what it looks for.

Example:
    permissions: [users.manage]   # an alias of `hub.users.manage`

Mend: `hubcfg fix` writes the right name. A deprecated permission still means itself, so in a `deny` the new one is added by hand.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from hubcfg.checker.scope import OrgCheck, ProjectCheck, is_of_platform, listed_denies, listed_grants
from hubcfg.core.finding import Finding, find
from hubcfg.core.places import KeyPath
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.parser.document import Value
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Group, Role
from hubcfg.platforms.platform import Platform
from hubcfg.validator.slips import Slip


class _Judged(Struct, frozen=True):
    """What is wrong with a pattern, and what to write: where it grants, and where it takes away, forbids or separates."""

    message: str
    granting: str | None
    narrowing: str | None

    def slip(self, path: KeyPath, *, narrows: bool) -> Slip:
        """Returns the finding for the pattern at `path`."""
        new = self.narrowing if narrows else self.granting
        if new is not None:
            return Slip(path, RULE, self.message, f"write `{new}`", replacement=new)
        if self.granting is not None:
            return Slip(
                path,
                RULE,
                self.message,
                f"add `{self.granting}` beside it, and keep this as long as it means something",
            )
        return Slip(
            path, RULE, self.message, "the catalog names nothing in its place; grant what is meant, or leave it out"
        )


class _Patterns:
    """Judges the patterns of one catalog, each once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[str, _Judged | None] = {}
        self.has_any = bool(catalog.aliases) or any(one.deprecated for one in catalog.permissions.values())

    def judge(self, pattern: str) -> _Judged | None:
        """Returns what is wrong with a pattern; what matches nothing has a finding already."""
        if pattern not in self._known:
            self._known[pattern] = self._judge(pattern) if self._catalog.match(pattern) else None
        return self._known[pattern]

    def slips(self, patterns: Iterable[tuple[KeyPath, str]], *, narrows: bool) -> Iterator[Slip]:
        """Yields what is wrong with some patterns."""
        for path, pattern in patterns:
            judged = self.judge(pattern)
            if judged is not None:
                yield judged.slip(path, narrows=narrows)

    def _judge(self, pattern: str) -> _Judged | None:
        meant = self._catalog.expand_alias(pattern)
        alias = meant if meant != pattern else None
        permission = self._catalog.permissions.get(meant)
        if permission is None or not permission.deprecated:
            return None if alias is None else _Judged(f"`{pattern}` is an alias of `{meant}`", meant, meant)
        heir = self._find_heir(meant)
        said = (
            f"`{pattern}` is deprecated"
            if alias is None
            else f"`{pattern}` is an alias of `{meant}`, which is deprecated"
        )
        return _Judged(said + (f" in favour of `{heir}`" if heir else ""), heir or alias, alias)

    def _find_heir(self, name: str) -> str | None:
        """Returns what stands at the end of the replacements of a deprecated permission."""
        seen = [name]
        while (
            (permission := self._catalog.permissions.get(seen[-1])) and permission.deprecated and permission.replaced_by
        ):
            if permission.replaced_by in seen:
                break
            seen.append(permission.replaced_by)
        return seen[-1] if len(seen) > 1 and seen[-1] in self._catalog.permissions else None


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each such pattern of the org's users, groups, Hub roles and tests."""
    patterns = _Patterns(check.org.catalog)
    if not patterns.has_any:
        return
    for entry, users in check.by_entry.items():
        granted = [(one.target_path, one.grant.target) for one in listed_grants(entry) if one.field == "permissions"]
        denied = [(path, pattern) for path, pattern, _ in listed_denies(entry)]
        for slip in (*patterns.slips(granted, narrows=False), *patterns.slips(denied, narrows=True)):
            yield from (slip.at(user.document, user.path) for user in users)
    for bundle in check.bundles():
        granted = [(one.target_path, one.grant.target) for one in listed_grants(bundle) if one.field == "permissions"]
        yield from (slip.at(bundle.document, bundle.path) for slip in patterns.slips(granted, narrows=False))
    for test in check.org.assertions:
        for field, listed in (("can", test.can), ("cannot", test.cannot)):
            placed = [(("tests", test.index, field, index), pattern) for index, pattern in enumerate(listed)]
            yield from (slip.at(test.document, ()) for slip in patterns.slips(placed, narrows=field == "cannot"))


def check_project(check: ProjectCheck) -> Iterator[Finding]:
    """Yields a finding for each such pattern of shared groups and Hub roles, separations and the project's platforms."""
    catalogs = {
        one.org.platform.id: _Patterns(_catalog_of(check, one.org.platform) or one.org.catalog) for one in check.orgs
    }
    config = check.config
    for platform in catalogs:
        shared: list[Group | Role] = [
            group for group in config.shared_groups.get(platform, []) if not is_of_platform(group)
        ]
        shared += config.shared_roles.get(platform, [])
        for bundle in shared:
            granted = [
                (one.target_path, one.grant.target) for one in listed_grants(bundle) if one.field == "permissions"
            ]
            yield from (
                slip.at(bundle.document, bundle.path) for slip in catalogs[platform].slips(granted, narrows=False)
            )
    yield from _check_separations(check, list(catalogs.values()))
    for platform_id, patterns in catalogs.items():
        definition = config.platforms.get(platform_id)
        if definition is not None and not definition.document.is_builtin:
            yield from _check_platform(definition, patterns)


def _catalog_of(check: ProjectCheck, platform: Platform) -> Catalog | None:
    return check.config.catalogs.get(platform.catalog)


def _check_separations(check: ProjectCheck, catalogs: list[_Patterns]) -> Iterator[Finding]:
    """A separation is for all orgs: a name is right as long as it is right in the catalog of one of them."""
    for separation in check.config.project.separations:
        for side, listed in enumerate(separation.sides):
            for index, pattern in enumerate(listed):
                judged = [patterns.judge(pattern) for patterns in catalogs]
                if judged and judged[0] is not None and all(one == judged[0] for one in judged):
                    path = ("separation_of_duties", separation.index, "between", side, index)
                    yield judged[0].slip(path, narrows=True).at(check.config.project.document, ())


def _check_platform(platform: Platform, patterns: _Patterns) -> Iterator[Finding]:
    """Without a fix: what a definition inherits stands in another document."""
    for path, pattern in _definition_patterns(platform.document.value, ()):
        judged = patterns.judge(pattern)
        if judged is not None:
            slip = judged.slip(path, narrows="except" in path)
            place = platform.document.place(*path)
            yield find(RULE, slip.message, place, help=slip.help)


def _definition_patterns(value: Value, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Yields the patterns of a Platform document: those of baselines, ceilings and groups."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _definition_patterns(part, (*path, key))
    elif isinstance(value, list) and path[-1] in ("allow", "except", "permissions"):
        for index, item in enumerate(value):
            if isinstance(item, str):
                yield (*path, index), item
            elif isinstance(item, dict) and isinstance(item.get("permission"), str):
                yield (*path, index, "permission"), str(item["permission"])


RULE = Rule("deprecated-permission", Table.POLICY, __doc__, Severity.INFO, check, check_project)
