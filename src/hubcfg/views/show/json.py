"""A user's access as JSON."""

import json
from typing import Any

from hubcfg.views.held import row_json
from hubcfg.views.show import FORMAT, Shown


def render_json(shown: list[Shown]) -> str:
    """Returns one JSON document with the user in each org."""
    document = {"format": FORMAT, "as_of": shown[0].as_of, "users": [_user(one) for one in shown]}
    return json.dumps(document, ensure_ascii=False, indent=2)


def _user(one: Shown) -> dict[str, Any]:
    user = one.user
    return {
        "org": one.org.id,
        "user": user.id,
        **one.at,
        "name": user.name,
        "uid": user.uid,
        "audience": user.entry.audience.value,
        "role": user.entry.role,
        "company": user.company,
        "suspended": user.entry.suspended,
        "known": one.is_known,
        "scope": one.scope,
        "products": one.products,
        "manages": one.manages,
        "obligations": one.obligations,
        "authentication": one.authentication,
        "permissions": [row_json(row) for row in one.rows],
        "coming": [{"instant": change.instant, "begins": change.begins, "ends": change.ends} for change in one.coming],
    }
