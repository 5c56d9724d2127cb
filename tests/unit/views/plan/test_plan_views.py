"""The forms of a plan with something of everything: golden files, what they claim, and what they never let through."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from hubcfg.core.finding import find
from hubcfg.core.places import Span
from hubcfg.planner.change import AccessChange, Presence
from hubcfg.planner.guardrails import Guardrail, Trip
from hubcfg.planner.plan import Plan
from hubcfg.planner.saved import read_origin
from hubcfg.planner.verdict import Totals
from hubcfg.views.plan import FORMATS, html, render_plan
from hubcfg.views.plan.failed import render_no_plan
from hubcfg.views.plan.text import printable
from hubcfg.views.schemas import output_schemas
from tests.unit.views.plan.golden import FINDINGS, GOLDEN, MISSING, golden_plan
from tests.unit.views.plan.plans import NOW, ORIGIN, access_of, change_of, gain, make_plan, plan_of

FILES = {"text": "plan.txt", "json": "plan.json", "markdown": "plan.md", "html": "plan.html"}
DESK = "kind: Org\nid: desk\nplatform: onestack\nproducts: {psa: active}\n---\nkind: Users\norg: desk\nusers:\n"


def write(plan: Plan, format: str, *, width: int = 100, is_verbose: bool = False) -> str:
    return render_plan(format, plan, FINDINGS, width=width, use_color=False, is_verbose=is_verbose)


def desk(*people: str) -> Any:
    return access_of(DESK + "".join(f"  {one}\n" for one in people))


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The golden plan, by a version of hubcfg that does not change."""
    monkeypatch.setattr(html, "__version__", "1.2.3")
    return golden_plan()


@pytest.mark.parametrize("format", FORMATS)
def test_each_form_is_the_golden_one(plan: Plan, format: str, bless: bool) -> None:
    """Byte for byte; `--bless` rewrites the files."""
    path, text = GOLDEN / FILES[format], write(plan, format) + "\n"
    if bless:
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


# ── JSON ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_json_fits_its_schema_and_is_what_apply_reads(plan: Plan) -> None:
    """All of it, findings as everywhere else."""
    document = json.loads(write(plan, "json"))
    schema = output_schemas()["hubcfg.plan/1"]
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []
    assert document["counts"] == {"error": 0, "warning": 1, "info": 0}
    assert read_origin(json.dumps(document)) == ORIGIN


def test_json_has_everybody_and_everything(plan: Plan) -> None:
    """What is gained and lost adds up to the totals, user by user."""
    document = json.loads(write(plan, "json"))
    gained = lost = sensitive = 0
    for org in document["orgs"]:
        for group in org["changes"]:
            for one in group["permissions"]:
                pairs = len(group["users"]) * len(one["permissions"])
                gained += pairs * one["gained"]
                lost += pairs * one["lost"]
                sensitive += pairs * (one["gained"] and bool(one["sensitive"]))
    totals = document["totals"]
    assert (gained, lost, sensitive) == (totals["gained"], totals["lost"], totals["sensitive_gained"])
    assert {org["org"]: (org["presence"], org["verdict"], org["left_alone"]) for org in document["orgs"]} == {
        "harbour": ("removed", "narrower", []),
        "northwind": ("kept", "mixed", ["sam@northwind.example"]),
        "pilot": ("added", "wider", []),
    }
    assert {one["guardrail"] for one in document["guardrails"]} == {"revoked", "no-owner"}
    assert document["due"] == "2027-01-15T00:00:00Z"


def test_json_names_what_is_held_more_widely() -> None:
    """A sensitive permission whose obligation goes, or whose scope grows, is named with its users."""
    change = AccessChange(
        Presence.KEPT, widened=("psa.tickets.delete",), totals=Totals(sensitive_widened=1), permissions=()
    )
    plan = plan_of({"desk": [("kim@d", change)]})
    assert json.loads(write(plan, "json"))["orgs"][0]["changes"][0]["widened"] == ["psa.tickets.delete"]
    for format, words in (
        ("text", "+ 🛡 psa.tickets: delete  (sensitive, held more widely than before)"),
        ("markdown", "- 🛡 `psa.tickets: delete` held more widely"),
        ("html", "held before, now more widely"),
    ):
        assert words in write(plan, format)


