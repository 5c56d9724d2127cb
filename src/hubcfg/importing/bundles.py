"""Reads what is to be imported from the bundles that a target holds."""

from collections.abc import Mapping

from hubcfg.core.instants import Instant, read_instant
from hubcfg.importing.held import Extent, HeldClient, HeldOrg, HeldPerson
from hubcfg.planner.bundles import Bundle, BundleError, Object, as_object, as_texts, parse_files
from hubcfg.planner.held import OrgFiles
from hubcfg.platforms.grants import Audience


def read_bundles(org: str, files: OrgFiles) -> HeldOrg:
    """Returns an org as its bundles describe it; raises BundleError where they can't be understood."""
    bundles = parse_files(files, org)
    head: Object = next((bundle.head for bundle in bundles.values()), {})
    catalog = as_object(head.get("catalog", {}), "`catalog`")
    version = catalog.get("version")
    people: dict[str, HeldPerson] = {}
    clients: dict[str, HeldClient] = {}
    for audience, bundle in bundles.items():
        reader = _PersonReader(audience, bundle)
        for id, client in as_object(bundle.head.get("clients", {}), "`clients`").items():
            clients[id] = _read_client(id, client)
        for id, user in bundle.users.items():
            if id in people:
                raise BundleError(f"the user `{id}` is in both bundles")
            people[id] = reader.read(id, user)
    return HeldOrg(
        id=org,
        platform=str(head.get("platform", "")),
        people=people,
        manage=str(head.get("manage", "exclusive")),
        catalog=(
            str(catalog.get("id", "")),
            None if version is None else str(version),
            str(catalog.get("digest", "")),
        ),
        products={id: str(state) for id, state in as_object(head.get("products", {}), "`products`").items()},
        clients=clients,
    )


class _PersonReader:
    """Reads the users of a bundle; what many have in common is read once."""

    def __init__(self, audience: Audience, bundle: Bundle) -> None:
        self._audience = audience
        self._sets = {id: frozenset(names) for id, names in bundle.sets.items()}
        self._untils: dict[str, tuple[tuple[str, Instant], ...]] = {}

    def read(self, id: str, user: Mapping[str, object]) -> HeldPerson:
        scope = as_object(user.get("scope"), f"`scope` of `{id}`")
        company, uid, role = scope.get("company"), user.get("uid"), user.get("role")
        obligations = as_object(user.get("obligations", {}), f"`obligations` of `{id}`")
        return HeldPerson(
            id=id,
            audience=self._audience,
            role=None if role is None else str(role),
            uid=None if uid is None else str(uid),
            is_suspended=user.get("suspended") is True,
            permissions=self._sets[str(user["set"])],
            until=self._read_until(id, user.get("until", {})),
            products=frozenset(as_texts(user.get("products", []), f"`products` of `{id}`")),
            clients=_extent(scope.get("clients", []), f"`scope` of `{id}`") if company is None else None,
            company=None if company is None else str(company),
            manages=_extent(user.get("manages", []), f"`manages` of `{id}`"),
            obligations=tuple(sorted((name, tuple(sorted(as_texts(of, name)))) for name, of in obligations.items())),
            sign_in=_sign_in(user.get("authentication"), id),
        )

    def _read_until(self, id: str, value: object) -> tuple[tuple[str, Instant], ...]:
        ends = as_object(value, f"`until` of `{id}`")
        key = repr(ends)
        if key not in self._untils:
            read = []
            for name, text in sorted(ends.items()):
                end = read_instant(str(text))
                if end is None:
                    raise BundleError(f"`until` of `{id}` has {text!r}, which is no instant")
                read.append((name, end))
            self._untils[key] = tuple(read)
        return self._untils[key]


def _read_client(id: str, value: object) -> HeldClient:
    client = as_object(value, f"the client `{id}`")
    departments = as_texts(client.get("departments", []), f"`departments` of `{id}`")
    name = client.get("name")
    return HeldClient(None if name is None else str(name), tuple(departments))


def _sign_in(value: object, id: str) -> tuple[str, bool] | None:
    if value is None:
        return None
    said = as_object(value, f"`authentication` of `{id}`")
    return str(said.get("method")), said.get("mfa") is True


def _extent(value: object, what: str) -> Extent:
    return "all" if value == "all" else tuple(as_texts(value, what))
