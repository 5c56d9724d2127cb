"""Resolution holds to its docs: the worked example, agreement with the reference, and laws, on random projects."""

import contextlib
import copy
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from hubcfg.core.rule import Severity
from hubcfg.pipeline import compile_project

from .files import write_project
from .projects import INSTANTS, NOON, Project, examples, projects
from .resolver import CLIENT, Document, action, active_products, audience_of, matching, resolve, role_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
ORDERS = st.integers(0, 1_000_000)
Users = dict[str, dict[str, Document]]


def tries(count: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=examples(count), deadline=None, suppress_health_check=slow)


def compile_files(project: Project, *, at: datetime | None = None, order: int = 0) -> dict[str, bytes]:
    """Compile the project with the real compiler; a finding at error level fails the test."""
    with tempfile.TemporaryDirectory() as directory:
        write_project(project, Path(directory), order=order)
        compiled = compile_project(Path(directory), as_of=((at or project.at) - EPOCH) // TICK)
        errors = [finding for finding in compiled.findings if finding.severity is Severity.ERROR]
        sources = [path.read_text("utf-8") for path in Path(directory).rglob("*.y*ml")] if errors else []
        assert not errors, "\n".join([*(f"{e.name}: {e.message} at {e.place}" for e in errors), *sources])
        files: dict[str, bytes] = compiled.files
    return files


def bundles_of(files: dict[str, bytes]) -> dict[str, list[Document]]:
    bundles: dict[str, list[Document]] = {}
    for path, content in files.items():
        if path.startswith("orgs/"):
            bundles.setdefault(path.split("/")[1], []).append(json.loads(content))
    return bundles


def compiled_users(project: Project, *, at: datetime | None = None, order: int = 0) -> Users:
    """Compile and return the users in the form of the reference."""
    return {
        org: {name: in_reference_form(user, bundle) for bundle in bundles for name, user in bundle["users"].items()}
        for org, bundles in bundles_of(compile_files(project, at=at, order=order)).items()
    }


def in_reference_form(user: Document, bundle: Document) -> Document:
    form = {field: value for field, value in user.items() if field != "set"} | {"audience": bundle["audience"]}
    form["permissions"] = set(bundle["permission_sets"][user["set"]])
    if "until" in user:
        form["until"] = {permission: datetime.fromisoformat(text) for permission, text in user["until"].items()}
    return form


def reference_users(project: Project) -> Users:
    return resolve(project.documents, project.at, project.settings.get("platform"))


def held(users: Users) -> set[tuple[str, str, str]]:
    return {
        (org, name, p) for org, people in users.items() for name, user in people.items() for p in user["permissions"]
    }


# The worked example

BUT_OWNERS = {"allow": ["*"], "except": ["hub.org.*", "hub.products.*"]}
ONESTACK: Document = {
    "kind": "Platform",
    "id": "onestack",
    "catalog": "onestack",
    "always_active": ["hub"],
    "roles": {
        "member": {"ceiling": BUT_OWNERS, "access": "full", "products": "granted", "scope": "all"},
        "billing": {
            "baseline": {"allow": ["books.*", "hub.billing.*"]},
            "ceiling": {"allow": ["books.*", "hub.billing.*"]},
            "access": "full",
            "products": "granted",
            "implied_products": ["books"],
            "scope": "all",
        },
        "viewer": {
            "baseline": {"allow": ["*"], "except": ["hub.*"]},
            "ceiling": BUT_OWNERS,
            "access": "read-only",
            "products": "granted",
            "scope": "all",
        },
    },
}


def product(**resources: str) -> Document:
    """Return a product of which `read` reads and every other action writes."""
    return {
        "resources": {
            resource: {"actions": {name: {"access": "read"} if name == "read" else {} for name in actions.split()}}
            for resource, actions in resources.items()
        }
    }


CATALOG: Document = {
    "kind": "Catalog",
    "id": "onestack",
    "products": {
        "psa": product(tickets="read create delete", time_entries="read create"),
        "books": product(invoices="read void"),
        "crm": product(contacts="read edit"),
        "hub": product(billing="read", org="delete", products="enable"),
    },
}
ORG: Document = {"kind": "Org", "id": "o", "platform": "onestack", "products": {"psa": "active", "crm": "active"}}


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (
            {"role": "member", "permissions": ["psa.tickets.*"], "deny": ["psa.tickets.delete"]},
            {"psa.tickets.read", "psa.tickets.create"},
        ),
        (
            {"role": "member", "permissions": ["psa.tickets.create"], "products": {"crm": {"permissions": ["*"]}}},
            {"crm.contacts.read", "crm.contacts.edit"},
        ),
        ({"role": "viewer", "permissions": ["psa.tickets.create"]}, {"psa.tickets.read", "psa.time_entries.read"}),
        ({"role": "viewer", "products": {"crm": {}}}, {"crm.contacts.read"}),
        ({"role": "viewer", "permissions": ["psa.tickets.create"], "deny": ["psa.*"]}, set()),
        ({"role": "billing", "permissions": ["psa.tickets.create", "books.invoices.void"]}, {"hub.billing.read"}),
        ({"role": "member"}, set()),
    ],
)
def test_the_reference_resolves_the_worked_example(user: Document, expected: set[str]) -> None:
    """Each row of the worked example in docs/resolution.md comes out as written there."""
    documents = [CATALOG, ONESTACK, ORG, {"kind": "Users", "org": "o", "users": {"u": user}}]
    assert resolve(documents, NOON)["o"]["u"]["permissions"] == expected


