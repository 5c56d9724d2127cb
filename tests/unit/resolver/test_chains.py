"""Finding chains stays quick and exact where groups include each other in many ways or very deeply."""

from collections.abc import Iterator
from pathlib import Path

from hubcfg.core.instants import Instant
from hubcfg.parser.parse import parse_source, parse_sources
from hubcfg.parser.sources import DEFAULT_SOURCES, PROJECT_FILE, SourceFile, find_sources
from hubcfg.resolver.access import OrgAccess
from hubcfg.resolver.explain import Explainer, Explanation
from hubcfg.resolver.resolve import resolve_access
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import validate_documents

NOW = Instant(1_795_305_600_000_000)
HEAD = "kind: Org\nid: acme\nproducts: {psa: active}\n---\nkind: Users\norg: acme\nusers:\n  dan: {role: member, groups: [g0]}\n"


def explain_dan(root: Path, groups: Iterator[str]) -> tuple[OrgAccess, Explanation]:
    """Explains `psa.tickets.read` for a user with the group `g0`."""
    (root / PROJECT_FILE).write_text("hubcfg: 1\nproject: chains\nplatform: onestack\n")
    (root / "acme.yaml").write_text(
        HEAD + "---\nkind: Groups\norg: acme\ngroups:\n" + "".join(f"  {one}\n" for one in groups)
    )
    project, _ = read_project(parse_source(SourceFile(PROJECT_FILE, (root / PROJECT_FILE).read_bytes)), ())
    assert project is not None
    config, _ = validate_documents(project, parse_sources(find_sources(root, DEFAULT_SOURCES, []).sources))
    access = resolve_access(config, NOW).orgs["acme"]
    return access, Explainer(access).explain(access.org.users["dan"], "psa.tickets.read")


def test_very_many_chains_are_counted_not_listed(tmp_path: Path) -> None:
    """Sixty diamonds on top of each other are 2**60 chains: twenty are listed, all are counted, at once."""
    groups = (
        line
        for level in range(60)
        for line in (
            f"g{level}: {{includes: [l{level}, r{level}]}}",
            f"l{level}: {{includes: [g{level + 1}]}}",
            f"r{level}: {{includes: [{{group: g{level + 1}, expires: 2026-01-01}}, g{level + 1}]}}",
        )
    )
    last = "g60: {permissions: [psa.tickets.read]}"
    _, told = explain_dan(tmp_path, iter([*groups, last]))
    assert (told.is_held, told.counting.total, len(told.counting.chains)) == (True, 2**60, 20)
    assert told.waiting.total == 3**60 - 2**60
    assert len(told.waiting.chains) == 20
    assert all(len(chain.links) == 122 for chain in (*told.counting.chains, *told.waiting.chains))
    assert all(chain.window and chain.window[1] <= NOW for chain in told.waiting.chains)


def test_chains_may_be_longer_than_the_stack(tmp_path: Path) -> None:
    """A chain through three thousand groups is found and told from its first link to its last."""
    groups = (f"g{level}: {{includes: [g{level + 1}]}}" for level in range(3000))
    access, told = explain_dan(tmp_path, iter([*groups, "g3000: {permissions: [psa.tickets.read]}"]))
    (chain,) = told.counting.chains
    assert len(chain.links) == 3002
    assert (chain.links[0].grant.target, chain.pattern) == ("g0", "psa.tickets.read")
    (source,) = Explainer(access).origins(told.holding).inherited
    assert source.chain is not None
    assert len(source.chain.links) == 3002


def test_a_group_reached_through_two_windows_counts_through_the_open_one(tmp_path: Path) -> None:
    """Of two ways to a group one of which has ended, the other counts, however much longer it is."""
    groups = [
        "g0: {includes: [{group: end, expires: 2026-01-01}, detour]}",
        "detour: {includes: [end]}",
        "end: {permissions: [psa.tickets.read]}",
    ]
    _, told = explain_dan(tmp_path, iter(groups))
    assert told.is_held
    assert [chain.steps for chain in told.counting.chains] == [(("group", "g0"), ("group", "detour"), ("group", "end"))]
    assert [chain.steps for chain in told.waiting.chains] == [(("group", "g0"), ("group", "end"))]
