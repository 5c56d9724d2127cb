"""Reads bundles back into the states that are compared: what a target holds, and what it is to hold."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct, field

from hubcfg.core.instants import Instant, read_instant
from hubcfg.planner.held import OrgFiles
from hubcfg.planner.state import (
    NOBODY,
    CatalogState,
    ClientState,
    Extent,
    OrgState,
    Person,
    Phase,
    Profile,
    SignIn,
)
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask

FORMAT = "hubcfg.bundle/1"
Object: TypeAlias = dict[str, object]


class BundleError(ValueError):
    """Bytes that are no bundle of this format; the message says why."""


class Bundle(Struct, frozen=True):
    """A bundle as read: `head` is all of it but the users and the permission sets, `sets` the sets by their ids."""

    head: Object
    users: Mapping[str, Object]
    sets: Mapping[str, tuple[str, ...]]

    def permissions(self, user: Object) -> tuple[str, ...]:
        """Returns the permissions of one of its users, those that have ended by now included."""
        return self.sets[str(user["set"])]


def parse_bundle(content: bytes, org: str, audience: Audience) -> Bundle:
    """Returns a bundle; raises BundleError where the bytes are none of this org and audience that can be understood."""
    try:
        value = json.loads(content, parse_constant=_refuse)
        if b"\\u" in content:
            json.dumps(value, ensure_ascii=False).encode()  # half a character can be written, and is none
    except (ValueError, RecursionError) as error:
        raise BundleError("it is not JSON") from error
    head = as_object(value, "it")
    if head.get("format") != FORMAT:
        raise BundleError(f"its format is {head.get('format')!r}, not `{FORMAT}`")
    if (head.get("org"), head.get("audience")) != (org, audience.value):
        raise BundleError(f"it is of the org {head.get('org')!r} and the audience {head.get('audience')!r}")
    users = {
        id: as_object(user, f"the user `{id}`") for id, user in as_object(head.pop("users", None), "`users`").items()
    }
    sets = {
        id: tuple(as_texts(names, f"the set `{id}`"))
        for id, names in as_object(head.pop("permission_sets", None), "`permission_sets`").items()
    }
    for id, user in users.items():
        set_id, scope = user.get("set"), user.get("scope")
        if not isinstance(set_id, str) or set_id not in sets:
            raise BundleError(f"the user `{id}` has a set of permissions that it does not list")
        company = scope.get("company", "") if isinstance(scope, dict) else ""
        if not isinstance(user.get("role", ""), str) or not isinstance(company, str):
            raise BundleError(f"the role or the company of `{id}` is no name")
    return Bundle(head, users, sets)


def _refuse(word: str) -> object:
    raise ValueError(word)


def parse_files(files: OrgFiles, org: str) -> dict[Audience, Bundle]:
    """Returns the bundles of an org's files; raises BundleError, also where somebody is in two of them."""
    bundles = {audience: parse_bundle(content, org, audience) for audience, content in files.items()}
    seen: set[str] = set()
    for bundle in bundles.values():
        if twice := seen & bundle.users.keys():
            raise BundleError(f"the user `{min(twice)}` is both staff and a client's user")
        seen |= bundle.users.keys()
    return bundles


def read_manage(bundles: Mapping[Audience, Bundle]) -> str:
    """Returns whether all people of an org are managed or the listed ones, as its bundles say; empty where there are none."""
    return str(next((one.head.get("manage") for one in bundles.values()), ""))


class Surroundings(Struct, frozen=True):
    """What bundles do not say: catalogs by their digest, what is sensitive under whatever catalog, and onboarding flows."""

    catalogs: Mapping[str, CatalogState]
    sensitive: Mapping[str, tuple[str, ...]]
    onboarding: Mapping[str, str] = field(default_factory=dict)


