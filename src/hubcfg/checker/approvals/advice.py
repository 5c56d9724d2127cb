"""Advice for what is not approved: who may approve it, and the very command for it."""

import shlex
from collections.abc import Sequence

from hubcfg.core.nearest import shorten

# A command that names more than this is harder to read than a wider one, which asks before it signs anyway.
_MOST = 3


def ask_for(
    able: Sequence[str],
    *,
    users: Sequence[str] = (),
    permissions: Sequence[str] = (),
    change: str | None = None,
    org: str | None = None,
) -> str:
    """Returns who may approve something and how: what these users lack, of these permissions, or a change of a kind."""
    if not able:
        return "it needs an approval, and nobody could give it as things stand"
    named = [("--user", user) for user in users] if len(users) <= _MOST else []
    named += [("--permission", name) for name in permissions] if len(permissions) <= _MOST else []
    if change is not None:
        named.append(("--change", change))
    words = ["hubcfg", "approve", "--as", able[0], *(word for pair in named for word in pair)]
    words += [] if named else ["--all"]
    words += [] if org is None else ["--org", org]
    return f"{shorten(able, 3)} may approve it: `{shlex.join(words)}`"
