"""Judges the role models of `onestack` and `onestack-four-roles`, and the groups that come with them."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from hubcfg.parser.document import Document
from hubcfg.platforms.builtin import has_builtin_catalog, read_builtin
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Audience, Group
from hubcfg.platforms.merge import find_void_removals, merge_document
from hubcfg.platforms.platform import PatternSet, Platform, PlatformRole, Reach, Scope, Transfer, bind_platform

OWNERS_ALONE = {"hub.org.delete", "hub.org.transfer_ownership", "hub.products.disable", "hub.products.enable"}
BOOKKEEPING = ("books.*", "hub.billing.*", "hub.invoices.*")

# What differs between the roles; the rest is in ROLE_DEFAULTS.
ROLES: dict[str, dict[str, dict[str, Any]]] = {
    "onestack": {
        "owner": {
            "root": True,
            "min_holders": 1,
            "max_holders": 1,
            "has_all_products": True,
            "approves": Reach.ALL,
            "manages": Reach.ALL,
            "transfer": Transfer.PREVIOUS_HOLDER,
        },
        "admin": {
            "has_all_products": True,
            "approves": Reach.ALL,
            "manages": Reach.ALL,
            "assignment_needs_approval": True,
        },
        "member": {},
        "billing": {"implied_products": ("books",), "assignment_needs_approval": True},
        "viewer": {"is_read_only": True},
    },
    "onestack-four-roles": {
        "owner": {
            "root": True,
            "min_holders": 1,
            "max_holders": 2,
            "has_all_products": True,
            "approves": Reach.ALL,
            "manages": Reach.ALL,
            "transfer": Transfer.PREVIOUS_HOLDER,
        },
        "admin": {"approves": Reach.ALL, "manages": Reach.ALL, "assignment_needs_approval": True},
        "member": {},
        "viewer": {"is_read_only": True},
    },
}
ROLE_DEFAULTS: dict[str, Any] = {
    "root": False,
    "min_holders": 0,
    "max_holders": None,
    "is_read_only": False,
    "has_all_products": False,
    "implied_products": (),
    "scope": Scope.ALL,
    "approves": Reach.NONE,
    "assignment_needs_approval": False,
    "transfer": Transfer.FREE,
    "obligations": (),
    "manages": Reach.NONE,
}
ROLE_NAMES = [(platform, role) for platform, roles in ROLES.items() for role in roles]


@cache
def catalog() -> Catalog:
    return Catalog(read_builtin("onestack", "catalog"))


@cache
def platform_of(name: str) -> Platform:
    document = read_builtin(name, "platform")
    if name == "onestack":
        return bind_platform(document)
    base = read_builtin("onestack", "platform").value
    assert isinstance(base, dict)
    assert isinstance(document.value, dict)
    return bind_platform(Document(document.file, 0, merge_document(base, document.value)))


def role_of(platform: str, role: str) -> PlatformRole:
    return platform_of(platform).roles[role]


def group_of(name: str) -> Group:
    return platform_of("onestack").groups[name]


def expand(*patterns: str) -> set[str]:
    return {name for pattern in patterns for name in catalog().to_names(catalog().match(pattern))}


def members(selection: PatternSet) -> set[str]:
    return expand(*selection.allow) - expand(*selection.exclude)


def granted_by(group: Group) -> set[str]:
    included = {name for each in group.includes for name in granted_by(group_of(each.target))}
    return included | expand(*(grant.target for grant in group.permissions))


def everything() -> set[str]:
    return set(catalog().names)


def reads() -> set[str]:
    return set(catalog().to_names(catalog().read))


def sensitive() -> set[str]:
    return set(catalog().to_names(catalog().sensitive))


@pytest.mark.parametrize("platform", ROLES)
def test_the_platform_has_the_features_of_the_hub(platform: str) -> None:
    """Products are subscribed to and the Hub is always there; clients have users, but no departments; no teams."""
    model = platform_of(platform)
    assert (model.subscriptions, model.always_active, model.client_users) == (True, ("hub",), True)
    assert (model.has_clients, model.has_departments, model.assigns_clients) == (True, False, False)
    assert (model.has_teams, model.authentication) == (False, None)
    assert members(model.client_baseline) == set()
    assert members(model.client_ceiling) == everything()


@pytest.mark.parametrize("platform", ROLES)
def test_owners_approve_changes_of_subscriptions(platform: str) -> None:
    """A change of an org's products needs an owner, and nothing else is listed as a change."""
    assert platform_of(platform).changes == {"products": ("owner",)}


