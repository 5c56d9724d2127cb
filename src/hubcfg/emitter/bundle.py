"""Builds an org's bundles (docs/bundles.md): one for its staff, one for its clients' users."""

import hashlib

from msgspec import Struct

from hubcfg.core.canonical import Json, canonical_json, canonical_object, canonical_without_numbers
from hubcfg.core.instants import format_instant
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.access import Holding, OrgAccess
from hubcfg.validator.config import Org, User

FORMAT = "hubcfg.bundle/1"


class Bundle(Struct, frozen=True):
    """One org file: who of an audience holds what. `content` is its canonical JSON with a newline."""

    org: str
    platform: str
    audience: Audience
    users: int
    content: bytes

    @property
    def path(self) -> str:
        """The file's path in the output folder."""
        return f"orgs/{self.org}/{self.audience.value}.json"

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


def build_bundles(access: OrgAccess, *, flat: bool = False) -> list[Bundle]:
    """Returns the bundles of an org; `flat` lists every user's permissions in full."""
    return [
        _encode(access.org, audience, users, _UserBuilder(access, flat))
        for audience, users in _users_by_audience(access.org)
    ]


def bundle_values(access: OrgAccess) -> dict[Audience, dict[str, Json]]:
    """Returns the bundles of an org as values, each user's permissions in full."""
    values: dict[Audience, dict[str, Json]] = {}
    for audience, users in _users_by_audience(access.org):
        builder = _UserBuilder(access, is_flat=True)
        values[audience] = _head(access.org, audience, users) | {
            "users": {user.id: builder.build(user) for user in users}
        }
    return values


def _users_by_audience(org: Org) -> list[tuple[Audience, list[User]]]:
    """Returns the users of each bundle; the clients' one is left out where there are none."""
    staff = [user for user in org.users.values() if user.entry.audience is Audience.STAFF]
    clients = [user for user in org.users.values() if user.entry.audience is Audience.CLIENT]
    return [(Audience.STAFF, staff), *([(Audience.CLIENT, clients)] if clients else [])]


def _head(org: Org, audience: Audience, users: list[User]) -> dict[str, Json]:
    """Returns what a bundle says beside its users."""
    head: dict[str, Json] = {
        "format": FORMAT,
        "org": org.id,
        "platform": org.platform.id,
        "audience": audience.value,
        "manage": org.manage,
        "catalog": {"id": org.catalog.id, "version": org.catalog.version, "digest": org.catalog.digest},
        "products": {product: org.products.get(product, "active") for product in sorted(org.active_products)},
    }
    clients = _clients(org, audience, users)
    return head | ({"clients": clients} if clients else {})


def _encode(org: Org, audience: Audience, users: list[User], builder: "_UserBuilder") -> Bundle:
    parts = {key: canonical_json(value) for key, value in _head(org, audience, users).items()}
    # A large org has millions of values here, and no number among them.
    parts["users"] = canonical_without_numbers({user.id: builder.build(user) for user in users})
    if not builder.is_flat:
        parts["permission_sets"] = canonical_object(builder.sets)
    return Bundle(org.id, org.platform.id, audience, len(users), canonical_object(parts) + b"\n")


def _clients(org: Org, audience: Audience, users: list[User]) -> dict[str, Json]:
    if not org.platform.has_clients:
        return {}
    shown = org.clients if audience is Audience.STAFF else {user.company for user in users}
    return {
        id: {"name": client.name, "departments": list(client.departments)}
        for id, client in sorted(org.clients.items())
        if id in shown
    }


class _UserBuilder:
    """Builds users' entries; what depends on the holding alone is built once for all who share it."""

    def __init__(self, access: OrgAccess, is_flat: bool) -> None:
        self.sets: dict[str, bytes] = {}
        self.is_flat = is_flat
        self._access = access
        self._parts: dict[Holding, dict[str, Json]] = {}

    def build(self, user: User) -> dict[str, Json]:
        holding = self._access.holding(user)
        part = self._parts.get(holding)
        if part is None:
            part = self._parts[holding] = self._build_part(holding)
        built: dict[str, Json] = {**part, "scope": self._access.scope(user)}
        if user.id in self._access.approved:
            until = self._access.until(user)
            built |= {"until": until} if until else {}
        if user.uid is not None:
            built["uid"] = user.uid
        manages = self._access.manages(user)
        if manages:
            built["manages"] = manages
        authentication = resolve_authentication(self._access.org, user)
        if authentication is not None:
            built["authentication"] = authentication
        return built

    def _build_part(self, holding: Holding) -> dict[str, Json]:
        catalog = self._access.org.catalog
        names = catalog.to_names(holding.effective)
        part: dict[str, Json] = {"products": sorted(holding.products)}
        if self.is_flat:
            part["permissions"] = names
        else:
            # Names of permissions need no escaping, so this is their canonical JSON.
            encoded = ('["' + '","'.join(names) + '"]').encode() if names else b"[]"
            set_id = hashlib.sha256(encoded).hexdigest()
            self.sets[set_id] = encoded
            part["set"] = set_id
        if holding.rights.role is not None:
            part["role"] = holding.rights.role.id
        if holding.entry.suspended:
            part["suspended"] = True
        obligations = self._access.obligations(holding)
        if obligations:
            part["obligations"] = {name: catalog.to_names(mask) for name, mask in obligations.items()}
        ends = holding.ends()
        if ends:
            part["until"] = {name: format_instant(instant) for instant, mask in ends for name in catalog.to_names(mask)}
        return part


def resolve_authentication(org: Org, user: User) -> dict[str, Json] | None:
    """Returns how a staff user signs in, where the platform has rules: `sso` unless the entry says otherwise.

    With `sso` the second factor is the tenant's, which counts where one is required (docs/platforms.md, "Authentication").
    """
    if org.platform.authentication is None or user.entry.audience is Audience.CLIENT:
        return None
    method = user.method or "sso"
    is_required = org.platform.authentication.mfa_required or (
        org.authentication is not None and org.authentication.mfa_required
    )
    if method == "sso":
        return {"method": method, "mfa": is_required if user.mfa is None else user.mfa or is_required}
    return {"method": method, "mfa": user.mfa is True}
