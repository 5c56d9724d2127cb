"""Judges approvals: signature and key, time, and whether the approver was entitled. One that fails counts for nothing."""

from collections.abc import Iterator

from msgspec import Struct

from hubcfg.checker.approvals.approval import (
    ALL,
    NAMESPACE,
    Approval,
    ApprovedChange,
    ApprovedGrant,
    bind_approval,
    payload_of,
)
from hubcfg.checker.approvals.approvers import Approver, Approvers, Named, role_baseline
from hubcfg.checker.approvals.base import Base
from hubcfg.checker.approvals.rules import (
    APPROVER_NOT_ENTITLED,
    EXPIRED_APPROVAL,
    INVALID_SIGNATURE,
    SELF_APPROVAL,
    SPENT_APPROVAL,
)
from hubcfg.checker.signatures.faults import Fault
from hubcfg.checker.signatures.sshsig import verify_signature
from hubcfg.core.finding import Finding, find
from hubcfg.core.instants import Instant, format_instant
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.core.places import Place
from hubcfg.core.rule import Rule
from hubcfg.parser.rules import SCHEMA_VIOLATION
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.patterns import is_permission_name
from hubcfg.platforms.platform import Transfer
from hubcfg.validator.config import Config, Org, User
from hubcfg.validator.rules import UNKNOWN_ORG, UNKNOWN_PERMISSION, UNKNOWN_PLATFORM_ROLE

CLOCK_SKEW = 5 * 60 * 1_000_000


class ValidApproval(Struct, frozen=True, eq=False):
    """An approval that counts until `end`."""

    approval: Approval
    end: Instant


class Judged(Struct, frozen=True, eq=False):
    """The approvals that count, and what is wrong with the others."""

    valid: list[ValidApproval]
    findings: list[Finding]
    approvers: Approvers


def judge_approvals(config: Config, base: Base, instant: Instant) -> Judged:
    """Judges every approval of the tree by the base at an instant."""
    judge = _Judge(config, base, instant)
    valid = []
    for document in config.approvals:
        approval = bind_approval(document)
        faults = list(judge.judge(approval))
        judge.findings += (fault.of(approval.org) for fault in faults)
        if not faults:
            valid.append(ValidApproval(approval, approval.end(judge.max_age_days)))
    return Judged(valid, judge.findings, judge.approvers)


