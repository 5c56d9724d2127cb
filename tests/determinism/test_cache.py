"""A cache never changes a result: whatever was read before, and whatever has happened to the files or to it since."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubcfg.core.instants import Instant, parse_instant
from hubcfg.parser import cache as parse_cache
from hubcfg.parser.cache import ParseCache
from hubcfg.parser.cache_file import CacheFile
from hubcfg.pipeline import Compiled, compile_project
from hubcfg.views.findings.json import render_json
from tests.reference.files import write_project
from tests.reference.projects import Project, examples, projects

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["msp-panel", "onestack", "opspilot365", "quickstart"]
AS_OF = parse_instant("2026-12-01T00:00:00Z") or Instant(0)
# In these tests what was modified longer ago than this is settled; between a change and a run they wait for longer.
RACY_NS = 30_000_000
SLIPS = "kind: Users\norg: acme\nusers:\n  a@b.example: {rol: *x, role: membr}\n---\n- 1\n"


@pytest.fixture(autouse=True)
def _settled_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_cache, "RACY_NS", RACY_NS)


def settle() -> None:
    time.sleep(1.5 * RACY_NS / 1e9)


def told(compiled: Compiled) -> tuple[str, dict[str, bytes], str]:
    """Everything that a run says: findings, bundles, and what each user holds, by whatever way it can be had."""
    held = ""
    if compiled.access is not None:
        for org in compiled.access.orgs.values():
            for user in org.org.users.values():
                holding = org.holding(user)
                held += f"{org.org.id} {user} {holding.effective:x} {holding.timeline} {org.until(user)} {org.scope(user)}\n"
    files = compiled.emit() if compiled.verified is not None else {}
    return render_json(compiled.findings), files, held.replace(str(compiled.root), "")


def run(root: Path, cache: Path | None) -> tuple[str, dict[str, bytes], str]:
    opened = None if cache is None else ParseCache(CacheFile(cache))
    return told(compile_project(root, as_of=AS_OF, cache=opened))


def compare(root: Path, cache: Path) -> None:
    """The cache as it is, and as that run leaves it, gives what is given without one."""
    plain = run(root, None)
    assert run(root, cache) == plain
    assert run(root, cache) == plain


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an example."""
    root = tmp_path / "project"
    shutil.copytree(EXAMPLES / request.param, root)
    settle()
    return root


each_example = pytest.mark.parametrize("project", NAMES, indirect=True)
onestack = pytest.mark.parametrize("project", ["onestack"], indirect=True)


@each_example
def test_examples(project: Path, tmp_path: Path) -> None:
    """Cold, warm, and after slips have come and gone."""
    cache = tmp_path / "c" / "cache"
    compare(project, cache)
    assert cache.stat().st_size > 1000
    (project / "slips.yaml").write_text(SLIPS)
    compare(project, cache)
    settle()
    compare(project, cache)
    (project / "slips.yaml").unlink()
    compare(project, cache)


