"""A plan as one HTML file that needs nothing else: no network and no script."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from hubcfg import __version__
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant, format_instant
from hubcfg.planner.change import AccessChange, OrgChange, Presence, UserChange
from hubcfg.planner.plan import OrgPlan, Plan
from hubcfg.planner.verdict import Totals, Verdict
from hubcfg.views.changes.facts import (
    PRESENCE,
    Line,
    describe_product,
    facts_of_duties,
    facts_of_org,
    facts_of_users,
    gives_sensitive,
    lines_by_product,
)
from hubcfg.views.changes.words import describe_user, describe_witnesses
from hubcfg.views.counts import join_words, number
from hubcfg.views.findings.text import count_line, visible
from hubcfg.views.held import fold_names
from hubcfg.views.page import make_environment, mark
from hubcfg.views.plan.level import cut_names
from hubcfg.views.plan.words import (
    address,
    allowances,
    describe_against,
    describe_due,
    describe_hidden,
    describe_interruption,
    describe_kept,
    describe_left_out,
    describe_nothing,
    describe_revision,
    describe_unknown,
    fold_covered,
    ordered_orgs,
    short_instant,
)

TEMPLATES = Path(__file__).with_name("templates")
# How many findings, and later instants, are listed; JSON has all.
MAX_LISTED = 100
MEANINGS = {
    Verdict.EQUIVALENT: "nobody gains, nobody loses",
    Verdict.NARROWER: "somebody loses, nobody gains",
    Verdict.WIDER: "somebody gains, nobody loses",
    Verdict.MIXED: "somebody gains and somebody loses",
}


class Group(Struct, frozen=True):
    """Users with the same change: what is sensitive of it, the rest by product, and all else."""

    change: AccessChange
    users: list[str]
    facts: list[tuple[str, str]]
    sensitive: list[Line]
    widened: list[str]
    routine: list[tuple[str, list[Line]]]
    products: list[tuple[str, str, str]]
    duties: list[tuple[str, bool, list[str]]]

    @property
    def presence(self) -> str | None:
        """Whether the users are new or removed."""
        return PRESENCE.get(self.change.presence)

    @property
    def gives_sensitive(self) -> bool:
        """Whether something sensitive is gained, or held more widely."""
        return gives_sensitive(self.change)


def render_html(plan: Plan, findings: Sequence[Finding]) -> str:
    """Returns the file. The same plan gives the same bytes."""
    environment = make_environment(TEMPLATES, style="plan.css")
    environment.filters["visible"] = visible
    environment.globals |= {
        "version": __version__,
        "max_listed": MAX_LISTED,
        "number": number,
        "instant": format_instant,
        "short": short_instant,
        "address": address,
        "lifts": join_words([f"`{one}`" for one in allowances(plan)]),
        "meanings": MEANINGS,
        "against": describe_against(plan),
        "revision": describe_revision(plan),
        "nothing": describe_nothing(plan),
        "unknown": describe_unknown(plan),
        "left_out": describe_left_out,
        "interruption": None if plan.interruption is None else describe_interruption(plan.interruption),
        "hidden": describe_hidden(plan) if plan.hidden else None,
        "kept": list(describe_kept(plan)),
        "due": describe_due(plan) if plan.due else None,
        "counts": counts,
        "count_line": count_line,
        "changed": ordered_orgs(plan),
        "groups_of": lambda org: groups_of(org, plan.comparison.instant),
        "facts_of": facts_of,
        "witnesses_of": lambda change: describe_witnesses(change, plan.comparison.instant, mark),
        "presence_of": lambda change: PRESENCE.get(change.presence),
        "fold_covered": fold_covered,
        "fold_names": fold_names,
    }
    return environment.get_template("plan.html.j2").render(plan=plan, findings=findings).rstrip("\n")


def groups_of(org: OrgPlan, now: Instant) -> list[Group]:
    """Returns the users of an org by what changes for them."""
    return [_group(change, users, now) for change, users in org.change.groups()]


def _group(change: AccessChange, users: list[UserChange], now: Instant) -> Group:
    lines = lines_by_product(change.permissions, now)
    products = change.products if change.presence is not Presence.REMOVED else ()
    return Group(
        change=change,
        users=[describe_user(user, mark) for user in users],
        facts=list(facts_of_users(change, mark)),
        sensitive=[line for of_product in lines.values() for line in of_product if line.sensitive],
        widened=fold_names(change.widened),
        routine=[
            (product, plain)
            for product, of_product in lines.items()
            if (plain := [line for line in of_product if not line.sensitive])
        ],
        products=[(one.product, *describe_product(one, now)) for one in products],
        duties=[
            (obligation, is_imposed, fold_names(permissions))
            for obligation, is_imposed, permissions in facts_of_duties(change)
        ],
    )


def facts_of(org: OrgChange) -> list[str]:
    """Returns what changes in an org itself."""
    return list(facts_of_org(org, _cut, mark))


def _cut(names: Iterable[str]) -> list[str]:
    return cut_names(names, 50)


def counts(totals: Totals) -> str:
    """Returns the counts of what is not sensitive."""
    return f"{number(totals.gained, 'permission')} gained, {totals.lost:,} lost"