class StateReader:
    """Reads the state of an org that some bundles describe, from an instant on.

    People of whom `tell_apart` says different things share no profile; `example` is one user of each profile.
    """

    def __init__(
        self,
        org: str,
        bundles: Mapping[Audience, Bundle],
        instant: Instant,
        around: Surroundings,
        tell_apart: Callable[[str], int] = lambda _: 0,
    ) -> None:
        """Reads the heads; raises BundleError, as `read` does."""
        self._org = org
        self._bundles = bundles
        self._instant = instant
        self._around = around
        self._head: Object = next((one.head for one in bundles.values()), {})
        self._catalog = self._read_catalog()
        self._bits = {name: 1 << number for number, name in enumerate(self._catalog.names)}
        self._masks: dict[tuple[str, ...], Mask] = {}
        self._tell_apart = tell_apart
        self._profiles: dict[str, Profile] = {}
        self.example: dict[Profile, str] = {}

    def read(self, without: frozenset[str]) -> OrgState:
        """Returns the state, without people who are known to be the same on the other side."""
        head = self._head
        return OrgState(
            id=self._org,
            platform=str(head.get("platform", "")),
            manage=str(head.get("manage", "")),
            catalog=self._catalog,
            products={key: str(state) for key, state in as_object(head.get("products", {}), "`products`").items()},
            onboarding=self._around.onboarding,
            clients={
                id: self._read_client(id, client)
                for bundle in self._bundles.values()
                for id, client in as_object(bundle.head.get("clients", {}), "`clients`").items()
            },
            people={
                id: self._read_person(id, user, audience, bundle)
                for audience, bundle in self._bundles.items()
                for id, user in bundle.users.items()
                if id not in without
            },
        )

    def _read_catalog(self) -> CatalogState:
        """Returns the catalog that the bundles name, as far as it is known; what they hold is part of it in any case."""
        said = as_object(self._head.get("catalog", {"id": ""}), "`catalog`")
        held = {name for bundle in self._bundles.values() for names in bundle.sets.values() for name in names}
        known = self._around.catalogs.get(str(said.get("digest")))
        version = said.get("version")
        if known is None:
            everything = {name for one in self._around.catalogs.values() for name in one.names}
            known = CatalogState(
                str(said.get("id", "")), None if version is None else str(version), tuple(sorted(everything)), {}
            )
        names = known.names if held.issubset(known.names) else tuple(sorted(held.union(known.names)))
        marked = {name: marks for name, marks in self._around.sensitive.items() if name in set(names)}
        return CatalogState(known.id, known.version, names, dict(known.sensitive) | marked)

    def _read_client(self, id: str, value: object) -> ClientState:
        client = as_object(value, f"the client `{id}`")
        return ClientState(str(client.get("name", "")), tuple(as_texts(client.get("departments", []), "`departments`")))

    def _read_person(self, id: str, user: Object, audience: Audience, bundle: Bundle) -> Person:
        uid = user.get("uid")
        return Person(
            id=id,
            audience=audience,
            uid=None if uid is None else str(uid),
            profile=self._read_profile(id, user, bundle),
            scope=_scope(user.get("scope"), id),
            manages=_extent(user["manages"], f"`manages` of `{id}`") if "manages" in user else NOBODY,
            sign_in=_sign_in(user.get("authentication"), id),
        )

    def _read_profile(self, id: str, user: Object, bundle: Bundle) -> Profile:
        """Returns what a user holds, shared by all whose entries say the same of it."""
        parts = [user.get(key) for key in ("role", "set", "products", "suspended", "until", "obligations")]
        key = json.dumps([*parts, self._tell_apart(id)], sort_keys=True)
        if key not in self._profiles:
            obligations = as_object(user.get("obligations", {}), f"`obligations` of `{id}`")
            role = user.get("role")
            profile = self._profiles[key] = Profile(
                role=None if role is None else str(role),
                is_suspended=user.get("suspended") is True,
                phases=tuple(self._read_phases(id, user, bundle)),
                obligations={name: self._mask(tuple(as_texts(one, name))) for name, one in obligations.items()},
            )
            self.example[profile] = id
        return self._profiles[key]

    def _read_phases(self, id: str, user: Object, bundle: Bundle) -> Iterator[Phase]:
        products = frozenset(as_texts(user.get("products", []), f"`products` of `{id}`"))
        held = self._mask(bundle.permissions(user))
        if user.get("suspended") is True:
            held, products = 0, frozenset()
        ends: dict[Instant, Mask] = {}
        for name, text in as_object(user.get("until", {}), f"`until` of `{id}`").items():
            end = read_instant(str(text))
            if end is None:
                raise BundleError(f"`until` of `{id}` has {text!r}, which is no instant")
            ends[end] = ends.get(end, 0) | self._mask((name,))
        for end, mask in ends.items():
            if end <= self._instant:
                held &= ~mask
        yield Phase(self._instant, held, products)
        for end, mask in sorted(ends.items()):
            if end > self._instant and held & mask:
                held &= ~mask
                yield Phase(end, held, products)

    def _mask(self, names: tuple[str, ...]) -> Mask:
        if names not in self._masks:
            mask = 0
            for name in names:
                mask |= self._bits.get(name, 0)
            self._masks[names] = mask
        return self._masks[names]


def _scope(value: object, id: str) -> Extent:
    scope = as_object(value, f"`scope` of `{id}`")
    if "company" in scope:
        return Extent(company=str(scope["company"]))
    return _extent(scope.get("clients"), f"`scope` of `{id}`")


def _extent(value: object, what: str) -> Extent:
    return Extent(is_all=True) if value == "all" else Extent(frozenset(as_texts(value, what)))


def _sign_in(value: object, id: str) -> SignIn | None:
    if value is None:
        return None
    said = as_object(value, f"`authentication` of `{id}`")
    return str(said.get("method")), said.get("mfa") is True


def as_object(value: object, what: str) -> Object:
    """Returns a value that has to be a map; raises BundleError with `what` it is where it is none."""
    if not isinstance(value, dict):
        raise BundleError(f"{what} is not a map")
    return value


def as_texts(value: object, what: str) -> list[str]:
    """Returns a value that has to be a list of texts; raises BundleError with `what` it is where it is none."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BundleError(f"{what} is not a list of names")
    return value
