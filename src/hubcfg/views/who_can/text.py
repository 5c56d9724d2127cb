"""Who holds something, for people: those who hold the same in the same way stand together."""

from collections.abc import Sequence

from hubcfg.platforms.grants import Audience
from hubcfg.validator.config import User
from hubcfg.views.colors import paint
from hubcfg.views.counts import number
from hubcfg.views.held import describe_origin, scope_words, source_lines, wrap
from hubcfg.views.who_can import Holders, Share

SHOWN_USERS = 25


def render_text(holders: Sequence[Holders], width: int, use_color: bool) -> str:
    """Returns one block for each org, and the total where there are several."""
    blocks = ["\n".join(_Text(one, width, use_color).render()) for one in holders]
    if len(holders) > 1:
        total = number(sum(one.count for one in holders), "user")
        blocks.append(f"{total} in {number(len(holders), 'org')}")
    return "\n\n".join(blocks)


class _Text:
    def __init__(self, holders: Holders, width: int, use_color: bool) -> None:
        self._holders = holders
        self._width = width
        self._use_color = use_color

    def render(self) -> list[str]:
        """Returns the lines."""
        one = self._holders
        org = one.access.org
        rows = wrap(f"{self._subject()} in the org {org.id}, as of {one.as_of}", self._width)
        rows = [self._paint(line, "bold") for line in rows]
        if len(one.matched) == 1:
            permission = org.catalog.permissions[one.matched[0]]
            marks = [f"sensitive: {', '.join(permission.sensitive)}"] if permission.sensitive else []
            about = [permission.description] if permission.description else []
            rows += wrap("; ".join([*about, *marks]), self._width, "  ") if about or marks else []
        for share in one.shares:
            rows += ["", *self._share(share)]
        return [*rows, "", *self._counts()]

    def _subject(self) -> str:
        one = self._holders
        meaning = one.access.org.catalog.expand_alias(one.pattern)
        name = f"{meaning} (`{one.pattern}` is an alias)" if meaning != one.pattern else one.pattern
        if len(one.matched) == 1:
            return f"{name}" if meaning == one.matched[0] else f"{name} (which is {one.matched[0]})"
        return f"{name} ({number(len(one.matched), 'permission')})"

    def _share(self, share: Share) -> list[str]:
        rows: list[str] = []
        is_single = len(self._holders.matched) == 1
        if not is_single:
            held = len(share.rows)
            amount = f"all {held}" if held == share.possible else f"{held} of {share.possible}"
            if share.possible != len(self._holders.matched):
                amount += (
                    " that "
                    + ("client users" if share.users[0].entry.audience is Audience.CLIENT else "staff")
                    + " may hold"
                )
            rows.append(f"  {self._paint(amount, 'bold')}")
            rows += source_lines(share.rows, self._width, 4, use_color=self._use_color)
        else:
            about = [describe_origin(share.rows[0]), *([f"until {share.rows[0].until}"] if share.rows[0].until else [])]
            rows += wrap("; ".join(about), self._width, "  ", 4)
        rows += [line for user in share.users[:SHOWN_USERS] for line in self._user(user)]
        more = len(share.users) - SHOWN_USERS
        if more > 0:
            rows.append(f"    … and {number(more, 'more user')}; `--format json` lists everybody")
        return rows

    def _user(self, user: User) -> list[str]:
        access = self._holders.access
        about = [f"role {user.entry.role}"] if user.entry.role is not None else ["client user"]
        if user.entry.audience is Audience.CLIENT or access.org.platform.assigns_clients:
            about.append(scope_words(access.scope(user), 4))
        return wrap(f"{user.id}  ({'; '.join(about)})", self._width, "  * ", 6)

    def _counts(self) -> list[str]:
        one = self._holders
        everybody = len(one.access.org.users)
        who = number(one.count, "user") if one.count else "nobody"
        amount = "it" if len(one.matched) == 1 else "all of it" if one.needs_all else "something of it"
        verb = "holds" if one.count <= 1 else "hold"
        rows = wrap(f"{who} of {everybody:,} in {one.access.org.id} {verb} {amount}", self._width)
        if one.unknown:
            text = f"of {number(len(one.unknown), 'user')} the access is not known because of errors"
            rows += [self._paint(line, "error") for line in wrap(text, self._width)]
        return rows

    def _paint(self, text: str, color: str) -> str:
        return paint(text, color, use_color=self._use_color)
