"""Works on single orgs, in whatever process: binds, resolves, checks and emits one, and returns what the whole needs to know of it."""

import marshal
import pickle
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from hubcfg import __version__
from hubcfg.checker.approvals.approval import bind_approval
from hubcfg.checker.approvals.base import Base, TrustFiles, make_base
from hubcfg.checker.approvals.check import PartApprovals
from hubcfg.checker.approvals.judge import ValidApproval
from hubcfg.checker.check import all_rules, check_part, verify_part
from hubcfg.core.errors import HubcfgError
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.transport import pack_finding, unpack_findings
from hubcfg.emitter.emit import Shard, emit_shards
from hubcfg.parser.comments import IgnoreComment
from hubcfg.parser.document import Document
from hubcfg.parser.locating import place_findings
from hubcfg.parser.parse import decode
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.access import Access
from hubcfg.resolver.resolve import resolve_org
from hubcfg.validator.config import Config, Org
from hubcfg.validator.parts import BoundPart, Commons, PartBinder
from hubcfg.validator.scan import unpack_documents


class BaseSetting(Struct, frozen=True):
    """What is to be known of the base for any org; `commons` are None where they are the tree's, `catalogs` the ids of its catalogs."""

    label: str
    files: TrustFiles
    is_tree: bool
    spent: frozenset[str]
    commons: Commons | None
    catalogs: tuple[str, ...]


class Setting(Struct, frozen=True):
    """What is the same for every part of a run.

    `root` is where to read the project's files, or None where that is another machine; `folder` is where to write shards, or
    None where they are to be handed back.
    """

    version: str
    instant: Instant
    root: str | None
    commons: Commons
    files: TrustFiles
    base: BaseSetting | None
    emits: bool
    is_flat: bool
    folder: str | None


class Side(Struct, frozen=True):
    """An org as the tree or the base has it: its Org document, the ids of its platform and catalog, and its packed documents.

    Those of the files `without` do not count; the base has those `instead` of them.
    """

    document: Document
    platform: str
    catalog: str
    documents: tuple[bytes, ...]
    without: frozenset[str] = frozenset()
    instead: tuple[bytes, ...] = ()


class Part(Struct, frozen=True):
    """One org to work on.

    `before` is the org in the base, None also where it `is_unchanged` there. `approvals` are those given for it, `standing` those of
    them that the base has too; `others` are valid ones of other orgs that name it, with their ends. `roots` are the root holders
    of all the base, for an org that is new. `texts` are the files that its findings may be about, where they have to be sent along.
    """

    id: str
    now: Side | None
    before: Side | None = None
    is_unchanged: bool = False
    approvals: tuple[Document, ...] = ()
    standing: Mapping[str, Document] = field(default_factory=dict)
    others: tuple[tuple[Document, Instant], ...] = ()
    roots: Mapping[str, tuple[str, ...]] | None = None
    comments: tuple[IgnoreComment, ...] = ()
    texts: Mapping[str, bytes] | None = None


class PartResult(Struct, frozen=True):
    """What is to be known of an org that has been worked on: findings with their lines, facts, shards, and how many users it has."""

    id: str
    bound: list[Finding]
    checked: list[Finding]
    facts: list[dict[str, Any]]
    approvals: PartApprovals | None
    shards: list[Shard]
    users: int
    is_partial: bool


def work_on(setting: bytes, parts: Sequence[Part]) -> bytes:
    """Works on some orgs; `setting` is a pickled `Setting`. Returns what `read_results` takes."""
    worker = _open(setting)
    return pickle.dumps([_pack(worker.work(part)) for part in parts])


def read_results(packed: bytes) -> list[PartResult]:
    """Returns the results of some parts."""
    rules = {rule.name: rule for rule in all_rules()}
    results = []
    for plain, facts in pickle.loads(packed):
        id, sections, approvals, shards, users, is_partial = marshal.loads(plain)
        bound, checked, judged, missing = (unpack_findings(section, rules) for section in sections)
        known = None
        if approvals is not None:
            valid, used, roots = approvals
            known = PartApprovals(judged, missing, valid, frozenset(used), roots)
        made = [
            Shard(path, id, platform, Audience(audience), count, sha256, content)
            for path, platform, audience, count, sha256, content in shards
        ]
        results.append(PartResult(id, bound, checked, facts, known, made, users, is_partial))
    return results


def _pack(result: PartResult) -> tuple[bytes, list[dict[str, Any]]]:
    known = result.approvals
    sections = [result.bound, result.checked, known.judged if known else [], known.missing if known else []]
    plain = (
        result.id,
        [[pack_finding(one) for one in section] for section in sections],
        None if known is None else (known.valid, list(known.used), known.roots),
        [(one.path, one.platform, one.audience.value, one.users, one.sha256, one.content) for one in result.shards],
        result.users,
        result.is_partial,
    )
    return marshal.dumps(plain), result.facts


