"""What is remembered of the base changes no verdict: whatever is edited, committed, moved and landed between runs."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hubcfg.pipeline
from hubcfg.checker.check import Verified
from hubcfg.checker.memory import OrgMemory
from hubcfg.core.instants import parse_instant
from hubcfg.core.rule import Severity
from hubcfg.ingredients import OrgBundles
from hubcfg.parser import cache as parse_cache
from hubcfg.parser.cache import ParseCache
from hubcfg.parser.cache_file import CacheFile
from hubcfg.pipeline import Compiled, compile_project
from hubcfg.platforms.grants import Audience
from hubcfg.views.findings.json import render_json
from tests.approvals.histories import History
from tests.determinism.test_cache import AS_OF, RACY_NS, settle
from tests.reference.projects import examples

NAMES = ["ana", "ben", "cleo", "dora", "Ana"]
ENTRIES = [
    "{role: member, permissions: [psa.tickets.read]}",
    "{role: member, permissions: [psa.tickets.delete]}",
    "{role: member, uid: u-1, groups: [desk]}",
    "{role: owner}",
    "{role: member, name: Somebody, permissions: [{permission: psa.tickets.delete, expires: 2027-01-01}]}",
    "{rol: member}",
    "{role: member, groups: [both, {group: desk, starts: 2026-12-15}], permissions: [psa.tickets.read, psa.*.read]}",
]
ORG = "kind: Org\nid: acme\nproducts: {psa: active}\n---\nkind: Groups\norg: acme\ngroups:\n  desk: {permissions: [psa.tickets.%s]}\n"
BIRCH = (
    "kind: Org\nid: birch\nproducts: {psa: active}\n---\nkind: Users\norg: birch\nusers:\n  bo@birch.example: {role: owner}\n"
    "  bea@birch.example: {role: member, groups: [both]}\n"
)
SHARED = "kind: Groups\nplatform: onestack\ngroups:\n  both: {permissions: [psa.%s]}\n  idle: {permissions: [rmm.alerts.read]}\n"
MOMENTS = [
    "2026-12-01T08:30:00Z",
    "2026-12-01",
    "2026-12-10",
    "2026-12-14T23:00:00Z",
    "2026-12-15",
    "2026-12-31T12:00:00Z",
    "2027-01-02",
    "2027-03-01",
]


@pytest.fixture(autouse=True)
def _settled_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_cache, "RACY_NS", RACY_NS)


def told(compiled: Compiled) -> tuple[str, str]:
    """What a run says, what the bundles come to, and who is who in the base that it was judged by."""
    base = compiled.approvals.base if compiled.approvals is not None else None
    if base is None:
        return render_json(compiled.findings), ""
    bundles = [] if compiled.verified is None else list(tell_bundles(compiled.verified, compiled.memory))
    users = [
        f"{org.id} {user.id} {user.entry} {user.name} {user.uid} {user.document}"
        for org in base.config.orgs.values()
        for user in org.users.values()
    ]
    return render_json(compiled.findings), f"{base.files} {sorted(base.config.files)} {base.is_tree} {users} {bundles}"


def tell_bundles(verified: Verified, memory: OrgMemory | None) -> Iterator[tuple[str, dict[Audience, str]]]:
    bundles = OrgBundles(verified, memory)
    yield from ((org, bundles.hashes(org)) for org in bundles)


def run(
    root: Path, cache: Path | None, *, saves: bool = True, at: str = MOMENTS[0], base: str = "main"
) -> tuple[str, str]:
    """Runs with a cache, or without; one that does not save leaves what is remembered behind what there is."""
    opened = None if cache is None else ParseCache(CacheFile(cache))
    if opened is not None and not saves:
        opened.save = lambda: None  # type: ignore[method-assign]  # as where it would save too little
    as_of = parse_instant(at)
    assert as_of is not None
    said = told(compile_project(root, as_of=as_of, base=base, cache=opened))
    if opened is not None:
        opened.save()  # as a plan does, when it knows what the bundles come to
    return said


def begin(root: Path) -> History:
    history = History(root)
    history.start()
    history.write(
        {
            "hubcfg.yaml": "hubcfg: 1\nproject: test\nplatform: onestack\n",
            "org.yaml": ORG % "read",
            "birch.yaml": BIRCH,
            "shared.yaml": SHARED % "boards.read",
            "owner.yaml": "kind: Users\norg: acme\nusers:\n  olga@acme.example: {role: owner, name: Olga}\n",
            **{f"users/{name}.yaml": page(name, 0) for name in NAMES[:3]},
        }
    )
    history.commit("Begin")
    history.git("checkout", "-q", "-b", "work")
    return history


def page(name: str, entry: int) -> str:
    return f"kind: Users\norg: acme\nusers:\n  {name}@acme.example: {ENTRIES[entry]}\n"


def edit(history: History, name: int, entry: int) -> None:
    history.write({f"users/{NAMES[name]}.yaml": page(NAMES[name], entry)})


def move(history: History, name: int, _: int) -> None:
    file = history.root / "users" / f"{NAMES[name]}.yaml"
    if file.exists():
        file.rename(file.with_name(f"moved-{file.name}"))


def remove(history: History, name: int, _: int) -> None:
    (history.root / "users" / f"{NAMES[name]}.yaml").unlink(missing_ok=True)


def change_group(history: History, name: int, _: int) -> None:
    history.write({"org.yaml": ORG % ("delete" if name % 2 else "read")})


def change_shared(history: History, name: int, _: int) -> None:
    history.write({"shared.yaml": SHARED % ("tickets.create" if name % 2 else "boards.read")})


def hide(history: History, name: int, entry: int) -> None:
    history.write({".hubcfgignore": f"users/{NAMES[name]}.yaml\n" if entry % 2 else ""})


def change_project(history: History, _: int, entry: int) -> None:
    more = "sources: ['users/*.yaml', '*.yaml']\n" if entry % 2 else ""
    history.write({"hubcfg.yaml": f"hubcfg: 1\nproject: test\nplatform: onestack\n{more}"})


def change_signers(history: History, name: int, _: int) -> None:
    history.write({"hubcfg.yaml": "hubcfg: 1\nproject: test\nplatform: onestack\napprovals: {signers: signers}\n",
                   "signers": f"{NAMES[name]}@acme.example {{key ana}}\n"})  # fmt: skip


def commit(history: History, *_: int) -> None:
    history.commit()


def land(history: History, *_: int) -> None:
    history.commit()
    history.git("branch", "-f", "main", "HEAD")


def go_back(history: History, *_: int) -> None:
    history.git("branch", "-f", "main", "main~1" if history.git("rev-list", "--count", "main") != "1" else "main")


def wait(*_: object) -> None:
    settle()


ACTIONS: list[Callable[[History, int, int], None]] = [
    edit, edit, edit, move, remove, change_group, change_shared, hide, change_project, change_signers, commit, land, land, go_back, wait, wait,
]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, len(NAMES) - 1), st.integers(0, len(ENTRIES) - 1), st.sampled_from(["saves", "looks", ""]),
              st.sampled_from(MOMENTS), st.sampled_from(["main", "main", "HEAD"])),
    min_size=2, max_size=10,
)  # fmt: skip


@settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_any_history(steps: list[tuple[Callable[..., None], int, int, str, str, str]]) -> None:
    """Runs with what earlier runs remember, at any moment of any history, say what runs say that remember nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        root, cache = Path(scratch) / "project", Path(scratch) / "c" / "cache"
        history = begin(root)
        settle()
        assert run(root, cache) == run(root, None)
        for action, name, entry, ran, at, base in steps:
            action(history, name, entry)
            if ran:
                plain = run(root, None, at=at, base=base)
                assert run(root, cache, saves=ran == "saves", at=at, base=base) == plain
        assert run(root, cache) == run(root, None)
        shutil.rmtree(root)


