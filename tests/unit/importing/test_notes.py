"""What YAML can't say is noted with its reason, and nothing is granted instead of it."""

import json
from typing import Any

import pytest

from hubcfg.cli.known import know_builtin
from hubcfg.core.canonical import canonical_json, digest
from hubcfg.core.errors import HubcfgError
from hubcfg.importing.bundles import read_bundles
from hubcfg.importing.importer import Imported
from hubcfg.importing.notes import Kind, show
from hubcfg.parser.comments import find_ignore_comments
from hubcfg.parser.formatting import format_source
from hubcfg.planner.bundles import BundleError
from hubcfg.planner.held import OrgFiles
from tests.unit.importing.importing import CLIENT, STAFF, importer_for

CATALOG = know_builtin().catalog("onestack")
READ, CREATE = "psa.tickets.read", "psa.tickets.create"


def user(*permissions: str, **fields: Any) -> dict[str, Any]:
    """Returns a member as a bundle has one, with the permissions in place of their set."""
    products = sorted({"hub", *(name.split(".")[0] for name in permissions)})
    usual = {"role": "member", "permissions": sorted(permissions), "products": products, "scope": {"clients": "all"}}
    return {key: value for key, value in (usual | fields).items() if value is not None}


def bundle(users: dict[str, dict[str, Any]], audience: str = "staff", platform: str = "onestack", **head: Any) -> bytes:
    """Returns a bundle of the org `acme` with these users."""
    catalog = know_builtin().catalog(platform)
    sets, people = {}, {}
    for id, one in users.items():
        names = one["permissions"]
        key = digest(names).removeprefix("sha256:")
        sets[key] = names
        people[id] = {field: value for field, value in one.items() if field != "permissions"} | {"set": key}
    value = {
        "format": "hubcfg.bundle/1", "org": "acme", "platform": platform, "audience": audience, "manage": "exclusive",
        "catalog": {"id": catalog.id, "version": catalog.version, "digest": catalog.digest},
        "products": {"hub": "active", "psa": "active", "rmm": "trial", "portal": "active"},
        "permission_sets": sets, "users": people,
    }  # fmt: skip
    return canonical_json(value | head) + b"\n"


def run(users: dict[str, dict[str, Any]], **head: Any) -> Imported:
    """Imports a staff bundle."""
    return run_files({STAFF: bundle(users, **head)}, head.get("platform", "onestack"))


def run_files(files: OrgFiles, platform: str = "onestack") -> Imported:
    """Imports an org's bundles; what comes of them is canonical, whatever they hold."""
    imported = importer_for(platform).import_org(read_bundles("acme", files))
    assert [path for path, text in imported.files.items() if format_source(text) != text] == []
    assert [one for path, text in imported.files.items() for one in find_ignore_comments(path, text)] == []
    return imported


def said(imported: Imported) -> list[tuple[str | None, str, Kind, tuple[str, ...], str]]:
    """Returns the notes as plain tuples."""
    return [(note.user, note.about, note.kind, note.names, note.reason) for note in imported.notes]


def held(imported: Imported, id: str) -> list[str]:
    """Returns what the imported YAML gives a user."""
    value = json.loads(imported.bundles[STAFF])
    return list(value["permission_sets"][value["users"][id]["set"]])


@pytest.mark.parametrize(
    ("one", "names", "reason"),
    [
        (user(READ, "psa.tickets.juggle"), ["psa.tickets.juggle"], "the catalog onestack does not have it"),
        (user(READ, "hub.org.delete"), ["hub.org.delete"], "it is beyond what the role member may hold"),
        (user(READ, "crm.contacts.read"), ["crm.contacts.read"], "the org has no product crm"),
        (user(READ, CREATE, role="viewer", products=["hub", "psa"]), [CREATE], "the role viewer only reads"),
        (user(READ, products=["hub"]), [READ], "there the user has no access to the product psa"),
        (user(READ, suspended=True, products=[]), [READ], "who is suspended holds nothing"),
        (user(READ, until={READ: "2026-01-01T00:00:00Z"}), [READ], "it ended on 2026-01-01T00:00:00Z"),
    ],
)
def test_a_permission_that_cannot_be_written_is_noted(one: dict[str, Any], names: list[str], reason: str) -> None:
    """Each reason for which a permission can't be had is told, and what is written gives nothing in its place."""
    imported = run({"bo@acme.example": one})
    missing = [note for note in imported.notes if note.about == "permissions" and note.kind is Kind.MISSING]
    assert [(list(note.names), note.reason) for note in missing] == [(names, reason)]
    gained = set(held(imported, "bo@acme.example")) - set(one["permissions"])
    beside = {name for note in imported.notes if note.kind is Kind.BESIDE for name in note.names}
    assert gained <= beside, "what comes beside is said as well"
    assert f"({reason})" in " ".join(imported.files["users/acme.yaml"].replace("\n  #  ", "").split())


def test_what_a_baseline_gives_beside_is_noted() -> None:
    """A viewer who reads less than the role's baseline in a product gets the rest, which nothing can take: it is said."""
    imported = run({"vi@acme.example": user(READ, role="viewer")})
    (note,) = imported.notes
    assert (note.about, note.kind, note.reason) == (
        "permissions",
        Kind.BESIDE,
        "the baseline of the role viewer gives it",
    )
    assert set(note.names) == set(held(imported, "vi@acme.example")) - {READ}


