"""Comparing: what counts as a gain and as a loss, who is the same person, and what is laid to the catalog."""

from typing import Any

import pytest

from hubcfg.core.instants import END, Instant, parse_instant
from hubcfg.parser.parse import parse_text
from hubcfg.planner.change import AccessChange, Changed, Comparison, Condition, OrgChange, Presence, meets
from hubcfg.planner.resolved import compare_access
from hubcfg.planner.state import NOBODY, Extent
from hubcfg.planner.verdict import Aspect, Verdict
from hubcfg.resolver.access import Access
from hubcfg.resolver.resolve import resolve_access
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import validate_documents

PROJECT, _ = read_project(parse_text("hubcfg.yaml", "hubcfg: 1\nproject: p\nplatform: opspilot365\n"), ())
PILOT = """
kind: Org
id: pilot
---
kind: Clients
org: pilot
clients: {contoso: {}, fabrikam: {}}
---
"""
DESK = "kind: Org\nid: desk\nplatform: onestack\nproducts: {psa: active, crm: active}\n---\n"


def at(text: str) -> Instant:
    instant = parse_instant(text)
    assert instant is not None
    return instant


NOW = at("2026-12-01")
MARCH, MAY = at("2027-03-01"), at("2027-05-01")


def access(text: str) -> Access:
    assert PROJECT is not None
    config, findings = validate_documents(PROJECT, [parse_text("a.yaml", text)])
    assert all(finding.name == "unknown-group" for finding in findings), findings
    return resolve_access(config, NOW)


def compare(before: str, after: str) -> Comparison:
    return compare_access(access(before), access(after))


def people(org: str, *entries: str, before: str) -> str:
    return f"{before}kind: Users\norg: {org}\nusers:\n" + "".join(f"  {entry}\n" for entry in entries)


def pilot(*entries: str) -> str:
    return people("pilot", *entries, before=PILOT)


def desk(*entries: str) -> str:
    return people("desk", *entries, before=DESK)


def only_org(comparison: Comparison) -> OrgChange:
    (org,) = comparison.orgs
    return org


def only_change(comparison: Comparison) -> AccessChange:
    (user,) = only_org(comparison).users
    return user.access


TECHNICIAN = "bo: {role: technician, clients: [contoso], permissions: [devices.devices.view]}"


@pytest.mark.parametrize(
    ("before", "after", "verdict", "aspect"),
    [
        (TECHNICIAN, TECHNICIAN.replace(".view", ".*"), Verdict.WIDER, Aspect.PERMISSION),
        (TECHNICIAN, TECHNICIAN.replace("[contoso]", "[contoso, fabrikam]"), Verdict.WIDER, Aspect.SCOPE),
        (TECHNICIAN, TECHNICIAN.replace("[contoso]", "[fabrikam]"), Verdict.MIXED, Aspect.SCOPE),
        (TECHNICIAN, TECHNICIAN.replace("permissions", "suspended: true, permissions"), Verdict.NARROWER, None),
        (TECHNICIAN, "bo: {role: administrator}", Verdict.WIDER, Aspect.PERMISSION),
        (TECHNICIAN.replace("[contoso]", "[contoso, fabrikam]"), TECHNICIAN.replace("[contoso]", "all"), Verdict.EQUIVALENT, None),
    ],
)  # fmt: skip
def test_verdicts(before: str, after: str, verdict: Verdict, aspect: Aspect | None) -> None:
    """Permissions and clients each widen and narrow; all clients of today, listed, are what `all` comes to."""
    comparison = compare(pilot(before), pilot(after))
    assert comparison.verdict is verdict
    assert (comparison.gain.difference.aspect if comparison.gain else None) is aspect
    assert meets(comparison, Condition.GAINS) == (aspect is not None)


def test_all_clients_are_more_than_every_client() -> None:
    """A role that works for all clients, those to come as well, is wider than one with each of them assigned."""
    assert Extent(is_all=True).covers(Extent(frozenset({"contoso"})))
    assert not Extent(frozenset({"contoso", "fabrikam"})).covers(Extent(is_all=True))
    assert not Extent(is_all=True).covers(Extent(company="contoso"))
    assert not Extent(company="contoso").covers(Extent(frozenset({"contoso"})))
    assert Extent(company="contoso").covers(NOBODY)


