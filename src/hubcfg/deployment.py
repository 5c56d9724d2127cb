"""Prepares deployments: a project compiled for a target, compared with what that holds, and what stands in the way.

Reads targets and never changes them; `apply_deployment` in `applying` does.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from hubcfg.applier.archive import digest_hashes, digest_sources, unpack_sources, write_sources
from hubcfg.applier.opening import choose_target, open_target
from hubcfg.applier.records import Record, find_retired, read_record
from hubcfg.applier.target import ForeignStateError, Status, Writer
from hubcfg.authority import can_vouch, choose_for_deployment
from hubcfg.checker.approvals.approval import payload_of
from hubcfg.checker.check import Verified, all_rules
from hubcfg.checker.memory import OrgMemory
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.core.progress import Progress, counted, silent
from hubcfg.emitter.bundle import build_bundles
from hubcfg.ingredients import OrgBundles, find_hidden, hash_sources, read_source
from hubcfg.parser.base_choice import choose_base
from hubcfg.parser.cache import ParseCache
from hubcfg.parser.git import find_revision_of
from hubcfg.parser.parse import parse_source
from hubcfg.parser.sources import PROJECT_FILE, SourceFile
from hubcfg.pipeline import Authority, Compiled, compile_project, render_again
from hubcfg.planner.bundles import BundleError, parse_files
from hubcfg.planner.change import Comparison
from hubcfg.planner.context import ContextFinder, check_project, cover_plan, limits_of
from hubcfg.planner.due import find_due
from hubcfg.planner.guardrails import Limits
from hubcfg.planner.held import HeldOrg
from hubcfg.planner.kept import describe_kept
from hubcfg.planner.plan import (
    Interruption,
    OrgPlan,
    Origin,
    Plan,
    digest_of_hashes,
    plan_org,
)
from hubcfg.planner.resolved import compare_access
from hubcfg.platforms.builtin import digest_builtins
from hubcfg.resolver.access import Access
from hubcfg.snapshot import read_snapshots
from hubcfg.validator.config import Config, Project, Target
from hubcfg.validator.project import read_project

if TYPE_CHECKING:
    from concurrent.futures import Executor  # slow to import, and only needed where there is one


class Request(Struct, frozen=True):
    """What to plan: the project at `root` as of an instant, for a target (default: the first one).

    `base` is a revision named for judging approvals; `restores` the serial of an earlier deployment whose sources are to be
    deployed again.
    """

    root: Path
    as_of: Instant
    target: str | None = None
    base: str | None = None
    bootstrap: bool = False
    restores: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    executor: "Executor | None" = None
    cache: ParseCache | None = None
    progress: Progress = silent


class Prepared(Struct, frozen=True):
    """What came of preparing. `plan` is None where errors stand against the whole project.

    `sources` the hex SHA-256 of what they were made from, which `read_source` reads by path; `records` the deployments before; `vouches`
    says whether the revision may judge the next ones.
    """

    compiled: Compiled
    plan: Plan | None = None
    project: Project | None = None
    target: Target | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    read_source: Callable[[str], bytes] | None = None
    records: tuple[Record, ...] = ()
    needs_bootstrap: bool = False
    vouches: bool = True

    @property
    def findings(self) -> list[Finding]:
        """What validation found."""
        return self.compiled.findings


def read_targets(root: Path) -> Project | None:
    """Returns the project that hubcfg.yaml describes, for its targets; None where it cannot be used."""
    if not (root / PROJECT_FILE).is_file():
        return None
    source = SourceFile(PROJECT_FILE, (root / PROJECT_FILE).read_bytes)
    return read_project(parse_source(source), all_rules())[0]


@contextmanager
def opened_target(
    root: Path, name: str | None, environment: Mapping[str, str], note: Callable[[str], None]
) -> Iterator[tuple[Project, Target, Writer]]:
    """Gives a target of the project, and lets go of it with the block; `note` is told what it waits for.

    Raises HubcfgError where hubcfg.yaml cannot be used, and UsageError where it names no such target.
    """
    project = read_targets(root)
    if project is None:
        raise HubcfgError("`hubcfg.yaml` can't be used", help="`hubcfg validate` says why")
    target = choose_target(project, name)
    writer = open_target(target, root, dict(environment), note)
    try:
        yield project, target, writer
    finally:
        writer.close()


def read_past(writer: Writer, status: Status, project: Project) -> tuple[Record, ...]:
    """Returns the records of a target; raises ForeignStateError where they are another project's, or not all there."""
    records = tuple(read_record(content) for content in writer.read_records())
    if (records[-1].serial if records else 0) != status.serial:
        raise ForeignStateError(
            f"the target is at deployment {status.serial}, but its last record is that of {records[-1].serial if records else 0}",
            help="`hubcfg history verify` says what is wrong with the records",
        )
    others = [one for one in records if one.project != project.id]
    if others:
        raise ForeignStateError(
            f"the target is deployed to by the project `{others[-1].project}`, not by `{project.id}`",
            help="name another target in `hubcfg.yaml`: two projects can't own the same orgs",
        )
    return records