def test_the_base_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an edit the base is not listed again, and a grant that it has not is still seen."""
    root, cache = tmp_path / "project", tmp_path / "c" / "cache"
    history = begin(root)
    time.sleep(2 * RACY_NS / 1e9)
    run(root, cache)
    edit(history, 1, 1)
    expected = run(root, None)
    monkeypatch.setattr("hubcfg.revision.list_files", None)  # would raise
    assert run(root, cache) == expected
    compiled = compile_project(root, as_of=AS_OF, base="main", cache=ParseCache(CacheFile(cache)))
    assert {one.name for one in compiled.findings if one.severity is Severity.ERROR} >= {"unapproved-sensitive-grant"}


def test_an_edit_after_an_edit(tmp_path: Path) -> None:
    """What is remembered was read when a file was other than the base already, and it has changed again since."""
    root, cache = tmp_path / "project", tmp_path / "c" / "cache"
    history = begin(root)
    for entry in (1, 4, 0, 2):
        edit(history, 1, entry)
        time.sleep(2 * RACY_NS / 1e9)
        assert run(root, cache) == run(root, None)


def test_what_is_shared_changes(tmp_path: Path) -> None:
    """A group that all orgs see makes somebody's grant needless, and then not any more."""
    root, cache = tmp_path / "project", tmp_path / "c" / "cache"
    history = begin(root)
    edit(history, 0, 6)
    land(history)
    seen = set()
    for name in (0, 1, 0, 1):
        change_shared(history, name, 0)
        land(history)
        time.sleep(2 * RACY_NS / 1e9)
        seen.add(run(root, cache))
        assert run(root, cache) == run(root, None)
    assert len(seen) == 2