def test_a_new_client_is_one_more_for_who_has_all() -> None:
    """With `clients: all` an entry that stays as it is comes to more when the org gets another client."""
    before = pilot(TECHNICIAN.replace("[contoso]", "all"))
    comparison = compare(before, before.replace("fabrikam: {}", "fabrikam: {}, globex: {}"))
    assert comparison.verdict is Verdict.WIDER
    assert comparison.gain is not None
    assert comparison.gain.difference.name == "globex"


def test_a_permission_without_clients_counts() -> None:
    """Who works for no client gains all the same: not everything is about a client."""
    entry = TECHNICIAN.replace("clients: [contoso], ", "")
    assert compare(pilot(entry), pilot(entry.replace(".view", ".*"))).verdict is Verdict.WIDER


def test_a_wider_scope_of_nothing_is_no_gain() -> None:
    """Where nothing is held the scope is shown, and changes no verdict."""
    entry = TECHNICIAN.replace("permissions", "suspended: true, permissions")
    comparison = compare(pilot(entry), pilot(entry.replace("[contoso]", "[contoso, fabrikam]")))
    assert only_change(comparison).scope == Changed(
        Extent(frozenset({"contoso"})), Extent(frozenset({"contoso", "fabrikam"}))
    )
    assert comparison.verdict is Verdict.EQUIVALENT
    assert not meets(comparison, Condition.GAINS)
    assert meets(comparison, Condition.ANY)


def test_more_clients_for_something_sensitive_are_a_sensitive_gain() -> None:
    """A sensitive permission that was held already is held more widely."""
    before = TECHNICIAN.replace("view", "wipe")
    comparison = compare(pilot(before), pilot(before.replace("[contoso]", "[contoso, fabrikam]")))
    assert (comparison.totals.sensitive_gained, comparison.totals.sensitive_widened) == (0, 1)
    assert meets(comparison, Condition.SENSITIVE_GAINS)
    assert comparison.gain is not None
    assert (comparison.gain.difference.permission, comparison.gain.difference.name) == (
        "devices.devices.wipe",
        "fabrikam",
    )


OBLIGED = """
kind: Platform
id: {id}
catalog: opspilot365
subscriptions: false
roles:
  owner: {{baseline: {{allow: ["*"]}}, ceiling: {{allow: ["*"]}}, access: full, products: all, scope: all, approves: true, root: true}}
  helper: {{ceiling: {{allow: ["*"]}}, access: full, products: granted, scope: all{duty}}}
---
kind: Org
id: pilot
platform: {id}
---
kind: Users
org: pilot
users:
  bo: {{role: helper, permissions: [devices.devices.wipe, devices.devices.view{more}]}}
"""


def obliged(duty: str = "", more: str = "") -> str:
    return OBLIGED.format(id="own", duty=f", obligations: {{{duty}}}" if duty else "", more=more)


def test_fewer_obligations_are_wider() -> None:
    """What no longer needs a manager's approval is held more widely, and as it is sensitive, that is a sensitive gain."""
    comparison = compare(obliged("manager-approval: sensitive"), obliged())
    assert comparison.verdict is Verdict.WIDER
    assert only_change(comparison).obligations[0].lifted == ("devices.devices.wipe",)
    assert comparison.totals.sensitive_widened == 1
    assert meets(comparison, Condition.SENSITIVE_GAINS)
    back = compare(obliged(), obliged("manager-approval: sensitive"))
    assert back.verdict is Verdict.NARROWER
    assert only_change(back).obligations[0].imposed == ("devices.devices.wipe",)


def test_what_is_gained_tells_its_obligations() -> None:
    """An obligation that comes with something new is no change of its own."""
    duty = "manager-approval: sensitive"
    change = only_change(compare(obliged(duty), obliged(duty, ", devices.devices.lock")))
    assert [(one.permissions, one.obligations) for one in change.permissions] == [
        (("devices.devices.lock",), ("manager-approval",))
    ]
    assert change.obligations == ()


