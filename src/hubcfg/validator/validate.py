"""Documents to a configuration: the validator's line, from shape to bound orgs."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from msgspec.structs import replace

from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import did_you_mean
from hubcfg.parser.document import Document, ParsedFile
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.platform import Platform
from hubcfg.validator.collect import Collected, Item, collect_entries, owner_place
from hubcfg.validator.config import Config, Org, Project
from hubcfg.validator.definitions import Definitions
from hubcfg.validator.entries import EntryBinder
from hubcfg.validator.memory import BindMemory
from hubcfg.validator.orgs import Shared, bind_org, bind_shared
from hubcfg.validator.patterns import PatternChecker
from hubcfg.validator.platform_checks import check_catalog, check_platform
from hubcfg.validator.roster import Roster, RosterMismatchError
from hubcfg.validator.rules import UNKNOWN_ORG, UNKNOWN_PLATFORM, UNKNOWN_PLATFORM_ROLE
from hubcfg.validator.shape import Shaped, shape_document
from hubcfg.validator.twin import BindUser, FirstTree, bind_twin

ShapedFile = tuple[list[Shaped], list[Finding], bool]


def shape_file(parsed: ParsedFile) -> ShapedFile:
    """Checks the shape of each document of a file; the flag says whether one of them could not be used."""
    shaped, findings, is_partial = [], list(parsed.findings), False
    for document in parsed.documents:
        one, found = shape_document(document)
        findings += found
        if one is not None:
            shaped.append(one)
        elif found:
            is_partial = True
    return shaped, findings, is_partial


def validate_documents(
    project: Project,
    files: Sequence[ParsedFile],
    map: Callable[..., Iterator[Any]] = map,
    memory: BindMemory | None = None,
    roster: Roster | None = None,
) -> tuple[Config, list[Finding]]:
    """Returns the bound configuration, as far as the documents are good, and what is wrong with them.

    What `memory` holds of another tree's documents is not bound again, nor are the users whom a `roster` remembers of
    another run.
    """
    if memory is not None and memory.first is not None:
        twin = bind_twin(memory.first, project, files, lambda file: next(map(shape_file, [file]))[1:] == ([], False))
        if twin is not None:
            return twin, []
    if roster is not None:
        try:
            config, findings, bind_user = _bind(project, roster.rest, map, memory, roster)
        except RosterMismatchError:
            roster = None
        # Where anything is wrong it is found as if nothing were remembered.
        if roster is not None and (findings or config.is_partial):
            roster = None
    if roster is None:
        config, findings, bind_user = _bind(project, files, map, memory, None)
    config = replace(config, files=frozenset([file.path for file in files]))
    if memory is not None:
        is_good = not findings and not config.is_partial
        memory.keep(config, FirstTree(project, files, config, bind_user) if is_good else None)
    return config, findings


def _bind(
    project: Project,
    files: Sequence[ParsedFile],
    map: Callable[..., Iterator[Any]],
    memory: BindMemory | None,
    roster: Roster | None,
) -> tuple[Config, list[Finding], dict[str, BindUser]]:
    """Returns what files come to, with the users of a `roster`, whose files are not among them; and what binds one more user.

    Raises RosterMismatchError where that can't be told.
    """
    shaped: list[ShapedFile] = list(map(shape_file, files))
    findings = list(chain.from_iterable(found for _, found, _ in shaped))
    documents = list(chain.from_iterable(good for good, _, _ in shaped))
    collected, found = collect_entries(documents, files, project.platform)
    findings += found
    collected.is_partial |= any(is_partial for _, _, is_partial in shaped)
    binder = ConfigBinder(project, collected, memory, roster)
    config = binder.bind()
    return config, findings + binder.findings, binder.bind_user


class ConfigBinder:
    """Binds what has been collected; what is wrong with it is in `findings`.

    `bind_members` binds an org with all that belongs to it.
    """

    def __init__(
        self,
        project: Project,
        collected: Collected,
        memory: BindMemory | None = None,
        roster: Roster | None = None,
    ) -> None:
        self.findings: list[Finding] = []
        self.bind_user: dict[str, BindUser] = {}
        self._project = project
        self._collected = collected
        self._memory = memory
        self._roster = roster
        self.definitions = Definitions(collected, memory.definitions if memory is not None else None)
        self._shared: dict[str, Shared] = {}

    def bind(self) -> Config:
        """Binds definitions, shared documents and orgs.

        Raises RosterMismatchError where the users who are remembered may not be all right.
        """
        if self._roster is not None and not self._collected.singular.get("Org", {}).keys() >= set(self._roster.orgs):
            raise RosterMismatchError
        project, definitions = self._project, self.definitions
        definitions.check_own()
        has_default = self._check_default_platform()
        self._check_definitions()
        orgs = {}
        for id, item in sorted(self._collected.singular.get("Org", {}).items()):
            org = self._bind_org(item, has_default)
            if org is not None:
                orgs[id] = org
        self._bind_unused_shared()
        self._check_owners()
        self._check_separations(orgs)
        self.findings += definitions.findings
        approvals = self._collected.singular.get("Approval", {}).values()
        return Config(
            project=project,
            orgs=orgs,
            platforms={org.platform.id: org.platform for org in orgs.values()},
            catalogs={org.catalog.id: org.catalog for org in orgs.values()},
            shared_groups={id: list(shared.groups.values()) for id, shared in self._shared.items()},
            shared_roles={id: list(shared.roles.values()) for id, shared in self._shared.items()},
            approvals=tuple(item.document for item in approvals if item.value is not None),
            definitions={
                kind: {id: item.document for id, item in self._collected.singular.get(kind, {}).items()}
                for kind in ("Catalog", "Platform")
            },
            is_partial=self._collected.is_partial,
        )

    def _check_default_platform(self) -> bool:
        platform = self._project.platform
        if platform is None:
            return False
        if not self.definitions.is_known("Platform", platform):
            self._unknown_platform("platform", platform, self._project.document)
        return True

    def _check_definitions(self) -> None:
        definitions = self.definitions
        for id in definitions.own_ids("Catalog"):
            if (catalog := definitions.catalog(id)) is not None:
                self.findings += check_catalog(definitions, catalog)
        for id in definitions.own_ids("Platform"):
            platform = definitions.platform(id)
            if platform is None:
                continue
            if not definitions.is_known("Catalog", platform.catalog):
                place = definitions.place("Platform", id, ("catalog",))
                advice = did_you_mean(platform.catalog, definitions.catalog_ids())
                self.findings.append(
                    find(UNKNOWN_PLATFORM, f"there is no catalog `{platform.catalog}`", place, help=advice)
                )
            elif (catalog := definitions.catalog(platform.catalog)) is not None:
                self.findings += check_platform(definitions, platform, catalog)

    def _bind_org(self, item: Item, has_default: bool) -> Org | None:
        raw = item.value
        if raw is None:
            return None
        definitions = self.definitions
        platform_id = raw.get("platform", self._project.platform)
        if not isinstance(platform_id, str):
            if not has_default:
                self.findings.append(
                    find(
                        UNKNOWN_PLATFORM,
                        f"the org `{item.id}` names no platform, and the project has no default",
                        item.document.first_key(),
                        help="add `platform:` here or in hubcfg.yaml; `hubcfg platforms` lists the built-in ones",
                    )
                )
            return None
        if "platform" in raw and not definitions.is_known("Platform", platform_id):
            self._unknown_platform("platform", platform_id, item.document)
            return None
        platform = definitions.platform(platform_id)
        if platform is None:
            return None
        catalog = self._catalog_of(item, platform)
        if catalog is None:
            return None
        return self.bind_members(item, platform, catalog, self.shared_of(platform))

    def bind_members(self, item: Item, platform: Platform, catalog: Catalog, shared: Shared) -> Org:
        """Returns an org whose platform and catalog are known, with all that belongs to it."""
        binder = self._memory.binder(item.id) if self._memory is not None else EntryBinder()
        roster = (
            self._roster.open(item.id, binder) if self._roster is not None and item.id in self._roster.orgs else None
        )
        org, findings, self.bind_user[item.id] = bind_org(
            self._collected, item, platform, catalog, shared, binder, roster
        )
        self.findings += findings
        return org

    def _catalog_of(self, item: Item, platform: Platform) -> Catalog | None:
        definitions = self.definitions
        assert item.value is not None
        catalog_id = item.value.get("catalog")
        if not isinstance(catalog_id, str):
            return definitions.catalog(platform.catalog)
        if not definitions.is_known("Catalog", catalog_id):
            self._unknown_platform("catalog", catalog_id, item.document)
            return None
        catalog = definitions.catalog(catalog_id)
        if catalog is not None and not definitions.extends(catalog_id, platform.catalog):
            self.findings.append(
                find(
                    UNKNOWN_PLATFORM,
                    f"the catalog `{catalog_id}` does not extend `{platform.catalog}`, the catalog of `{platform.id}`",
                    item.document.place("catalog"),
                    help=f"write `extends: {platform.catalog}` in the catalog, or leave `catalog` out",
                )
            )
            return None
        return catalog

    def _unknown_platform(self, noun: str, id: str, document: Document) -> None:
        ids = self.definitions.platform_ids() if noun == "platform" else self.definitions.catalog_ids()
        advice = did_you_mean(id, ids) or f"there are {', '.join(f'`{known}`' for known in ids)}"
        self.findings.append(find(UNKNOWN_PLATFORM, f"there is no {noun} `{id}`", document.place(noun), help=advice))

    def shared_of(self, platform: Platform) -> Shared:
        """Returns what the orgs of a platform share."""
        if platform.id not in self._shared:
            catalog = self.definitions.catalog(platform.catalog)
            if catalog is None:
                self._shared[platform.id] = Shared(groups=dict(platform.groups))
            else:
                shared, findings = bind_shared(self._collected, platform, catalog)
                self._shared[platform.id] = shared
                self.findings += findings
        return self._shared[platform.id]

    def _bind_unused_shared(self) -> None:
        """Shared documents are judged even where no org is on their platform."""
        for owner in self._collected.owners:
            if not owner.is_org and (platform := self.definitions.platform(owner.id)) is not None:
                self.shared_of(platform)

    def _check_owners(self) -> None:
        """Documents must belong to an org or platform that there is."""
        known = self._collected.singular.get("Org", {})
        for owner, documents in self._collected.owners.items():
            if owner.is_org and owner.id not in known and not self._collected.is_lost(owner.id):
                advice = did_you_mean(owner.id, known) or "add an Org document with this id"
                self.findings += [
                    find(UNKNOWN_ORG, f"there is no org `{owner.id}`", owner_place(one, owner), help=advice)
                    for one in documents
                ]
            elif not owner.is_org and not self.definitions.is_known("Platform", owner.id):
                if owner.id == self._project.platform:
                    continue  # reported once, where the project names it
                near = did_you_mean(owner.id, self.definitions.platform_ids())
                self.findings += [
                    find(UNKNOWN_PLATFORM, f"there is no platform `{owner.id}`", owner_place(one, owner), help=near)
                    for one in documents
                ]

    def _check_separations(self, orgs: dict[str, Org]) -> None:
        """A separation's patterns must mean something in the catalog of some org, its roles be of some org's platform."""
        if not orgs:
            return
        document = self._project.document
        checkers = {org.catalog.id: PatternChecker(org.catalog) for org in orgs.values()}
        roles = {role for org in orgs.values() for role in org.platform.roles}
        for separation in self._project.separations:
            base = ("separation_of_duties", separation.index)
            for side, patterns in enumerate(separation.sides):
                for index, pattern in enumerate(patterns):
                    slips = [checker.check(pattern, (*base, "between", side, index)) for checker in checkers.values()]
                    if all(slips) and slips[0] is not None:
                        self.findings.append(slips[0].at(document, ()))
            for index, role in enumerate(separation.exempt_roles or ()):
                if role not in roles:
                    place = document.place(*base, "exempt_roles", index)
                    self.findings.append(
                        find(
                            UNKNOWN_PLATFORM_ROLE,
                            f"no org's platform has a role `{role}`",
                            place,
                            help=did_you_mean(role, roles),
                        )
                    )
