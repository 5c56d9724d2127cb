"""Judges the built-in platforms `msp-panel` and `opspilot365`: their marks by rules, their roles by tables."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import hubcfg

PLATFORMS = ("msp-panel", "opspilot365")
DEFINITIONS = Path(hubcfg.__file__).parent / "platforms" / "definitions"
M365_OPERATIONS = ("identity", "devices", "security", "exchange", "licensing")


class Rule(NamedTuple):
    """What makes a permission sensitive: the patterns it covers, and whether looking counts too."""

    because: str
    patterns: tuple[str, ...]
    reading: bool = False


RULES: dict[str, tuple[Rule, ...]] = {
    "deletion": (
        Rule("it deletes a record", ("*.*.delete",)),
        Rule("it irrevocably removes data", ("*.*.wipe", "*.*.retire", "*.*.purge")),
        Rule("it ends an account or a customer with everything in it", ("*.*.close_account", "*.*.offboard")),
    ),
    "financial": (
        Rule("it shows or moves money", ("*.billing.*", "*.prices.*", "*.csp_orders.*", "*.*.purchase"), reading=True),
    ),
    "user-management": (
        Rule("it changes users, groups or roles", ("*.users.*", "*.groups.*", "*.admin_roles.*", "*.accounts.*")),
        Rule("it changes the MSP's own people and their teams", ("*.technicians.*", "*.teams.*")),
        Rule("it decides who has access to what", ("*.clients.assign", "*.*.delegate", "*.*.transfer_account")),
        Rule("it decides who may sign in, and how", ("*.conditional_access.*", "*.*.edit_sign_in")),
        Rule("it hands out keys", ("*.*.manage_keys", "*.integrations.*")),
    ),
    "audit-log": (Rule("it is an audit log", ("*.audit_log.*", "*.*.view_audit_log", "*.sign_ins.*"), reading=True),),
    "privileged": (
        Rule("it acts on a machine from afar", ("*.*.restart", "*.*.lock", "*.*.locate", "*.*.sync", "*.*.run")),
        Rule("it takes a machine out of its user's hands", ("*.*.wipe", "*.*.retire", "*.*.isolate", "*.*.release")),
        Rule("it puts something onto machines", ("*.scripts.edit", "*.profiles.manage", "*.*.deploy")),
        Rule("it changes what protects machines", ("security.policies.manage",)),
        Rule("it reveals or replaces a secret", ("*.*.reveal", "*.*.rotate", "*.*.reset_password", "*.*.reset_mfa")),
        Rule("it takes over an account", ("*.accounts.contain", "*.admin_roles.assign", "*.*.transfer_account")),
        Rule("it reaches into other people's mail", ("*.*.delegate", "*.*.set_forwarding", "*.*.purge", "*.rules.*")),
        Rule("it brings in rights over a whole tenant", ("*.*.onboard",)),
        Rule("it sets off a sensitive action", ("*.*.approve_sensitive",)),
    ),
}

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("devices.devices.sync", "privileged"): "a device only fetches earlier what it would fetch anyway",
    ("exchange.quarantine.release", "privileged"): "it delivers a message to the person it was sent to",
}

ROLES: dict[str, dict[str, dict[str, Any]]] = {
    "msp-panel": {
        "owner": {"root": True, "approves": True, "manages": "all", "scope": "all", "transfer": "forbidden"},
        "msp-admin": {"approves": True, "manages": "all", "scope": "all", "assignment_needs_approval": True},
        "msp-user": {"scope": "assigned"},
        "billing-only": {"access": "read-only", "scope": "none", "assignment_needs_approval": True},
        "end-client": {"access": "read-only", "scope": "assigned"},
    },
    "opspilot365": {
        "administrator": {
            "root": True,
            "approves": True,
            "manages": "all",
            "scope": "all",
            "assignment_needs_approval": True,
        },
        "manager": {
            "approves": "led-teams",
            "manages": "led-teams",
            "scope": "assigned",
            "assignment_needs_approval": True,
        },
        "technician": {"scope": "assigned", "obligations": {"manager-approval": "sensitive"}},
        "read-only": {"access": "read-only", "scope": "assigned"},
    },
}
ROLE_DEFAULTS: dict[str, Any] = {
    "root": False,
    "access": "full",
    "approves": False,
    "manages": "none",
    "transfer": "free",
    "assignment_needs_approval": False,
    "obligations": {},
    "implied_products": [],
}

# Per platform and role: what comes with the role, and what nothing can add to it.
HOLDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("msp-panel", "owner"): ("*",),
    ("msp-panel", "msp-admin"): ("panel.billing.*", "panel.users.*", "panel.clients.*", "panel.settings.edit"),
    ("msp-panel", "msp-user"): ("panel.clients.manage", "panel.devices.manage", "panel.departments.create"),
    ("msp-panel", "billing-only"): ("panel.billing.view",),
    ("msp-panel", "end-client"): ("panel.clients.view", "panel.departments.view", "panel.devices.view"),
    ("opspilot365", "administrator"): ("*",),
    ("opspilot365", "manager"): (
        *(f"{product}.*" for product in M365_OPERATIONS),
        "tickets.*",
        "customers.*",
        "reports.team_metrics.view",
        "platform.escalations.*",
        "platform.technicians.edit",
    ),
    ("opspilot365", "technician"): ("tickets.tickets.manage", "customers.customers.view", "customers.notes.edit"),
    ("opspilot365", "read-only"): (
        "customers.customers.view",
        "tickets.tickets.view",
        "reports.reports.view",
        "dashboards.dashboards.view",
    ),
}
NEVER: dict[tuple[str, str], tuple[str, ...]] = {
    ("msp-panel", "msp-admin"): ("panel.settings.transfer_account", "panel.settings.close_account"),
    ("msp-panel", "msp-user"): ("panel.billing.*", "panel.users.*", "panel.clients.create", "panel.clients.assign"),
    ("msp-panel", "billing-only"): ("panel.clients.*", "panel.devices.*", "panel.users.*", "panel.settings.*"),
    ("msp-panel", "end-client"): ("panel.*.create", "panel.*.edit", "panel.*.manage", "panel.billing.*"),
    ("opspilot365", "manager"): ("platform.settings.*", "platform.billing.*", "platform.integrations.*"),
    ("opspilot365", "technician"): ("platform.settings.*", "platform.*.approve", "identity.admin_roles.assign"),
    ("opspilot365", "read-only"): (*(f"{product}.*" for product in M365_OPERATIONS), "platform.*"),
}


@cache
def read_document(platform: str, name: str) -> dict[str, Any]:
    document = yaml.safe_load((DEFINITIONS / platform / f"{name}.yaml").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


@cache
def read_actions(platform: str) -> dict[str, dict[str, Any]]:
    return {
        f"{product}.{resource}.{action}": marks
        for product, parts in read_document(platform, "catalog")["products"].items()
        for resource, part in parts["resources"].items()
        for action, marks in part["actions"].items()
    }


def matches(pattern: str, permission: str) -> bool:
    segments = pattern.split(".")
    segments += ["*"] * (3 - len(segments))
    return all(want in ("*", have) for want, have in zip(segments, permission.split("."), strict=True))


def expand(platform: str, *patterns: str) -> set[str]:
    return {name for name in read_actions(platform) for pattern in patterns if matches(pattern, name)}


def expand_side(platform: str, role: str, side: str) -> set[str]:
    selection = read_document(platform, "platform")["roles"][role][side]
    return expand(platform, *selection["allow"]) - expand(platform, *selection.get("except", []))


def sensitive(platform: str) -> set[str]:
    return {name for name, marks in read_actions(platform).items() if marks.get("sensitive")}


def reads(platform: str) -> set[str]:
    return {name for name, marks in read_actions(platform).items() if marks.get("access") == "read"}


def judge(platform: str, permission: str) -> set[str]:
    return {
        category
        for category, rules in RULES.items()
        for rule in rules
        if (rule.reading or permission not in reads(platform))
        and any(matches(pattern, permission) for pattern in rule.patterns)
    }


PERMISSIONS = [(platform, permission) for platform in PLATFORMS for permission in read_actions(platform)]
ROLE_NAMES = [(platform, role) for platform, roles in ROLES.items() for role in roles]
READ_ONLY = [(platform, role) for platform, role in ROLE_NAMES if ROLES[platform][role].get("access") == "read-only"]


@pytest.mark.parametrize(("platform", "permission"), PERMISSIONS)
def test_sensitive_marks_follow_the_rules(platform: str, permission: str) -> None:
    """A permission carries exactly the categories that the rules give it, exceptions aside."""
    excepted = {category for name, category in EXCEPTIONS if name == permission}
    assert set(read_actions(platform)[permission].get("sensitive", [])) == judge(platform, permission) - excepted


def test_every_exception_is_needed() -> None:
    """No exception names a permission that the rules would leave alone anyway."""
    judged = {(name, category) for platform, name in PERMISSIONS for category in judge(platform, name)}
    assert set(EXCEPTIONS) <= judged


def test_every_pattern_of_a_rule_covers_something() -> None:
    """No rule is about permissions that neither catalog has."""
    patterns = {pattern for rules in RULES.values() for rule in rules for pattern in rule.patterns}
    assert {pattern for pattern in patterns if not any(matches(pattern, name) for _, name in PERMISSIONS)} == set()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_further_category_is_declared(platform: str) -> None:
    """`privileged` is declared by the catalog, and it is the only category beyond the standing ones."""
    standing = {"deletion", "financial", "user-management", "audit-log"}
    used = {category for marks in read_actions(platform).values() for category in marks.get("sensitive", [])}
    assert used - standing == set(read_document(platform, "catalog")["sensitive_categories"]) == {"privileged"}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_only_looking_is_reading(platform: str) -> None:
    """An action reads when it views or downloads; an export carries data away and is a write."""
    looking = {name for name in read_actions(platform) if re.search(r"\.(view|view_\w+|download)$", name)}
    assert reads(platform) == looking
    assert {marks.get("access", "write") for marks in read_actions(platform).values()} == {"read", "write"}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_action_is_described(platform: str) -> None:
    """Every action has a description of its own, a phrase that begins with a capital and has no full stop."""
    texts = [marks["description"] for marks in read_actions(platform).values()]
    assert len(set(texts)) == len(texts)
    assert [text for text in texts if not re.fullmatch(r"[A-Z].{8,}[^.]", text)] == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_everything_is_for_staff(platform: str) -> None:
    """Neither platform has client users, so no permission is open to another audience than staff."""
    assert "client_users" not in read_document(platform, "platform")
    assert {tuple(marks.get("audiences", ["staff"])) for marks in read_actions(platform).values()} == {("staff",)}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_pattern_matches_something(platform: str) -> None:
    """No role or group of the platform names a permission that its catalog lacks."""
    document = read_document(platform, "platform")
    patterns = [
        pattern
        for role in document["roles"].values()
        for side in ("baseline", "ceiling")
        for part in ("allow", "except")
        for pattern in role[side].get(part, [])
    ]
    patterns += [pattern for group in document.get("groups", {}).values() for pattern in group["permissions"]]
    assert [pattern for pattern in patterns if not expand(platform, pattern)] == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_platform_stands_without_subscriptions(platform: str) -> None:
    """Both platforms assign clients and have no subscriptions; teams and departments differ."""
    document = read_document(platform, "platform")
    assert document["subscriptions"] is False
    assert document["clients"] == {"departments": platform == "msp-panel", "assigned": True}
    assert document["teams"] is (platform == "opspilot365")
    assert set(document["roles"]) == set(ROLES[platform])


@pytest.mark.parametrize(("platform", "role"), ROLE_NAMES)
def test_role_properties_follow_the_table(platform: str, role: str) -> None:
    """A role has the properties of the table, and the defaults for all that the table leaves out."""
    definition = read_document(platform, "platform")["roles"][role]
    wanted = ROLE_DEFAULTS | {"products": "all"} | ROLES[platform][role]
    assert {name: definition.get(name, ROLE_DEFAULTS.get(name)) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("platform", "role", "holders"),
    [("msp-panel", "owner", {"min": 1, "max": 1}), ("opspilot365", "administrator", {"min": 1})],
)
def test_only_the_root_role_counts_its_holders(platform: str, role: str, holders: dict[str, int]) -> None:
    """The panel has one owner, OpsPilot365 at least one administrator; other roles have no limits."""
    roles = read_document(platform, "platform")["roles"]
    assert {name: each["holders"] for name, each in roles.items() if "holders" in each} == {role: holders}


@pytest.mark.parametrize(("platform", "role"), HOLDS)
def test_baselines_hold_what_the_table_says(platform: str, role: str) -> None:
    """A role brings what the table says it may do."""
    assert expand(platform, *HOLDS[platform, role]) <= expand_side(platform, role, "baseline")


@pytest.mark.parametrize(("platform", "role"), NEVER)
def test_ceilings_keep_out_what_the_table_denies(platform: str, role: str) -> None:
    """What the table denies a role is beyond its ceiling, so no grant can add it."""
    assert expand_side(platform, role, "ceiling") & expand(platform, *NEVER[platform, role]) == set()


@pytest.mark.parametrize(("platform", "role"), ROLE_NAMES)
def test_the_baseline_lies_within_the_ceiling(platform: str, role: str) -> None:
    """A role brings nothing that its own ceiling would cut."""
    assert expand_side(platform, role, "baseline") <= expand_side(platform, role, "ceiling")


@pytest.mark.parametrize("role", ROLES["msp-panel"])
def test_the_role_decides_everything_in_the_panel(role: str) -> None:
    """In the panel nothing can be added to a role: its ceiling is its baseline."""
    assert expand_side("msp-panel", role, "baseline") == expand_side("msp-panel", role, "ceiling")


@pytest.mark.parametrize(("platform", "role"), ROLE_NAMES)
def test_roles_given_without_approval_bring_nothing_sensitive(platform: str, role: str) -> None:
    """Whoever gets something sensitive from a role's baseline got that role by an approval, or is the root."""
    definition = read_document(platform, "platform")["roles"][role]
    gated = definition.get("assignment_needs_approval", False) or definition.get("root", False)
    assert gated or expand_side(platform, role, "baseline") & sensitive(platform) == set()