@pytest.mark.parametrize(
    ("before", "after", "verdict", "windows"),
    [
        ("expires: 2027-02-28", "expires: 2027-04-30", Verdict.WIDER, (((NOW, MARCH),), ((NOW, MAY),))),
        ("expires: 2027-04-30", "expires: 2027-02-28", Verdict.NARROWER, (((NOW, MAY),), ((NOW, MARCH),))),
        ("expires: 2027-04-30", "starts: 2027-03-01", Verdict.MIXED, (((NOW, MAY),), ((MARCH, END),))),
        ("starts: 2027-03-01", "starts: 2027-05-01", Verdict.NARROWER, (((MARCH, END),), ((MAY, END),))),
        ("expires: 2026-01-01", "expires: 2027-02-28", Verdict.WIDER, ((), ((NOW, MARCH),))),
        ("starts: 2026-01-01", "starts: 2026-02-02", Verdict.EQUIVALENT, None),
    ],
)
def test_every_instant_from_now_on_counts(before: str, after: str, verdict: Verdict, windows: Any) -> None:
    """Timelines are compared as a whole: what ends later is wider, what begins later narrower, the past is nothing."""
    entry = "bo: {{role: member, permissions: [psa.tickets.read, {{permission: psa.tickets.create, {}}}]}}"
    comparison = compare(desk(entry.format(before)), desk(entry.format(after)))
    assert comparison.verdict is verdict
    found = [(one.before, one.after) for user in only_org(comparison).users for one in user.access.permissions]
    assert found == ([] if windows is None else [windows])


def test_a_product_that_closes_where_no_permission_ends() -> None:
    """The ceiling cuts the grant, and yet it opens the product as long as it counts."""
    entry = "bo: {role: billing, permissions: [{permission: psa.tickets.read, expires: 2027-02-28}]}"
    comparison = compare(desk(entry), desk("bo: {role: billing}"))
    change = only_change(comparison)
    assert change.permissions == ()
    assert [(one.product, one.before, one.after) for one in change.products] == [("psa", ((NOW, MARCH),), ())]
    assert comparison.verdict is Verdict.NARROWER
    longer = compare(desk(entry), desk(entry.replace("2027-02-28", "2027-04-30")))
    assert longer.verdict is Verdict.WIDER
    assert longer.gain is not None
    assert (longer.gain.difference.aspect, longer.gain.difference.instant) == (Aspect.PRODUCT, MARCH)


def test_first_access_names_its_onboarding() -> None:
    """A product that was not open before tells what its first access starts."""
    change = only_change(
        compare(
            desk("bo: {role: member, permissions: [psa.tickets.read]}"),
            desk("bo: {role: member, permissions: [psa.tickets.read, crm.contacts.read]}"),
        )
    )
    assert [(one.product, one.is_first, one.onboarding) for one in change.products] == [
        ("crm", True, "Import the contacts")
    ]


LEAD = "lea: {role: manager, clients: [contoso]}"
TEAM = "---\nkind: Teams\norg: pilot\nteams: {tier: {leads: [lea], members: [%s]}}\n"


def test_whom_somebody_manages_counts() -> None:
    """One more member of a led team is a gain of the lead, one less a loss."""
    entries = (LEAD, "bo: {role: technician}", "cy: {role: technician}")
    comparison = compare(pilot(*entries) + TEAM % "bo", pilot(*entries) + TEAM % "bo, cy")
    assert comparison.verdict is Verdict.WIDER
    assert only_change(comparison).manages == Changed(Extent(frozenset({"bo"})), Extent(frozenset({"bo", "cy"})))
    assert comparison.gain is not None
    assert comparison.gain.difference.name == "cy"


def test_a_rename_changes_nobodys_access() -> None:
    """The same uid under a new id is the same person, also for those who manage that person."""
    before = pilot(LEAD, "bo: {role: technician, uid: u1, clients: [contoso]}") + TEAM % "bo"
    comparison = compare(before, before.replace("bo", "robert"))
    (user,) = only_org(comparison).users
    assert (user.before, user.after, user.is_rename) == ("bo", "robert", True)
    assert user.access.is_empty
    assert comparison.verdict is Verdict.EQUIVALENT
    assert not meets(comparison, Condition.GAINS)
    assert meets(comparison, Condition.ANY)


