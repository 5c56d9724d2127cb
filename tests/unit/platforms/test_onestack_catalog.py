"""Judges the catalog of `onestack`: its extent by the documented permissions, its marks by rules, its words by reading.

`onestack_permissions.tsv` beside this file lists what the products' public documentation shows: permissions that appear
there word for word (`documented`) and those that follow from a described feature, each with the page.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hubcfg.platforms.builtin import read_builtin
from hubcfg.platforms.catalog import BUILTIN_CATEGORIES, Catalog
from hubcfg.platforms.grants import Audience

KNOWN = Path(__file__).with_name("onestack_permissions.tsv")

# What the documentation does not show as a permission and the catalog has all the same.
ADDITIONS: dict[str, str] = {
    "books.invoices.approve": "the usual separation of duties keeps making an invoice apart from approving it",
    "hub.org.delete": "deleting the organization is the owner's alone, so it must be something that can be held",
    "portal.reports.read": "clients see their reports in the portal, and `client-admin` is for that",
}

# What only looks. An export of data is no look: a viewer must not carry data away.
READING = ("*.*.read", "*.*.view", "*.*.read_status", "*.reports.download", "*.invoices.download")

# What a client's own user may hold. Everything else is for staff.
FOR_CLIENTS = (
    "psa.tickets.attach_files",
    "psa.tickets.create",
    "psa.tickets.read",
    "psa.tickets.reply",
    "portal.announcements.read",
    "portal.company_tickets.*",
    "portal.documents.*",
    "portal.invoices.*",
    "portal.policy_signatures.*",
    "portal.reports.read",
    "portal.service_requests.*",
    "portal.team_members.*",
    "portal.tickets.*",
)


class Rule(NamedTuple):
    """What makes permissions sensitive: the patterns of those it covers, and whether looking counts too."""

    because: str
    patterns: tuple[str, ...]
    reading: bool = False


RULES: dict[str, tuple[Rule, ...]] = {
    "deletion": (
        Rule("it deletes records", ("*.*.delete", "*.*.remove")),
        Rule("it voids records", ("*.*.void",)),
        Rule("it leaves data without a copy", ("*.*.disable_backups", "*.*.disconnect")),
    ),
    "financial": (
        Rule("it is accounting", ("books.*",), reading=True),
        Rule("it is about invoices and payments", ("*.invoices.*", "*.payments.*"), reading=True),
        Rule("it is about billing", ("*.billing.*", "*.billing_runs.*"), reading=True),
        Rule("it is about what members owe", ("ams.dues.*", "ams.assessments.*", "ams.pledges.*"), reading=True),
        Rule("it is about gifts and funds", ("*.donations.*", "*.donation_campaigns.*", "*.funds.*"), reading=True),
        Rule("it is about money granted", ("mission.grants.*",), reading=True),
        Rule("it shows or sets prices", ("*.quotes.*",), reading=True),
        Rule("it shows or sets pay", ("*.compensation.*",), reading=True),
        Rule("it shows revenue", ("*.revenue_dashboard.*",), reading=True),
        Rule("it is about contracts' terms", ("*.contracts.*", "*.contract_reviews.*", "*.retainers.*"), reading=True),
        Rule("it brings quotes and contracts to signature", ("crm.esign.*",), reading=True),
        Rule("it shows or sets budgets", ("*.budgets.*",), reading=True),
    ),
    "user-management": (
        Rule("it changes users", ("*.users.*", "portal.client_users.*", "portal.team_members.*")),
        Rule("it defines or assigns roles", ("*.roles.*", "*.org_roles.*", "*.member_roles.*")),
        Rule("it changes permissions", ("*.permissions.*", "*.permission_groups.*")),
        Rule("it opens or closes access", ("*.product_access.*", "*.portal_access.*", "*.access_revocation.*")),
        Rule("it decides who is on a project", ("projects.members.*",)),
        Rule("it makes or ends keys", ("*.api_keys.*", "*.integration_keys.*")),
    ),
    "audit-log": (
        Rule("it is an audit log", ("*.audit.*",), reading=True),
        Rule("it is a change history", ("*.change_history.*",), reading=True),
        Rule("it is an audit of passwords", ("*.password_audit.*",), reading=True),
        Rule("it is an audit of access", ("*.access_audits.*", "*.permission_reports.*"), reading=True),
    ),
    "privileged": (
        Rule("it takes over a machine", ("*.*.remote_access",)),
        Rule("it runs scripts", ("*.scripts.execute", "*.playbooks.execute")),
        Rule("it gives out a secret", ("*.passwords.checkout", "*.passwords.reveal")),
        Rule("it replaces a secret", ("*.passwords.rotate",)),
        Rule("it reaches into devices to end an attack", ("defend.response_actions.*", "*.incidents.contain")),
        Rule("it carries away the memory of a machine", ("*.forensics.*",)),
    ),
}

# (permission, category) that the rules miss, and why it belongs.
ALSO: dict[tuple[str, str], str] = {
    ("ams.forums.moderate", "deletion"): "moderators remove other people's posts",
    ("backups.retention.edit", "deletion"): "a shorter retention purges restore points",
    ("code.retention.edit", "deletion"): "a shorter retention purges backups of repositories",
    ("hub.products.disable", "financial"): "what is subscribed to is what is billed",
    ("hub.products.enable", "financial"): "what is subscribed to is what is billed",
    ("hub.integrations.manage", "user-management"): "an outside service acts in the organization with a key of its own",
    ("hub.org.transfer_ownership", "user-management"): "it makes somebody else the owner",
    ("legal.partners.invite", "user-management"): "an invited attorney gets an account",
    ("people.offboarding.complete", "user-management"): "it revokes the employee's access to every product",
    ("projects.entra_sync.run", "user-management"): "it brings in users from a directory",
    ("defend.approval_requirements.edit", "privileged"): "it decides which actions on devices need no second person",
    ("defend.response_rules.create", "privileged"): "the rule then acts on devices by itself",
    ("defend.response_rules.edit", "privileged"): "the rule then acts on devices by itself",
    ("protect.auto_actions.edit", "privileged"): "the actions then replace passwords by themselves",
    ("rmm.enrollment_tokens.manage", "privileged"): "a token is the secret that lets a machine in",
    ("rmm.remediation_scripts.assign", "privileged"): "the script then runs on machines by itself",
    ("rmm.scripts.edit", "privileged"): "the script may already be attached to alerts and runs as changed",
    ("security.playbooks.create", "privileged"): "the playbook then contains threats by itself",
    ("security.playbooks.edit", "privileged"): "the playbook then contains threats by itself",
}

# (permission, category) that the rules give, and why it does not belong.
NOT: dict[tuple[str, str], str] = {
    ("defend.response_actions.cancel", "privileged"): "withdrawing an action keeps it from reaching into a device",
}

ALIASES = {
    "audit.view": "hub.audit.view",
    "rmm.endpoints.*": "rmm.devices.*",
    "users.manage": "hub.users.manage",
}


@cache
def catalog() -> Catalog:
    return Catalog(read_builtin("onestack", "catalog"))


def read_products() -> dict[str, Any]:
    products = catalog().raw["products"]
    assert isinstance(products, dict)
    return products


@cache
def known_permissions() -> dict[str, str]:
    with KNOWN.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {f"{row['product']}.{row['resource']}.{row['action']}": row["known_from"] for row in rows}


def expand(*patterns: str) -> set[str]:
    return {name for pattern in patterns for name in catalog().to_names(catalog().match(pattern))}


@cache
def covered_by(rule: Rule) -> set[str]:
    return expand(*rule.patterns) - (set() if rule.reading else expand(*READING))


def judge_by_rules(permission: str) -> set[str]:
    return {category for category, rules in RULES.items() for rule in rules if permission in covered_by(rule)}


def words(text: str) -> set[str]:
    plain = re.findall(r"[a-z0-9]+", text.lower())
    return {re.sub(r"(ies|y|s)\Z", "", word) for word in plain} - {"", "a", "an", "and", "of", "the", "to"}


ALL = catalog().names


def test_the_catalog_is_what_is_known_and_the_listed_additions() -> None:
    """Every known permission is in the catalog, and nothing else but the additions with a reason."""
    assert set(ALL) - set(known_permissions()) == set(ADDITIONS)
    assert set(known_permissions()) <= set(ALL)


def test_the_catalog_has_the_hub_and_26_products() -> None:
    """There are 27 products, the Hub first and the others in alphabetical order, and more than 700 permissions."""
    products = list(read_products())
    assert products[0] == "hub"
    assert products[1:] == sorted(products[1:])
    assert len(products) == 27
    assert len(ALL) > 700


def test_resources_and_actions_are_in_alphabetical_order() -> None:
    """Within a product resources are sorted, and within a resource actions."""
    for product in read_products().values():
        assert list(product["resources"]) == sorted(product["resources"])
        for resource in product["resources"].values():
            assert list(resource["actions"]) == sorted(resource["actions"])


def test_every_product_has_a_display_name_of_its_own() -> None:
    """No two products have the same name, and none goes without."""
    names = [product["name"] for product in read_products().values()]
    assert len(set(names)) == len(names) == 27


def test_reading_is_what_only_looks() -> None:
    """A permission has access `read` exactly when it is one of the looks."""
    assert set(catalog().to_names(catalog().read)) == expand(*READING)


def test_an_export_never_counts_as_reading() -> None:
    """Whatever carries data away is a write: an export, and downloads of recordings, forensics and installers."""
    carrying = expand("*.*.export", "voice.*.download", "*.forensics.download", "*.installers.download")
    assert len(carrying) > 10
    assert carrying & set(catalog().to_names(catalog().read)) == set()


def test_clients_may_hold_what_is_theirs() -> None:
    """The audiences are staff and client for what a client's own user may hold, and staff alone for the rest."""
    open_to_clients = set(catalog().to_names(catalog().of_audience(Audience.CLIENT)))
    assert open_to_clients == expand(*FOR_CLIENTS)
    assert catalog().of_audience(Audience.STAFF) == catalog().all


