"""A department stands where a whole client is due.

Why: clients are assigned whole, with every department in them; naming one would promise a limit that does not exist.

Example:
    clients: [contoso/hr]

Mend: name the client; its departments come along.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Place
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each department in a user's `clients` or `company` and in a test's `scope`."""
    owners = check.org.department_owners()
    if not owners:
        return
    for name, place in _named(check):
        if name in owners:
            clients = owners[name]
            of = shorten(clients, 3)
            yield find(RULE, f"`{name}` is a department of {of}, and only whole clients can stand here", place,
                       help=f"write `{clients[0]}`" + ("" if len(clients) == 1 else f", or another of {of}"))  # fmt: skip


def _named(check: OrgCheck) -> Iterator[tuple[str, Place]]:
    org = check.org
    for user in org.users.values():
        if isinstance(user.clients, tuple) and org.platform.assigns_clients and user.entry.audience is Audience.STAFF:
            for index, client in enumerate(user.clients):
                yield client, check.place(user, "clients", index)
        if user.company is not None and org.platform.client_users and user.entry.audience is Audience.CLIENT:
            yield user.company, check.place(user, "company")
    for assertion in org.assertions:
        scope = assertion.scope or {}
        listed, company = scope.get("clients"), scope.get("company")
        for index, client in enumerate(listed if isinstance(listed, tuple) else ()):
            yield str(client), assertion.document.place("tests", assertion.index, "scope", "clients", index)
        if isinstance(company, str):
            yield company, assertion.document.place("tests", assertion.index, "scope", "company")


RULE = Rule("department-assigned", Table.PLATFORM, __doc__, check=check)
