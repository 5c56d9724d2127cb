"""The comment on a pull request: it always fits, what is sensitive goes last, and nothing of the project is markup in it."""

import re
from collections.abc import Iterable

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hubcfg.core.finding import find
from hubcfg.core.places import Span
from hubcfg.planner.change import AccessChange
from hubcfg.planner.covering import Covering
from hubcfg.planner.guardrails import Guardrail, Trip
from hubcfg.planner.plan import Interruption, Plan
from hubcfg.views.inert import code, prose, tagged
from hubcfg.views.plan import render_plan
from hubcfg.views.plan.failed import render_no_plan
from hubcfg.views.plan.markdown import MARKER
from tests.unit.views.plan.golden import MISSING, golden_plan
from tests.unit.views.plan.plans import at, change_of, plan_of

NASTY = st.one_of(
    st.text(max_size=60),
    st.text("`@#|<>!-[]()*_~\\$&^%:/ a1.\n\u202e\x1b", max_size=40),
    st.sampled_from(
        [
            "@team", "kim`@team`x", "#12", "owner/repo#12", "<!-- x -->", "</details>", "</summary><img src=x>",
            "![x](https://evil.example)", "[x]: https://evil.example", "https://evil.example", "www.evil.example",
            "a@evil.example", "``` \n# head", "|a|b|", "$`x`$", "~~x~~", "&lt;b&gt;", "<b>", "-->", "GH-12", "- x", "1. x",
        ]
    ),
)  # fmt: skip


def comment(plan: Plan) -> str:
    return render_plan("markdown", plan, width=80, use_color=False, is_verbose=False)


def page_of(markdown: str) -> str:
    """Returns what GitHub's own parser makes of a comment, with all its extensions."""
    return str(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))


def tags_of(page: str) -> set[str]:
    return {tag.lower() for tag in re.findall(r"<(/?[a-zA-Z!][\w-]*)", page)}


def outside_code(page: str) -> str:
    return re.sub(r"<code>.*?</code>", "", page, flags=re.DOTALL)


def check_size(text: str) -> None:
    assert len(text.encode("utf-16-le")) // 2 < 65_536
    assert len(text.encode()) < 262_144


# ── what it is made of ─────────────────────────────────────────────────────────────────────────────────────────────


def test_it_begins_with_a_marker_and_the_line_that_says_it_all() -> None:
    """The marker is seen by none but who looks for the comment; what holds back is in the line."""
    marker, line = comment(golden_plan()).splitlines()[:2]
    assert (marker, MARKER) == ("<!-- hubcfg plan -->",) * 2
    assert line.startswith("**hubcfg plan: mixed (held back, 1 org left out)** · 🛡 ")
    assert len(line) < 160


def test_folds_are_closed_and_outside_of_lists() -> None:
    """Each org can be unfolded by itself, and GitHub reads what is in it as Markdown."""
    page = page_of(comment(golden_plan()))
    assert page.count("<details>") == page.count("</details>") == 4
    for fold in re.findall(r"<details>(.*?)</details>", page, re.DOTALL):
        assert fold.count("<summary>") == 1
        assert "<li>" in fold
    assert not re.search(r"<li>\s*<ul>", page)


def test_who_gains_what_is_sensitive_is_seen_before_anything_is_unfolded() -> None:
    """With the role, the fewest users first."""
    said = comment(golden_plan()).split("<details>")[0]
    assert "- 🛡 `northwind`: `lea@northwind.example` (new, role `admin`): " in said
    assert "- 🛡 `northwind`: `kim@northwind.example`: `+ psa.tickets: delete`" in said


# ── inert ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=300)
@given(NASTY)
def test_words_of_the_project_are_only_words(text: str) -> None:
    """As code, in a sentence, and between tags: no element, link or mention comes of them, and no line ends."""
    for said in (f"- x {code(text)} y", f"- x {prose(text)} y", f"- x {prose(f'see `{text}` there')} y"):
        assert len(said.splitlines()) == 1
        page = page_of(f"{said}\n- z\n")
        assert tags_of(page) <= {"ul", "li", "code", "/ul", "/li", "/code"}
        assert page.count("<li>") == 2
        assert not re.search(r"(?<!\w)[@#][\w-]", re.sub(r"&#?\w+;", "", outside_code(page)))
    summary = page_of(f"<details><summary>{tagged(text)}</summary>\n\nx\n\n</details>\n")
    assert tags_of(summary) <= {
        "details", "summary", "code", "p", "/details", "/summary", "/code", "/p"
    }  # fmt: skip