@pytest.mark.parametrize("platform", ROLES)
def test_first_access_has_something_to_do(platform: str) -> None:
    """Four products have an onboarding step, and all of them are in the catalog."""
    assert set(platform_of(platform).onboarding) == {"crm", "defend", "psa", "rmm"} <= set(catalog().products)


@pytest.mark.parametrize("platform", ROLES)
def test_the_roles_are_those_of_the_table(platform: str) -> None:
    """A platform has the roles of its table and no other."""
    assert list(platform_of(platform).roles) == list(ROLES[platform])


@pytest.mark.parametrize(("platform", "role"), ROLE_NAMES)
def test_role_properties_follow_the_table(platform: str, role: str) -> None:
    """A role has the properties of the table, and the defaults for all that the table leaves out."""
    wanted = ROLE_DEFAULTS | ROLES[platform][role]
    assert {name: getattr(role_of(platform, role), name) for name in wanted} == wanted


@pytest.mark.parametrize("platform", ROLES)
def test_the_owner_has_everything(platform: str) -> None:
    """An owner's baseline and ceiling are the whole catalog."""
    owner = role_of(platform, "owner")
    assert members(owner.baseline) == members(owner.ceiling) == everything()


@pytest.mark.parametrize(("platform", "role"), [entry for entry in ROLE_NAMES if entry[1] != "owner"])
def test_what_is_the_owners_alone_is_beyond_every_other_ceiling(platform: str, role: str) -> None:
    """Nobody but an owner deletes the organization, hands it over or changes what it subscribes to."""
    assert everything() >= OWNERS_ALONE
    assert members(role_of(platform, role).ceiling) & OWNERS_ALONE == set()


def test_the_admin_has_all_but_what_is_the_owners() -> None:
    """An admin's baseline and ceiling are the catalog less the owner's permissions."""
    admin = role_of("onestack", "admin")
    assert members(admin.baseline) == members(admin.ceiling) == everything() - OWNERS_ALONE


@pytest.mark.parametrize("platform", ROLES)
def test_members_start_from_nothing(platform: str) -> None:
    """A member's baseline is empty, and anything but the owner's may be granted."""
    member = role_of(platform, "member")
    assert members(member.baseline) == set()
    assert members(member.ceiling) == everything() - OWNERS_ALONE


def test_billing_is_bookkeeping_and_no_more() -> None:
    """Baseline and ceiling of billing are Books and the Hub's billing and invoices."""
    billing = role_of("onestack", "billing")
    assert members(billing.baseline) == members(billing.ceiling) == expand(*BOOKKEEPING)


@pytest.mark.parametrize("platform", ROLES)
def test_the_viewer_reads_everything_outside_the_hub(platform: str) -> None:
    """What the downgrade leaves of a viewer's baseline is every reading permission but the Hub's."""
    viewer = role_of(platform, "viewer")
    assert members(viewer.baseline) & reads() == reads() - expand("hub.*")
    assert members(viewer.ceiling) == everything() - OWNERS_ALONE


@pytest.mark.parametrize(("platform", "role"), ROLE_NAMES)
def test_the_baseline_lies_within_the_ceiling(platform: str, role: str) -> None:
    """A role brings nothing that its own ceiling would cut."""
    assert members(role_of(platform, role).baseline) <= members(role_of(platform, role).ceiling)


@pytest.mark.parametrize(("platform", "role"), ROLE_NAMES)
def test_every_pattern_of_a_role_matches_something(platform: str, role: str) -> None:
    """No role names a permission that the catalog lacks."""
    sides = (role_of(platform, role).baseline, role_of(platform, role).ceiling)
    patterns = [pattern for side in sides for pattern in (*side.allow, *side.exclude)]
    assert [pattern for pattern in patterns if not expand(pattern)] == []


def test_the_four_role_admin_runs_access_and_reads_the_audit_log() -> None:
    """By the role alone, the admin of four roles manages users and product access and sees the audit log."""
    admin = role_of("onestack-four-roles", "admin")
    assert members(admin.baseline) == expand("hub.users.*", "hub.product_access.*", "hub.audit.view")


def test_what_the_four_role_admin_can_never_have() -> None:
    """No grant brings that admin an export of the audit log, billing, or the definition of roles and groups."""
    never = OWNERS_ALONE | expand("hub.audit.export", "hub.billing.*", "hub.invoices.*", "hub.permission_groups.manage")
    never |= {"hub.roles.create", "hub.roles.delete", "hub.roles.edit"}
    assert everything() - members(role_of("onestack-four-roles", "admin").ceiling) == never


def test_the_four_role_admin_gets_products_by_grants() -> None:
    """Outside the Hub that admin has nothing automatically, and everything may be granted."""
    admin = role_of("onestack-four-roles", "admin")
    assert members(admin.baseline) <= expand("hub.*")
    assert everything() - expand("hub.*") <= members(admin.ceiling)


