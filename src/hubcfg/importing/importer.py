"""Imports an org: drafts its documents, compiles them, and compares the result with what it was made from."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from hubcfg.core.errors import HubcfgError
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.core.rule import Severity
from hubcfg.emitter.bundle import build_bundles
from hubcfg.importing.bundles import read_bundles
from hubcfg.importing.documents import Drafted, Drafter, Page, make_org_page
from hubcfg.importing.held import HeldOrg
from hubcfg.importing.ids import is_id
from hubcfg.importing.layout import write_page
from hubcfg.importing.needs import NeedFinder, Words
from hubcfg.importing.notes import Comparison, Note, show
from hubcfg.parser.document import Document, ParsedFile, as_map
from hubcfg.parser.parse import parse_text
from hubcfg.planner.held import OrgFiles
from hubcfg.resolver.resolve import resolve_org
from hubcfg.validator.collect import collect_entries
from hubcfg.validator.config import Config, Org, Project
from hubcfg.validator.definitions import Definitions
from hubcfg.validator.validate import shape_file, validate_documents

FOLDERS = {"Org": "orgs", "Groups": "groups", "Clients": "clients", "Teams": "teams", "Users": "users"}


class Imported(Struct, frozen=True):
    """What came of an org: its files by path, what they can't say, and how much there is."""

    org: str
    platform: str
    files: Mapping[str, str]
    notes: tuple[Note, ...]
    users: int
    groups: int
    clients: int
    teams: int
    bundles: OrgFiles = field(default_factory=dict)


class Importer:
    """Imports orgs into one project, whose definitions and shared groups it uses."""

    def __init__(
        self, project: Project, files: Iterable[ParsedFile], instant: Instant, *, platform: str | None = None,
        wildcards: bool = False,
    ) -> None:  # fmt: skip
        """`files` are those of the project; `platform` is that of orgs of which the source does not say it."""
        self._project = project
        self._instant = instant
        self._platform = platform or project.platform
        self._wildcards = wildcards
        self._shared = [_without_orgs(file) for file in files]
        shaped = [one for file in self._shared for one in shape_file(file)[0]]
        collected, _ = collect_entries(shaped, self._shared, project.platform)
        self._definitions = Definitions(collected)

    def start(self, held: HeldOrg) -> Org:
        """Returns an org as it is without its people: its platform, catalog, products, and the groups that there are.

        Raises HubcfgError where there can be none such.
        """
        return self._bind({"Org": self._org_page(held)}, held.id)[0]

    def import_org(self, held: HeldOrg) -> Imported:
        """Returns the files of an org, with what they can't say; raises HubcfgError where it can't be written at all."""
        org_page = self._org_page(held)
        org, _ = self._bind({"Org": org_page}, held.id)
        words = Words(org)
        needs = NeedFinder(org, words, self._instant)
        drafted = Drafter(org, held, needs, words, wildcards=self._wildcards).draft()
        pages = {"Org": org_page} | drafted.pages
        final, _ = self._bind(pages, held.id)
        bundles = {one.audience: one.content for one in build_bundles(resolve_org(final, self._instant))}
        comparison = Comparison(final, needs.rights, self._instant)
        notes = tuple(comparison.compare(held, read_bundles(held.id, bundles), drafted.left_out))
        comments = _comments(drafted, notes)
        users, groups, clients, teams = (_count(pages, kind) for kind in ("Users", "Groups", "Clients", "Teams"))
        files = {
            _path(kind, held.id): write_page(pages[kind], comments.get(kind, {})) for kind in FOLDERS if kind in pages
        }
        return Imported(held.id, final.platform.id, files, notes, users, groups, clients, teams, bundles)

    def _org_page(self, held: HeldOrg) -> Page:
        definitions = self._definitions
        if not is_id(held.id):
            raise HubcfgError(f"{show(held.id)} can't be the id of an org", help="ids are like `northwind-2`")
        named = held.platform or self._platform
        if named is None:
            ids = shorten(definitions.platform_ids())
            raise HubcfgError(
                f"nothing says on which platform the org `{held.id}` is", help=f"`--platform` does: {ids}"
            )
        if not definitions.is_known("Platform", named):
            help = did_you_mean(named, definitions.platform_ids()) or "define it in the project first"
            raise HubcfgError(f"the org `{held.id}` is on the platform {show(named)}, which is not known", help=help)
        platform = definitions.platform(named)
        if platform is None:
            raise HubcfgError(
                f"the platform `{named}` is in error", help="`hubcfg validate` shows what is wrong with it"
            )
        catalog = definitions.catalog(platform.catalog)
        id = held.catalog[0] if held.catalog is not None else platform.catalog
        if id != platform.catalog and definitions.is_known("Catalog", id):
            own = definitions.catalog(id)
            if own is not None and definitions.extends(id, platform.catalog):
                catalog = own
        return make_org_page(held, platform, catalog, self._project.platform)

    def _bind(self, pages: Mapping[str, Page], org: str) -> tuple[Org, Config]:
        files = [parse_text(_path(kind, org), write_page(page, {})) for kind, page in pages.items()]
        config, findings = validate_documents(self._project, [*self._shared, *files])
        ours = {file.path for file in files}
        for finding in findings:
            if finding.severity is Severity.ERROR and finding.place.file in ours:
                raise HubcfgError(f"the org `{org}` can't be written: {finding.message}", help=finding.help)
        if org not in config.orgs:
            raise HubcfgError(f"the org `{org}` can't be bound", help=_first(findings))
        return config.orgs[org], config


def _first(findings: Sequence[Finding]) -> str:
    return next((one.message for one in findings), "`hubcfg validate` says what is wrong with the project")


def _path(kind: str, org: str) -> str:
    return f"{FOLDERS[kind]}/{org}.yaml"


def _count(pages: Mapping[str, Page], kind: str) -> int:
    return len(as_map(pages.get(kind, {}).get(kind.lower())))


def _without_orgs(file: ParsedFile) -> ParsedFile:
    """Returns a file's definitions and shared groups and roles, which decide what an org of the project comes to."""
    documents = tuple(document for document in file.documents if _is_shared(document))
    return replace(file, documents=documents, findings=(), key=b"", blob="")


def _is_shared(document: Document) -> bool:
    value = document.value
    if not isinstance(value, dict):
        return False
    kind = value.get("kind")
    return kind in ("Platform", "Catalog") or (kind in ("Groups", "Roles") and "org" not in value)


def _comments(drafted: Drafted, notes: Iterable[Note]) -> dict[str, dict[tuple[str, ...], list[str]]]:
    """Returns what is said above entries: what they can't say, and how many people have a group."""
    comments: dict[str, dict[tuple[str, ...], list[str]]] = {"Org": {}, "Users": {}, "Groups": {}}
    for note in notes:
        user = note.user
        if user is None:
            comments["Org"].setdefault((), []).append(note.comment)
        elif user in drafted.left_out:
            comments["Users"].setdefault((), []).append(f"{show(user)}: {note.comment}")
        else:
            comments["Users"].setdefault(("users", user), []).append(note.comment)
    for id, holders in drafted.holders.items():
        if holders > 1:
            comments["Groups"][("groups", id)] = [f"{holders:,} people at the import"]
    return comments
