"""`hubcfg report` on a small project that has something of everything: golden files, what they claim, what they never let through."""

import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hubcfg.core.instants import Instant, parse_instant
from hubcfg.pipeline import compile_project
from hubcfg.views import report as report_package
from hubcfg.views.report import FORMATS, gather_review, render_review
from hubcfg.views.report.csv import COLUMNS, safe_cell
from hubcfg.views.report.markdown import escape
from hubcfg.views.report.model import Basis, Review, State
from hubcfg.views.schemas import output_schemas
from tests.unit.cli.running import Run, runner

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "tests" / "golden" / "report"
FILES = {"html": "report.html", "csv": "report.csv", "markdown": "report.md", "json": "report.json"}
EXAMPLES = ROOT / "examples"
AS_OF = "2026-12-01T00:00:00Z"
NAMES = ['<script>document.title = "owned"</script>', '=HYPERLINK("https://evil.example","open") | `code` @team']


def review_of(root: Path, orgs: tuple[str, ...] = ()) -> Review:
    instant = parse_instant(AS_OF)
    assert instant is not None
    compiled = compile_project(root, as_of=Instant(instant))
    assert compiled.config is not None
    assert compiled.access is not None
    assert compiled.approvals is not None
    chosen = [access for id, access in compiled.access.orgs.items() if not orgs or id in orgs]
    return gather_review(
        compiled.config,
        compiled.access,
        chosen,
        compiled.approvals,
        compiled.findings,
        compiled.read,
        State(None, False),
    )


def write(review: Review, format: str) -> str:
    return "".join(render_review(format, review))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy outside Git, so that what is judged does not depend on what this repository has committed."""
    return Path(shutil.copytree(GOLDEN / "project", tmp_path / "project"))


@pytest.fixture
def review(project: Path, monkeypatch: pytest.MonkeyPatch) -> Review:
    """The review of the project, by a version of hubcfg that does not change."""
    monkeypatch.setattr(report_package, "__version__", "1.2.3")
    return review_of(project)


@pytest.fixture
def hubcfg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command."""
    monkeypatch.setenv("NO_COLOR", "1")
    return runner(capsys)


@pytest.mark.parametrize("format", FORMATS)
def test_each_form_is_the_golden_one(review: Review, format: str, bless: bool) -> None:
    """Byte for byte; `--bless` rewrites the files."""
    path, text = GOLDEN / FILES[format], write(review, format)
    if bless:
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_do_not_depend_on_the_run(project: Path, format: str) -> None:
    """Processes with different hash seeds write the same."""
    outputs = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "hubcfg", "-C", project, "report", "--format", format, "--as-of", AS_OF]
        done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "PYTHONHASHSEED": seed})
        assert done.returncode == 1, done.stderr.decode()  # the access of one user is not known
        outputs.add(done.stdout)
    assert len(outputs) == 1


# ── what it claims ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("root", [GOLDEN / "project", *sorted(EXAMPLES.iterdir())], ids=lambda path: path.name)
def test_lists_are_what_is_effective(root: Path, tmp_path: Path) -> None:
    """Profiles, the lists of who may do what, and the spreadsheet all have exactly what the resolver makes effective."""
    shutil.copytree(root, tmp_path / "project")
    review = review_of(tmp_path / "project")
    rows = list(csv.DictReader(io.StringIO(write(review, "csv").removeprefix("\ufeff"))))
    for one in review.orgs:
        access = compile_project(tmp_path / "project", as_of=_instant(AS_OF)).access
        assert access is not None
        org = access.orgs[one.org.id]
        names = org.org.catalog.to_names
        due = {
            (id, name)
            for id, user in org.org.users.items()
            if id not in org.org.unsound
            for name in names(org.holding(user).effective)
        }
        listed = [
            (person.id, row.permission) for profile in one.profiles for person in profile.people for row in profile.rows
        ]
        who_may = [
            (person.id, name)
            for access_ in one.accesses
            for name in access_.permissions
            for _, profiles in access_.holders
            for profile in profiles
            for person in profile.people
        ]
        written = [(row["user"], row["permission"]) for row in rows if row["org"] == one.org.id and row["permission"]]
        assert Counter(listed) == Counter(who_may) == Counter(written) == Counter(due)
        assert {row["user"] for row in rows if row["org"] == one.org.id} == org.org.users.keys()
        assert [person.id for person in one.people] == sorted(org.org.users)


