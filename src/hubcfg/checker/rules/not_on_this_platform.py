"""A document or field for something that the org's platform does not have.

It may be a Teams or Clients document, `departments` of a client, `clients` or `authentication` of a user, a client's user,
`authentication` or `products` of an org, or among those a product that is always active.

Why: it would look like a limit or a grant in review and have no effect at all.

Example:
    kind: Teams            # onestack has no teams
    org: northwind

Mend: remove it, or put the org on a platform that has it; `hubcfg platforms show ID` tells what a platform has.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, find
from hubcfg.core.places import Part, Place
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.platform import Platform
from hubcfg.validator.config import Org


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each such document, and for each such field of the org, its clients and its users."""
    org = check.org
    yield from _check_documents(org)
    yield from _check_org(org)
    yield from _check_departments(org)
    yield from _check_users(check)


def _check_documents(org: Org) -> Iterator[Finding]:
    for kind, has_it, what in (
        ("Clients", org.platform.has_clients, "clients"),
        ("Teams", org.platform.has_teams, "teams"),
    ):
        if not has_it:
            for document in org.documents.get(kind, ()):
                yield _report(org.platform, what, document.place("kind"), "remove the document")


def _check_org(org: Org) -> Iterator[Finding]:
    platform, raw = org.platform, org.document.value
    written = raw if isinstance(raw, dict) else {}
    if "authentication" in written and platform.authentication is None:
        yield _report(platform, "rules about authentication", org.document.key("authentication"), _REMOVE)
    if "products" in written and not platform.subscriptions:
        yield find(RULE, f"on the platform `{platform.id}` all products are active, so an org subscribes to none",
                   org.document.key("products"), help=_REMOVE)  # fmt: skip
        return
    for product in org.products:
        if product in platform.always_active:
            yield find(RULE, f"`{product}` is always active on the platform `{platform.id}`, so an org can't subscribe to it",
                       org.document.key("products", product), help=f"remove `{product}` from `products`")  # fmt: skip


def _check_departments(org: Org) -> Iterator[Finding]:
    if org.platform.has_departments or not org.platform.has_clients:
        return
    for client in org.clients.values():
        raw = client.document.value
        clients = raw.get("clients") if isinstance(raw, dict) else None
        written = clients.get(client.id) if isinstance(clients, dict) else None
        if isinstance(written, dict) and "departments" in written:
            yield _report(
                org.platform, "departments", client.document.key("clients", client.id, "departments"), _REMOVE
            )


def _check_users(check: OrgCheck) -> Iterator[Finding]:
    platform = check.org.platform
    if platform.client_users and platform.assigns_clients and platform.authentication is not None:
        return
    for user in check.org.users.values():
        if user.entry.audience is Audience.CLIENT and not platform.client_users:
            yield _report(platform, "client users", check.place(user, "audience", part=Part.KEY),
                          "remove the user, or `audience: client` if it is one of the staff")  # fmt: skip
            continue
        if user.clients is not None and not platform.assigns_clients:
            yield find(RULE, f"the platform `{platform.id}` assigns no clients to users", check.place(user, "clients", part=Part.KEY),
                       help=f"{_REMOVE}: who works for whom is not a matter of configuration there")  # fmt: skip
        if platform.authentication is None and check.is_written(user, "authentication"):
            place = check.place(user, "authentication", part=Part.KEY)
            yield _report(platform, "rules about authentication", place, _REMOVE)


def _report(platform: Platform, what: str, place: Place, advice: str) -> Finding:
    return find(RULE, f"the platform `{platform.id}` has no {what}", place, help=advice)


_REMOVE = "remove the field"

RULE = Rule("not-on-this-platform", Table.PLATFORM, __doc__, check=check)
