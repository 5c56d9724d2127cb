"""What the rules call without effect or redundant can be removed, all at once, and nobody's access changes at any instant."""

import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from hubcfg.checker.rules.grant_without_effect import check as find_without_effect
from hubcfg.checker.rules.redundant_grant import check as find_redundant
from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding
from hubcfg.core.instants import BEGINNING, Instant, parse_instant
from hubcfg.core.places import KeyPath, Place
from hubcfg.pipeline import compile_project
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.validator.config import Entry, Org, ProductEntry
from tests.rule_cases import CASES

PATTERNS = [
    "hub.users.read",
    "hub.users.edit",
    "psa.tickets.read",
    "psa.tickets.create",
    "psa.tickets.edit",
    "psa.timers.use",
    "psa.*",
    "psa.tickets.*",
    "*.*.read",
    "crm.contacts.read",
    "crm.contacts.edit",
    "crm.*",
    "books.invoices.read",
    "books.invoices.create",
    "books.*",
]
FIELDS = ("roles", "groups", "permissions", "deny")


def draw_project(chance: random.Random) -> dict[str, str]:
    """Returns a small project with all that grants can meet: windows, denies, product entries and every kind of role."""

    def grant(key: str, names: list[str]) -> str | dict[str, str]:
        window = chance.choice(
            [{}, {}, {}, {}, {"expires": "2026-12-01"}, {"starts": "2026-12-02"}, {"expires": "2027-03-01"}]
        )
        name = chance.choice(names)
        return {key: name, **window} if window else name

    def grants(most: int, own: list[str]) -> dict[str, object]:
        return {
            "permissions": [grant("permission", PATTERNS) for _ in range(chance.randint(0, most))],
            "groups": [grant("group", own) for _ in range(chance.randint(0, 2))],
            "deny": [chance.choice(PATTERNS) for _ in range(chance.choice([0, 0, 1, 2]))],
        }

    groups = {
        f"g{i}": {
            "permissions": [grant("permission", PATTERNS) for _ in range(chance.randint(1, 3))],
            "includes": [grant("group", [f"g{j}" for j in range(i)])] if i and chance.random() < 0.4 else [],
        }
        for i in range(3)
    }
    users: dict[str, dict[str, object]] = {}
    for i in range(6):
        user = {"role": chance.choice(["member", "member", "viewer", "billing", "owner"])} | grants(
            3, [*groups, "technician"]
        )
        if chance.random() < 0.4:
            user["products"] = {
                product: grants(1, [*groups]) for product in chance.sample(["psa", "crm"], chance.randint(0, 2))
            }
        users[f"u{i}@acme.example"] = user
    base = yaml.safe_load((CASES / "redundant-grant.yaml").read_text("utf-8"))["base"]
    documents = [{"kind": "Users", "org": "acme", "users": users}, {"kind": "Groups", "org": "acme", "groups": groups}]
    return {**base, "access.yaml": yaml.safe_dump_all(documents)}


def timeline(resolver: OrgResolver, entry: Entry) -> list[tuple[Instant, Mask]]:
    """Returns what an entry comes to from the beginning of time on."""
    return [(step.instant, step.effective) for step in resolver.resolve(entry, BEGINNING).timeline]


def without(entry: Entry, gone: set[KeyPath]) -> Entry:
    """Returns the entry without the items at some paths."""

    def left(access: Entry | ProductEntry, head: KeyPath) -> dict[str, object]:
        return {
            field: tuple(item for index, item in enumerate(getattr(access, field)) if (*head, field, index) not in gone)
            for field in FIELDS
        }

    products = entry.products and tuple(replace(one, **left(one, ("products", one.product))) for one in entry.products)
    return replace(entry, products=products, **left(entry, ()))


def paths_of(findings: Iterable[Finding], field: str) -> dict[str, set[KeyPath]]:
    """Returns the paths of the items with findings, by the user or group that they are in."""
    found = defaultdict(set)
    for finding in findings:
        assert isinstance(finding.place, Place)
        if finding.place.path[0] == field:
            found[str(finding.place.path[1])].add(finding.place.path[2:])
    return found


def remove_lines(org: Org, gone: dict[str, set[KeyPath]]) -> Org:
    """Returns the org with groups that lack the lines at some paths."""
    groups = dict(org.groups)
    for name, paths in gone.items():
        lists = {
            field: tuple(item for index, item in enumerate(getattr(groups[name], field)) if (field, index) not in paths)
            for field in ("includes", "permissions")
        }
        groups[name] = replace(groups[name], **lists)
    return replace(org, groups=groups)


@pytest.mark.parametrize("seed", range(40))
def test_nobody_needs_what_is_reported(seed: int, tmp_path: Path) -> None:
    """Without the reported items of users, and then without the reported lines of groups, everybody holds the same."""
    for name, text in draw_project(random.Random(seed)).items():
        (tmp_path / name).write_text(text, "utf-8")
    instant = parse_instant("2026-11-22")
    assert instant is not None
    compiled = compile_project(tmp_path, as_of=instant)
    assert compiled.config is not None
    assert compiled.access is not None
    check = OrgCheck(compiled.config.project, compiled.access.orgs["acme"])
    without_effect, redundant = list(find_without_effect(check)), list(find_redundant(check))
    assert without_effect or redundant
    of_users = paths_of([*without_effect, *redundant], "users")
    in_groups, narrower = paths_of(without_effect, "groups"), paths_of(redundant, "groups")
    for gone in (in_groups, narrower):
        smaller = OrgResolver(remove_lines(check.org, gone))
        for user in check.users:
            assert timeline(smaller, user.entry) == timeline(check.resolver, user.entry)
    for user in check.users:
        assert timeline(check.resolver, without(user.entry, of_users[user.id])) == timeline(check.resolver, user.entry)