def prepare(request: Request, project: Project, target: Target, writer: Writer) -> Prepared:
    """Compiles the project for a target and compares the two; nothing is changed.

    Raises what reading a target raises, and UsageError for a deployment to restore that there is none of.
    """
    return _Preparer(request, project, target, writer).prepare()


class _Preparer:
    def __init__(self, request: Request, project: Project, target: Target, writer: Writer) -> None:
        self._request = request
        self._project = project
        self._target = target
        self._writer = writer
        self._status = writer.read_status()
        self._records = read_past(writer, self._status, project)

    def prepare(self) -> Prepared:
        if self._request.restores is None:
            return self._prepare(self._request.root, None)
        restored = next((one for one in self._records if one.serial == self._request.restores), None)
        packed = None if restored is None else self._writer.read_sources(restored.serial)
        if restored is None or packed is None:
            serials = ", ".join(str(one.serial) for one in self._records[-10:])
            advice = (
                f"the last ones are {serials}; `hubcfg history` lists them"
                if serials
                else "nothing has been deployed to it"
            )
            raise UsageError(f"the target has no deployment {self._request.restores} to go back to", help=advice)
        files = unpack_sources(packed)
        if digest_sources(files) != restored.value.get("sources"):
            raise ForeignStateError(
                f"the sources that the target keeps of deployment {restored.serial} are not those that were deployed",
                help="somebody has changed them; restore them from Git and apply that",
            )
        import tempfile  # slow to import, and only needed here

        with tempfile.TemporaryDirectory(prefix="hubcfg-") as folder:
            write_sources(files, Path(folder))
            prepared = self._prepare(Path(folder), restored)
        # The folder is gone, and what findings quote from is not.
        kept = {path: SourceFile(path, partial(bytes, content)) for path, content in files.items()}
        return replace(prepared, compiled=replace(prepared.compiled, sources=kept), read_source=files.__getitem__)

    def _prepare(self, root: Path, restored: Record | None) -> Prepared:
        request = self._request
        choice = choose_for_deployment(
            request.root, self._target, self._records, request.environment,
            named=request.base, bootstrap=request.bootstrap,
        )  # fmt: skip
        authority = Authority(choice, clone=request.root if restored is not None else None)
        # What an earlier deployment was made from lies in a folder that is new each time: there is nothing to remember of it.
        cache = request.cache if restored is None else None
        compiled = compile_project(
            root,
            as_of=request.as_of,
            executor=request.executor,
            authority=authority,
            cache=cache,
            progress=request.progress,
        )
        compiled = self._with_kept(self._without_spent(compiled, root, authority), root)
        read = partial(read_source, compiled, root)
        known = Prepared(compiled, None, self._project, self._target, read_source=read, records=self._records)
        verified, config = compiled.verified, compiled.config
        if verified is None or config is None:
            return known
        sources = hash_sources(compiled, root, config.project)
        bundles = OrgBundles(verified, compiled.memory)
        results = {org: bundles.hashes(org) for org in bundles}
        if cache is not None:
            cache.save()
        revision = restored.revision if restored is not None else find_revision_of(request.root, sources)
        hashes = self._writer.list_orgs()
        origin = Origin(
            sources=digest_hashes(sources),
            builtins=digest_builtins(),
            result=digest_of_hashes(results),
            revision=revision,
            base=verified.approvals.base.label,
            target=self._target.name,
            serial=self._status.serial,
            state=digest_of_hashes(hashes),
        )
        plans = list(self._plan_orgs(verified, config, bundles, {id: dict(one) for id, one in hashes.items()}))
        base = verified.approvals.base
        plan = Plan(
            project=config.project.id,
            origin=origin,
            comparison=Comparison(request.as_of, tuple(one.change for one in plans)),
            orgs=tuple(plans),
            trips=check_project(config),
            left_out=verified.left_out,
            approvals=cover_plan(verified, config, plans),
            due=tuple(find_due(_timed(verified.access, compiled.memory))),
            hidden=find_hidden(base, compiled, root),
            interruption=self._interruption(),
        )
        vouches = can_vouch(compiled, request.as_of)
        return replace(known, plan=plan, sources=sources, needs_bootstrap=base.is_tree, vouches=vouches)

    def _without_spent(self, compiled: Compiled, root: Path, authority: Authority) -> Compiled:
        """Returns the same, or where approvals would be used that had gone out of use, compiled once more without them.

        Without these others may be used instead that had gone out of use as well, which is why that is looked at again.
        """
        retired = find_retired(self._records)
        while retired and compiled.approvals is not None and compiled.config is not None:
            found = retired & {
                hashlib.sha256(payload_of(one.value)).hexdigest()
                for one in compiled.config.approvals
                if isinstance(one.value, dict) and one.value.get("id") in compiled.approvals.coverage.used
            }
            if found <= authority.retired:
                break
            authority = replace(authority, retired=authority.retired | found)
            compiled = compile_project(
                root, as_of=self._request.as_of, executor=self._request.executor, authority=authority
            )
        return compiled

    def _with_kept(self, compiled: Compiled, root: Path) -> Compiled:
        """Returns the same with outputs that show the orgs that are left out as they stay: nobody vanishes from a file for that."""
        verified = compiled.verified
        if verified is None or not verified.left_out or not verified.config.project.outputs:
            return compiled
        names = {id: one.name for id, one in verified.config.orgs.items()}
        held = {id: self._writer.read_org(id) for id in verified.left_out}
        kept = {id: values for id, one in held.items() if (values := describe_kept(id, names.get(id, id), one))}
        return render_again(compiled, root, kept)

    def _plan_orgs(
        self, verified: Verified, config: Config, bundles: OrgBundles, hashes: dict[str, object]
    ) -> Iterator[OrgPlan]:
        """Yields the plans of all orgs that differ, that are new to hubcfg, or that the project has no more."""
        left = {org: hashes for record in self._records for org, hashes in record.deployed.items()}
        contexts = ContextFinder(verified, config, self._limits(verified, config), self._request.as_of)
        gone = {org for org in hashes if org in left and org not in config.orgs}
        orgs = sorted({*bundles, *gone})
        for org in counted(orgs, self._request.progress, "comparing orgs", len(orgs)):
            hashed = bundles.hashes(org)
            if hashes.get(org, {}) == hashed and left.get(org) == {one.value: sha for one, sha in hashed.items()}:
                continue
            held = self._writer.read_org(org)
            try:
                plan = plan_org(org, held, bundles.files(org), contexts.find(org, held))
            except BundleError as error:
                raise ForeignStateError(
                    f"what the target holds of the org `{org}` can't be read: {error}",
                    help="see who wrote it; hubcfg does not overwrite what it can't compare",
                ) from error
            if plan.is_deployed or plan.strangers:
                yield plan

    def _limits(self, verified: Verified, config: Config) -> Limits:
        """Returns the strictest of the tree's guardrails, the base's, and those recorded with the last deployment."""
        limits = limits_of(config.project).stricter(limits_of(verified.approvals.base.config.project))
        recorded = self._records[-1].value.get("guardrails") if self._records else None
        if isinstance(recorded, Mapping):
            users, revoked = recorded.get("max_removed_users_percent"), recorded.get("max_revoked_percent")
            if isinstance(users, (int, float)) and isinstance(revoked, (int, float)):
                limits = limits.stricter(Limits(users, revoked))
        return limits

    def _interruption(self) -> Interruption | None:
        interrupted = self._status.interrupted
        if interrupted is None:
            return None
        try:
            said = json.loads(interrupted.beginning)
        except ValueError:
            said = {}
        who, when = (
            str(said.get(key, "somebody")) if isinstance(said, dict) else "somebody" for key in ("who", "when")
        )
        return Interruption(interrupted.serial, who, when, interrupted.done)