@lru_cache(maxsize=1)
def _open(setting: bytes) -> "_Worker":
    return _Worker(pickle.loads(setting))


class _Worker:
    """Works on the orgs of one run; what they have in common is bound once."""

    def __init__(self, setting: Setting) -> None:
        if setting.version != __version__:
            raise HubcfgError(
                f"a worker has hubcfg {__version__}, and not {setting.version}",
                help="install the same version everywhere",
            )
        self._setting = setting
        self._tree = PartBinder(setting.commons)
        self._base = self._tree
        self._trusted: Base | None = None
        if setting.base is not None:
            commons = setting.base.commons or setting.commons
            self._base = self._tree if setting.base.commons is None else PartBinder(commons)
            catalogs = self._base.catalogs(setting.base.catalogs)
            config = replace(_config(commons, None), catalogs=catalogs)
            tree_files = None if setting.base.is_tree else setting.files
            trusted = make_base(
                setting.base.label, config, setting.base.files, is_tree=setting.base.is_tree, tree_files=tree_files
            )
            self._trusted = replace(trusted, spent=setting.base.spent)

    def work(self, part: Part) -> PartResult:
        """Binds, resolves, checks and, where nothing stands against it, emits an org."""
        setting = self._setting
        bound = _bind(self._tree, part.now)
        org = bound.org if bound is not None else None
        before = org if part.is_unchanged else _org(_bind(self._base, part.before))
        config = replace(_config(setting.commons, org), approvals=part.approvals)
        access = Access(setting.instant, {org.id: resolve_org(org, setting.instant)} if org is not None else {})
        base = self._base_of(part, before)
        others = [ValidApproval(bind_approval(document), end) for document, end in part.others]
        done = check_part(config, access, base, setting.files, others, hygiene=True)
        approvals = done.approvals
        sections = [bound.findings if bound is not None else [], done.findings]
        sections += [approvals.judged, approvals.missing] if approvals is not None else [[], []]
        placed = self._place(sections, part)
        shards: list[Shard] = []
        if setting.emits and org is not None:
            comments: dict[str, list[IgnoreComment]] = {}
            for comment in part.comments:
                comments.setdefault(comment.span.file, []).append(comment)
            verified = verify_part(config, access, done.report, (one for found in placed for one in found), comments)
            if verified is not None:
                folder = None if setting.folder is None else Path(setting.folder)
                shards = emit_shards(verified, folder, flat=setting.is_flat)
        if approvals is not None:
            approvals = replace(approvals, judged=placed[2], missing=placed[3])
        return PartResult(
            part.id,
            placed[0],
            placed[1],
            done.facts,
            approvals,
            shards,
            len(org.users) if org is not None else 0,
            bound is not None and bound.is_partial,
        )

    def _base_of(self, part: Part, before: Org | None) -> Base | None:
        base = self._trusted
        if base is None:
            return None
        config = replace(base.config, orgs={} if before is None else {before.id: before})
        return replace(base, config=config, standing=dict(part.standing), roots=part.roots)

    def _place(self, sections: list[list[Finding]], part: Part) -> list[list[Finding]]:
        """Returns the findings with their lines; a file is read once for all of them."""
        placed = iter(place_findings([one for section in sections for one in section], self._reader(part)))
        return [[next(placed) for _ in section] for section in sections]

    def _reader(self, part: Part) -> "_Reader":
        return _Reader(self._setting.root, part.texts)


class _Reader(Struct, frozen=True):
    """Gives the text of a file of the project, or None where it cannot be read."""

    root: str | None
    texts: Mapping[str, bytes] | None

    def __call__(self, file: str) -> str | None:
        try:
            if self.texts is not None:
                return decode(self.texts[file]) if file in self.texts else None
            return decode(Path(f"{self.root}/{file}").read_bytes())
        except (OSError, UnicodeDecodeError):
            return None


def _bind(binder: PartBinder, side: Side | None) -> BoundPart | None:
    if side is None:
        return None
    documents = unpack_documents(side.documents, side.without, side.instead)
    return binder.bind(side.document, documents, side.platform, side.catalog)


def _org(bound: BoundPart | None) -> Org | None:
    return bound.org if bound is not None else None


def _config(commons: Commons, org: Org | None) -> Config:
    """Returns the configuration of one org by itself, or of none."""
    return Config(
        project=commons.project,
        orgs={} if org is None else {org.id: org},
        platforms={} if org is None else {org.platform.id: org.platform},
        catalogs={} if org is None else {org.catalog.id: org.catalog},
        shared_groups={},
        shared_roles={},
        approvals=(),
        definitions={},
        is_partial=commons.is_partial,
    )