class _Judge:
    def __init__(self, config: Config, base: Base, instant: Instant) -> None:
        self.findings: list[Finding] = []
        self.approvers = Approvers(base, config, instant)
        self.max_age_days = min(config.project.approvals.max_age_days, base.config.project.approvals.max_age_days)
        self._config = config
        self._base = base
        self._instant = instant

    def judge(self, approval: Approval) -> Iterator[Finding]:
        """Yields what is wrong with an approval, the first kind of thing only: what follows would rest on it."""
        steps = (self._check_content, self._check_signature, self._check_spent, self._check_time, self._check_entitled)
        for step in steps:
            faults = list(step(approval))
            if faults:
                yield from faults
                return

    def _check_content(self, approval: Approval) -> Iterator[Finding]:
        place = approval.document.place
        if approval.project != self._config.project.id:
            yield _fault(
                INVALID_SIGNATURE,
                f"this approval is for the project `{approval.project}`, not for `{self._config.project.id}`",
                place("project"),
                "an approval counts in the project that it was signed for; have this one approved anew",
            )
        org = self._config.orgs.get(approval.org)
        if org is None:
            if not self._config.is_partial and self._base.org(approval.org) is None:
                yield _fault(
                    UNKNOWN_ORG,
                    f"there is no org `{approval.org}`",
                    place("org"),
                    did_you_mean(approval.org, self._config.orgs),
                )
            return
        for field, instant in (("approved_at", approval.approved_at), ("expires", approval.expires)):
            if instant is None and (field == "approved_at" or approval.has_expiry):
                yield _fault(
                    SCHEMA_VIOLATION,
                    f"`{field}` is not a date or date-time",
                    place(field),
                    "write it like 2027-06-30T18:00:00Z",
                )
        for grant in approval.grants:
            yield from self._check_grant(approval, grant, org)

    def _check_grant(self, approval: Approval, grant: ApprovedGrant, org: Org) -> Iterator[Finding]:
        path = ("grants", grant.index)
        for index, name in enumerate(grant.permissions):
            if not is_permission_name(name):
                yield _fault(
                    SCHEMA_VIOLATION,
                    f"`{name}` is not the exact name of a permission",
                    approval.document.place(*path, "permissions", index),
                    "an approval names each permission; patterns and aliases do not count",
                )
        if not grant.permissions and grant.role is None:
            yield _fault(
                SCHEMA_VIOLATION,
                "this grant names neither `permissions` nor a `role`",
                approval.document.place(*path),
                None,
            )
        if not self._base.is_tree and not self._base.is_standing(approval.document):
            yield from self._check_known(approval, grant, org)
        user = org.users.get(grant.user)
        is_due = org.platform.assigns_clients or (user is not None and user.entry.audience is Audience.CLIENT)
        if is_due and grant.clients is None:
            yield _fault(
                SCHEMA_VIOLATION,
                "this grant does not say for which `clients` it is approved",
                approval.document.place(*path),
                "add `clients:` with the clients, or `all`",
            )
        if user is not None and not is_due and grant.clients is not None:
            yield _fault(
                SCHEMA_VIOLATION,
                f"the platform `{org.platform.id}` assigns no clients to staff",
                approval.document.place(*path, "clients"),
                "leave `clients` out",
            )

    def _check_known(self, approval: Approval, grant: ApprovedGrant, org: Org) -> Iterator[Finding]:
        """Yields a finding for what a new approval names and there is not.

        It would be judged by nobody, and count unseen once it stood and a later change brought the permission or role about.
        """
        for index, name in enumerate(grant.permissions):
            if is_permission_name(name) and name not in org.catalog.permissions:
                yield _fault(
                    UNKNOWN_PERMISSION,
                    f"`{name}` is no permission of the catalog `{org.catalog.id}`",
                    approval.document.place("grants", grant.index, "permissions", index),
                    did_you_mean(name, org.catalog.names)
                    or "an approval names permissions that there are, by their exact names",
                )
        if grant.role is not None and grant.role not in org.platform.roles:
            yield _fault(
                UNKNOWN_PLATFORM_ROLE,
                f"there is no role `{grant.role}` on the platform `{org.platform.id}`",
                approval.document.place("grants", grant.index, "role"),
                did_you_mean(grant.role, org.platform.roles),
            )

    def _check_signature(self, approval: Approval) -> Iterator[Finding]:
        value = approval.document.value
        assert isinstance(value, dict)
        place = approval.document.place("signature")
        key = verify_signature(approval.signature, payload_of(value), NAMESPACE)
        if isinstance(key, Fault):
            yield _fault(INVALID_SIGNATURE, f"the signature does not count: {key.message}", place, key.help)
            return
        if self._base.files.signers is None:
            yield _fault(
                INVALID_SIGNATURE,
                f"no signers file says whose key this is, in {self._base.label}",
                place,
                "name one as `approvals.signers` in hubcfg.yaml; it counts once it has landed",
            )
            return
        # A standing approval was judged when it landed; its key must have been valid then. A new one must be signed by a
        # key that is valid now too, so that back-dating with a retired key gains nothing.
        assert approval.approved_at is not None
        is_standing = self._base.is_standing(approval.document)
        moments = (approval.approved_at,) if is_standing else (self._instant, approval.approved_at)
        signers = [self._base.signers.judge(key, approval.approver, NAMESPACE, moment) for moment in moments]
        revoked = next((fault for one in self._base.revoked if (fault := one.judge(key)) is not None), None)
        fault = revoked or next((one for one in signers if isinstance(one, Fault)), None)
        if fault is not None:
            yield _fault(INVALID_SIGNATURE, f"the signature does not count: {fault.message}", place, fault.help)

    def _check_spent(self, approval: Approval) -> Iterator[Finding]:
        if approval.id in self._base.spent:
            yield _fault(
                SPENT_APPROVAL,
                f"`{approval.id}` had landed before, and was taken away again",
                approval.document.place("id"),
                "have what it approved approved anew; an old decision does not come back by itself",
            )

    def _check_time(self, approval: Approval) -> Iterator[Finding]:
        assert approval.approved_at is not None
        place = approval.document.place
        if approval.approved_at > self._instant + CLOCK_SKEW:
            yield _fault(
                EXPIRED_APPROVAL,
                f"`{approval.id}` is dated in the future",
                place("approved_at"),
                "sign it with the right date",
            )
            return
        end = approval.end(self.max_age_days)
        if end > self._instant:
            return
        if approval.expires == end:
            yield _fault(
                EXPIRED_APPROVAL,
                f"`{approval.id}` ended at {format_instant(end)}",
                place("expires"),
                "have it approved anew, or remove it with what it approved",
            )
        else:
            yield _fault(
                EXPIRED_APPROVAL,
                f"`{approval.id}` is older than {self.max_age_days} days, and ended at {format_instant(end)}",
                place("approved_at"),
                "have it approved anew, or remove it with what it approved",
            )

    def _check_entitled(self, approval: Approval) -> Iterator[Finding]:
        if self._base.is_standing(approval.document):
            return
        for change in approval.changes:
            yield from self._check_change(approval, change)
        if not approval.grants:
            return
        approver = self.approvers.of_org(approval.org).get(approval.approver)
        if approver is None:
            yield _fault(
                APPROVER_NOT_ENTITLED,
                self._why_no_approver(approval),
                approval.document.place("approver"),
                self._who_may(approval.org),
            )
            return
        for grant in approval.grants:
            yield from self._check_grant_entitled(approval, grant, approver)

    def _check_grant_entitled(self, approval: Approval, grant: ApprovedGrant, approver: Approver) -> Iterator[Finding]:
        # Judged as the approval names the person, for a user whom there is not yet may come once the approval stands.
        org, person = self._config.orgs[approval.org], Named(grant.user, grant.uid)
        user = org.users.get(grant.user)
        place = approval.document.place("approver")
        if not all(self.approvers.may_approve_own(approver, one) for one in (person, user) if one is not None):
            yield _fault(
                SELF_APPROVAL,
                f"`{approver.user.id}` cannot approve for himself or herself",
                place,
                self._who_may(approval.org, approver),
            )
            return
        scope = grant.clients if grant.clients is not None else ALL
        obstacle = approver.find_obstacle(person, scope)
        if obstacle is None and grant.role is not None:
            obstacle = self._find_role_obstacle(org, grant.role, approver)
        if obstacle is None:
            beyond = [
                name
                for name in grant.permissions
                if name in org.catalog.permissions and not org.catalog.match(name) & approver.holds
            ]  # what there is not is no part of what anybody holds, and comes to nothing where it is let pass
            if beyond:
                obstacle = f"`{approver.user.id}` does not hold {shorten(beyond, 3)}, and so cannot approve it"
        if obstacle is not None:
            yield _fault(APPROVER_NOT_ENTITLED, obstacle, place, self._who_may(approval.org, approver))

    def _find_role_obstacle(self, org: Org, role_id: str, approver: Approver) -> str | None:
        role = org.platform.roles.get(role_id)
        if role is None or not role_baseline(org, role) & ~approver.baseline:
            return None
        return f"`{approver.user.id}` holds `{approver.role.id}`, whose baseline does not contain that of `{role_id}`"

    def _check_change(self, approval: Approval, change: ApprovedChange) -> Iterator[Finding]:
        obstacle = self._find_change_obstacle(approval, change)
        if obstacle is not None:
            yield _fault(APPROVER_NOT_ENTITLED, obstacle, approval.document.place("approver"), None)

    def _find_change_obstacle(self, approval: Approval, change: ApprovedChange) -> str | None:
        before = self._base.org(approval.org)
        user = before.users.get(approval.approver) if before is not None else None
        if before is None or user is None or user.entry.suspended or user.id in before.unsound:
            return self._why_no_approver(approval)
        role = before.platform.roles.get(user.entry.role or "")
        if change.kind == "products":
            by = before.platform.changes.get("products", ())
            return None if role is not None and role.id in by else f"only {_holders(by)} may change subscriptions"
        if change.kind == "owner":
            wanted = change.value.get("role")
            if role is None or role.id != wanted or change.value.get("from") != user.id:
                return f"only the previous holder of `{wanted}` may hand it on"
            is_bound = role.transfer is Transfer.PREVIOUS_HOLDER
            return None if is_bound else f"the role `{wanted}` is not one that its holder hands on"
        return None if role is not None and role.root else f"only a root holder of `{approval.org}` may approve this"

    def _why_no_approver(self, approval: Approval) -> str:
        before = self._base.org(approval.org)
        where = "" if self._base.is_tree else f" in {self._base.label}"
        if before is None:
            return f"there is no org `{approval.org}`{where}, so nobody there can approve yet"
        user = before.users.get(approval.approver)
        if user is None:
            return f"`{approval.approver}` is not a user of `{approval.org}`{where}"
        if user.entry.suspended:
            return f"`{approval.approver}` is suspended{where}"
        return f"`{approval.approver}` holds `{user.entry.role}`{where}, which approves nothing"

    def _who_may(self, org: str, but: Approver | None = None) -> str | None:
        names = [id for id in self.approvers.of_org(org) if but is None or id != but.user.id]
        return f"{shorten(names, 3)} may approve in `{org}`" if names else None


def user_scope(org: Org, user: User, clients: str | list[str]) -> frozenset[str] | str:
    """Returns the scope of a user's items: the clients or the company, or `all`."""
    if user.entry.audience is Audience.CLIENT:
        return frozenset({user.company} if user.company else ())
    if not org.platform.assigns_clients:
        return ALL
    return ALL if clients == ALL else frozenset(clients)


def _holders(roles: tuple[str, ...]) -> str:
    return f"holders of {' or '.join(f'`{role}`' for role in roles)}" if roles else "nobody"


def _fault(rule: Rule, message: str, place: Place, help: str | None) -> Finding:
    return find(rule, message, place, help=help)