def prepare_against(
    root: Path,
    revision: str,
    *,
    as_of: Instant,
    base: str | None,
    environment: Mapping[str, str],
    executor: "Executor | None" = None,
    cache: ParseCache | None = None,
    progress: Progress = silent,
) -> Prepared:
    """Compiles the project and compares it with what a Git revision gives; no target is read.

    What errors of approvals leave out is compared as well: a reviewer wants to see what is to be approved.
    """
    authority = Authority(choose_base(root, base, environment))
    compiled = compile_project(
        root, as_of=as_of, executor=executor, authority=authority, cache=cache, progress=progress
    )
    verified, config = compiled.verified, compiled.config
    if verified is None or config is None or compiled.access is None:
        return Prepared(compiled)
    before, _ = read_snapshots(root, revision, None, as_of, cache)
    comparison = compare_access(before.access, compiled.access)
    sources = hash_sources(compiled, root, config.project)
    contexts = ContextFinder(verified, config, limits_of(config.project), as_of)
    plans = []
    for change in comparison.orgs:
        sides = [one.orgs.get(change.id) for one in (before.access, compiled.access)]
        old, new = (
            {} if one is None else {bundle.audience: bundle.content for bundle in build_bundles(one)} for one in sides
        )
        everybody = frozenset(user for bundle in parse_files(old, change.id).values() for user in bundle.users)
        held = HeldOrg(old, old, everybody)
        one = plan_org(change.id, held, new, contexts.find(change.id, held))
        if one.is_written or not change.is_empty:
            plans.append(replace(one, change=change, is_new=False, is_unrecorded=False))
    bundles = OrgBundles(verified, compiled.memory)
    origin = Origin(
        sources=digest_hashes(sources),
        builtins=digest_builtins(),
        result=digest_of_hashes({org: bundles.hashes(org) for org in bundles}),
        revision=find_revision_of(root, sources),
        base=verified.approvals.base.label,
        target=None,
        serial=0,
        state=before.commit or "",
        against=before.label,
    )
    plan = Plan(
        project=config.project.id,
        origin=origin,
        comparison=comparison,
        orgs=tuple(plans),
        trips=check_project(config),
        left_out=verified.left_out,
        approvals=cover_plan(verified, config, plans),
        due=tuple(find_due(_timed(compiled.access, compiled.memory))),
        hidden=find_hidden(verified.approvals.base, compiled, root),
    )
    return Prepared(compiled, plan, config.project, sources=sources)


def _timed(access: Access, memory: OrgMemory | None) -> Access:
    """Returns the access of those orgs in which something may begin or end some day."""
    if memory is None:
        return access
    return Access(access.instant, {id: org for id, org in access.orgs.items() if not memory.is_timeless(id)})