@pytest.mark.parametrize("category", [*RULES])
def test_sensitive_marks_follow_the_rules(category: str) -> None:
    """The permissions of a category are those that the rules give it, with the listed exceptions."""
    judged = {name for name in ALL if category in judge_by_rules(name)}
    also = {name for name, wanted in ALSO if wanted == category}
    excepted = {name for name, unwanted in NOT if unwanted == category}
    assert set(catalog().to_names(catalog().of_category(category))) == (judged | also) - excepted


def test_every_exception_is_needed() -> None:
    """No exception repeats what the rules say anyway, and none is about a permission that is not there."""
    assert [entry for entry in ALSO if entry[0] not in ALL or entry[1] in judge_by_rules(entry[0])] == []
    assert [entry for entry in NOT if entry[1] not in judge_by_rules(entry[0])] == []


def test_every_pattern_of_a_rule_covers_something() -> None:
    """No rule is about permissions that the catalog does not have."""
    patterns = [pattern for rules in RULES.values() for rule in rules for pattern in rule.patterns]
    assert [pattern for pattern in (*patterns, *READING, *FOR_CLIENTS) if not expand(pattern)] == []


def test_the_further_category_is_declared() -> None:
    """`privileged` is declared by the catalog, and it is the only category beyond the standing ones."""
    assert set(catalog().categories) - set(BUILTIN_CATEGORIES) == {"privileged"}
    assert set(catalog().categories) == set(RULES)


