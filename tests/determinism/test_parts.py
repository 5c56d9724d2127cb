"""A project that is compiled in parts comes to what it comes to as a whole: findings and bundles, to the byte."""

import pickle
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from hubcfg.core.instants import Instant, parse_instant
from hubcfg.emitter.folder import new_folder
from hubcfg.parts.compile import CompiledParts, compile_in_parts
from hubcfg.pipeline import Compiled, compile_project
from tests.reference.files import write_project
from tests.reference.projects import Project, examples, projects
from tests.reference.test_reference import EPOCH, TICK

EXAMPLES = Path(__file__).parents[2] / "examples"
AS_OF = parse_instant("2026-12-01T00:00:00Z")
assert AS_OF is not None


class FarExecutor(Executor):
    """Works at once and here, but on copies of what it is handed, as if it were on a machine without the files."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        function, copied, named = pickle.loads(pickle.dumps((fn, args, kwargs)))
        future: Future[Any] = Future()
        future.set_result(pickle.loads(pickle.dumps(function(*copied, **named))))
        return future


class NearExecutor(FarExecutor):
    """The same, but passing for one of the standard library's, whose processes read the files themselves."""


NearExecutor.__module__ = "concurrent.futures.process"


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def parts_of(
    root: Path, executor: Executor, as_of: Instant, base: str | None = None
) -> tuple[list[Any], dict[str, bytes]]:
    """Returns the findings and the files of a project that is compiled in parts."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "below" / "out"
        with new_folder(out) as folder:
            done = compile_in_parts(root, executor, as_of=as_of, base=base, folder=folder)
            assert done is not None
            if isinstance(done, CompiledParts) and done.verified is not None:
                folder.publish({"manifest.json": done.emit_manifest()})
        found = files_of(Path(scratch))
    return done.findings, {path.removeprefix("below/out/"): content for path, content in found.items()}


def assert_same(root: Path, as_of: Instant, base: str | None = None) -> Compiled:
    """Shows that the parts come to what the whole does; returns the whole."""
    whole = compile_project(root, as_of=as_of, base=base)
    files = {} if whole.verified is None else whole.emit()
    for executor in (NearExecutor(), FarExecutor()):
        assert parts_of(root, executor, as_of, base) == (whole.findings, files)
    return whole


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_examples(name: str) -> None:
    """The examples, near and far."""
    assert AS_OF is not None
    assert assert_same(EXAMPLES / name, AS_OF).verified is not None


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=examples(60), deadline=None, suppress_health_check=SLOW)
@given(projects(marks=True))
def test_random_projects(project: Project) -> None:
    """Random projects with shared groups and roles, windows, several orgs and platforms of their own."""
    with tempfile.TemporaryDirectory() as directory:
        write_project(project, Path(directory), order=0)
        assert_same(Path(directory), Instant((project.at - EPOCH) // TICK))


# What stands against one org, against several, or against the project, and what only one of its orgs can tell.
SLIPS = {
    "unknown field": "kind: Users\norg: tidewater\nusers:\n  a@b.example: {rol: x, role: membr}\n",
    "twice": "kind: Users\norg: tidewater\nusers:\n  ana@tidewater.example: {role: owner}\n---\nkind: Users\norg: tidewater\n"
    "users:\n  ANA@tidewater.example: {role: member}\n",
    "no such org": "kind: Users\norg: nowhere\nusers:\n  a@b.example: {role: member}\n",
    "a second org of the id": "kind: Org\nid: Tidewater\n",
    "broken": "kind: Users\norg: tidewater\nusers:\n  a@b.example: {role: [\n",
    "no kind": "org: tidewater\nusers: {}\n",
    "neither org nor platform": "kind: Groups\norg: tidewater\nplatform: onestack\ngroups: {}\n",
    "idle shared lines": "kind: Groups\nplatform: onestack\ngroups:\n  spare: {permissions: [psa.tickets.read]}\n  used: {permissions: ['*', crm.deals.read]}\n"
    "---\nkind: Users\norg: tidewater\nusers:\n  z@b.example: {role: viewer, groups: [used]}\n",
    "an ignore comment": "kind: Users\norg: tidewater\nusers:\n  z@b.example: {role: member, permissions: [psa.*]} # hubcfg: ignore[product-wildcard] so\n",
    "an ignore comment for nothing": "kind: Org # hubcfg: ignore[unused-bundle] why not\nid: another\nplatform: onestack\n",
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slips(slip: str, tmp_path: Path) -> None:
    """Findings of every stage: their order, lines and words."""
    assert AS_OF is not None
    shutil.copytree(EXAMPLES / "onestack", tmp_path / "copy")
    (tmp_path / "copy" / "zz.yaml").write_text(SLIPS[slip])
    before = compile_project(EXAMPLES / "onestack", as_of=AS_OF)
    assert assert_same(tmp_path / "copy", AS_OF).findings != before.findings


BASE = {
    "hubcfg.yaml": "hubcfg: 1\nproject: two\nplatform: onestack\n",
    "a.yaml": "kind: Org\nid: a\nproducts: {psa: active}\n---\nkind: Users\norg: a\nusers:\n  ana@a.example: {role: owner}\n",
    "b.yaml": "kind: Org\nid: b\nproducts: {psa: active}\n---\nkind: Users\norg: b\nusers:\n  bo@b.example: {role: owner}\n",
    "shared.yaml": "kind: Roles\nplatform: onestack\nroles:\n  desk: {permissions: [psa.tickets.read]}\n",
}
CHANGES: dict[str, dict[str, str | None]] = {
    "nothing": {},
    "a new org": {"c.yaml": "kind: Org\nid: c\n---\nkind: Users\norg: c\nusers:\n  cy@c.example: {role: owner}\n"},
    "an org goes": {"b.yaml": None},
    "an owner changes": {"a.yaml": BASE["a.yaml"].replace("ana", "bea")},
    "subscriptions change": {"a.yaml": BASE["a.yaml"].replace("psa: active", "psa: active, crm: active")},
    "a shared role grows": {
        "shared.yaml": BASE["shared.yaml"].replace("read", "delete"),
        "more.yaml": "kind: Users\norg: a\nusers:\n  dee@a.example: {role: member, roles: [desk]}\n---\n"
        "kind: Users\norg: b\nusers:\n  dee@a.example: {role: member, roles: [desk]}\n",
    },
    "trust changes": {"hubcfg.yaml": BASE["hubcfg.yaml"] + "approvals: {max_age_days: 400}\n"},
    "users move between files": {"a.yaml": BASE["a.yaml"].partition("---")[0], "d/a.yaml": BASE["a.yaml"].partition("---\n")[2]},
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_bases(change: str, tmp_path: Path) -> None:
    """What is judged by a Git revision: the same parts of it are read, and the same approvals are missing."""
    assert AS_OF is not None
    for name, text in BASE.items():
        (tmp_path / name).write_text(text)
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@a.example commit -qm base"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    for name, changed in CHANGES[change].items():
        file = tmp_path / name
        if changed is None:
            file.unlink()
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_text(changed)
    whole = assert_same(tmp_path, AS_OF, base="HEAD")
    assert whole.has_errors == (change not in ("nothing", "an org goes", "users move between files"))


def test_shared_findings_stand_against_every_org(tmp_path: Path) -> None:
    """What is missing an approval at a line that two orgs share, for people of one name, stands against both."""
    assert AS_OF is not None
    for name, text in (BASE | CHANGES["a shared role grows"]).items():
        assert text is not None
        (tmp_path / name).write_text(text)
    findings = compile_project(tmp_path, as_of=AS_OF).findings
    missing = [one for one in findings if one.name == "unapproved-sensitive-grant"]
    assert [one.orgs for one in missing] == [("a", "b")]


def test_outputs_are_compiled_as_a_whole(tmp_path: Path) -> None:
    """Templates may show all orgs at once, so a project with outputs is not taken apart."""
    assert AS_OF is not None
    for name, text in BASE.items():
        (tmp_path / name).write_text(text)
    with (tmp_path / "hubcfg.yaml").open("a") as file:
        file.write("outputs: [{template: t.j2, path: all.csv, per: project}]\n")
    (tmp_path / "t.j2").write_text("{{ orgs | length }}\n")
    assert compile_in_parts(tmp_path, NearExecutor(), as_of=AS_OF) is None
