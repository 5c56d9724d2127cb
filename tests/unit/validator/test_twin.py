"""A second tree that is bound by its differences from the first is what it is when it is bound by itself."""

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hubcfg.validator.validate
from hubcfg.parser.document import ParsedFile
from hubcfg.parser.parse import parse_bytes
from hubcfg.validator.config import Config, Project
from hubcfg.validator.memory import BindMemory
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import validate_documents

HEAD = "hubcfg: 1\nproject: test\nplatform: onestack\n"
ORGS = (
    "kind: Org\nid: acme\nproducts: {psa: active}\n---\nkind: Org\nid: birch\nproducts: {psa: active}\n---\n"
    "kind: Groups\norg: acme\ngroups:\n  desk: {permissions: [psa.tickets.read]}\n"
)
TEAMS = "kind: Teams\norg: acme\nteams:\n  one: {leads: [u0], members: [u1]}\n"
TESTS = "kind: Tests\norg: acme\ntests:\n  - {name: a, user: u0, can: [psa.tickets.read]}\n"
CLIENTS = "kind: Clients\norg: acme\nclients:\n  bakery: {name: Bakery}\n"
ENTRIES = [
    "{role: owner}",
    "{role: member}",
    "{role: member, groups: [desk]}",
    "{role: member, groups: [none]}",
    "{role: nobody}",
    "{role: member, uid: same}",
    "{role: member, uid: other, name: Somebody}",
    "{role: member, clients: [bakery]}",
    "{role: member, rol: x}",
    "{role: member, permissions: [{permission: psa.tickets.read, expires: 2026-13-01}]}",
    "{role: member, permissions: [{permission: psa.tickets.read, expires: 2027-01-01}]}",
    "{audience: client, company: bakery}",
]
NAMES = ["u0", "u1", "u2", "U2", "u3", "a b", "z"]

users = st.tuples(
    st.sampled_from(["acme", "acme", "acme", "birch", "none"]),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(ENTRIES), max_size=3),
)
texts = st.lists(users, min_size=1, max_size=2).map(
    lambda documents: "\n---\n".join(
        f"kind: Users\norg: {org}\nusers:" + ("".join(f"\n  {name}: {entry}" for name, entry in some.items()) or " {}")
        for org, some in documents
    )
)
trees = st.dictionaries(st.sampled_from([f"{letter}.yaml" for letter in "bcdfgh"]), texts, max_size=5)
extras = st.lists(st.sampled_from([TEAMS, TESTS, CLIENTS]), unique=True, max_size=3)


def project() -> Project:
    read, _ = read_project(parse_bytes("hubcfg.yaml", HEAD.encode()), ())
    assert read is not None
    return read


def parse(tree: dict[str, str], known: dict[tuple[str, str], ParsedFile]) -> list[ParsedFile]:
    """Parses the files of a tree; those that another tree has so as well are the same."""
    return [known.setdefault((path, tree[path]), parse_bytes(path, tree[path].encode())) for path in sorted(tree)]


def told(config: Config) -> str:
    """All that a configuration says, but for where in memory it is and in what order kinds first appear."""
    documents = [sorted(org.documents.items()) for org in config.orgs.values()]
    for org in config.orgs.values():
        org.documents = {}
    return re.sub("0x[0-9a-f]+", "", f"{config} {documents} {sorted(config.files)}").replace(repr(config.files), "")


def check(before: dict[str, str], after: dict[str, str]) -> bool:
    """Binds both trees, the second with the memory of the first and without; returns whether the first had no fault."""
    memory, known = BindMemory(), dict[tuple[str, str], ParsedFile]()
    validate_documents(project(), parse(before, known), memory=memory)
    is_good = memory.first is not None
    files = parse(after, known)
    twin, findings = validate_documents(project(), files, memory=memory)
    alone, expected = validate_documents(project(), files)
    assert findings == expected
    assert told(twin) == told(alone)
    return is_good


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=trees, second=trees, more=extras, other=extras)
def test_any_two_trees(first: dict[str, str], second: dict[str, str], more: list[str], other: list[str]) -> None:
    """Whatever differs, faults or not: the configuration and the findings are those of the tree alone."""
    orgs = {"a.yaml": ORGS}
    check(
        first | orgs | {"m.yaml": "\n---\n".join([CLIENTS, *more])},
        second | orgs | {"m.yaml": "\n---\n".join([CLIENTS, *more])},
    )
    check(first | orgs | {"n.yaml": "\n---\n".join(more)}, second | orgs | {"n.yaml": "\n---\n".join(other)})


def one(*entries: str, org: str = "acme") -> str:
    return f"kind: Users\norg: {org}\nusers:\n" + "".join(f"  {entry}\n" for entry in entries)


GOOD = {
    "a.yaml": ORGS,
    "b.yaml": one("u0: {role: owner}", "u1: {role: member, uid: x}"),
    "c.yaml": one("u2: {role: member}"),
}


@pytest.mark.parametrize(
    ("after", "is_twin"),
    [
        ({}, True),
        ({"c.yaml": one("u2: {role: viewer, groups: [desk]}")}, True),
        ({"c.yaml": one("u3: {role: viewer}", "a: {role: member}")}, True),
        ({"d.yaml": one("u3: {role: viewer}")}, True),
        ({"c.yaml": ""}, True),
        ({"c.yaml": one("u1: {role: member}")}, False),
        ({"c.yaml": one("U1: {role: member}")}, False),
        ({"c.yaml": one("u2: {role: member, uid: x}")}, False),
        ({"c.yaml": one("u2: {role: member, groups: [none]}")}, False),
        ({"c.yaml": one("u2: {role: member, rol: x}")}, False),
        ({"c.yaml": one("u2: {role: member}", org="none")}, False),
        ({"d.yaml": TEAMS}, False),
    ],
)
def test_which_trees_are_twins(after: dict[str, str], is_twin: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences in good users are bound by themselves; anything else makes the whole tree be bound anew."""
    collected: list[bool] = []
    collect: Callable[..., object] = hubcfg.validator.validate.collect_entries

    def note(*arguments: object) -> object:
        collected.append(True)
        return collect(*arguments)

    monkeypatch.setattr(hubcfg.validator.validate, "collect_entries", note)
    assert check(GOOD, GOOD | after)
    assert len(collected) == (2 if is_twin else 3)
