"""What `hubcfg unlock` shows: who held a target's lock, and that it is ended."""

import json
from typing import Any

from hubcfg.applier.holder import Holder

FORMAT = "hubcfg.lock/1"


def render_unlocked(output: str, target: str, holder: Holder | None) -> str:
    """Returns as `text` or `json` whose lock was ended; None where there was none."""
    if output == "json":
        who: dict[str, Any] | None = None
        if holder is not None:
            who = {"who": holder.who, "since": holder.since, "host": holder.host, "pid": holder.pid}
        document = {"format": FORMAT, "target": target, "ended": holder is not None, "holder": who}
        return json.dumps(document, ensure_ascii=False, indent=2)
    return f"`{target}` is not locked" if holder is None else f"ended the lock of {holder.describe()}"