def test_the_base_moves(tmp_path: Path) -> None:
    """The same files are judged by who holds a role in the base, which nobody can hand on by configuration."""
    root, cache = tmp_path / "project", tmp_path / "c" / "cache"
    history = History(root)
    history.start()
    org = "kind: Org\nid: acme\n---\nkind: Users\norg: acme\nusers:\n  %s@acme.example: {role: owner}\n"
    history.write({"hubcfg.yaml": "hubcfg: 1\nproject: test\nplatform: msp-panel\n", "org.yaml": org % "olga"})
    first = history.commit()
    history.write({"org.yaml": org % "ben"})
    second = history.commit()
    history.git("checkout", "-q", "--detach")
    time.sleep(2 * RACY_NS / 1e9)
    for commit, is_found in ((second, False), (first, True), (second, False), (first, True)):
        history.git("branch", "-f", "main", commit)
        assert run(root, cache) == run(root, None)
        assert ("role-not-assignable" in run(root, cache)[0]) is is_found


@pytest.mark.parametrize("then", MOMENTS)
@pytest.mark.parametrize("first", MOMENTS)
def test_time_that_passes(tmp_path: Path, first: str, then: str) -> None:
    """What begins, ends, or is so many days away is told as of each run, whatever was remembered when."""
    root, cache = tmp_path / "project", tmp_path / "c" / "cache"
    history = begin(root)
    edit(history, 0, 6)
    edit(history, 1, 4)
    land(history)
    time.sleep(2 * RACY_NS / 1e9)
    assert run(root, cache, at=first) == run(root, None, at=first)
    assert run(root, cache, at=then) == run(root, None, at=then)


TWO = "separation_of_duties: [{name: two, between: [[psa.tickets.read], [psa.boards.read]]}]\n"
BEN = "kind: Users\norg: acme\nusers:\n  ben@acme.example: {role: member, permissions: [%s]}\n"
SLIP = "kind: Users\norg: acme\nusers:\n  eve@acme.example: {role: member, groups: [nope]}\n"


def begin_two(root: Path) -> tuple[History, str, str]:
    """Begins a history with two commits, of which the second gives somebody both sides of a separation of duties."""
    history = History(root)
    history.start()
    org = "kind: Org\nid: acme\nproducts: {psa: active}\n---\nkind: Users\norg: acme\nusers:\n  olga@acme.example: {role: owner}\n"
    history.write({"hubcfg.yaml": f"hubcfg: 1\nproject: test\nplatform: onestack\n{TWO}", "org.yaml": org})
    history.write({"ben.yaml": BEN % "psa.tickets.read"})
    first = history.commit()
    history.write({"ben.yaml": BEN % "psa.tickets.read, psa.boards.read"})
    return history, first, history.commit()


def judge(history: History, base: str, cache: Path) -> set[str]:
    """Sees that a run says the same with the cache, and returns the names of the errors."""
    history.git("branch", "-f", "judge", base)
    as_of = parse_instant(MOMENTS[0])
    assert as_of is not None
    time.sleep(2 * RACY_NS / 1e9)
    plain = compile_project(history.root, as_of=as_of, base="judge")
    cached = compile_project(history.root, as_of=as_of, base="judge", cache=ParseCache(CacheFile(cache)))
    assert told(cached) == told(plain)
    assert (cached.verified is None) is (plain.verified is None)
    return {one.name for one in plain.findings if one.severity is Severity.ERROR}


def test_a_slip_in_the_tree_teaches_nothing_about_the_base(tmp_path: Path) -> None:
    """What rules find in a tree with a slip is not remembered for the base, whose documents may be the tree's next time."""
    cache = tmp_path / "c" / "cache"
    history, first, second = begin_two(tmp_path / "project")
    history.write({"ben.yaml": BEN % "psa.tickets.read", "new.yaml": SLIP})
    assert judge(history, second, cache) == {"unknown-group"}
    history.git("checkout", "-q", "--", ".")
    history.git("clean", "-fdq")
    assert judge(history, first, cache) == {"separation-of-duties"}


def test_a_slip_in_the_tree_is_not_judged_by_what_the_base_was(tmp_path: Path) -> None:
    """What was found in the documents that the base has now is not what is wrong with a tree that has others."""
    cache = tmp_path / "c" / "cache"
    history, first, second = begin_two(tmp_path / "project")
    assert judge(history, first, cache) == {"separation-of-duties"}
    history.write({"ben.yaml": BEN % "psa.tickets.read", "new.yaml": SLIP})
    assert judge(history, second, cache) == {"unknown-group"}


def test_an_edit_while_findings_are_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that were read after an edit are not kept for what the file was before it."""
    root, cache = tmp_path / "project", tmp_path / "c" / "cache"
    begin(root)
    file = root / "birch.yaml"
    text = file.read_text()
    time.sleep(2 * RACY_NS / 1e9)
    read_comments = hubcfg.pipeline.read_comments

    def edit_first(*arguments: Any) -> Any:
        file.write_text(f"# one\n# two\n{text}")
        return read_comments(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(hubcfg.pipeline, "read_comments", edit_first)
        run(root, cache)
    file.write_text(text)
    time.sleep(2 * RACY_NS / 1e9)
    assert "birch.yaml" in run(root, None)[0]
    assert run(root, cache) == run(root, None)