def test_an_id_that_somebody_else_takes_over() -> None:
    """Another uid under the same id is another person: one loses everything, one gains everything."""
    before = pilot(TECHNICIAN.replace("{role", "{uid: u1, role"))
    comparison = compare(before, before.replace("u1", "u2"))
    assert [(user.access.presence, user.is_other_person) for user in only_org(comparison).users] == [
        (Presence.REMOVED, True),
        (Presence.ADDED, True),
    ]
    assert comparison.verdict is Verdict.MIXED


def test_a_uid_that_is_written_down_is_shown() -> None:
    """It makes nobody another person, and is a change all the same."""
    comparison = compare(pilot(TECHNICIAN), pilot(TECHNICIAN.replace("{role", "{uid: u1, role")))
    assert only_org(comparison).users[0].uid == Changed(None, "u1")
    assert comparison.verdict is Verdict.EQUIVALENT
    assert meets(comparison, Condition.ANY)


def test_people_who_come_go_and_become_clients_users() -> None:
    """Who is new gains what is held, who goes loses it; a company is no client that staff is assigned to."""
    new = compare(desk("olga: {role: owner}"), desk("olga: {role: owner}", "vic: {role: viewer, products: {psa: {}}}"))
    assert only_change(new).presence is Presence.ADDED
    assert new.verdict is Verdict.WIDER
    assert compare_access(access(DESK.rstrip("-\n")), access(DESK.rstrip("-\n"))).is_empty


def test_orgs_that_come_and_go() -> None:
    """All people of a new org gain; those of one that is gone lose."""
    both = pilot(TECHNICIAN) + "---\n" + desk("bo: {role: member, permissions: [psa.tickets.read]}")
    comparison = compare(pilot(TECHNICIAN), both)
    assert {org.id: (org.presence, org.verdict) for org in comparison.orgs} == {
        "desk": (Presence.ADDED, Verdict.WIDER),
        "pilot": (Presence.KEPT, Verdict.EQUIVALENT),
    }
    assert compare(both, pilot(TECHNICIAN)).verdict is Verdict.NARROWER
    restricted = compare_access(access(pilot(TECHNICIAN)), access(both), ["pilot"])
    assert restricted.is_empty


CATALOG = """
kind: Catalog
id: own
version: "{version}"
products: {{desk: {{resources: {{tickets: {{actions: {{read: {{access: read}}{more}}}}}}}}}}}
---
kind: Platform
id: own
catalog: own
subscriptions: false
roles:
  owner: {{baseline: {{allow: ["*"]}}, ceiling: {{allow: ["*"]}}, access: full, products: all, scope: all, approves: true, root: true}}
  helper: {{ceiling: {{allow: ["*"]}}, access: full, products: granted, scope: all}}
---
kind: Org
id: pilot
platform: own
---
kind: Users
org: pilot
users:
  bo: {{role: helper, permissions: [{granted}]}}
"""


def catalog(version: str, more: str, granted: str = "desk.tickets.*") -> str:
    return CATALOG.format(version=version, more=more, granted=granted)


def test_what_a_new_catalog_gives_is_marked() -> None:
    """A wildcard that matches more gains by the catalog; what was written as well is not laid to it."""
    change = only_change(
        compare(
            catalog("1", "", granted="desk.tickets.r*".replace("r*", "read")),
            catalog("2", ", edit: {}, close: {}", granted="desk.tickets.*"),
        )
    )
    assert [(one.permissions, one.is_from_catalog) for one in change.permissions] == [
        (("desk.tickets.close", "desk.tickets.edit"), False)
    ]
    comparison = compare(catalog("1", ""), catalog("2", ", edit: {}, close: {}"))
    change = only_change(comparison)
    assert [(one.permissions, one.is_from_catalog) for one in change.permissions] == [
        (("desk.tickets.close", "desk.tickets.edit"), True)
    ]
    found = only_org(comparison).catalog
    assert found is not None
    assert (found.added, found.removed) == (("desk.tickets.close", "desk.tickets.edit"), ())
    assert comparison.verdict is Verdict.WIDER