@pytest.mark.parametrize(("platform", "role"), READ_ONLY)
def test_read_only_roles_lose_nothing_to_the_downgrade(platform: str, role: str) -> None:
    """The baseline of a read-only role is reading alone."""
    assert expand_side(platform, role, "baseline") <= reads(platform)


def test_the_manager_can_approve_what_technicians_may_be_granted() -> None:
    """A manager holds, from the baseline, every sensitive permission within a technician's ceiling."""
    grantable = expand_side("opspilot365", "technician", "ceiling") & sensitive("opspilot365")
    assert grantable <= expand_side("opspilot365", "manager", "baseline")


def test_technicians_get_m365_operations_only_by_grants() -> None:
    """No M365 operation is in a technician's baseline, and all but the directory's admin roles can be granted."""
    operations = expand("opspilot365", *(f"{product}.*" for product in M365_OPERATIONS))
    assert expand_side("opspilot365", "technician", "baseline") & operations == set()
    assert operations - expand_side("opspilot365", "technician", "ceiling") == {"identity.admin_roles.assign"}


def test_administrators_alone_have_the_platform_itself() -> None:
    """Settings, integrations, billing, team changes and taking on customers are the administrator's alone."""
    own = expand(
        "opspilot365",
        "platform.settings.*",
        "platform.integrations.*",
        "platform.billing.*",
        "platform.customers.*",
        "platform.teams.manage",
    )
    others = {
        permission
        for role in ("manager", "technician", "read-only")
        for permission in expand_side("opspilot365", role, "ceiling")
    }
    assert own <= expand_side("opspilot365", "administrator", "baseline")
    assert own & others == set()


@pytest.mark.parametrize("group", read_document("opspilot365", "platform")["groups"])
def test_groups_are_made_for_technicians(group: str) -> None:
    """All of a platform group is M365 operations that a technician may be granted."""
    granted = expand("opspilot365", *read_document("opspilot365", "platform")["groups"][group]["permissions"])
    assert granted <= expand_side("opspilot365", "technician", "ceiling")
    assert {name.split(".")[0] for name in granted} <= set(M365_OPERATIONS)


@pytest.mark.parametrize("group", ["m365-observer", "mailbox-support"])
def test_the_groups_that_claim_to_be_harmless_are(group: str) -> None:
    """The observer and mailbox support hold nothing sensitive, so they need no approval."""
    granted = expand("opspilot365", *read_document("opspilot365", "platform")["groups"][group]["permissions"])
    assert granted & sensitive("opspilot365") == set()


def test_opspilot365_requires_mfa_of_everybody() -> None:
    """Both ways of signing in are there, and neither without a second factor."""
    authentication = read_document("opspilot365", "platform")["authentication"]
    assert authentication == {"methods": ["sso", "local"], "mfa": "required"}