# The random projects

DECISIVE = {
    "Users": "deny products suspended clients groups roles permissions starts expires authentication",
    "Groups": "includes permissions expires",
    "Roles": "groups permissions starts",
    "Org": "products catalog",
    "Teams": "members",
    "Platform": "except baseline implied_products always_active client_access subscriptions assigned "
    "manages includes obligations extends",
    "Catalog": "audiences access sensitive aliases",
}


def lacking(value: Any, field: str) -> Any:
    """Return a part of a document without that field, at any depth."""
    if isinstance(value, list):
        return [lacking(item, field) for item in value]
    if isinstance(value, dict):
        return {name: lacking(item, field) for name, item in value.items() if name != field}
    return value


def test_the_random_projects_reach_every_feature() -> None:
    """Each field that can decide what somebody holds does so in some random project: without it the result differs."""
    decisive = {(kind, field) for kind, fields in DECISIVE.items() for field in fields.split()}
    decided: set[tuple[str, str]] = set()

    def is_complete(project: Project) -> bool:
        usual = reference_users(project)
        for kind, field in decisive - decided:
            other = [lacking(d, field) if d["kind"] == kind else d for d in project.documents]
            try:
                differs = reference_users(replace(project, documents=other)) != usual
            except KeyError:  # what it named is gone with it
                differs = True
            if differs:
                decided.add((kind, field))
        return decided == decisive

    once = settings(max_examples=2000, derandomize=True, database=None, phases=[Phase.generate], deadline=None)
    with contextlib.suppress(NoSuchExample):
        find(projects() | projects(marks=True), is_complete, settings=once)
    assert decisive - decided == set()


# Agreement


@tries(300)
@given(projects(), ORDERS)
def test_the_compiler_agrees_with_the_reference(project: Project, order: int) -> None:
    """Of every user of a random project the bundles say what the reference says."""
    assert compiled_users(project, order=order) == reference_users(project)


@tries(100)
@given(projects(marks=True), ORDERS)
def test_the_compiler_agrees_with_the_reference_where_permissions_are_sensitive(project: Project, order: int) -> None:
    """Of every user of a random project with sensitive permissions the bundles say what the reference says."""
    assert compiled_users(project, order=order) == reference_users(project)