# ── all forms ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
def test_nothing_to_do_is_said_in_a_line_and_the_verdict(format: str) -> None:
    """The target, its serial and the instant; nothing about gains."""
    people = desk("olga@d: {role: owner}")
    said = re.sub(r"<[^>]+>|[`*]", "", render_plan(
        format, make_plan(people, people), width=100, use_color=False, is_verbose=False
    ))  # fmt: skip
    assert "nothing to change: the target production at serial 41 is as it is to be, as of 2026-12-01T09:00:00Z" in said
    assert "gained" not in said.split("How to read")[0]
    if format != "html":
        assert "equivalent" in said
        assert len(said.splitlines()) == 2


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
def test_what_holds_a_plan_back_comes_first(plan: Plan, format: str) -> None:
    """Guardrails, orgs left out, an interrupted deployment and hidden files stand before any org."""
    said = re.sub(r"<style>.*?</style>", "", write(plan, format), flags=re.DOTALL)
    first = said.index("kim@northwind.example" if format != "markdown" else "<details>")
    for words in ("no-owner", "revoked", "--allow no-owner", "tailspin", "did not end", ".hubcfgignore"):
        assert -1 < said.find(words) < first, words


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
def test_all_of_it_is_told(plan: Plan, format: str) -> None:
    """Renames, first accesses, ends, approvals, who is left alone, what comes later, verdicts and totals."""
    said = re.sub(r"<style>.*?</style>|<[^>]+>|[`*\\]", "", write(plan, format), flags=re.DOTALL)
    said = " ".join(said.split())
    for words in (
        "eve@northwind.example → eva@northwind.example",
        "until 2027-03-02T00:00:00Z",
        "first access: Set up the service boards",
        "NW-118",
        "clears out old tickets",
        "sam@northwind.example",
        "2027-01-15T00:00:00Z" if format != "html" else "2027-01-15",
        "mixed",
        "narrower",
        "wider",
        "4f2a9c81d0",
        "0a1b2c3d4e",
    ):
        assert words in said, words


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
def test_orgs_without_a_change_of_access_are_one_sentence(format: str) -> None:
    """An org whose bundles are written anew, and one that becomes hubcfg's as it is."""
    people = desk("olga@d: {role: owner}")
    plan = make_plan(people, people)
    assert "written anew" not in write(plan, format)
    (org,) = make_plan(None, people).orgs
    same = plan_of({})
    renewed = type(org)(org.id, {}, org.after, org.ever, plan_of({"desk": []}).orgs[0].change)
    adopted = type(org)(org.id, org.after, org.after, org.ever, renewed.change, is_new=True)
    for one, words in (
        (renewed, "written anew, and nobody's access changes"),
        (adopted, "from now on, and already as"),
    ):
        said = write(Plan("hub", ORIGIN, same.comparison, (one,)), format)
        assert words in said.replace("&#39;", "'")
        assert "nothing to change" not in said


def test_a_plan_against_a_revision_names_it() -> None:
    """Not a target."""
    origin = replace(ORIGIN, target=None, serial=0, against="`main` (0a1b2c3d4e)")
    plan = plan_of({"desk": [("kim@d", change_of(["psa.tickets.read"], []))]}, origin=origin)
    for format in ("text", "markdown"):
        assert "lan of hub at revision 4f2a9c81d0, compared with `main` (0a1b2c3d4e), as of" in write(
            plan, format, width=200
        )
    assert "<dt>Compared with</dt><dd><code>main</code> (0a1b2c3d4e)</dd>" in write(plan, "html")


# ── text ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_text_is_bounded_and_cuts_nothing_sensitive() -> None:
    """Of a hundred different changes half are counted; who gains something sensitive is always there, and comes first."""
    users = [(f"u{i:03}@d", change_of([f"crm.thing{i}.read"], [])) for i in range(200)]
    users[150] = ("eve@d", change_of(["crm.thing.read"], [f"psa.thing{i}.delete" for i in range(40)]))
    users += [(f"v{i:03}@d", change_of([], ["hub.users.manage", f"hub.x{i}.delete"])) for i in range(90)]
    said = write(plan_of({"desk": users}), "text")
    assert "… and 199 more users; `-v` and `--format json` show all" in said
    assert said.index("eve@d") < said.count("\n") * 10
    for i in range(40):
        assert f"+ 🛡 psa.thing{i}: delete" in said
    for i in range(90):
        assert f"+ 🛡 hub.x{i}: delete" in said
    everything = write(plan_of({"desk": users}), "text", is_verbose=True)
    assert all(f"u{i:03}@d" in everything for i in range(200) if i != 150)


def test_text_lists_what_is_sensitive_even_of_who_is_only_counted() -> None:
    """People who lose much are counted after the fiftieth change; what is sensitive of it is named."""
    lost = [gain(f"psa.thing{i}.delete", sensitive=("deletion",)) for i in range(80)]
    users = [
        (f"u{i:02}@d", AccessChange(Presence.KEPT, (replace(one, is_gained=False, is_lost=True),)))
        for i, one in enumerate(lost)
    ]
    said = write(plan_of({"desk": users}), "text")
    assert "… and 30 more users" in said
    assert all(f"- 🛡 psa.thing{i}: delete" in said for i in range(80))