@settings(max_examples=60)
@given(NASTY, NASTY, NASTY)
def test_nothing_breaks_out_of_a_comment(user: str, reason: str, org: str) -> None:
    """Users, reasons, orgs, messages, files and names, wherever they stand."""
    covering = Covering(
        reason, org, user, at("2026-11-20"), at("2027-05-01"), reason, reason, (user,), ("psa.tickets.delete",)
    )
    plan = plan_of(
        {org or "x": [(user or "x", change_of(["psa.tickets.read"], ["psa.tickets.delete"]))]},
        approvals=(covering,),
        trips=(Trip(Guardrail.NO_OWNER, org, f"`{user}` would be {reason}", reason),),
        left_out={user: (find(MISSING, f"the role `{reason}` of `{user}`", Span(reason, 4, 3, 4, 9)),)},
        hidden=(reason, user),
        interruption=Interruption(4, user, reason, (org,)),
    )
    text = comment(plan)
    page = page_of(text)
    assert tags_of(page) <= {
        f"{slash}{tag}"
        for slash in ("", "/")
        for tag in ("details", "summary", "code", "p", "ul", "li", "strong", "blockquote", "!--")
    }
    assert page.count("<details>") == page.count("</details>") == page.count("<summary>") == 2
    assert not re.search(r"(?<![\w&])@\w", outside_code(page))


# ── size ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def people(count: int, changes: list[AccessChange]) -> list[tuple[str, AccessChange]]:
    return [(f"user{i:06}@northwind.example", changes[i % len(changes)]) for i in range(count)]


ROUTINE = [change_of([f"crm.thing{j}.read" for j in range(i, i + 30)], []) for i in range(250)]
SENSITIVE = [
    change_of([f"crm.thing{i}.read"], sorted({f"psa.part{(i * k) % 61}.delete" for k in range(1, 1 + i % 7)}))
    for i in range(1, 200)
]


@pytest.mark.parametrize("count", [300, 5_000, 100_000])
@pytest.mark.parametrize(
    "changes", [ROUTINE[:1], ROUTINE, SENSITIVE[4:5], SENSITIVE], ids=["one", "many", "same", "all"]
)
def test_it_fits_and_has_every_sensitive_permission(count: int, changes: list[AccessChange]) -> None:
    """Of 300, 5,000 and 100,000 people; the totals are never cut either."""
    plan = plan_of({"northwind": people(count, changes)})
    text = comment(plan)
    check_size(text)
    assert "fit into no comment" not in text
    assert f"· {count:,} users" in text.splitlines()[1]
    for change in changes:
        for one in change.permissions:
            for name in one.permissions if one.sensitive else ():
                resource, _, action = name.rpartition(".")
                assert f"`+ {resource}: {action}`" in text


