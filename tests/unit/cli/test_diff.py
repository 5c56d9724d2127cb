"""`hubcfg diff`: what it prints, what it proves, and what it reads of Git."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import hubcfg.parser.parse
from hubcfg.core.instants import Instant
from hubcfg.parser.cache import ParseCache
from hubcfg.parser.cache_file import CacheFile
from hubcfg.parser.document import ParsedFile
from hubcfg.snapshot import read_snapshots
from hubcfg.views.schemas import output_schemas
from tests.unit.cli.running import Outcome, Run

CASES = Path(__file__).parents[2] / "cases" / "diff"
AS_OF = "2026-12-01"
PROJECT = "hubcfg: 1\nproject: p\nplatform: onestack\n"
DESK = "kind: Org\nid: desk\nproducts: {psa: active, crm: active}\n---\nkind: Users\norg: desk\nusers:\n"
OLGA = "  olga: {role: owner}\n"
BO = "  bo: {role: member, permissions: [psa.tickets.read]}\n"
MORE = "  bo: {role: member, permissions: [psa.tickets.read, psa.tickets.create]}\n"
SENSITIVE = "  bo: {role: member, permissions: [psa.tickets.read, psa.tickets.delete]}\n"


class Repository:
    """A Git work tree with a project."""

    def __init__(self, root: Path, hubcfg: Run) -> None:
        self.root = root
        self._hubcfg = hubcfg
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """Runs a Git command."""
        who = {f"GIT_{one}_{what}": "a@b.example" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment = os.environ | who | {"GIT_CONFIG_GLOBAL": os.devnull}
        command = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    def write(self, **files: str) -> None:
        """Writes YAML files by name."""
        for name, text in files.items():
            (self.root / f"{name}.yaml").write_text(text, "utf-8")

    def commit(self, **files: str) -> str:
        """Writes files, commits everything, and returns the commit."""
        self.write(**files)
        self.git("add", "-A")
        self.git("commit", "-qm", "a change", "--allow-empty")
        return self.git("rev-parse", "HEAD")

    def diff(self, *arguments: str) -> Outcome:
        """Runs `hubcfg diff`."""
        return self._hubcfg("-C", str(self.root), "diff", "--as-of", AS_OF, *arguments)


@pytest.fixture
def repository(tmp_path: Path, hubcfg: Run) -> Repository:
    made = Repository(tmp_path, hubcfg)
    made.commit(hubcfg=PROJECT, desk=DESK + OLGA + BO)
    return made


# What it prints


@pytest.fixture
def case(tmp_path: Path, hubcfg: Run) -> Repository:
    """A repository whose first commit is tests/cases/diff/before, and whose work tree is what comes after."""
    shutil.copytree(CASES / "before", tmp_path / "project")
    made = Repository(tmp_path / "project", hubcfg)
    made.commit()
    made.git("tag", "v1")
    (made.root / "access.yaml").unlink()
    shutil.copytree(CASES / "after", made.root, dirs_exist_ok=True)
    return made


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("all.txt", ["v1"]),
        ("pilot.txt", ["v1", "--org", "pilot", "--fail-on", "sensitive-gains"]),
        ("equivalent.txt", ["v1", "--org", "quiet", "--fail-on", "any"]),
        ("pilot.json", ["v1", "--org", "pilot", "--format", "json"]),
    ],
)
def test_it_prints_what_is_expected(
    case: Repository, name: str, arguments: list[str], bless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file of tests/cases/diff/expected is what the command prints, in sixty columns, commits aside, and its exit code."""
    monkeypatch.setenv("COLUMNS", "60")
    outcome = case.diff(*arguments)
    given = re.sub(r"\b[0-9a-f]{40}\b|\([0-9a-f]{10}\)", "(commit)", outcome.out) + f"exit {outcome.code}\n"
    path = CASES / "expected" / name
    if bless:
        path.write_text(given, "utf-8")
    assert given == path.read_text("utf-8")


