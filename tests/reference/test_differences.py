"""Comparing holds to laws on random projects: nothing differs from itself, differences turn round, verdicts are true."""

import copy
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from hubcfg.parser.parse import parse_source
from hubcfg.parser.sources import PROJECT_FILE, SourceFile
from hubcfg.pipeline import discover
from hubcfg.planner.change import AccessChange, Comparison, Condition, UserChange, meets
from hubcfg.planner.compare import compare_org
from hubcfg.planner.resolved import compare_access, describe_org
from hubcfg.planner.verdict import Verdict
from hubcfg.resolver.access import Access
from hubcfg.resolver.resolve import resolve_access
from hubcfg.validator.project import read_project
from hubcfg.validator.validate import validate_documents

from .differences import judge_projects
from .files import write_project
from .projects import Project, projects
from .resolver import Document
from .test_reference import EPOCH, ORDERS, TICK, grants, lacking, tries

TURNED = {
    Verdict.EQUIVALENT: Verdict.EQUIVALENT,
    Verdict.MIXED: Verdict.MIXED,
    Verdict.NARROWER: Verdict.WIDER,
    Verdict.WIDER: Verdict.NARROWER,
}
# What can be left out of the documents of a kind, so that who holds what changes.
FIELDS = {
    "Users": "deny products suspended clients groups roles permissions starts expires authentication uid",
    "Groups": "includes permissions starts expires",
    "Roles": "groups permissions starts expires",
    "Org": "products",
    "Platform": "obligations baseline implied_products always_active",
    "Catalog": "audiences access sensitive",
}


