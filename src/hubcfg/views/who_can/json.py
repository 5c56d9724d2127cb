"""Who holds something, as JSON: users refer to the shares that they have in common."""

import json
from typing import Any

from hubcfg.views.held import row_json
from hubcfg.views.who_can import FORMAT, Holders


def render_json(holders: list[Holders]) -> str:
    """Returns one JSON document with every org."""
    document = {
        "format": FORMAT,
        "as_of": holders[0].as_of,
        "pattern": holders[0].pattern,
        "all": holders[0].needs_all,
        "orgs": [_org(one) for one in holders],
        "count": sum(one.count for one in holders),
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _org(one: Holders) -> dict[str, Any]:
    access = one.access
    users = sorted(
        ((user, index) for index, share in enumerate(one.shares) for user in share.users), key=lambda item: item[0].id
    )
    return {
        "org": access.org.id,
        "matched": one.matched,
        "shares": [
            {"permissions": [row_json(row) for row in share.rows], "possible": share.possible} for share in one.shares
        ],
        "users": [
            {
                "user": user.id,
                "audience": user.entry.audience.value,
                "role": user.entry.role,
                "scope": access.scope(user),
                "share": index,
            }
            for user, index in users
        ],
        "count": one.count,
        "unknown": one.unknown,
    }