def test_text_keeps_to_the_width(plan: Plan) -> None:
    """However narrow the terminal is, words alone are wider."""
    assert max(len(line) for line in write(plan, "text", width=60).splitlines()) <= 62


def test_nothing_moves_the_cursor() -> None:
    """Names that a target holds are not hubcfg's, and may be anything."""
    plan = plan_of({"desk": [("kim\x1b[2J\u202e@d", change_of(["psa.tickets.read"], []))]})
    for format in ("text", "markdown", "html"):
        assert not re.search("[\x1b\u202e]", write(plan, format))


def test_colours_are_for_terminals(plan: Plan) -> None:
    """With them the words are the same."""
    painted = render_plan("text", plan, FINDINGS, width=100, use_color=True, is_verbose=False)
    assert "\x1b[35m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == write(plan, "text")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_where_there_are_no_shields_the_word_stands_alone(plan: Plan, encoding: str) -> None:
    """A terminal without UTF-8 is told what is sensitive too, and nothing fails."""
    said = printable(write(plan, "text"), encoding)
    assert said.encode(encoding)
    assert "+ psa.tickets: delete  (until 2027-03-02T00:00:00Z; sensitive: deletion)" in said
    assert "eve@northwind.example ->" in said
    assert printable(write(plan, "text"), "utf-8") == write(plan, "text")


# ── HTML ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attributes if name in ("href", "src")]


def test_the_page_has_no_script_and_leads_nowhere(plan: Plan) -> None:
    """Whatever names and reasons say; its policy forbids the rest."""
    text = write(plan, "html")
    page = _Page()
    page.feed(text)
    assert not {"script", "img", "iframe", "link", "base", "form"} & set(page.tags)
    assert all(link.startswith("#") for link in page.links)
    assert "script-src" not in text
    assert "default-src 'none'; style-src 'sha256-" in unescape(text)


def test_the_page_says_as_much_of_a_large_plan() -> None:
    """Every user and every permission, whatever their number."""
    users = [(f"u{i:04}@d", change_of([f"crm.thing{i % 9}.read"], [f"psa.a{i % 7}.delete"])) for i in range(2_000)]
    text = write(plan_of({"desk": users}), "html")
    assert all(f"u{i:04}@d" in text for i in range(2_000))
    assert all(f"psa.a{i}" in text for i in range(7))


def test_a_guardrail_of_the_whole_project_is_told() -> None:
    """It belongs to no org."""
    plan = plan_of({}, trips=(Trip(Guardrail.EMPTY_PROJECT, None, "there is no org at all", "check the checkout"),))
    for format in FORMATS:
        said = write(plan, format)
        assert "there is no org at all" in said
        assert "empty-project" in said
    assert plan.comparison.instant == NOW


# ── what is not known, and no plan at all ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
def test_who_is_not_compared_is_named(format: str) -> None:
    """A plan never says that nothing changes for somebody whose access is not known."""
    plan = plan_of({"desk": []})
    org = plan.orgs[0]
    change = replace(org.change, unknown=("eve@d",))
    plan = replace(
        plan, orgs=(replace(org, change=change, after={}),), comparison=replace(plan.comparison, orgs=(change,))
    )
    said = re.sub(r"<[^>]+>|[`*]", "", write(plan, format))
    assert "1 user not compared, because errors keep the access from being known: eve@d" in said
    assert "nothing to change" not in said


@pytest.mark.parametrize("format", FORMATS)
def test_where_there_is_no_plan_there_are_findings(format: str) -> None:
    """Errors first; a comment is found by its marker, fits, and has no markup of the project."""
    errors = [
        find(MISSING, f"@team `<b>{i}</b>`", Span("a.yaml", 3, 3, 3, 8), help="see `www.evil.example`")
        for i in range(900)
    ]
    said = render_no_plan(format, [*FINDINGS, *errors], lambda _: None, use_color=False)
    assert "approval-missing" in said
    if format == "markdown":
        assert said.startswith("<!-- hubcfg plan -->\n**hubcfg plan: none, because of 900 errors**\n")
        assert "and 851 more" in said
        assert len(said) < 65_000
        assert "- error `approval-missing` in `a.yaml:3`: @\u200bteam `<b>0</b>`. see `www.evil.example`" in said
    if format == "html":
        assert "&lt;b&gt;0&lt;/b&gt;" in said
        assert said.index("approval-missing") < said.index("unused-bundle")
        assert all(f"&lt;b&gt;{i}&lt;/b&gt;" in said for i in range(900))