@pytest.mark.parametrize(
    ("permission", "categories"),
    [
        ("books.invoices.void", ("deletion", "financial")),
        ("books.reports.read", ("financial",)),
        ("hub.users.remove", ("deletion", "user-management")),
        ("hub.users.read", ()),
        ("hub.org.delete", ("deletion",)),
        ("cmdb.passwords.reveal", ("privileged",)),
        ("cmdb.passwords.read", ()),
        ("mission.audit.read", ("audit-log",)),
        ("ams.members.edit", ()),
        ("psa.tickets.create", ()),
    ],
)
def test_examples_of_what_the_rules_come_to(permission: str, categories: tuple[str, ...]) -> None:
    """Some judgements spelled out, so that a slip in a rule shows."""
    assert catalog().permissions[permission].sensitive == categories


def test_every_permission_is_described() -> None:
    """A description begins with a capital, has 8 to 120 characters, and ends without a full stop."""
    described = {name: permission.description or "" for name, permission in catalog().permissions.items()}
    assert {name: text for name, text in described.items() if not re.fullmatch(r"[A-Z].{6,118}[^.\s]", text)} == {}


def test_descriptions_are_unique_within_a_product() -> None:
    """No two permissions of a product are described alike, so a person can tell them apart."""
    texts = Counter((each.product, (each.description or "").lower()) for each in catalog().permissions.values())
    assert [text for text, count in texts.items() if count > 1] == []


def test_a_description_says_more_than_the_name() -> None:
    """Beyond its verb, a description has words that the permission's own name does not."""
    described = {name: permission.description or "" for name, permission in catalog().permissions.items()}
    beyond = {name: words(text.partition(" ")[2]) - words(name.replace("_", " ")) for name, text in described.items()}
    assert [name for name, more in beyond.items() if not more] == []


def test_descriptions_say_what_the_holder_does() -> None:
    """A description begins with an imperative, not with what the permission is, allows or what somebody does."""
    openings = {(each.description or "").split()[0] for each in catalog().permissions.values()}
    assert openings & {"Ability", "Access", "Allow", "Can", "Enable", "May", "Permission", "Permit", "To"} == set()
    assert {word for word in openings - {"Bring"} if re.search(r"ing\Z|[^s]s\Z", word)} == set()


def test_reading_is_described_as_looking() -> None:
    """What only looks begins with a verb of looking, and in most cases with the plainest one."""
    looks = Counter((catalog().permissions[name].description or "").split()[0] for name in expand(*READING))
    assert set(looks) == {"See", "Browse", "Find", "Download"}
    assert looks["See"] > 0.9 * looks.total()


def test_aliases_stand_for_permissions_of_the_catalog() -> None:
    """The aliases are those that the sources use side by side; they match nothing themselves and lead to something."""
    assert catalog().aliases == ALIASES
    assert [alias for alias in ALIASES if catalog().match(alias) != catalog().match(ALIASES[alias])] == []
    assert catalog().match("rmm.endpoints.remote_access") == catalog().match("rmm.devices.remote_access") != 0
