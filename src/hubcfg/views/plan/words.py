"""Plans in words: the sentences that all forms for people share. What stands in backticks is the user's."""

from collections import Counter
from collections.abc import Iterator

from hubcfg.checker.approvals.cover import role_key
from hubcfg.core.finding import Finding
from hubcfg.core.instants import DAY, Instant, format_instant
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Span
from hubcfg.planner.covering import Covering
from hubcfg.planner.due import Due
from hubcfg.planner.plan import Interruption, OrgPlan, Plan
from hubcfg.views.counts import join_words, number
from hubcfg.views.held import fold_names

SHIELD = "🛡"
_SHOWN = 5
_COMMIT = 10
_HEX = frozenset("0123456789abcdef")
ROLE_KEY = role_key("")


def short_instant(instant: Instant) -> str:
    """Returns an instant as a date, where it is the beginning of a day."""
    text = format_instant(instant)
    return text[:10] if instant % DAY == 0 else text


def describe_revision(plan: Plan) -> str | None:
    """Returns the revision in short, if there is one."""
    revision = plan.origin.revision
    is_commit = revision is not None and len(revision) >= 40 and _HEX.issuperset(revision)
    return revision[:_COMMIT] if revision is not None and is_commit else revision


def describe_against(plan: Plan) -> str:
    """Returns what a plan compares with."""
    origin = plan.origin
    if origin.target is None:
        return origin.against or "a revision"
    return f"the target `{origin.target}`" + (f" at serial {origin.serial}" if origin.serial else ", still empty")


def describe_subject(plan: Plan) -> str:
    """Returns what is planned for what."""
    revision = describe_revision(plan)
    of = "" if revision is None else f" at revision {revision}"
    return f"{plan.project}{of}, {'compared with' if plan.origin.target is None else 'for'} {describe_against(plan)}"


def describe_nothing(plan: Plan) -> str:
    """Returns the sentence that an empty plan is."""
    instant = format_instant(plan.comparison.instant)
    if plan.origin.target is None:
        return f"nothing to change, compared with {describe_against(plan)}, as of {instant}"
    return f"nothing to change: {describe_against(plan)} is as it is to be, as of {instant}"


def describe_left_out(org: str, count: int) -> str:
    """Returns what errors do to an org."""
    return f"an apply leaves the org `{org}` as it is, for {number(count, 'error')}"


def describe_unknown(plan: Plan) -> str | None:
    """Returns who could not be compared, if there is anybody."""
    users = sorted({user for _, user in plan.comparison.unknown})
    if not users:
        return None
    return f"{number(len(users), 'user')} not compared, because errors keep the access from being known: {shorten(users, 10)}"


def ordered_orgs(plan: Plan) -> list[OrgPlan]:
    """Returns the orgs to show: who gain something sensitive first, then who gain anything, then the others."""
    shown = [org for org in plan.orgs if not org.change.is_empty or org.change.catalog is not None]
    return sorted(shown, key=lambda org: (_urgency(org), org.id))


def _urgency(org: OrgPlan) -> int:
    if org.change.totals.sensitive_gained or org.change.totals.sensitive_widened:
        return 0
    return 1 if org.change.gain is not None else 2


def written_anew(plan: Plan) -> list[str]:
    """Returns the orgs whose bundles change in a way that is nobody's access."""
    return [org.id for org in plan.orgs if org.is_written and org.change.is_empty]


def taken_over(plan: Plan) -> list[str]:
    """Returns the orgs that become hubcfg's, and are already as they are to be."""
    return [org.id for org in plan.orgs if org.is_new and not org.is_written]


def describe_kept(plan: Plan) -> Iterator[str]:
    """Yields sentences about orgs in which nobody's access changes, though something is done."""
    if anew := written_anew(plan):
        yield f"written anew, and nobody's access changes: {number(len(anew), 'org')}: {shorten(anew)}"
    if over := taken_over(plan):
        yield f"hubcfg's from now on, and already as it is to be: {number(len(over), 'org')}: {shorten(over)}"
    if late := [org.id for org in plan.orgs if org.is_unrecorded and not org.is_new and not org.is_written]:
        yield f"already as it is to be, and still to be recorded as deployed: {number(len(late), 'org')}: {shorten(late)}"


def describe_strangers(org: OrgPlan, shown: int | None = None) -> str:
    """Returns whom hubcfg leaves alone in an org; the first few, or all of them."""
    people = shorten(org.strangers, len(org.strangers) if shown is None else shown)
    count = number(len(org.strangers), "person", "people")
    return f"{count} left alone, never deployed by hubcfg (`manage: listed`): {people}"


def describe_interruption(one: Interruption) -> str:
    """Returns what became of a deployment that did not end."""
    orgs = f", with {number(len(one.orgs), 'org')}: {shorten(one.orgs)}" if one.orgs else ""
    return (
        f"the deployment {one.serial} of `{one.who}`, begun {one.when}, did not end{orgs}; "
        "the next apply takes up from what is in the target now"
    )


def describe_hidden(plan: Plan) -> str:
    """Returns which files are hidden."""
    count = number(len(plan.hidden), "file")
    return f"{count} hidden by `.hubcfgignore` since the base, and not part of this: {shorten(plan.hidden)}"


def describe_covering(one: Covering) -> str:
    """Returns an approval with what rests on it."""
    ticket = f", {one.ticket}" if one.ticket else ""
    return (
        f"{one.approver} approved it on {format_instant(one.approved_at)[:10]}, until {short_instant(one.end)}"
        f"{ticket}: {' '.join(one.reason.split())}"
    )


def describe_due(plan: Plan) -> str:
    """Returns when the next apply will be due, and for what."""
    first, *later = plan.due
    same = [first, *(one for one in later if one.instant == first.instant)]
    rest = len({one.instant for one in later} - {first.instant})
    more = f", and {number(rest, 'more time')} later" if rest else ""
    return f"another apply will be due at {format_instant(first.instant)}: {join_words([_gains(one) for one in same[:_SHOWN]])}{more}"


def _gains(one: Due) -> str:
    who = f"`{one.users[0]}`" if len(one.users) == 1 else number(len(one.users), "user")
    what = f"`{one.permissions[0]}`" if len(one.permissions) == 1 else number(len(one.permissions), "permission")
    return f"{who} of the org `{one.org}` {'gains' if len(one.users) == 1 else 'gain'} {what}"


def allowances(plan: Plan) -> list[str]:
    """Returns the options that would lift the guardrails that are tripped, each once."""
    return [f"--allow {name}" for name in dict.fromkeys(trip.guardrail.value for trip in plan.all_trips)]


def address(finding: Finding) -> str:
    """Returns where a finding stands, as `file:line`."""
    place = finding.place
    return f"{place.file}:{place.line}" if isinstance(place, Span) and place.line else place.file


def count_of(findings: tuple[Finding, ...]) -> str:
    """Returns the names of findings, each with how often it occurs."""
    counted = Counter(finding.name for finding in findings)
    return ", ".join(name if count == 1 else f"{name} ({count} times)" for name, count in counted.items())


def fold_covered(names: tuple[str, ...]) -> list[str]:
    """Returns permissions by resource, and roles."""
    permissions = [name for name in names if not name.startswith(ROLE_KEY)]
    roles = [f"the role {name.removeprefix(ROLE_KEY)}" for name in names if name.startswith(ROLE_KEY)]
    return [*roles, *fold_names(permissions)]
