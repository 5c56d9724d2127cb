"""Bundles for targets to hold: made by hand for single tests, and at random within what the emitter can make."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st

from hubcfg.core.canonical import canonical_json, canonical_line
from hubcfg.core.ids import find_user_id_fault, fold_id
from hubcfg.planner.held import OrgFiles
from hubcfg.platforms.grants import Audience

Entry: TypeAlias = dict[str, Any]

PERMISSIONS = (
    "devices.devices.view",
    "devices.devices.wipe",
    "identity.users.create",
    "tickets.tickets.close",
    "tickets.tickets.view",
)
PRODUCTS = ("devices", "identity", "tickets")
CLIENTS = ("contoso", "fabrikam", "0-globex")


def make_bundle(org: str, users: Mapping[str, Entry], audience: Audience = Audience.STAFF, **head: Any) -> bytes:
    """Returns a bundle as the emitter writes it. Users' entries have `permissions` (a list) in place of `set`."""
    sets: dict[str, list[str]] = {}
    entries = {}
    for user, entry in users.items():
        names = sorted(entry["permissions"])
        key = hashlib.sha256(canonical_json(names)).hexdigest()
        sets[key] = names
        entries[user] = {**{field: value for field, value in entry.items() if field != "permissions"}, "set": key}
    catalog = {"id": "opspilot365", "version": "2026.1", "digest": "sha256:" + "0" * 64}
    products = dict.fromkeys(PRODUCTS, "active")
    value = {"platform": "opspilot365", "manage": "exclusive", "catalog": catalog, "products": products} | head
    return canonical_line(
        value
        | {"format": "hubcfg.bundle/1", "org": org, "audience": audience.value}
        | {"permission_sets": sets, "users": entries}
    )


def make_staff(org: str, *users: str, permissions: Iterable[str] = PERMISSIONS[:2]) -> OrgFiles:
    """Returns the files of an org of whose staff all hold the same, and which has no client users."""
    names = list(permissions)
    products = sorted({name.split(".")[0] for name in names})
    entry = {"role": "technician", "permissions": names, "products": products, "scope": {"clients": "all"}}
    return {Audience.STAFF: make_bundle(org, dict.fromkeys(users, entry))}


def read_users(content: bytes) -> dict[str, Entry]:
    """Returns the users of a bundle, with `permissions` (a list) in place of `set`."""
    bundle = json.loads(content)
    return {
        user: {key: value for key, value in entry.items() if key != "set"}
        | {"permissions": bundle["permission_sets"][entry["set"]]}
        for user, entry in bundle["users"].items()
    }


def user_ids_of(files: OrgFiles) -> frozenset[str]:
    """Returns all users of an org's files."""
    return frozenset(user for content in files.values() for user in read_users(content))


# What breaks statements, paths, patterns, encodings and order, if anything does.
_ODD_IDS = (
    "o'neil@x.example",
    'a"b@x.example',
    "100%@x.example",
    "%2e%2e",
    "a%2Fb",
    "_",
    "-",
    "--",
    ";drop",
    "zoë@x.example",
    "Ωmega",
    "李@例え.jp",
    "😀@x.example",
    "\ufb33@x.example",
    "?a=b&c#d",
    "null",
    "true",
    "0",
    "{id}",
    "$1",
    "u" * 254,
    "ё" * 254,
    "😀" * 254,
)


def _is_user_id(text: str) -> bool:
    return find_user_id_fault(text) is None


_VISIBLE = st.characters(exclude_categories=("C", "Z"), exclude_characters="/\\")
_TEXT = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=12)
USER_IDS = st.one_of(
    st.sampled_from(_ODD_IDS),
    st.from_regex(r"[a-z]{1,4}@x\.example", fullmatch=True),
    st.text(_VISIBLE, min_size=1, max_size=20).map(lambda text: unicodedata.normalize("NFC", text)),
).filter(_is_user_id)
_INSTANTS = st.sampled_from(("2027-01-01T00:00:00Z", "2027-01-01T00:00:00.5Z", "9998-12-31T23:59:59.999999Z"))


def _some_of(names: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True).map(sorted) if names else st.just([])


_SOME_PERMISSIONS = _some_of(PERMISSIONS)


@st.composite
def entries(
    draw: st.DrawFn, audience: Audience, products: list[str], clients: list[str], colleagues: list[str]
) -> Entry:
    """Draws a user's entry."""
    names = draw(_SOME_PERMISSIONS)
    entry: Entry = {"permissions": names, "products": draw(_some_of(products))}
    if audience is Audience.STAFF:
        entry["role"] = draw(st.sampled_from(("owner", "technician", "read-only")))
        entry["scope"] = {"clients": draw(st.just("all") | _some_of(clients))}
        if manages := draw(st.just("all") | _some_of(colleagues)):
            entry["manages"] = manages
        if draw(st.booleans()):
            entry["authentication"] = {"method": draw(st.sampled_from(("sso", "password"))), "mfa": draw(st.booleans())}
    else:
        entry["scope"] = {"company": draw(st.sampled_from(clients))}
    if draw(st.integers(0, 2)) == 0:
        entry["uid"] = draw(_TEXT)
    if draw(st.integers(0, 4)) == 0:
        return entry | {"suspended": True, "permissions": [], "products": []}
    kinds = ("manager-approval", "second-person", "ticket")
    obligations = draw(st.dictionaries(st.sampled_from(kinds), _some_of(names)))
    if kept := {kind: some for kind, some in obligations.items() if some}:
        entry["obligations"] = kept
    if until := draw(st.dictionaries(st.sampled_from(names), _INSTANTS)) if names else {}:
        entry["until"] = until
    return entry


@st.composite
def org_files(draw: st.DrawFn, org: str, *, max_users: int = 5) -> OrgFiles:
    """Draws the files of an org, which always has a bundle of its staff, as an emitted org has."""
    users = draw(st.lists(USER_IDS, unique_by=fold_id, max_size=max_users))
    products = draw(st.dictionaries(st.sampled_from(PRODUCTS), st.sampled_from(("active", "trial"))))
    client = st.fixed_dictionaries({"name": _TEXT, "departments": _some_of(["board", "it", "sales"])})
    clients = draw(st.dictionaries(st.sampled_from(CLIENTS), client))
    count = draw(st.integers(0, len(users))) if clients else 0
    head = {
        "platform": draw(st.sampled_from(("opspilot365", "msp-panel"))),
        "manage": draw(st.sampled_from(("exclusive", "listed"))),
        "catalog": {
            "id": draw(st.sampled_from(("opspilot365", "own"))),
            "version": draw(st.none() | st.sampled_from(("2026.1", "1"))),
            "digest": "sha256:" + draw(st.sampled_from("0a")) * 64,
        },
        "products": products,
    }
    files = {}
    for audience, ids in ((Audience.STAFF, users[count:]), (Audience.CLIENT, users[:count])):
        if not ids and audience is Audience.CLIENT:
            continue
        chosen = {id: draw(entries(audience, sorted(products), sorted(clients), ids)) for id in ids}
        companies = {entry["scope"].get("company") for entry in chosen.values()}
        shown = {id: it for id, it in clients.items() if audience is Audience.STAFF or id in companies}
        files[audience] = make_bundle(org, chosen, audience, **head, **({"clients": shown} if shown else {}))
    return files