def resolve_project(project: Project, like: Project, order: int = 0) -> Access:
    """Resolve a project at the instant of another one, from files."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        write_project(project, root, order=order)
        read, _ = read_project(parse_source(SourceFile(PROJECT_FILE, (root / PROJECT_FILE).read_bytes)), ())
        assert read is not None
        config, _ = validate_documents(read, [parse_source(source) for source in discover(root, read).sources])
    instant: Any = (like.at - EPOCH) // TICK
    return resolve_access(config, instant)


def compare(before: Project, after: Project) -> Comparison:
    return compare_access(resolve_project(before, before), resolve_project(after, before))


def renamed(documents: list[Document], org: str, id: str) -> list[Document]:
    """Return the documents with another id for a user of an org, wherever it is named."""

    def rename(value: Any) -> Any:
        if isinstance(value, list):
            return [rename(item) for item in value]
        if isinstance(value, dict):
            return {rename(key): rename(item) for key, item in value.items()}
        return f"new-{id}" if value == id else value

    return [rename(one) if one.get("org") == org and one["kind"] in ("Users", "Teams") else one for one in documents]


@st.composite
def variants(draw: st.DrawFn, *, marks: bool = False) -> tuple[Project, Project]:
    """Draw a project, and the same with a little less in it, or with something moved; either may be the earlier."""
    project = draw(projects(marks=marks))
    documents = copy.deepcopy(project.documents)
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(sorted(FIELDS)))
        chosen = [document for document in documents if document["kind"] == kind]
        if not chosen:
            continue
        index = documents.index(draw(st.sampled_from(chosen)))
        field = draw(st.sampled_from([*FIELDS[kind].split(), *(["away", "name"] if kind == "Users" else [])]))
        if field == "away":
            documents.pop(index)
        elif field == "name":
            (id,) = documents[index]["users"]
            documents = renamed(documents, documents[index]["org"], id)
        else:
            documents[index] = lacking(documents[index], field)
    pair = (project, replace(project, documents=documents))
    return pair if draw(st.booleans()) else (replace(pair[1], at=project.at), project)


@tries(40)
@given(projects() | projects(marks=True), ORDERS)
def test_a_project_does_not_differ_from_itself(project: Project, order: int) -> None:
    """However it is spread over files and documents: nothing is listed, and the verdict is equivalent."""
    first, second = (resolve_project(project, project, one) for one in (order, order + 1))
    comparison = compare_access(first, second)
    assert comparison.is_empty
    assert comparison.verdict is Verdict.EQUIVALENT
    assert not any(meets(comparison, condition) for condition in Condition)


@tries(150)
@given(variants() | variants(marks=True))
def test_the_verdict_agrees_with_brute_force(pair: tuple[Project, Project]) -> None:
    """On each org the verdict is that of single abilities, compared one by one at every instant that matters."""
    before, after = pair
    given = {org.id: org.verdict.value for org in compare(before, after).orgs}
    assert given == judge_projects(before, after, before.at)


@tries(40)
@given(projects(marks=True), projects())
def test_the_verdict_agrees_with_brute_force_on_projects_that_have_little_in_common(
    before: Project, after: Project
) -> None:
    """Catalogs, platforms, orgs and people are others on either side."""
    given = {org.id: org.verdict.value for org in compare(before, after).orgs}
    assert given == judge_projects(before, after, before.at)


@tries(60)
@given(variants() | variants(marks=True))
def test_leaving_out_who_is_the_same_changes_nothing(pair: tuple[Project, Project]) -> None:
    """People whose entries say the same need not be compared: comparing everybody comes to the same."""
    before, after = (resolve_project(project, pair[0]) for project in pair)
    for org in compare_access(before, after).orgs:
        one, other = before.orgs.get(org.id), after.orgs.get(org.id)
        if one is not None and other is not None and one.org.catalog.raw == other.org.catalog.raw:
            assert compare_org(before.instant, describe_org(one), describe_org(other)) == org


def turn(change: AccessChange) -> dict[str, Any]:
    """Return what a change says, apart from marks that only one direction has, in a form that can be turned round."""
    times = {name: (one.before, one.after) for one in change.permissions for name in one.permissions}
    pairs = (change.scope, change.manages, change.role, change.audience, change.suspended, change.sign_in)
    return {
        "permissions": times,
        "products": {one.product: (one.before, one.after) for one in change.products},
        "obligations": {one.obligation: (one.imposed, one.lifted) for one in change.obligations},
        "others": {number: (pair.before, pair.after) for number, pair in enumerate(pairs) if pair is not None},
    }


def turned(change: UserChange) -> dict[str, Any]:
    return {part: {key: (b, a) for key, (a, b) in value.items()} for part, value in turn(change.access).items()}


@tries(60)
@given(variants() | variants(marks=True))
def test_differences_turn_round(pair: tuple[Project, Project]) -> None:
    """What one direction gains the other loses, of everybody and in every respect."""
    before, after = (resolve_project(project, pair[0]) for project in pair)
    there, back = compare_access(before, after), compare_access(after, before)
    assert back.verdict is TURNED[there.verdict]
    assert (back.totals.users, back.totals.gained, back.totals.lost) == (
        there.totals.users,
        there.totals.lost,
        there.totals.gained,
    )
    for one, other in zip(there.orgs, back.orgs, strict=True):
        assert other.verdict is TURNED[one.verdict]
        ways = {(user.before, user.after): turn(user.access) for user in one.users}
        if not any(user.is_rename for user in one.users):  # whoever manages somebody renamed has the later name
            assert {(user.after, user.before): turned(user) for user in other.users} == ways


@tries(60)
@given(projects() | projects(marks=True), st.data())
def test_removing_a_grant_is_never_wider(project: Project, data: st.DataObject) -> None:
    """Without one entry of a list of grants, wherever it stands, nobody gains anything at any instant."""
    fewer = replace(project, documents=copy.deepcopy(project.documents))
    lists = list(grants([document for document in fewer.documents if document["kind"] != "Catalog"]))
    assume(lists)
    chosen = data.draw(st.sampled_from(lists))
    chosen.pop(data.draw(st.integers(0, len(chosen) - 1)))
    comparison = compare(project, fewer)
    assert comparison.verdict in (Verdict.EQUIVALENT, Verdict.NARROWER)
    assert not meets(comparison, Condition.GAINS)
    assert not meets(comparison, Condition.SENSITIVE_GAINS)


@tries(40)
@given(projects() | projects(marks=True), ORDERS)
def test_putting_direct_grants_into_a_group_is_equivalent(project: Project, order: int) -> None:
    """A refactoring that must change nobody's access, and does not: what each person is given comes through a group."""
    documents: list[Document] = []
    for number, document in enumerate(copy.deepcopy(project.documents)):
        documents.append(document)
        for id, user in document["users"].items() if document["kind"] == "Users" else ():
            if user.get("permissions"):
                group = {"permissions": user.pop("permissions"), "audience": user.get("audience", "staff")}
                user["groups"] = [*user.get("groups", []), f"regrouped-{number}"]
                documents.append({"kind": "Groups", "org": document["org"], "groups": {f"regrouped-{number}": group}})
                assert document["users"][id] is user
    regrouped = replace(project, documents=documents)
    comparison = compare_access(resolve_project(project, project), resolve_project(regrouped, project, order))
    assert comparison.is_empty
    assert comparison.verdict is Verdict.EQUIVALENT