@pytest.mark.parametrize("root", [GOLDEN / "project", *sorted(EXAMPLES.iterdir())], ids=lambda path: path.name)
def test_everything_sensitive_rests_on_something_or_is_reported(root: Path, tmp_path: Path) -> None:
    """Each sensitive permission that somebody holds is listed once; what rests on an approval names one that counts."""
    shutil.copytree(root, tmp_path / "project")
    for one in review_of(tmp_path / "project").orgs:
        marked = one.org.catalog.permissions
        held = [
            (person.id, row.permission)
            for profile in one.profiles
            for person in profile.people
            for row in profile.rows
            if marked[row.permission].sensitive
        ]
        listed = [
            (person.id, row.permission) for share in one.sensitive for person in share.people for row in share.rows
        ]
        assert Counter(listed) == Counter(held)
        valid = {given.status.approval.id: given.status.approval for given in one.approvals if given.status.counts}
        for share in one.sensitive:
            assert bool(share.approvals) is (share.basis not in (Basis.MISSING, Basis.ROOT))
            assert {valid[id].approver for id in share.approvals} == set(share.approvers)
        missing = {(lack.user, name) for lack in one.missing for name in lack.permissions}
        unapproved = {
            (person.id, row.permission)
            for share in one.sensitive
            if share.basis is Basis.MISSING
            for person in share.people
            for row in share.rows
        }
        assert unapproved <= missing


def test_the_bases_of_the_project(review: Review) -> None:
    """The owner needs no approval, the admin has one of the role, Kim one of the permission, Eve's has ended."""
    (one,) = review.orgs
    found = {
        person.id.split("@")[0]: (share.basis, share.approvals) for share in one.sensitive for person in share.people
    }
    assert found == {
        "olga": (Basis.ROOT, ()),
        "ada": (Basis.ROLE_APPROVAL, ("2026-11-22-ada",)),
        "kim": (Basis.APPROVAL, ("2026-11-22-kim",)),
        "eve": (Basis.MISSING, ()),
    }
    assert [(lack.user, lack.permissions) for lack in one.missing] == [
        ("eve@northwind.example", ("desk.tickets.delete",))
    ]
    assert [given.status.counts for given in one.approvals] == [True, True, False]


def test_what_changes_soon_and_why(review: Review) -> None:
    """A grant's window and an approval's end are told apart, and what begins is there too."""
    (one,) = review.orgs
    found = [(coming.instant[:10], coming.begins, coming.because, coming.permissions) for coming in one.coming]
    assert found == [
        ("2026-12-21", False, "window", ("desk.tickets.create",)),
        ("2026-12-25", False, "approval", ("desk.tickets.delete",)),
        ("2027-01-10", True, "window", ("desk.boards.edit",)),
    ]


def test_direct_grants_that_several_people_share(review: Review) -> None:
    """Three people have two grants in common, which a group gives already; what only two of them add is a set too small to win."""
    (one,) = review.orgs
    first = one.suggestions[0]
    assert first.patterns == (("desk.boards.read", None), ("desk.tickets.read", None))
    assert [person.id.split("@")[0] for person in first.people] == ["lee", "mia", "sam"]
    assert first.bundle == ("group", "lookup")


def test_what_nobody_has_is_shown_even_where_the_finding_is_ignored(project: Path) -> None:
    """An auditor sees unused groups whatever the project's lint settings say."""
    with (project / "hubcfg.yaml").open("a") as file:
        file.write("lint: {ignore: [unused-bundle]}\n")
    (one,) = review_of(project).orgs
    assert [(unused.noun, unused.id, unused.line) for unused in one.unused] == [("group", "old-desk", 10)]


def test_a_user_whose_access_is_not_known_claims_nothing(review: Review) -> None:
    """Una's group does not exist: she is listed, with nothing held, in every form."""
    una = next(person for person in review.orgs[0].people if person.id.startswith("una"))
    assert (una.is_known, una.profile, una.held) == (False, None, 0)
    rows = [row for row in csv.DictReader(io.StringIO(write(review, "csv"))) if row["user"] == una.id]
    assert [(row["permission"], row["origin"]) for row in rows] == [("", "unknown")]
    assert "not known, because of errors" in write(review, "html")


