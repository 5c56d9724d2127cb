"""What the commands that look things up know: the built-in platforms and catalogs, and those of the project they run in."""

from msgspec import Struct

from hubcfg.checker.check import all_rules
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.parser.document import Value
from hubcfg.parser.parse import parse_source, parse_sources
from hubcfg.parser.sources import PROJECT_FILE, SourceFile
from hubcfg.platforms.builtin import builtin_names
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.platform import Platform
from hubcfg.validator.collect import Collected, collect_entries
from hubcfg.validator.definitions import Definitions
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import shape_file


class Known(Struct, frozen=True, dict=True):
    """The platforms and catalogs there are. `default_platform` is the project's; `orgs` are the raw Org documents."""

    definitions: Definitions
    default_platform: str | None = None
    orgs: tuple[dict[str, Value], ...] = ()
    has_project: bool = False

    def platform(self, id: str) -> Platform:
        """Returns a platform.

        Raises UsageError where there is none of this id, and HubcfgError where it is in error.
        """
        platform = self.definitions.platform(id) if self.definitions.is_known("Platform", id) else None
        if platform is None:
            raise self._missing("platform", id, self.definitions.platform_ids())
        return platform

    def catalog(self, id: str) -> Catalog:
        """Returns a catalog; the id of a platform that has none of this id stands for the catalog that it uses.

        Raises UsageError where there is none of this id, and HubcfgError where it is in error.
        """
        if not self.definitions.is_known("Catalog", id) and self.definitions.is_known("Platform", id):
            id = self.platform(id).catalog
        catalog = self.definitions.catalog(id) if self.definitions.is_known("Catalog", id) else None
        if catalog is None:
            raise self._missing("catalog", id, self.definitions.catalog_ids())
        return catalog

    def choose_catalog(self, platform: str | None, catalog: str | None, option: str = "--platform ID") -> Catalog:
        """Returns the catalog that the options name; without any, the one that all orgs have, or the default platform's.

        Raises UsageError where that does not tell; `option` is the one that would.
        """
        if catalog is not None:
            return self.catalog(catalog)
        if platform is not None:
            return self.catalog(self.platform(platform).catalog)
        used = {id for org in self.orgs if (id := self._catalog_of(org)) is not None}
        if len(used) == 1:
            return self.catalog(used.pop())
        if self.default_platform is not None:
            return self.catalog(self.platform(self.default_platform).catalog)
        advice = f"there are {shorten(self.definitions.platform_ids(), 10)}"
        if not self.has_project:
            raise UsageError(f"there is no project here, so `{option}` has to say whose catalog", help=advice)
        raise UsageError(f"the project has no default platform, so `{option}` has to say whose catalog", help=advice)

    def _catalog_of(self, org: dict[str, Value]) -> str | None:
        catalog, platform = org.get("catalog"), org.get("platform", self.default_platform)
        if isinstance(catalog, str):
            return catalog
        if not isinstance(platform, str) or not self.definitions.is_known("Platform", platform):
            return None
        bound = self.definitions.platform(platform)
        return None if bound is None else bound.catalog

    def _missing(self, noun: str, id: str, ids: list[str]) -> HubcfgError:
        if id in ids:
            return HubcfgError(f"the {noun} `{id}` is in error", help="`hubcfg validate` shows what is wrong with it")
        where = "" if self.has_project else ", and there is no project here that could define it"
        return UsageError(
            f"there is no {noun} `{id}`{where}", help=did_you_mean(id, ids) or f"there are {shorten(ids, 10)}"
        )


def know_builtin() -> Known:
    """Returns what is known everywhere: the built-in platforms and catalogs."""
    return Known(Definitions(Collected()))


def know_definitions(settings: Settings, *named: str | None) -> Known:
    """Returns what is known where the command runs; `named` are the ids that it will ask for.

    Where all of them are built in, no project is read: a project can't redefine a built-in id.
    """
    asked = [id for id in named if id is not None]
    if asked and all(id in builtin_names() for id in asked):
        return know_builtin()
    root = settings.find_root()
    source = SourceFile(PROJECT_FILE, (root / PROJECT_FILE).read_bytes)
    if not (root / PROJECT_FILE).is_file():
        return know_builtin()
    project, _ = read_project(parse_source(source), all_rules())
    if project is None:
        raise HubcfgError(
            f"`{root / PROJECT_FILE}` cannot be used",
            help="`hubcfg validate` says why; what is built in can be looked at with `--platform ID`",
        )
    from hubcfg.pipeline import discover  # the whole line, of which what is built in needs nothing

    files = parse_sources(discover(root, project).sources)
    shaped = [one for parsed in files for one in shape_file(parsed)[0]]
    collected, _ = collect_entries(shaped, files, project.platform)
    orgs = tuple(item.value for item in collected.singular.get("Org", {}).values() if item.value is not None)
    return Known(Definitions(collected), project.platform, orgs, has_project=True)
