"""Something of staff at a client's user, or the other way round.

A client's user must have a `company` and may have neither `role` nor `clients`, `products` or `authentication`; one of the
staff must have a `role` and may have no `company`. Groups are for one audience: its users, and groups that include them.

Why: staff and clients' users are two worlds: staff have a platform role, a client's user has one company and nothing but it.

Example:
    pat@contoso.example: {audience: client, role: member}     # no `company`, and a platform role

Mend: write `audience: client` with a `company` for a client's user, a `role` for one of the staff; give each groups of its
own audience.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import Listed, OrgCheck, ProjectCheck, bundle_place, listed_grants
from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Part
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience, Group
from hubcfg.validator.config import Entry, User

_STAFF_FIELDS = {
    "role": "has no platform role",
    "clients": "works for no clients, but belongs to one `company`",
    "products": "has no product access of its own",
    "authentication": "does not sign in as staff do",
}
_WHOSE = {Audience.STAFF: "staff", Audience.CLIENT: "clients' users"}


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields what does not go together in the org's users, teams and groups."""
    org = check.org
    for entry, users in check.all_by_entry.items():
        if entry.audience is Audience.CLIENT and not org.platform.client_users:
            continue
        wrong = list(_find_wrong_groups(check, entry))
        is_staff = entry.audience is Audience.STAFF
        for user in users:
            if not is_staff:
                yield from _check_client(check, user)
            elif entry.role is None or user.company is not None:
                yield from _check_staff(check, user)
            for listed, message, group in wrong:
                yield find(RULE, message, check.place(user, *listed.target_path), help=_advise(check, group),
                           related=_audience_of(group))  # fmt: skip
    yield from _check_teams(check)
    for bundle in check.bundles():
        if isinstance(bundle, Group):
            yield from _check_includes(bundle, org.groups)


def check_project(check: ProjectCheck) -> Iterator[Finding]:
    """Yields the includes of the other audience in shared groups, and in the groups of the project's own platforms."""
    for platform, shared in check.config.shared_groups.items():
        groups = {group.id: group for group in shared}
        for group in shared:
            if not group.document.is_builtin:
                yield from _check_includes(group, groups, f" of the platform `{platform}`")


def _check_staff(check: OrgCheck, user: User) -> Iterator[Finding]:
    if user.entry.role is None:
        roles = shorten(check.org.platform.roles, 8)
        is_client = user.company is not None and check.org.platform.client_users
        advice = f"add `role:`; the platform has {roles}" + ("; or `audience: client`" if is_client else "")
        yield find(RULE, f"the staff user `{user.id}` has no platform role", check.user_key(user), help=advice)
    if user.company is not None:
        advice = "add `audience: client` if it is a client's user" if check.org.platform.client_users else "remove it"
        yield find(RULE, "only a client's user belongs to a company", check.place(user, "company"), help=advice)


def _check_client(check: OrgCheck, user: User) -> Iterator[Finding]:
    if user.company is None:
        yield find(RULE, f"the client user `{user.id}` belongs to no company", check.user_key(user),
                   help=f"add `company:`; the org's clients are {shorten(sorted(check.org.clients), 5)}" if check.org.clients
                   else "add `company:` with a client of the org")  # fmt: skip
    for field, why in _STAFF_FIELDS.items():
        if check.is_written(user, field):
            yield find(RULE, f"a client's user {why}", check.place(user, field), help=f"remove `{field}`")


def _find_wrong_groups(check: OrgCheck, entry: Entry) -> Iterator[tuple[Listed, str, Group]]:
    """Yields the items of an entry that lead to groups of the other audience."""
    org, own = check.org, entry.audience
    whose = "one of the staff" if own is Audience.STAFF else "a client's user"
    for listed in listed_grants(entry):
        if listed.product is not None and own is Audience.CLIENT:
            continue  # its products are wrong altogether
        if listed.field == "groups":
            group = org.groups.get(listed.grant.target)
            if group is not None and group.audience is not own:
                yield listed, f"the group `{group.id}` is for {_WHOSE[group.audience]}, and this is {whose}", group
        elif listed.field == "roles" and listed.grant.target in org.roles:
            role = org.roles[listed.grant.target]
            wrong = [
                org.groups[grant.target]
                for grant in role.groups
                if grant.target in org.groups and org.groups[grant.target].audience is not own
            ]
            if wrong:
                names = shorten(dict.fromkeys(group.id for group in wrong), 3)
                message = (
                    f"the Hub role `{role.id}` is in {names}, for {_WHOSE[wrong[0].audience]}, and this is {whose}"
                )
                yield listed, message, wrong[0]


def _check_teams(check: OrgCheck) -> Iterator[Finding]:
    org = check.org
    if not org.platform.client_users or not org.platform.has_teams:
        return
    for team in org.teams.values():
        for field, members in (("leads", team.leads), ("members", team.members)):
            for index, id in enumerate(members):
                user = org.users.get(id)
                if user is not None and user.entry.audience is Audience.CLIENT:
                    yield find(RULE, f"`{id}` is a client's user, and teams are of staff",
                               team.document.place("teams", team.id, field, index), help="remove the item",
                               related=(Related(f"`{id}` is defined here", check.user_key(user)),))  # fmt: skip


def _check_includes(group: Group, groups: dict[str, Group], where: str = "") -> Iterator[Finding]:
    for index, grant in enumerate(group.includes):
        inner = groups.get(grant.target)
        if inner is not None and inner.audience is not group.audience:
            place = bundle_place(group, *Listed("includes", index, grant).target_path)
            yield find(RULE, f"the group `{group.id}`{where} is for {_WHOSE[group.audience]}, and includes `{inner.id}`, which is for"
                       f" {_WHOSE[inner.audience]}", place, help="include groups of the same audience only",
                       related=_audience_of(inner))  # fmt: skip


def _advise(check: OrgCheck, wrong: Group) -> str:
    own = Audience.CLIENT if wrong.audience is Audience.STAFF else Audience.STAFF
    fitting = [group.id for group in check.org.groups.values() if group.audience is own]
    return (
        f"groups for {_WHOSE[own]} are {shorten(sorted(fitting), 6)}"
        if fitting
        else f"there is no group for {_WHOSE[own]}"
    )


def _audience_of(group: Group) -> tuple[Related, ...]:
    """The place where a group of the project is defined; platforms' built-in groups have none."""
    if group.document.is_builtin:
        return ()
    place = bundle_place(group, part=Part.KEY)
    return (Related(f"the group `{group.id}` is for {_WHOSE[group.audience]}", place),)


RULE = Rule("audience-mismatch", Table.PLATFORM, __doc__, check=check, check_project=check_project)