# ── what it never lets through ─────────────────────────────────────────────────────────────────────────────────────


class _Page(HTMLParser):
    """Reads what matters of an HTML file."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.inline: dict[str, str] = {}
        self.words: list[str] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self._open = tag
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids[value or ""] += 1

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser gives it
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style"):
            self.inline[self._open] = self.inline.get(self._open, "") + data
        else:
            self.words.append(data)


@pytest.fixture
def page(review: Review) -> _Page:
    """The HTML report, read."""
    return _Page(write(review, "html"))


def test_names_stay_text_in_html(page: _Page) -> None:
    """Markup in a name, an org's name or a reason is shown, not made: there is one script, and it is ours."""
    assert (page.tags["script"], page.tags["style"]) == (1, 1)
    text = " ".join(page.words)
    for name in (*NAMES, "Northwind <IT> & Co", "Runs the Hub <with Olga>"):
        assert name in text
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]


def test_html_needs_nothing_else_and_allows_nothing_else(page: _Page) -> None:
    """Links lead within the file, nothing is loaded, and the policy allows just the file's own style and script."""
    links = [value for _, name, value in page.attributes if name in ("href", "src", "action")]
    assert links
    assert {link[0] for link in links} == {"#"}
    assert {link[1:] for link in links} <= page.ids.keys()
    assert set(page.ids.values()) == {1}
    policy = next(
        value for tag, name, value in page.attributes if (tag, name) == ("meta", "content") and "default-src" in value
    )
    digests = {
        tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, text in page.inline.items()
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests['style']}'; script-src 'sha256-{digests['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in page.inline["style"]
    assert "@import" not in page.inline["style"]


def test_tables_have_captions_and_heads(page: _Page) -> None:
    """Each table says what it shows, and each head what it is the head of."""
    assert page.tags["table"] == page.tags["caption"] == page.tags["thead"]
    scopes = [value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")]
    assert len(scopes) == page.tags["th"]
    assert set(scopes) == {"col", "row"}


def test_the_spreadsheet_is_a_csv_of_rfc_4180(review: Review) -> None:
    """A byte order mark, CRLF after every line, each field quoted, and as many fields as the head has."""
    text = write(review, "csv")
    assert text.startswith('\ufeff"org",')
    assert text.endswith('"\r\n')
    assert "\n" not in text.replace("\r\n", "")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert rows[0] == list(COLUMNS)
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert {row[2] for row in rows} >= {NAMES[0], f"'{NAMES[1]}"}


def test_the_columns_are_those_of_the_documentation() -> None:
    """docs/report.md explains each column, in their order."""
    table = (
        (ROOT / "docs" / "report.md").read_text("utf-8").partition("| column | what it has |")[2].partition("\n\n")[0]
    )
    heads = [line.split("|")[1] for line in table.splitlines() if line.count("|") > 2][1:]
    assert [name for head in heads for name in re.findall(r"`(\w+)`", head)] == list(COLUMNS)


@given(st.text())
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever a text is, a spreadsheet takes it for text, and one apostrophe is all that was added."""
    cell = safe_cell(text)
    assert not re.match(r"[=+\-@\t\r\n＝＋－＠]", cell)
    assert text in (cell, cell[1:])


@given(st.text())
def test_no_text_is_markup_in_markdown(text: str) -> None:
    """Whatever a text is, it stays in its cell and line, makes no HTML, link or emphasis and mentions nobody."""
    escaped = escape(text)
    assert len(escaped.splitlines()) <= 1
    assert not re.search(r"[<>]|(?<!\w)@\w|https?://|www\.", escaped, re.I)
    bare = re.sub(r"\\[\\`*_\[\]|~#$]", "", escaped)
    assert not re.search(r"[\\`*_\[\]|~#$]", bare)


def test_markdown_rows_have_as_many_cells_as_heads(review: Review) -> None:
    """A pipe in a name does not make a cell."""
    rows = [line for line in write(review, "markdown").splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4, 5, 7}


def test_json_fits_its_schema(review: Review) -> None:
    """The document is one of the published format."""
    document = json.loads(write(review, "json"))
    errors = [
        error.message for error in Draft202012Validator(output_schemas()[document["format"]]).iter_errors(document)
    ]
    assert errors == []


# ── the command ────────────────────────────────────────────────────────────────────────────────────────────────────

OTHER_ORG = """---
kind: Org
id: secretcorp
---
kind: Groups
org: secretcorp
groups:
  secretgroup: {permissions: [desk.tickets.read]}
---
kind: Users
org: secretcorp
users:
  secret.owner@secretcorp.example: {role: owner}
  secret.user@secretcorp.example: {role: member, groups: [secret-typo]}
"""


@pytest.mark.parametrize("format", FORMATS)
def test_a_review_of_one_org_tells_nothing_of_another(hubcfg: Run, project: Path, format: str) -> None:
    """Neither people nor findings, not even where both orgs stand in one file."""
    with (project / "northwind.yaml").open("a") as file:
        file.write(OTHER_ORG)
    outcome = hubcfg("-C", str(project), "report", "--format", format, "--as-of", AS_OF, "--org", "northwind")
    assert "kim@northwind.example" in outcome.out or "Kim Lund" in outcome.out
    assert "secret" not in outcome.out
    outcome = hubcfg("-C", str(project), "report", "--format", format, "--as-of", AS_OF)
    assert "secret" in outcome.out


def test_html_is_not_thrown_at_a_terminal(hubcfg: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong usage, with the option that was meant; Markdown may go there."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    outcome = hubcfg("-C", str(project), "report")
    assert (outcome.code, outcome.out) == (2, "")
    assert "`-o FILE`" in outcome.err
    assert hubcfg("-C", str(project), "report", "--format", "markdown", "--as-of", AS_OF).out.startswith(
        "# Access review"
    )


def test_exit_codes(hubcfg: Run, project: Path, tmp_path: Path) -> None:
    """1 where somebody's access is not known, else 0, also with errors; 2 for an unknown org; 3 where it can't be written."""
    arguments = ("-C", str(project), "report", "--as-of", AS_OF, "--format")
    outcome = hubcfg(*arguments, "markdown")
    assert outcome.code == 1
    assert "the project has 3 errors" in outcome.err
    file = project / "northwind.yaml"
    file.write_text(file.read_text().replace("groups: [no-such-group]", "groups: [lookup]"))
    assert hubcfg(*arguments, "markdown").code == 0
    unknown = hubcfg(*arguments, "json", "--org", "northwnd")
    assert unknown.code == 2
    assert unknown.json["error"]["help"] == "did you mean `northwind`?"
    assert hubcfg(*arguments, "csv", "-o", str(tmp_path / "none" / "x.csv")).code == 3


def test_a_file_is_written_as_a_whole_or_not_at_all(
    hubcfg: Run, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that fails halfway leaves the one before as it was, and nothing beside it."""
    out = tmp_path / "out" / "review.html"
    out.parent.mkdir()
    assert hubcfg("-C", str(project), "report", "--as-of", AS_OF, "-o", str(out)).code == 1
    before = out.read_bytes()
    assert before.startswith(b"<!doctype html>")

    def fail(*_: object) -> object:
        yield "half of it"
        raise RuntimeError("no more")

    monkeypatch.setattr("hubcfg.cli.commands.report.render_review", fail)
    assert hubcfg("-C", str(project), "report", "--as-of", AS_OF, "-o", str(out)).code == 70
    assert [path.read_bytes() for path in out.parent.iterdir()] == [before]


def test_the_revision_is_the_commit(hubcfg: Run, project: Path) -> None:
    """In Git the report names the commit, and says whether the files are exactly as it has them."""

    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t.example", *words]
        return subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "All")
    arguments = ("-C", str(project), "report", "--as-of", AS_OF, "--format", "json", "--base", "HEAD")
    commit = git("rev-parse", "HEAD").strip()
    document = hubcfg(*arguments).json
    assert document["revision"] == {"commit": commit, "clean": True}
    assert document["base"]["is_tree"] is False
    (project / "more.yaml").write_text("")
    assert hubcfg(*arguments).json["revision"] == {"commit": commit, "clean": False}


def _instant(text: str) -> Instant:
    instant = parse_instant(text)
    assert instant is not None
    return instant
