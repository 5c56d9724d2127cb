"""Binds a project in parts: once what concerns it as a whole, and each org by itself (docs/scaling.md)."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hubcfg.core.finding import Finding
from hubcfg.parser.document import Document
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.platform import Platform
from hubcfg.validator.collect import Collected, Item, collect_entries
from hubcfg.validator.config import Config, Org, Project
from hubcfg.validator.entries import EntryBinder
from hubcfg.validator.orgs import Shared, begin_org, bind_org
from hubcfg.validator.scan import ScannedFile, read_entries
from hubcfg.validator.shape import Shaped, shape_document
from hubcfg.validator.validate import ConfigBinder


class Commons(Struct, frozen=True):
    """What the orgs of a project have in common, as it is sent to whoever binds one of them.

    `documents` are Platform and Catalog documents, shared groups and roles; `is_partial` says that something in the project
    could not be used.
    """

    project: Project
    documents: tuple[Document, ...]
    broken_texts: tuple[str, ...]
    is_partial: bool


def validate_commons(project: Project, files: Sequence[ScannedFile]) -> tuple[Config, list[Finding], Commons]:
    """Returns the configuration without what belongs to the orgs, what is wrong with it, and what orgs are bound with.

    An org has what its Org document says and what its platform shares, and no users.
    """
    shaped, parsed = read_entries(files)
    collected, findings = collect_entries(shaped, parsed, project.platform)
    collected.is_partial |= any(file.is_partial for file in files)
    binder = _CommonsBinder(project, collected)
    config = replace(binder.bind(), files=frozenset(file.path for file in files))
    documents = tuple(
        one.document
        for one in shaped
        if one.kind.name not in ("Org", "Approval")
        and not (isinstance(one.document.value, dict) and "org" in one.document.value)
    )
    commons = Commons(project, documents, tuple(collected.broken_texts), collected.is_partial)
    return config, findings + binder.findings, commons


class _CommonsBinder(ConfigBinder):
    """Binds all but what belongs to the orgs."""

    def bind_members(self, item: Item, platform: Platform, catalog: Catalog, shared: Shared) -> Org:
        org = begin_org(item, platform, catalog)
        org.groups, org.roles = dict(shared.groups), dict(shared.roles)
        return org


class BoundPart(Struct, frozen=True):
    """An org with all that belongs to it, and what is wrong with that.

    `is_partial` says that a user of it could not be used, which the commons could not tell.
    """

    org: Org
    findings: list[Finding]
    is_partial: bool


class PartBinder:
    """Binds single orgs of a project, as `validate_documents` binds all of them."""

    def __init__(self, commons: Commons) -> None:
        shaped = [one for document in commons.documents if (one := shape_document(document)[0]) is not None]
        self._collected, _ = collect_entries(shaped, (), commons.project.platform)
        self._collected.broken_texts = list(commons.broken_texts)
        self._collected.is_partial = commons.is_partial
        self._project = commons.project
        self._binder = ConfigBinder(commons.project, self._collected)
        self._binder.definitions.check_own()

    def catalogs(self, ids: Iterable[str]) -> dict[str, Catalog]:
        """Returns some catalogs by id."""
        return {id: catalog for id in ids if (catalog := self._binder.definitions.catalog(id)) is not None}

    def bind(self, document: Document, documents: Sequence[Shaped], platform_id: str, catalog_id: str) -> BoundPart:
        """Returns an org of which the commons have found the platform and the catalog to be good."""
        head, _ = shape_document(document)
        own, findings = collect_entries(documents, (), self._project.platform)
        common = self._collected
        platform, catalog = self._binder.definitions.platform(platform_id), self._binder.definitions.catalog(catalog_id)
        assert head is not None
        assert platform is not None
        assert catalog is not None
        collected = Collected(
            common.singular,
            common.plural | own.plural,
            own.documents,
            own.owners,
            common.broken_texts,
            common.is_partial or own.is_partial,
        )
        value = head.value
        assert value is not None
        item = Item(str(value["id"]), document, value)
        shared = self._binder.shared_of(platform)
        org, found, _ = bind_org(collected, item, platform, catalog, shared, EntryBinder())
        return BoundPart(org, findings + found, own.is_partial)
