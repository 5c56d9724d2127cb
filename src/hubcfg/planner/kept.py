"""What a target keeps of the orgs that a deployment leaves out, as outputs see them (docs/deployment.md, "Outputs")."""

from collections.abc import Mapping
from typing import Any

from hubcfg.planner.bundles import parse_files
from hubcfg.planner.held import HeldOrg


def describe_kept(id: str, name: str, held: HeldOrg) -> Mapping[str, Any] | None:
    """Returns an org as hubcfg last left it, with each user's permissions in full and without people whom it never deployed.

    None for an org that was never deployed. Raises BundleError where that cannot be read.
    """
    described: dict[str, Any] = {"staff": None, "client": None}
    platform = ""
    for audience, bundle in parse_files(held.deployed, id).items():
        platform = str(bundle.head.get("platform", ""))
        users = {
            user: {key: part for key, part in entry.items() if key != "set"}
            | {"permissions": list(bundle.permissions(entry))}
            for user, entry in bundle.users.items()
            if user in held.ever
        }
        described[audience.value] = {**bundle.head, "users": users}
    if not held.deployed:
        return None
    return {"org": {"id": id, "name": name, "platform": platform}, **described}