def test_json_fits_its_schema(case: Repository) -> None:
    """With changes of every kind, back and forth, and where there are none."""
    case.git("add", "-A")
    case.git("commit", "-qm", "after")
    for arguments in (["v1"], ["HEAD", "v1"], ["HEAD"], ["v1", "--fail-on", "gains"]):
        document = case.diff(*arguments, "--format", "json").json
        Draft202012Validator(output_schemas()["hubcfg.diff/1"]).validate(document)
        assert document["format"] == "hubcfg.diff/1"


def test_verbose_text_leaves_nothing_out(repository: Repository, hubcfg: Run) -> None:
    """A new owner's permissions are counted where they are many; with `-v` each is named."""
    repository.write(desk=DESK + OLGA + BO + "  ola: {role: owner}\n")
    short = repository.diff("HEAD").out
    long = hubcfg("-C", str(repository.root), "-v", "diff", "HEAD", "--as-of", AS_OF).out
    assert len(short.splitlines()) < 40
    assert re.search(r"\+ psa: \d+ permissions", short)
    assert "+ psa.tickets: " in long
    assert "+ psa: " not in long


# What it proves


@pytest.mark.parametrize(
    ("after", "failing"),
    [
        (BO, []),
        ("  bo: {role: member, permissions: ['psa.tickets.read'], name: Bo}\n", []),
        (MORE, ["any", "gains"]),
        (SENSITIVE, ["any", "gains", "sensitive-gains"]),
        ("", ["any"]),
        ("  bo: {role: member, permissions: [psa.tickets.read], uid: u1}\n", ["any"]),
        ("  bo: {role: member, permissions: [psa.tickets.read, {permission: psa.tickets.create, starts: 2030-01-01}]}\n", ["any", "gains"]),
    ],
)  # fmt: skip
def test_fail_on(repository: Repository, after: str, failing: list[str]) -> None:
    """Each condition fails exactly where it is met, at whatever instant from now on; without one nothing fails."""
    repository.write(desk=DESK + OLGA + after)
    assert repository.diff("HEAD").code == 0
    conditions = ["any", "gains", "sensitive-gains"]
    assert [one for one in conditions if repository.diff("HEAD", "--fail-on", one).code == 1] == failing


def test_a_proof_does_not_pass_on_what_is_not_known(repository: Repository) -> None:
    """A file that can't be read, on either side, fails the run, and the text says why."""
    good = repository.git("rev-parse", "HEAD")
    bad = repository.commit(desk=DESK + OLGA + BO + "  cy: {role: member, groups: [nowhere]}\n", more="kind: [\n")
    for arguments in ([good], [good, bad], [bad, good]):
        outcome = repository.diff(*arguments, "--fail-on", "sensitive-gains")
        text = " ".join(outcome.out.split())
        assert outcome.code == 1
        assert "which proves nothing, so this fails" in text
        assert "as far as is known" in text
        assert "there is no group `nowhere`" in text
        assert "not compared, because the access is not known: cy" in text
    document = repository.diff(good, "--format", "json").json
    assert document["known"] is False
    assert [error["name"] for error in document["after"]["errors"]] == ["invalid-yaml", "unknown-group"]
    Draft202012Validator(output_schemas()["hubcfg.diff/1"]).validate(document)


def test_approvals_are_not_judged(repository: Repository) -> None:
    """A sensitive grant that nobody has approved is compared like any other."""
    repository.write(desk=DESK + OLGA + SENSITIVE)
    outcome = repository.diff("HEAD")
    assert outcome.code == 0
    assert "+ psa.tickets: delete  (sensitive: deletion)" in outcome.out


def test_other_instants_are_looked_at(repository: Repository) -> None:
    """With `--as-of` after a grant has ended, it makes no difference any more."""
    entry = (
        "  bo: {role: member, permissions: [psa.tickets.read, {permission: psa.tickets.create, expires: 2026-12-31}]}\n"
    )
    repository.write(desk=DESK + OLGA + entry)
    assert repository.diff("HEAD", "--fail-on", "any").code == 1
    assert repository.diff("HEAD", "--fail-on", "any", "--as-of", "2027-01-01").code == 0


# What it reads


