"""Carries out prepared deployments, and says as findings what forbids one (docs/deployment.md, "Apply")."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from functools import partial

from hubcfg.applier.apply import Circumstances, Receipt, apply_plan, describe_holder
from hubcfg.applier.target import ForeignStateError, LockedError, StaleError, Writer
from hubcfg.checker.approvals.approval import payload_of
from hubcfg.checker.approvals.rules import NO_TRUSTED_BASE
from hubcfg.checker.deployment_rules import FOREIGN_STATE, GUARDRAIL, LOCKED, STALE_PLAN
from hubcfg.core.errors import HubcfgError
from hubcfg.core.finding import Finding, find
from hubcfg.core.rule import Rule
from hubcfg.deployment import Prepared, Request, prepare
from hubcfg.emitter.bundle import Bundle
from hubcfg.emitter.emit import emit_manifest
from hubcfg.ingredients import read_sources
from hubcfg.parser.locating import locate_findings
from hubcfg.planner.guardrails import Trip
from hubcfg.planner.held import OrgFiles
from hubcfg.planner.plan import Origin
from hubcfg.platforms.grants import Audience
from hubcfg.validator.config import Project, Target

_RULES: dict[type[HubcfgError], Rule] = {ForeignStateError: FOREIGN_STATE, LockedError: LOCKED, StaleError: STALE_PLAN}


def explain_error(
    error: HubcfgError, project: Project, target: Target, read: Callable[[str], str | None]
) -> Finding | None:
    """Returns what a target's state forbids as a finding at its line of hubcfg.yaml; None for what is no finding."""
    rule = next((rule for kind, rule in _RULES.items() if isinstance(error, kind)), None)
    if rule is None:
        return None
    place = project.document.key("targets", target.name)
    (finding,) = locate_findings([find(rule, error.message, place, help=error.help)], read)
    return finding


def find_obstacles(prepared: Prepared, *, allowed: Collection[str], bootstrap: bool) -> list[Finding]:
    """Returns what forbids to carry out a plan: guardrails that are not lifted, and a base that is only the tree itself."""
    plan, project, target = prepared.plan, prepared.project, prepared.target
    assert plan is not None
    assert project is not None
    assert target is not None
    found = [_explain_trip(trip, prepared) for trip in plan.all_trips if trip.guardrail.value not in allowed]
    if prepared.needs_bootstrap and not bootstrap:
        found.append(
            find(
                NO_TRUSTED_BASE,
                "nothing has landed yet that approvals could be judged by",
                project.document.key("targets", target.name),
                help="for a first deployment, `--bootstrap` lets the tree itself serve; after that commit the project to Git",
            )
        )
    return locate_findings(found, prepared.compiled.read)


def _explain_trip(trip: Trip, prepared: Prepared) -> Finding:
    config, project, target = prepared.compiled.config, prepared.project, prepared.target
    assert project is not None
    assert target is not None
    org = config.orgs.get(trip.org or "") if config is not None else None
    place = org.document.place("id") if org is not None else project.document.key("targets", target.name)
    return find(GUARDRAIL, f"{trip.guardrail.value}: {trip.message}", place, help=trip.help).of(
        *([trip.org] if trip.org else [])
    )


def compare_origins(saved: Origin, fresh: Origin) -> list[str]:
    """Returns what is not as it was when a plan was saved, in words."""
    differences = [
        (saved.target != fresh.target, f"it was made for the target `{saved.target}`, and this is `{fresh.target}`"),
        (saved.sources != fresh.sources, "the project's files are others than those it was made from"),
        (saved.builtins != fresh.builtins, "it was made by another version of hubcfg"),
        (
            saved.serial != fresh.serial,
            f"it was made after deployment {saved.serial} of the target, which is at {fresh.serial} now",
        ),
        (saved.serial == fresh.serial and saved.state != fresh.state, "what the target holds has changed since"),
    ]
    words = [text for differs, text in differences if differs]
    if not words and saved.result != fresh.result:
        words = ["the same files come to another result now, because time has passed"]
    return words


def check_saved(saved: Origin, prepared: Prepared) -> list[Finding]:
    """Returns the finding `stale-plan` where a saved plan was made from something else than what is there now."""
    plan, project, target = prepared.plan, prepared.project, prepared.target
    assert plan is not None
    assert project is not None
    assert target is not None
    place = project.document.key("targets", target.name)
    found = [
        find(STALE_PLAN, f"the plan is stale: {words}", place, help="plan again, look at it again, and apply that")
        for words in compare_origins(saved, plan.origin)
    ]
    return locate_findings(found, prepared.compiled.read)