def test_what_a_new_catalog_takes_is_marked() -> None:
    """A permission that is gone from the catalog is lost by it; one that a grant no longer names is not."""
    before = catalog("1", ", edit: {}, close: {}")
    change = only_change(compare(before, catalog("2", ", edit: {}", granted="desk.tickets.read")))
    assert {one.permissions: (one.is_lost, one.is_from_catalog) for one in change.permissions} == {
        ("desk.tickets.close",): (True, True),
        ("desk.tickets.edit",): (True, False),
    }


def test_taking_a_mark_away_hides_no_sensitive_gain() -> None:
    """Sensitive is what either side marks, also in an org that is new."""
    before = catalog("1", ", wipe: {sensitive: [deletion]}", granted="desk.tickets.read")
    after = catalog("2", ", wipe: {}")
    comparison = compare(before, after)
    assert [one.sensitive for one in only_change(comparison).permissions] == [("deletion",)]
    assert meets(comparison, Condition.SENSITIVE_GAINS)
    found = only_org(comparison).catalog
    assert found is not None
    assert found.no_longer_sensitive == ("desk.tickets.wipe",)
    elsewhere = after.replace("id: pilot", "id: other").replace("org: pilot", "org: other")
    assert meets(compare(before, elsewhere), Condition.SENSITIVE_GAINS)


def test_a_catalog_that_changes_nobodys_access_is_shown_and_fails_nothing() -> None:
    """Another version alone is listed with the org, and is nobody's access."""
    comparison = compare(catalog("1", ""), catalog("2", ""))
    assert only_org(comparison).catalog is not None
    assert comparison.is_empty
    assert not meets(comparison, Condition.ANY)


def test_who_is_not_known_is_not_compared() -> None:
    """A user whose entry refers to what is not there is listed as unknown, on whichever side."""
    broken = TECHNICIAN.replace("permissions", "groups: [nowhere], permissions")
    for before, after in ((TECHNICIAN, broken), (broken, TECHNICIAN)):
        comparison = compare(pilot(before), pilot(after))
        assert only_org(comparison).users == ()
        assert list(comparison.unknown) == [("pilot", "bo")]


def test_role_subscription_and_client_changes_are_listed() -> None:
    """What is not access itself is shown with the user or the org, and `any` sees it."""
    before, after = (
        desk("bo: {role: member}"),
        desk("bo: {role: admin, suspended: true}").replace("crm: active", "crm: trial"),
    )
    comparison = compare(before, after)
    org = only_org(comparison)
    assert org.products == (("crm", Changed("active", "trial")),)
    assert only_change(comparison).role == Changed("member", "admin")
    assert only_change(comparison).suspended == Changed(False, True)
    renamed = compare(pilot(TECHNICIAN), pilot(TECHNICIAN).replace("fabrikam: {}", "fabrikam: {name: Fab}, globex: {}"))
    assert (only_org(renamed).clients.added, only_org(renamed).clients.changed) == (("globex",), ("fabrikam",))
    assert renamed.verdict is Verdict.EQUIVALENT


def test_equal_changes_stand_together_and_sensitive_ones_first() -> None:
    """Three hundred people with one change are one group."""
    before = desk("zoe: {role: member}", *(f"u{n}: {{role: member}}" for n in range(300)))
    after = desk(
        "zoe: {role: member, permissions: [psa.tickets.delete]}",
        *(f"u{n}: {{role: member, permissions: [psa.tickets.read]}}" for n in range(300)),
    )
    comparison = compare(before, after)
    groups = only_org(comparison).groups()
    assert [len(users) for _, users in groups] == [1, 300]
    assert groups[0][1][0].id == "zoe"
    assert comparison.gain is not None
    assert (comparison.gain.user, comparison.gain.difference.permission) == ("zoe", "psa.tickets.delete")
    assert (comparison.totals.users, comparison.totals.gained, comparison.totals.sensitive_gained) == (301, 301, 1)