def test_who_cannot_be_written_is_named_at_the_top() -> None:
    """Unknown roles, ids that are none, ids that look alike: the user is left out, with the reason above the others."""
    people = {
        "a b": user(READ),
        "bo@acme.example": user(READ),
        "BO@acme.example": user(READ),
        "cy": user(READ, role="boss"),
    }
    imported = run(people)
    assert sorted((note.user, note.reason) for note in imported.notes) == [
        ("a b", "its id contains a character that cannot be seen or printed (space)"),
        ("bo@acme.example", "its id looks like that of BO@acme.example"),
        ("cy", "the platform onestack has no such role"),
    ]
    assert imported.users == 1
    assert imported.files["users/acme.yaml"].startswith('# "a b": not written: the user (its id contains')


def test_the_head_is_compared_too() -> None:
    """Another version of the catalog, products that are no more, and how people are managed are seen."""
    catalog = {"id": "onestack", "version": "1999.1", "digest": "sha256:" + "0" * 64}
    imported = run({}, catalog=catalog, products={"hub": "active", "fax": "active"}, manage="listed")
    assert [(note.user, note.about) for note in imported.notes] == [(None, "catalog"), (None, "products")]
    assert imported.notes[1].names == ("fax",)
    assert "manage: listed\n" in imported.files["orgs/acme.yaml"]


def test_scope_that_the_role_does_not_have_is_noted() -> None:
    """Scope follows from the role; where the target has another, that is said."""
    imported = run({"bo@acme.example": user(READ, scope={"clients": ["contoso"]})})
    assert said(imported) == [("bo@acme.example", "scope", Kind.DIFFERENT, ("contoso",), "by its role it is all here")]


def test_client_users_come_back_with_their_companies() -> None:
    """A client user is written with company and audience; one of a company that there is not is left out."""
    people = {
        "pat@contoso.example": user(
            "portal.tickets.read", role=None, products=["portal"], scope={"company": "contoso"}
        ),
        "quinn@x.example": user("portal.tickets.read", role=None, products=["portal"], scope={"company": "nobody"}),
    }
    clients = {"contoso": {"name": 'Contoso: "Ltd" #1', "departments": []}}
    files = {STAFF: bundle({}, clients=clients), CLIENT: bundle(people, "client", clients=clients)}
    imported = run_files(files)
    assert said(imported) == [
        ("quinn@x.example", "the user", Kind.MISSING, (), "it belongs to no client that there is")
    ]
    assert '  contoso: {name: "Contoso: \\"Ltd\\" #1"}\n' in imported.files["clients/acme.yaml"]


@pytest.mark.parametrize(
    "name", ["# hubcfg: ignore[x] y", "psa.tickets.read\n# hubcfg: ignore", "a\u202eb", "\x1b[2Jx", "x" * 400, "{: &*"]
)
def test_nothing_of_a_target_is_taken_for_yaml(name: str) -> None:
    """Whatever a target calls permissions, users and clients, it is neither an ignore comment nor YAML, nor moves a cursor."""
    people = {name: user(READ), "bo@acme.example": user(READ, name, uid=name)}
    imported = run(people, clients={name: {"name": name, "departments": [name]}})
    assert all(one.isprintable() for text in imported.files.values() for one in text.replace("\n", ""))
    assert all(note.sentence().isprintable() for note in imported.notes)
    assert show(name).isprintable()


def test_an_end_of_a_baseline_is_noted_and_one_of_a_grant_written() -> None:
    """What ends by itself gets `expires`: a date where it is the end of a day. No grant says when a baseline ends."""
    ends = {READ: "2027-07-01T00:00:00Z", CREATE: "2027-07-01T12:00:00.5Z"}
    imported = run({"bo@acme.example": user(READ, CREATE, until=ends)})
    assert imported.notes == ()
    assert "{permission: psa.tickets.read, expires: 2027-06-30}" in imported.files["users/acme.yaml"]
    assert "{permission: psa.tickets.create, expires: 2027-07-01T12:00:00.5Z}" in imported.files["users/acme.yaml"]
    books = [name for name in CATALOG.names if name.startswith(("books.", "hub.billing.", "hub.invoices."))]
    one = user(*books, role="billing", until={books[0]: ends[READ]})
    (note,) = run({"bo@acme.example": one}, products={"hub": "active", "books": "active"}).notes
    assert (note.about, note.names) == ("until", (books[0],))
    assert note.reason.startswith("there it ends on 2027-07-01T00:00:00Z, with an approval of the role billing")


def test_a_baseline_that_ends_with_its_product_comes_back() -> None:
    """A viewer's baseline that ends as a whole is one whose product a grant opened until then: such a grant is written."""
    reads = CATALOG.to_names(CATALOG.of_product("psa") & CATALOG.read)
    one = user(*reads, role="viewer", until=dict.fromkeys(reads, "2027-07-01T00:00:00Z"))
    imported = run({"vi@acme.example": one})
    assert imported.notes == ()
    (line,) = [line for line in imported.files["users/acme.yaml"].splitlines() if "vi@" in line]
    assert line.count("expires: 2027-06-30") == 1


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"format":"x"}', bundle({"a": user(READ, until={READ: "soon"})})])
def test_what_is_no_bundle_is_said_to_be_none(content: bytes) -> None:
    """Bytes that can't be understood are an error with a reason, never a traceback or an empty org."""
    with pytest.raises(BundleError):
        read_bundles("acme", {STAFF: content})


def test_an_unknown_platform_refuses_the_org() -> None:
    """An org on a platform that nobody defines can't be written; the nearest name is given."""
    with pytest.raises(HubcfgError, match="is on the platform onestak, which is not known") as caught:
        importer_for("onestack").import_org(
            read_bundles(
                "acme",
                {STAFF: bundle({}, platform="onestack").replace(b'"platform":"onestack"', b'"platform":"onestak"')},
            )
        )
    assert caught.value.help == "did you mean `onestack`?"