@onestack
def test_an_unchanged_file_is_not_read(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that look as before are not read again, and one that was modified is the only one that is."""
    cache = tmp_path / "c" / "cache"
    plain = run(project, cache)
    read: list[str] = []
    parse = parse_cache.parse_bytes

    def note(path: str, *more: object) -> object:
        read.append(path)
        return parse(path, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(parse_cache, "parse_bytes", note)
    assert run(project, cache) == plain
    assert [path for path in read if not path.startswith("hubcfg:")] == []
    changed = next(path for path in sorted(project.rglob("*.yaml")) if path.name != "hubcfg.yaml")
    changed.write_text(changed.read_text() + "# more\n")
    read.clear()
    assert run(project, cache)[1].keys() == plain[1].keys()
    assert [path for path in read if not path.startswith("hubcfg:")] == [changed.relative_to(project).as_posix()]


@onestack
def test_a_corrupted_cache(project: Path, tmp_path: Path) -> None:
    """A cache with a wrong byte, a missing end, or of something else is as good as none."""
    cache = tmp_path / "c" / "cache"
    plain = run(project, cache)
    good = cache.read_bytes()
    for position in range(0, len(good), len(good) // 40):
        cache.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        assert ParseCache(CacheFile(cache))._records == {}
        cache.write_bytes(good[:position])
        assert ParseCache(CacheFile(cache))._records == {}
    assert run(project, cache) == plain
    assert run(project, cache) == plain


def swap(file: Path) -> None:
    """Changes a letter of a file and nothing else that can be seen: size and time of modification stay."""
    before, text = file.stat(), file.read_text()
    file.write_text(
        text.replace("role: member", "role: viewer", 1).replace("kind: ", "kinb: ", "role: member" not in text)
    )
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def replace_by_same_looks(file: Path) -> None:
    other = file.with_name("aside.tmp")
    shutil.copy2(file, other)
    swap(other)
    other.rename(file)


def replace_by_link(file: Path) -> None:
    target = file.with_name("target.txt")
    file.rename(target)
    file.symlink_to(target.name)


def turn_back_time(file: Path) -> None:
    file.write_text(file.read_text() + "# more\nnonsense\n")
    os.utime(file, (1_000_000_000, 1_000_000_000))


def set_in_the_future(file: Path) -> None:
    os.utime(file, (4_000_000_000, 4_000_000_000))


def forbid(file: Path) -> None:
    (file.parents[0] / ".hubcfgignore").write_text(f"{file.name}\n")


CHANGES: list[Callable[[Path], None]] = [
    swap,
    replace_by_same_looks,
    replace_by_link,
    turn_back_time,
    set_in_the_future,
    forbid,
    lambda file: (file.parent / "manifest.json").write_text('{"format": "hubcfg.manifest/1"}') and None,
    lambda file: file.write_bytes(b"\xff" + file.read_bytes()) and None,
    lambda file: file.write_text(file.read_text() + "\x85") and None,
    lambda file: file.write_text("") and None,
    Path.unlink,
]


def small_project(root: Path) -> list[Path]:
    (root / "users").mkdir(parents=True)
    (root / "hubcfg.yaml").write_text("hubcfg: 1\nproject: test\nplatform: onestack\n")
    (root / "org.yaml").write_text("kind: Org\nid: acme\nproducts: {psa: active}\n")
    (root / "owner.yaml").write_text("kind: Users\norg: acme\nusers:\n  olga@acme.example: {role: owner}\n")
    files = [root / "users" / f"{name}.yaml" for name in ("ana", "ben", "cleo")]
    for file in files:
        user = f"  {file.stem}@acme.example: {{role: member, permissions: [psa.tickets.read]}}\n"
        file.write_text(f"kind: Users\norg: acme\nusers:\n{user}")
    return [*files, root / "org.yaml", root / "owner.yaml", root / "hubcfg.yaml"]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("wait", [True, False], ids=["settled", "racy"])
def test_changes_that_hide(change: Callable[[Path], None], wait: bool, tmp_path: Path) -> None:
    """Same size and times, time set back, links, ignored files: each is seen, long after the last run and right after it."""
    root, cache = tmp_path / "project", tmp_path / "c" / "cache"
    for number in range(3):
        files = small_project(root)
        if wait:
            settle()
        compare(root, cache)
        change(files[number])
        compare(root, cache)
        change(files[0] if files[0].exists() else files[1])
        settle()
        compare(root, cache)
        shutil.rmtree(root)
    assert cache.exists()


EDITS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([*CHANGES, settle]), st.booleans()), max_size=6)


@settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=EDITS)
def test_any_edits(edits: list[tuple[int, Callable[..., None], bool]]) -> None:
    """Whatever is done in whatever order, with runs between or without, the result is that of a run without a cache."""
    with tempfile.TemporaryDirectory() as scratch:
        root, cache = Path(scratch) / "project", Path(scratch) / "c" / "cache"
        files = small_project(root)
        compare(root, cache)
        for number, change, is_run in edits:
            if change is settle:
                settle()
            elif files[number].is_file() and not files[number].is_symlink():
                try:
                    change(files[number])
                except UnicodeDecodeError:
                    files[number].write_text("kind: Users\n")
            if is_run and files[-1].exists():
                compare(root, cache)
        compare(root, cache) if files[-1].exists() else None


@settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck))
@given(one=projects(), other=projects())
def test_random_projects(one: Project, other: Project) -> None:
    """A project that turns into another in the same folder gives what it gives without a cache."""
    with tempfile.TemporaryDirectory() as scratch:
        root, cache = Path(scratch) / "project", Path(scratch) / "c" / "cache"
        for project in (one, other, one):
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            write_project(project, root, order=0)
            compare(root, cache)


@onestack
def test_workers(project: Path, tmp_path: Path) -> None:
    """With workers the cache is filled and used alike."""
    cache = tmp_path / "c" / "cache"
    plain = run(project, None)
    with ProcessPoolExecutor(2) as pool:
        for _ in range(2):
            compiled = compile_project(project, as_of=AS_OF, executor=pool, cache=ParseCache(CacheFile(cache)))
            assert told(compiled) == plain
    assert run(project, cache) == plain


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a cache folder of its own."""
    return os.environ | {"XDG_CACHE_HOME": str(tmp_path / "xdg"), "HUBCFG_NO_CACHE": ""}


def command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "hubcfg", "-C", str(root), *arguments]


@onestack
def test_runs_at_the_same_time(project: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """Runs that write the cache at once leave a good one, and each says what it says alone."""
    words = command(project, "validate", "--format", "json", "--as-of", "2026-12-01")
    alone = subprocess.run([*words[:3], "--no-cache", *words[3:]], env=environment, capture_output=True, check=False)
    assert not (tmp_path / "xdg").exists()
    for _ in range(2):
        running = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE) for _ in range(4)]
        assert {one.communicate()[0] for one in running} == {alone.stdout}
    (kept,) = (tmp_path / "xdg" / "hubcfg").iterdir()
    assert CacheFile(kept).load()[0] is not None
    assert json.loads(alone.stdout)["format"] == "hubcfg.findings/1"


@onestack
@pytest.mark.parametrize("looking", [["show", "olga"], ["who-can", "psa.tickets.read"], ["validate"]])
def test_commands(project: Path, environment: dict[str, str], looking: list[str]) -> None:
    """Commands say the same with the cache, without, and where it can't be written."""
    words = command(project, *looking, "--as-of", "2026-12-01")
    broken = environment | {"XDG_CACHE_HOME": "/dev/null"}
    results = [
        subprocess.run(words, env=one, capture_output=True, check=False)
        for one in (environment, environment, broken, environment | {"HUBCFG_NO_CACHE": "1"})
    ]
    assert len({(one.returncode, one.stdout, one.stderr) for one in results}) == 1