def carry_out(
    request: Request, prepared: Prepared, writer: Writer, *, allowed: tuple[str, ...], has_waited: bool
) -> Receipt:
    """Carries out what was prepared, under the target's lock; `has_waited` says that a person took time to decide.

    Raises what writing to a target raises: LockedError and StaleError with nothing changed.
    """
    plan = prepared.plan
    assert plan is not None
    assert prepared.project is not None
    assert prepared.target is not None
    assert prepared.compiled.config is not None
    assert prepared.read_source is not None
    deployed = (
        prepared.compiled.config.project
    )  # of a rollback not what the work tree says, which is not what is deployed
    around = Circumstances(
        now=request.as_of,
        sources=read_sources(prepared.sources, prepared.read_source),
        approvals=find_approvals_in_use(prepared),
        guardrails={
            "max_removed_users_percent": deployed.max_removed_users_percent,
            "max_revoked_percent": deployed.max_revoked_percent,
        },
        allowed=tuple(sorted({trip.guardrail.value for trip in plan.all_trips} & set(allowed))),
        make_extras=partial(make_extras, prepared),
        restores=request.restores,
        progress=request.progress,
        vouches=prepared.vouches,
    )
    holder = describe_holder(request.environment, request.as_of)
    recheck = partial(_recheck, request, prepared, writer) if has_waited else _nothing
    return apply_plan(plan, writer, holder, around, recheck)


def _recheck(request: Request, prepared: Prepared, writer: Writer) -> None:
    """Compiles again at the present instant: what was shown a while ago may have ended since."""
    assert prepared.plan is not None
    assert prepared.project is not None
    assert prepared.target is not None
    fresh = prepare(request, prepared.project, prepared.target, writer)
    if fresh.plan is None:
        raise StaleError("the project has errors now that it had not when the plan was made", help="`hubcfg validate`")
    words = compare_origins(prepared.plan.origin, fresh.plan.origin)
    if words:
        raise StaleError(f"the plan is stale: {words[0]}", help="plan again, and look at it again")


def _nothing() -> None:
    """Checks nothing: what was prepared is a moment old."""


def find_approvals_in_use(prepared: Prepared) -> dict[str, dict[str, str]]:
    """Returns the approvals that the deployment rests on, by org: each id with the hex SHA-256 of its payload.

    Orgs that are left out keep those of the deployment before.
    """
    plan, report = prepared.plan, prepared.compiled.approvals
    assert plan is not None
    assert report is not None
    used: dict[str, dict[str, str]] = {}
    for one in report.judged.valid:
        value = one.approval.document.value
        if one.approval.id in report.coverage.used and isinstance(value, dict):
            used.setdefault(one.approval.org, {})[one.approval.id] = hashlib.sha256(payload_of(value)).hexdigest()
    before = prepared.records[-1].approvals if prepared.records else {}
    for org in plan.left_out:
        used.pop(org, None)
        if org in before:
            used[org] = before[org]
    return used


def make_extras(prepared: Prepared, orgs: Mapping[str, OrgFiles]) -> dict[str, bytes]:
    """Returns the files beside the bundles in a folder: the manifest and the project's own outputs."""
    verified, plan = prepared.compiled.verified, prepared.plan
    assert verified is not None
    assert plan is not None
    bundles = [
        _describe_bundle(org, audience, content)
        for org, files in sorted(orgs.items())
        for audience, content in files.items()
    ]
    bundles.sort(key=lambda one: one.path)
    outputs = prepared.compiled.outputs
    return {**outputs, "manifest.json": emit_manifest(verified, bundles, outputs, plan.origin.revision)}


def _describe_bundle(org: str, audience: Audience, content: bytes) -> Bundle:
    head = json.loads(content)
    return Bundle(org, str(head.get("platform", "")), audience, len(head.get("users", ())), content)


def is_ready(prepared: Prepared) -> bool:
    """Whether there is anything to carry out, be it only to record that other sources come to what is deployed already.

    Without such a record what has landed since, a new approver's key for example, would never judge anything. Where something in
    it waits for an approval it would judge too early.
    """
    plan = prepared.plan
    assert plan is not None
    if plan.has_work or plan.interruption is not None:
        return True
    if not prepared.records or not prepared.vouches:
        return False
    last = prepared.records[-1]
    is_unlinked = last.revision is None and plan.origin.revision is not None
    return last.sources != plan.origin.sources or not last.vouches or is_unlinked
