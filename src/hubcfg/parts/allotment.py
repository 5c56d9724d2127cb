"""Says which parts a project has, and what is to be known for each: the org in the tree and in the base, its approvals, its files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial
from itertools import chain

from msgspec.structs import replace

from hubcfg.checker.approvals.approval import bind_approval
from hubcfg.checker.approvals.base import Base
from hubcfg.core.fanout import CHUNKS, map_chunks
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.parser.document import Document, ParsedFile, as_map
from hubcfg.parser.sources import PROJECT_FILE, SourceFile
from hubcfg.parts.work import BaseSetting, Part, PartResult, Side
from hubcfg.validator.config import Config, Org, Project
from hubcfg.validator.parts import Commons, validate_commons
from hubcfg.validator.scan import Scan, ScannedFile, scan_files

# How many bytes of documents are worked on as one task at least: handing over less would cost more than it spreads.
TASK_BYTES = 1 << 18


class KnownParts:
    """Reads a base by its parts, and only where it differs from the tree; `config` and `commons` are the base's where it does."""

    def __init__(self, tree: Mapping[str, ScannedFile], executor: Executor) -> None:
        self.fresh = Scan()
        self.same: frozenset[str] = frozenset()
        self.commons: Commons | None = None
        self._tree = tree
        self._executor = executor

    def parse(
        self, objects: Mapping[str, str], fetch: Callable[[list[str]], Mapping[str, bytes]]
    ) -> dict[str, ParsedFile]:
        """Scans the files that differ; what is returned only stands for them."""
        contents = fetch(list(objects))
        sources = [SourceFile(path, partial(bytes, contents[path])) for path in objects]
        for packed in map_chunks(scan_files, sources, self._executor):
            self.fresh.add(packed)
        return {path: ParsedFile(path, ()) for path in objects}

    def validate(self, project: Project, files: list[ParsedFile]) -> tuple[Config, list[Finding]]:
        """Binds what the orgs of the base have in common."""
        fresh = {file.path: file for file in self.fresh.files}
        self.same = frozenset(file.path for file in files if file.path not in fresh)
        scanned = [fresh.get(file.path) or self._tree[file.path] for file in files]
        config, _, self.commons = validate_commons(project, scanned)
        return config, []


class Allotment:
    """Says which parts there are, and what is to be known for each."""

    def __init__(
        self,
        scan: Scan,
        load_texts: Callable[[Iterable[str]], dict[str, bytes] | None],
        config: Config,
        commons: Commons,
        trusted: Base | None,
        known: KnownParts,
    ) -> None:
        self.commons = commons
        self._load_texts = load_texts
        self._tree = {file.path: file for file in scan.files}
        self._config = config
        self._trusted = trusted
        self._known = known
        self._parts = scan.parts
        # The base is the tree itself, or nothing of it differs.
        self._is_same = trusted is None or known.commons is None
        self._before = trusted.config.orgs if trusted is not None and not self._is_same else config.orgs
        ids = sorted({*config.orgs, *self._before})
        self.known_orgs = [id for id in ids if id in self._before]
        self.new_orgs = [id for id in ids if id not in self._before]
        self.task_bytes = max(1, min(TASK_BYTES, sum(map(len, chain(*self._parts.values()))) // CHUNKS))
        self._roots: dict[str, tuple[str, ...]] | None = None
        self._others: dict[str, list[tuple[Document, Instant]]] = {}
        self._files: dict[str, list[str]] = {}
        self._common_files: list[str] = [PROJECT_FILE]
        for file in scan.files:
            for org in file.orgs:
                self._files.setdefault(org, []).append(file.path)
            if any(org is None and kind not in ("Org", "Approval") for _, kind, org, _ in file.entries):
                self._common_files.append(file.path)
        self._approvals: dict[str, list[Document]] = {}
        for document in config.approvals:
            self._approvals.setdefault(str(as_map(document.value).get("org")), []).append(document)

    def base_setting(self) -> BaseSetting | None:
        """Returns what is to be known of the base for any org."""
        trusted = self._trusted
        if trusted is None:
            return None
        commons = None if self._is_same else self._known.commons
        return BaseSetting(
            trusted.label, trusted.files, trusted.is_tree, trusted.spent, commons, tuple(trusted.config.catalogs)
        )

    def learn(self, results: Iterable[PartResult]) -> None:
        """Takes in what new orgs rest on: the root holders of the others, and the valid approvals that name a new org."""
        ends: dict[str, Instant] = {}
        self._roots = {}
        for one in results:
            if one.approvals is not None:
                self._roots[one.id] = one.approvals.roots
                ends |= one.approvals.valid
        for document in self._config.approvals:
            approval = bind_approval(document)
            for org in {change.value.get("org") for change in approval.changes if change.kind == "org"}:
                if approval.id in ends and isinstance(org, str):
                    self._others.setdefault(org, []).append((document, ends[approval.id]))

    def parts(self, ids: Iterable[str]) -> Iterator[Part]:
        """Yields the parts of some orgs."""
        for id in ids:
            org, before = self._config.orgs.get(id), self._before.get(id)
            files = self._files.get(id, [])
            side = None if org is None else _side(org, self._parts.get(id, ()))
            old = None
            if not self._is_same and before is not None:
                old = replace(
                    _side(before, self._parts.get(id, ())),
                    without=frozenset(files) - self._known.same,
                    instead=tuple(self._known.fresh.parts.get(id, ())),
                )
            is_unchanged = self._is_same or self._is_as_before(org, before, old)
            approvals = tuple(self._approvals.get(id, ()))
            standing = self._trusted.standing if self._trusted is not None else {}
            relevant = [*files, *self._common_files, *(one.file for one in approvals)]
            relevant += [org.document.file] if org is not None else []
            yield Part(
                id=id,
                now=side,
                before=None if is_unchanged else old,
                is_unchanged=is_unchanged,
                approvals=approvals,
                standing={one: standing[one] for one in map(_id_of, approvals) if one in standing},
                others=tuple(self._others.get(id, ())),
                roots=self._roots if id not in self._before else None,
                comments=tuple(
                    comment for file in relevant if file in self._tree for comment in self._tree[file].comments
                ),
                texts=self._load_texts(relevant),
            )

    def _is_as_before(self, org: Org | None, before: Org | None, old: Side | None) -> bool:
        if org is None or before is None or old is None or self._known.commons != self.commons:
            return False
        return (
            org.document == before.document
            and (org.platform.id, org.catalog.id) == (before.platform.id, before.catalog.id)
            and not old.without
            and not old.instead
        )


def _side(org: Org, documents: Iterable[bytes]) -> Side:
    return Side(org.document, org.platform.id, org.catalog.id, tuple(documents))


def _id_of(document: Document) -> str:
    return str(as_map(document.value).get("id"))


def group_parts(parts: Iterable[Part], size: int) -> Iterator[list[Part]]:
    """Yields the parts in tasks of about so many bytes of documents."""
    group: list[Part] = []
    held = 0
    for part in parts:
        group.append(part)
        held += sum(len(one) for side in (part.now, part.before) if side is not None for one in side.documents)
        if held >= size:
            yield group
            group, held = [], 0
    if group:
        yield group


def has_strays(config: Config, trusted: Base) -> bool:
    """Whether an approval that stands in the base approves orgs and is of an org that the base does not have.

    It counts unjudged, for whatever org it names; who else it might be for can't be told part by part.
    """
    return any(
        trusted.is_standing(document)
        and as_map(document.value).get("org") not in trusted.config.orgs
        and any(change.kind == "org" for change in bind_approval(document).changes)
        for document in config.approvals
    )