def test_two_revisions_and_the_work_tree(repository: Repository) -> None:
    """REF2 is the work tree by default, changed, untracked and deleted files among it; nothing is checked out."""
    second = repository.commit(desk=DESK + OLGA + MORE)
    repository.write(desk=DESK + OLGA, extra="kind: Users\norg: desk\nusers:\n  new: {role: viewer}\n")
    before = sorted(repository.root.iterdir())

    def ids(*arguments: str) -> list[tuple[str | None, str | None]]:
        orgs = repository.diff(*arguments, "--format", "json").json["orgs"]
        found = [(user["before"], user["after"]) for org in orgs for one in org["changes"] for user in one["users"]]
        return sorted(found, key=str)

    assert ids("HEAD~1", "HEAD") == [("bo", "bo")]
    assert ids(second) == [("bo", None), (None, "new")]
    assert ids("HEAD", "HEAD~1") == [("bo", "bo")]
    assert sorted(repository.root.iterdir()) == before


def test_only_what_differs_is_parsed(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fifty files each is parsed once, and the one that differs once more, whichever sides are compared."""
    many = {f"u{n}": f"kind: Users\norg: desk\nusers:\n  u{n}: {{role: viewer}}\n" for n in range(50)}
    first = repository.commit(**many)
    second = repository.commit(u7="kind: Users\norg: desk\nusers:\n  u7: {role: viewer, suspended: true}\n")
    parsed: list[str] = []
    real = hubcfg.parser.parse.parse_text

    def parse(path: str, *more: Any) -> ParsedFile:
        parsed.append(path)
        return real(path, *more)

    monkeypatch.setattr(hubcfg.parser.parse, "parse_text", parse)
    cache = CacheFile(repository.root.parent / "c" / "cache")
    for after in (None, second):
        parsed.clear()
        sides = read_snapshots(repository.root, first, after, Instant(0))
        read = sorted(path for path in parsed if not path.startswith("hubcfg:"))
        assert read == sorted([*(f"{name}.yaml" for name in (*many, "desk", "u7")), *["hubcfg.yaml"] * 2])
        assert all(len(side.access.orgs["desk"].org.users) == 52 for side in sides)
        for _ in range(2):
            parsed.clear()
            read_snapshots(repository.root, first, after, Instant(0), ParseCache(cache))
        assert parsed == ["hubcfg.yaml"] * 2


def test_a_cache_changes_nothing(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was compared before, with the cache and without it the same is said, of slips as well."""
    repository.commit(desk=DESK + OLGA + MORE, more="kind: Users\norg: desk\nusers:\n  cy: {role: viewer}\n")
    repository.commit(
        desk=DESK + OLGA + SENSITIVE, slip="kind: Users\norg: desk\nusers: {cy: {rol: x}, d: {role: *y}}\n"
    )
    repository.write(desk=DESK + OLGA + BO)
    sides = [("HEAD~1", "HEAD"), ("HEAD",), ("HEAD", "HEAD~2"), ("HEAD~2",), ("HEAD~1", "HEAD~2")]
    plain = [repository.diff(*words, "--format", "json") for words in sides]
    monkeypatch.setenv("HUBCFG_NO_CACHE", "")
    folder = tmp_path_factory.mktemp("caches")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    for _ in range(2):
        cached = [repository.diff(*words, "--format", "json") for words in sides]
        assert [(one.code, one.out) for one in cached] == [(one.code, one.out) for one in plain]
    assert list((folder / "hubcfg").iterdir())


def test_a_project_below_the_top_of_its_repository(tmp_path: Path, hubcfg: Run) -> None:
    """Paths are those of the project, wherever in the repository it lies; other files do not matter."""
    root = tmp_path / "config" / "access"
    root.mkdir(parents=True)
    above = Repository(tmp_path, hubcfg)
    below = Repository.__new__(Repository)
    below.__dict__.update(above.__dict__ | {"root": root})
    below.commit(hubcfg=PROJECT, desk=DESK + OLGA + BO)
    (tmp_path / "elsewhere.yaml").write_text("kind: [\n")
    below.write(desk=DESK + OLGA + MORE)
    outcome = below.diff("HEAD", "--format", "json")
    assert outcome.code == 0
    assert outcome.json["totals"]["gained"] == 1


def test_what_is_ignored_in_a_revision_is_by_its_own_rules(repository: Repository) -> None:
    """Each side's `.hubcfgignore` and output folders count on that side: hiding a file takes its users away."""
    repository.commit(more="kind: Users\norg: desk\nusers:\n  cy: {role: viewer}\n")
    (repository.root / ".hubcfgignore").write_text("more.yaml\n")
    hidden = repository.commit()
    for arguments in (["HEAD~1"], ["HEAD~1", hidden]):
        (org,) = repository.diff(*arguments, "--format", "json").json["orgs"]
        assert [group["users"][0]["before"] for group in org["changes"]] == ["cy"]
        assert [group["presence"] for group in org["changes"]] == ["removed"]


def test_links_and_other_repositories_in_a_revision(repository: Repository) -> None:
    """A link within the project is passed over; one that leads out, and another repository, are what can't be known."""
    (repository.root / "again.yaml").symlink_to("desk.yaml")
    inside = repository.commit()
    assert repository.diff(inside).code == 0
    (repository.root / "again.yaml").unlink()
    (repository.root / "again.yaml").symlink_to("../outside.yaml")
    out = repository.commit()
    outcome = repository.diff(out, inside)
    assert outcome.code == 1
    assert "it is a link that leads out of the project" in " ".join(outcome.out.split())
    (repository.root / "again.yaml").unlink()
    repository.commit()
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{inside},vendor")
    repository.git("commit", "-qm", "another repository")
    outcome = repository.diff("HEAD", inside)
    assert outcome.code == 1
    assert "its folder is another repository" in " ".join(outcome.out.split())


def test_a_revision_without_the_project(repository: Repository) -> None:
    """Where there was no hubcfg.yaml yet everything is new, and a note says so; where neither has one there is nothing."""
    (repository.root / "hubcfg.yaml").unlink()
    without = repository.commit()
    back = repository.commit(hubcfg=PROJECT)
    outcome = repository.diff(without)
    assert outcome.code == 0
    assert "has no `hubcfg.yaml` here" in outcome.err
    assert "new org desk: wider" in outcome.out
    assert "removed org desk: narrower" in repository.diff(back, without).out
    assert repository.diff(without, without).code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 2, "there is no revision `nowhere`"),
        (["HEAD", "nowhere"], 2, "there is no revision `nowhere`"),
        (["HEAD..HEAD"], 2, "give the two revisions as two words"),
        (["--upload-pack=x"], 2, "No such option"),
        (["HEAD", "--org", "dask"], 2, "did you mean `desk`?"),
        ([], 2, "Missing argument"),
        (["twice"], 2, "`twice` could be any of"),
    ],
)
def test_revisions_and_orgs_that_are_not_there(
    repository: Repository, arguments: list[str], code: int, message: str
) -> None:
    """Each is refused with what would be right; in JSON too."""
    repository.git("tag", "twice")
    repository.commit()
    repository.git("branch", "twice")
    outcome = repository.diff(*arguments)
    assert outcome.code == code
    assert message in outcome.err
    if "--upload-pack=x" not in arguments:
        assert repository.diff(*arguments, "--format", "json").json["error"]["message"]


def test_outside_git_there_is_nothing_to_compare(tmp_path: Path, hubcfg: Run) -> None:
    """The message says that it takes a repository."""
    (tmp_path / "hubcfg.yaml").write_text(PROJECT)
    outcome = hubcfg("-C", str(tmp_path), "diff", "HEAD")
    assert outcome.code == 1
    assert "this is no Git repository" in outcome.err


@pytest.mark.parametrize("bad", ["hubcfg: 2\n", "- a\n"])
def test_a_project_file_that_cannot_be_used(repository: Repository, bad: str) -> None:
    """On either side it is an error that names the side."""
    first = repository.git("rev-parse", "HEAD")
    second = repository.commit(hubcfg=bad)
    for arguments, named in (([first], "the work tree"), ([second, first], second[:10])):
        outcome = repository.diff(*arguments)
        assert outcome.code == 1
        assert f"{named}" in outcome.err
        assert "can't be used" in outcome.err
