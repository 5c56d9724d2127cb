"""Changes against the base that need an approval of their own: subscriptions, owners, new orgs, trust settings."""

from collections.abc import Iterator

from hubcfg.checker.approvals.advice import ask_for
from hubcfg.checker.approvals.approval import ApprovedChange
from hubcfg.checker.approvals.base import Base, TrustFiles
from hubcfg.checker.approvals.cover import Coverage
from hubcfg.checker.approvals.items import needs_handover
from hubcfg.checker.approvals.judge import ValidApproval
from hubcfg.checker.approvals.rules import NO_ELIGIBLE_APPROVER, UNAPPROVED_CHANGE
from hubcfg.checker.approvals.trust import find_trust_changes, trust_digest
from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import shorten
from hubcfg.core.places import AnyPlace
from hubcfg.parser.document import Value
from hubcfg.platforms.platform import PlatformRole, Transfer
from hubcfg.validator.config import Config, Org, User

_BEGIN = "nobody has a key yet to approve it with: whoever administers the repository lands the first signers file past the check"


def subscriptions(org: Org) -> dict[str, str]:
    """Returns the products that an org has subscribed to, with their states; what is not subscribed is left out."""
    return {product: state for product, state in sorted(org.products.items()) if state != "not-subscribed"}


def check_products(org: Org, base: Base, coverage: Coverage) -> Iterator[Finding]:
    """Yields a finding where an org's subscriptions change without the approval that its platform asks for."""
    before = base.org(org.id)
    if before is None or base.is_tree:
        return
    by = before.platform.changes.get("products") or org.platform.changes.get("products")
    old, new = subscriptions(before), subscriptions(org)
    if not by or old == new or _is_products_approved(org, new, coverage):
        return
    changed = [product for product in sorted(old.keys() | new.keys()) if old.get(product) != new.get(product)]
    written = [product for product in changed if product in org.products]
    place = org.document.place("products", written[0]) if written else org.document.key("products")
    if "products" not in (org.document.value if isinstance(org.document.value, dict) else {}):
        place = org.document.place("id")
    words = [
        f"`{product}` ({old.get(product, 'not subscribed')} → {new.get(product, 'not subscribed')})"
        for product in changed
    ]
    holders = [user.id for role in by for user in base.holders(org.id, role).values() if not user.entry.suspended]
    message = f"nobody has approved that the subscriptions of `{org.id}` change: {', '.join(words[:5])}"
    yield find(UNAPPROVED_CHANGE, message, place, help=ask_for(holders, change="products", org=org.id))
    if not holders:
        yield _unapprovable(f"the subscriptions of `{org.id}`", place, f"a holder of `{by[0]}`", base)


def _is_products_approved(org: Org, new: dict[str, str], coverage: Coverage) -> bool:
    for one, change in coverage.changes("products"):
        value = change.value.get("products")
        named = (
            {product: state for product, state in value.items() if state != "not-subscribed"}
            if isinstance(value, dict)
            else None
        )
        if one.approval.org == org.id and named == new:
            coverage.used.add(one.approval.id)
            return True
    return False


def covers_new_holder(org: Org, user: User, role: PlatformRole, base: Base, coverage: Coverage) -> bool:
    """Whether an `owner` or `org` change that is approved covers a user's new role."""
    if base.is_tree:
        return False
    if base.org(org.id) is None:
        return role.root and _find_org_approval(org, coverage, role=role.id, user=user.id) is not None
    if needs_handover(base, org.id, user, role):
        return any(
            coverage.has_change(org.id, "owner", role=role.id, **{"from": previous, "to": user.id})
            for previous in base.holders(org.id, role.id)
        )
    is_bound = role.transfer is Transfer.PREVIOUS_HOLDER
    return is_bound and base.held_before(org.id, user) and _was_handed_on(org, user, role, coverage)


def _was_handed_on(org: Org, user: User, role: PlatformRole, coverage: Coverage) -> bool:
    """Whether the approval stands by which a holder once received the role; it goes on to cover the holder's role item."""
    for one, change in coverage.changes("owner"):
        if one.approval.org == org.id and (_value(change, "role"), _value(change, "to")) == (role.id, user.id):
            coverage.used.add(one.approval.id)
            return True
    return False


def check_new_org(org: Org, base: Base, coverage: Coverage) -> Iterator[Finding]:
    """Yields a finding for an org that the base does not have and that no root holder of it has approved."""
    if base.is_tree or base.org(org.id) is not None or _find_org_approval(org, coverage) is not None:
        return
    roots = base.all_root_holders()
    place = org.document.place("id")
    message = f"nobody has approved the new org `{org.id}`"
    yield find(UNAPPROVED_CHANGE, message, place, help=ask_for(roots, change="org"))
    if not roots:
        yield _unapprovable(f"the new org `{org.id}`", place, "an org with a root holder", base)


def _find_org_approval(org: Org, coverage: Coverage, **wanted: Value) -> ValidApproval | None:
    for one, change in coverage.changes("org"):
        if change.value.get("org") == org.id and all(_value(change, key) == value for key, value in wanted.items()):
            coverage.used.add(one.approval.id)
            return one
    return None


def _value(change: ApprovedChange, key: str) -> Value:
    return change.value.get(key)


def check_trust(config: Config, files: TrustFiles, base: Base, coverage: Coverage) -> Iterator[Finding]:
    """Yields a finding for each trust setting that changes without a root holder's approval in each org concerned."""
    wanted: str | None = None
    for change in find_trust_changes(config, files, base):
        wanted = wanted or trust_digest(config, files)
        missing = [org for org in change.orgs if not coverage.has_change(org, "trust", digest=wanted)]
        if not missing:
            continue
        holders = {org: base.root_holders(org) for org in missing}
        able = sorted({user for users in holders.values() for user in users})
        yield find(
            UNAPPROVED_CHANGE,
            f"{change.message}, and no root holder of {shorten(missing, 3)} has approved it",
            change.place,
            help=ask_for(able, change="trust") if base.files.signers is not None else _BEGIN,
        ).of(*missing)
        alone = [org for org, users in holders.items() if not users]
        if alone:
            yield _unapprovable("trust settings", change.place, f"a root holder of {shorten(alone, 3)}", base).of(
                *alone
            )


def _unapprovable(what: str, place: AnyPlace, who: str, base: Base) -> Finding:
    message, advice = f"nobody could approve {what}", f"{who}, not suspended, would have to exist in {base.label}"
    return find(NO_ELIGIBLE_APPROVER, message, place, help=advice)