@pytest.mark.parametrize("count", [300, 5_000])
def test_few_sensitive_gains_among_many_harmless_ones_are_named_with_everybody(count: int) -> None:
    """What is hidden in a crowd stands first, before anything is unfolded, and whole in the details."""
    users = people(count, ROUTINE)
    for i in (7, count // 2, count - 2):
        users[i] = (users[i][0], change_of([f"crm.thing{j}.read" for j in range(25)], ["hub.permissions.grant"]))
    text = comment(plan_of({"northwind": users}))
    check_size(text)
    names = [f"`user{i:06}@northwind.example`" for i in (7, count // 2, count - 2)]
    above, _, below = text.partition("<details>")
    for part in (above, below):
        assert all(name in part for name in names)
        assert "🛡" in part
        assert "`+ hub.permissions: grant`" in part
    assert "Shortened to fit: of what is not sensitive" in above


def test_a_line_with_many_actions_is_whole() -> None:
    """However many sensitive actions a resource has."""
    actions = [f"action{i:03}" for i in range(300)]
    text = comment(plan_of({"desk": [("kim@d", change_of([], [f"psa.big.{one}" for one in actions]))]}))
    above, _, below = text.partition("<details>")
    assert f"🛡 `+ psa.big: {', '.join(actions)}`" in below
    assert len(above) < 1_000


def test_many_orgs_fit() -> None:
    """Two thousand of them, each with a sensitive gain, a guardrail and an approval."""
    orgs = {f"org-{i:04}": people(3, [SENSITIVE[i % 190]]) for i in range(2_000)}
    trips = tuple(Trip(Guardrail.REVOKED, org, f"90 of the 100 permissions of `{org}`", "think") for org in orgs)
    approvals = tuple(
        Covering(f"a-{org}", org, "olga", at("2026-11-20"), at("2027-05-01"), None, "so" * 200, ("kim",), ("a.b.c",))
        for org in orgs
    )
    text = comment(plan_of(orgs, trips=trips, approvals=approvals))
    check_size(text)
    assert "fit into no comment" not in text
    assert all(f"`+ psa.part{i}: delete`" in text for i in range(1, 61))
    assert "2,000 orgs" in text or "2,000 more orgs" in text


def longest(count: int) -> Iterable[tuple[str, AccessChange]]:
    for i in range(count):
        yield f"u{i}" + "x" * 240, change_of([], [f"product{i}.{'r' * 60}.{'a' * 60}"])


def test_what_fits_into_no_comment_is_counted_in_the_first_line() -> None:
    """Five thousand different sensitive permissions with the longest of names are too much; what is there is true."""
    text = comment(plan_of({"northwind": longest(5_000)}))
    check_size(text)
    line = text.splitlines()[1]
    found = re.match(
        r"\*\*([\d,]+) sensitive lines of this plan fit into no comment\.\*\* `hubcfg plan` as `html`", line
    )
    assert found is not None
    shown = len(re.findall(r"^- 🛡 `u\d+x+`: `\+ product", text.partition("<details>")[2], re.M))
    assert shown + int(found[1].replace(",", "")) == 5_000
    assert shown > 50


@pytest.mark.parametrize("words", ["`x` @team ", "&", "😀", "`😀` & ", "*\u202e"])
def test_texts_of_any_length_fit(words: str) -> None:
    """Reasons, messages, names of the project and the base; also where there is no plan."""
    much = words * 20_000
    plan = golden_plan()
    plan = replace(
        plan,
        project=much,
        origin=replace(plan.origin, base=much, target=much, revision=much),
        approvals=tuple(replace(one, reason=much, ticket=much, id=much) for one in plan.approvals),
        trips=(Trip(Guardrail.NO_OWNER, None, much, much),),
        hidden=(much,) * 500,
        left_out={much: (find(MISSING, much, Span(much, 4, 3, 4, 9)),) * 500},
    )
    check_size(comment(plan))
    wrong = [find(MISSING, much, Span(much, 4, 3, 4, 9), help=much)] * 500
    check_size(render_no_plan("markdown", wrong, lambda _: None, use_color=False))


def test_the_shortest_comment_says_that_it_is() -> None:
    """Where guardrails, hidden files and orgs left out fill a comment by themselves, the numbers are still there."""
    much = "&" * 20_000
    trips = tuple(Trip(Guardrail.NO_OWNER, much, much, much) for _ in range(50))
    left_out = {f"{i}{much}": (find(MISSING, much, Span(much, 4, 3, 4, 9)),) * 9 for i in range(50)}
    plan = plan_of({"x": longest(300)}, trips=trips, left_out=left_out, hidden=(much,) * 9)
    text = comment(replace(plan, project=much, origin=replace(plan.origin, base=much, target=much, revision=much)))
    check_size(text)
    assert text.startswith(MARKER)
    assert "fit" in text.splitlines()[1]
    assert "🛡 300 sensitive gained · 300 permissions gained" in text
