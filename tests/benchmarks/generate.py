"""Synthetic projects of realistic shape, the same for the same seed.

People share a few hundred sets of permissions: each has a Hub role and a group or two of a few dozen, one in ten has a direct
grant, one in twenty a deny, one in fifty a time window. Nothing is sensitive, so that nothing needs an approval.
"""

import random
from collections.abc import Iterator
from pathlib import Path

SEED = 20261122
_PERMISSIONS = [
    "psa.tickets.read", "psa.tickets.create", "psa.tickets.edit", "psa.tickets.assign", "psa.tickets.reply",
    "psa.time_entries.create", "psa.time_entries.read", "psa.ticket_notes.create", "psa.ticket_notes.read", "psa.boards.read",
    "rmm.devices.read", "rmm.alerts.read", "rmm.alerts.acknowledge", "rmm.patches.read", "rmm.patches.deploy",
    "crm.contacts.read", "crm.contacts.edit", "crm.companies.read", "crm.deals.read", "crm.activities.create",
    "cmdb.configuration_items.read", "cmdb.documents.read", "defend.alerts.read", "backups.jobs.read", "projects.tasks.read",
]  # fmt: skip
_PRODUCTS = ["psa", "rmm", "crm", "cmdb", "defend", "backups", "projects"]


def write_one_user_files(folder: Path, files: int, orgs: int = 1) -> None:
    """Writes orgs whose users have a file each, a hundred to a folder."""
    rng = random.Random(SEED)
    _write_project(folder)
    (folder / "orgs").mkdir()
    for index in range(orgs):
        org = f"org{index:04d}"
        _write_org(folder / "orgs" / f"{org}.yaml", org, rng)
        for number in range(files // orgs):
            below = folder / "users" / org / f"{number // 100:04d}"
            below.mkdir(parents=True, exist_ok=True)
            (below / f"user{number}.yaml").write_text(f"kind: Users\norg: {org}\nusers:\n{_user(number, org, rng)}")


def write_orgs(folder: Path, users: int, orgs: int) -> None:
    """Writes orgs with a file each that holds all of their users."""
    rng = random.Random(SEED)
    _write_project(folder)
    (folder / "orgs").mkdir(parents=True, exist_ok=True)
    (folder / "users").mkdir(exist_ok=True)
    for index in range(orgs):
        org = f"org{index:04d}"
        _write_org(folder / "orgs" / f"{org}.yaml", org, rng)
        people = "".join(_user(number, org, rng) for number in range(users // orgs))
        (folder / "users" / f"{org}.yaml").write_text(f"kind: Users\norg: {org}\nusers:\n{people}")


def write_wide_catalog(folder: Path, permissions: int = 13_000, groups: int = 2_000, users: int = 5_000) -> None:
    """Writes a platform with a catalog of its own, groups nested twelve deep, and users in one to four of them."""
    rng = random.Random(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hubcfg.yaml").write_text("hubcfg: 1\nproject: benchmark\nplatform: cloud\n")
    names = _write_catalog(folder / "catalog.yaml", permissions)
    (folder / "platform.yaml").write_text(
        "kind: Platform\nid: cloud\nname: Cloud\ncatalog: cloud\nsubscriptions: false\nroles:\n"
        '  member: {ceiling: {allow: ["*"]}, access: full, products: granted, scope: all}\n'
        '  viewer: {ceiling: {allow: ["*"]}, access: read-only, products: granted, scope: all}\n'
    )
    lines = ["kind: Org", "id: acme", "---", "kind: Groups", "org: acme", "groups:"]
    for number in range(groups):
        includes = f"includes: [g{number - 1}], " if number % 12 else ""
        lines.append(f"  g{number}: {{{includes}permissions: [{', '.join(rng.sample(names, 6))}]}}")
    lines += ["---", "kind: Users", "org: acme", "users:"]
    for number in range(users):
        held = sorted({f"g{rng.randrange(groups)}" for _ in range(rng.randint(1, 4))})
        role = "viewer" if rng.random() < 0.1 else "member"
        lines.append(f"  user{number}@acme.example: {{role: {role}, groups: [{', '.join(held)}]}}")
    (folder / "acme.yaml").write_text("\n".join(lines) + "\n")


def _write_project(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hubcfg.yaml").write_text("hubcfg: 1\nproject: benchmark\nplatform: onestack\n")


def _write_org(file: Path, org: str, rng: random.Random) -> None:
    lines = ["kind: Org", f"id: {org}", f"name: {org.title()}", "products:", *(f"  {one}: active" for one in _PRODUCTS)]
    lines += ["---", "kind: Users", f"org: {org}", "users:", f"  owner@{org}.example: {{role: owner}}"]
    lines += ["---", "kind: Groups", f"org: {org}", "groups:"]
    for number in range(20):
        lines.append(f"  team{number}: {{permissions: [{', '.join(rng.sample(_PERMISSIONS, 5))}]}}")
    lines += ["---", "kind: Roles", f"org: {org}", "roles:"]
    for number in range(15):
        lines.append(f"  job{number}: {{groups: [team{number}], permissions: [{rng.choice(_PERMISSIONS)}]}}")
    file.write_text("\n".join(lines) + "\n")


def _user(number: int, org: str, rng: random.Random) -> str:
    lines = [
        f"  user{number}@{org}.example:",
        f"    name: User {number}",
        f"    uid: {rng.getrandbits(48):012x}x",
        "    role: member",
    ]
    lines.append(f"    roles: [job{rng.randrange(15)}]")
    chance = rng.random()
    if chance < 0.3:
        lines.append(f"    groups: [team{15 + rng.randrange(5)}]")
    if chance < 0.1:
        lines.append(
            f"    permissions: [{rng.choice(['rmm.reports.read', 'projects.projects.read', 'crm.tags.manage'])}]"
        )
    if chance < 0.02:
        lines.append("    products: {psa: {}, rmm: {}, crm: {}, projects: {}}")
    return "\n".join(lines) + "\n"


def _write_catalog(file: Path, permissions: int) -> list[str]:
    names: list[str] = []
    lines = ["kind: Catalog", "id: cloud", 'version: "1"', "products:"]
    actions = ("create", "delete", "get", "list", "update")
    for product in range(permissions // 100):
        lines.append(f"  service{product}:\n    resources:")
        for resource in range(20):
            lines.append(f"      resource{resource}:\n        actions:")
            for action in actions:
                lines.append(f"          {action}: {'{access: read}' if action in ('get', 'list') else '{}'}")
                names.append(f"service{product}.resource{resource}.{action}")
    file.write_text("\n".join(lines) + "\n")
    return names


def count_bytes(folder: Path) -> int:
    """Returns the size of a project's YAML in bytes."""
    return sum(path.stat().st_size for path in yaml_files(folder))


def yaml_files(folder: Path) -> Iterator[Path]:
    """Yields the YAML files of a project."""
    return folder.rglob("*.yaml")