@tries(40)
@given(projects())
def test_the_bundles_list_the_active_products_and_the_clients(project: Project) -> None:
    """A bundle's products are the active ones of its org; its clients the org's, or those its users belong to."""
    worlds = project.worlds
    for org, bundles in bundles_of(compile_files(project)).items():
        world = worlds[org]
        for bundle in bundles:
            assert set(bundle["products"]) == active_products(world)
            companies = {user["scope"].get("company") for user in bundle["users"].values()}
            shown = set(world.clients) if bundle["audience"] == "staff" else companies
            assert set(bundle.get("clients", {})) == shown


# Laws


@tries(40)
@given(projects(), ORDERS)
def test_the_order_of_files_documents_and_keys_never_matters(project: Project, order: int) -> None:
    """The same project written in another order, split and style compiles to the same bytes."""
    assert compile_files(project, order=order) == compile_files(project, order=order + 1)


@tries(50)
@given(projects())
def test_nobody_exceeds_the_ceiling_of_the_role(project: Project) -> None:
    """Every effective permission lies within the ceiling of its holder's role, or of the platform's clients."""
    worlds = project.worlds
    for org, name, permission in held(compiled_users(project)):
        ceiling = role_of(worlds[org], worlds[org].users[name])["ceiling"]
        assert any(permission in matching(worlds[org].catalog, pattern) for pattern in ceiling["allow"])
        assert not any(permission in matching(worlds[org].catalog, pattern) for pattern in ceiling.get("except", []))


@tries(50)
@given(projects())
def test_a_client_user_never_holds_a_staff_permission(project: Project) -> None:
    """What a client user holds the catalog allows to clients."""
    worlds = project.worlds
    for org, name, permission in held(compiled_users(project)):
        if audience_of(worlds[org].users[name]) == CLIENT:
            assert CLIENT in action(worlds[org].catalog, permission).get("audiences", [])


def grants(part: Any) -> Iterator[list[Any]]:
    """Yield the lists of grants of a part of the documents that have any."""
    for field, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if field in ("permissions", "groups", "roles", "includes") and isinstance(value, list) and value:
            yield value
        yield from grants(value)


@tries(50)
@given(projects(), st.data())
def test_removing_a_grant_never_adds_a_permission(project: Project, data: st.DataObject) -> None:
    """Without one entry of a list of grants, wherever it stands, nobody holds more than with it."""
    fewer = replace(project, documents=copy.deepcopy(project.documents))
    lists = list(grants([document for document in fewer.documents if document["kind"] != "Catalog"]))
    assume(lists)
    chosen = data.draw(st.sampled_from(lists))
    chosen.pop(data.draw(st.integers(0, len(chosen) - 1)))
    assert held(compiled_users(fewer)) <= held(compiled_users(project))


@tries(50)
@given(projects(), st.sampled_from(sorted(set(INSTANTS))))
def test_time_alone_never_adds_a_permission(project: Project, other: datetime) -> None:
    """Where nothing is written to start, nobody holds at a later instant what they did not hold before."""
    project = replace(project, documents=lacking(project.documents, "starts"))
    early, late = sorted([project.at, other])
    assert held(compiled_users(project, at=late)) <= held(compiled_users(project, at=early))


@tries(50)
@given(projects(), st.data())
def test_until_is_the_exact_instant(project: Project, data: st.DataObject) -> None:
    """A permission is held up to the microsecond before its `until`, and no longer at it."""
    users = compiled_users(project)
    ends = [
        (org, name, *end) for org in users for name in users[org] for end in users[org][name].get("until", {}).items()
    ]
    assume(ends)
    org, name, permission, end = data.draw(st.sampled_from(ends))
    assert end > project.at
    assert permission in compiled_users(project, at=end - TICK)[org][name]["permissions"]
    assert permission not in compiled_users(project, at=end)[org][name]["permissions"]
