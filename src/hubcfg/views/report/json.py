"""The report as JSON, whole: people refer to the profiles that they share."""

import json
from collections.abc import Iterator
from typing import Any

from hubcfg.core.finding import Finding
from hubcfg.core.instants import format_instant
from hubcfg.core.places import Span
from hubcfg.views.held import row_json
from hubcfg.views.report.model import SOON_DAYS, Given, OrgReview, Person, Review, Unused


def render_json(review: Review) -> Iterator[str]:
    """Yields one JSON document."""
    from hubcfg.views.report import FORMAT

    document = {
        "format": FORMAT,
        "hubcfg": review.version,
        "project": review.project,
        "as_of": review.as_of,
        "revision": None
        if review.state.commit is None
        else {"commit": review.state.commit, "clean": review.state.is_clean},
        "base": {"label": review.base, "is_tree": review.is_by_tree},
        "orgs": [_org(one) for one in review.orgs],
        "errors": [_finding(one) for one in review.errors],
        "shared": {
            "unused": [_unused(one) for one in review.unused],
            "findings": [_finding(one) for one in review.findings],
        },
    }
    yield json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _org(one: OrgReview) -> dict[str, Any]:
    return {
        "org": one.org.id,
        "name": one.org.name,
        "platform": one.org.platform.id,
        "summary": _summary(one),
        "profiles": [
            {"number": profile.number, "permissions": [row_json(row) for row in profile.rows]}
            for profile in one.profiles
        ],
        "people": [_person(person) for person in one.people],
        "sensitive": [
            {
                "users": _ids(share.people),
                "permissions": [row_json(row) for row in share.rows],
                "basis": share.basis.value,
                "approvals": list(share.approvals),
                "approvers": list(share.approvers),
            }
            for share in one.sensitive
        ],
        "unapproved": [
            {"user": missing.user, "permissions": list(missing.permissions), "role": missing.role}
            for missing in one.missing
        ],
        "approvals": [_approval(given) for given in one.approvals],
        "coming": [
            {
                "instant": coming.instant,
                "days": coming.days,
                "change": "begins" if coming.begins else "ends",
                "because": coming.because,
                "permissions": list(coming.permissions),
                "users": _ids(coming.people),
            }
            for coming in one.coming
        ],
        "unused": [_unused(bundle) for bundle in one.unused],
        "shared_direct_grants": [
            {
                "users": _ids(suggestion.people),
                "grants": [{"permission": name, "product_entry": product} for name, product in suggestion.patterns],
                "given_by": None
                if suggestion.bundle is None
                else {"kind": suggestion.bundle[0], "id": suggestion.bundle[1]},
                "temporary": suggestion.is_temporary,
            }
            for suggestion in one.suggestions
        ],
        "findings": [_finding(finding) for finding in one.findings],
    }


def _summary(one: OrgReview) -> dict[str, int]:
    return {
        "people": len(one.people),
        "staff": sum(not person.is_client for person in one.people),
        "clients": sum(person.is_client for person in one.people),
        "suspended": len(one.suspended),
        "unknown": len(one.unknown),
        "without_access": len(one.idle),
        "with_sensitive": sum(bool(person.sensitive) for person in one.people),
        "approvals": len(one.approvals),
        "approvals_in_force": sum(given.status.counts for given in one.approvals),
        "unapproved": len({missing.user for missing in one.missing}),
        "ending_soon": len({person.id for coming in one.ends_within(SOON_DAYS) for person in coming.people}),
    }


def _person(person: Person) -> dict[str, Any]:
    user = person.user
    return {
        "user": user.id,
        "name": user.name,
        "uid": user.uid,
        "audience": user.entry.audience.value,
        "role": person.role,
        "suspended": person.is_suspended,
        "known": person.is_known,
        "scope": person.scope,
        "products": list(person.products),
        "manages": person.manages,
        "profile": person.profile,
        "permissions": person.held,
        "sensitive": person.sensitive,
        "potential": {"permissions": person.potential[0], "sensitive": person.potential[1]},
        "file": user.document.file,
    }


def _approval(given: Given) -> dict[str, Any]:
    status, approval = given.status, given.status.approval
    return {
        "id": approval.id,
        "approver": approval.approver,
        "approved_at": None if approval.approved_at is None else format_instant(approval.approved_at),
        "age_days": given.age,
        "reason": approval.reason,
        "ticket": approval.ticket,
        "counts": status.counts,
        "until": None if status.end is None else format_instant(status.end),
        "days_left": given.days_left,
        "faults": list(status.faults),
        "used": status.is_used,
        "standing": status.is_standing,
        "users": sorted({grant.user for grant in approval.grants}),
        "changes": [change.kind for change in approval.changes],
        "file": approval.document.file,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "name": finding.name,
        "severity": finding.severity.value,
        "message": finding.message,
        "file": place.file,
        "line": (place.line or None) if isinstance(place, Span) else None,
    }


def _unused(one: Unused) -> dict[str, Any]:
    return {"kind": one.noun, "id": one.id, "file": one.file, "line": one.line}


def _ids(people: list[Person]) -> list[str]:
    return [person.id for person in people]