def test_four_roles_say_only_what_differs() -> None:
    """The extending platform shares catalog, groups and onboarding, and removes nothing that is not there."""
    base, patch = read_builtin("onestack", "platform").value, read_builtin("onestack-four-roles", "platform").value
    assert isinstance(patch, dict)
    assert patch["extends"] == "onestack"
    assert find_void_removals(base, patch) == []
    assert not has_builtin_catalog("onestack-four-roles")
    assert platform_of("onestack-four-roles").catalog == "onestack"
    assert platform_of("onestack-four-roles").raw["groups"] == platform_of("onestack").raw["groups"]
    assert platform_of("onestack-four-roles").raw["products"] == platform_of("onestack").raw["products"]


GROUPS = ("technician", "dispatcher", "sales-rep", "manager", "client-admin")


def test_the_groups_are_those_of_the_hub() -> None:
    """There are five groups; all have a name and a description, and only `client-admin` is for clients."""
    groups = platform_of("onestack").groups
    assert tuple(groups) == GROUPS
    assert [name for name, group in groups.items() if not (group.name and group.description)] == []
    assert [name for name, group in groups.items() if group.audience is Audience.CLIENT] == ["client-admin"]


@pytest.mark.parametrize("group", GROUPS)
def test_every_pattern_of_a_group_matches_something_new(group: str) -> None:
    """Each pattern of a group adds something that the others do not give, and all of it is for its audience."""
    patterns = [grant.target for grant in group_of(group).permissions]
    audience = set(catalog().to_names(catalog().of_audience(group_of(group).audience)))
    included = {name for each in group_of(group).includes for name in granted_by(group_of(each.target))}
    for pattern in patterns:
        others = expand(*(other for other in patterns if other != pattern)) | included
        assert expand(pattern) - others, pattern
        assert expand(pattern) <= audience, pattern


@pytest.mark.parametrize("group", [name for name in GROUPS if name != "sales-rep"])
def test_groups_hand_out_nothing_sensitive(group: str) -> None:
    """Whoever is put in one of these groups needs no approval for it."""
    assert granted_by(group_of(group)) & sensitive() == set()


def test_what_is_sensitive_about_sales() -> None:
    """Sales has all of CRM and so its deletions, quotes and revenue; of invoices it sees those of PSA and Books."""
    granted = granted_by(group_of("sales-rep"))
    assert granted == expand("crm.*", "psa.invoices.read", "books.invoices.read")
    outside = granted - expand("crm.*")
    assert outside <= reads() & set(catalog().to_names(catalog().of_category("financial")))


HOLDS: dict[str, tuple[str, ...]] = {
    "technician": (
        "psa.tickets.create",
        "psa.tickets.reply",
        "psa.time_entries.create",
        "rmm.devices.read",
        "rmm.devices.edit",
        "defend.alerts.*",
        "backups.restore_points.restore",
        "backups.policies.edit",
    ),
    "dispatcher": ("psa.tickets.assign", "psa.dispatch.*"),
    "sales-rep": ("crm.*", "psa.invoices.read", "books.invoices.read"),
    "manager": ("psa.tickets.create", "psa.sla_reports.read", "people.employees.read", "projects.projects.create"),
    "client-admin": (
        "portal.tickets.create",
        "psa.tickets.create",
        "portal.reports.read",
        "portal.company_tickets.read",
    ),
}
NEVER: dict[str, tuple[str, ...]] = {
    "technician": ("*.*.delete", "backups.devices.disable_backups", "books.*", "hub.*"),
    "dispatcher": ("rmm.*", "defend.*", "backups.*", "psa.tickets.delete"),
    "sales-rep": ("psa.invoices.create", "psa.invoices.edit", "books.invoices.void", "hub.*"),
    "manager": ("people.compensation.*", "people.access_revocation.*", "projects.projects.delete", "hub.*"),
    "client-admin": ("portal.clients.*", "portal.client_users.*", "psa.tickets.edit", "psa.ticket_notes.*"),
}


@pytest.mark.parametrize("group", GROUPS)
def test_groups_hold_what_they_are_for(group: str) -> None:
    """A group gives what its description promises and keeps clear of what it rules out."""
    assert expand(*HOLDS[group]) <= granted_by(group_of(group))
    assert granted_by(group_of(group)) & expand(*NEVER[group]) == set()


def test_a_manager_is_a_technician_first() -> None:
    """The manager group includes the technician group and adds to it."""
    assert granted_by(group_of("technician")) < granted_by(group_of("manager"))
