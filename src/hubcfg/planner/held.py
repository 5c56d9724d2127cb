"""What a target holds of an org, as bytes of bundles: the currency between targets and plans."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from hubcfg.platforms.grants import Audience

# An org's files: canonical JSON and a newline each (docs/bundles.md); an audience without users may have none.
OrgFiles: TypeAlias = Mapping[Audience, bytes]


class HeldOrg(Struct, frozen=True):
    """One org as a target has it.

    `live` is what it holds now, whoever put it there; `deployed` what hubcfg left there at its last deployment of this org (empty
    where there was none); `ever` are the users who were in a deployed bundle of this org at any time (docs/deployment.md,
    "Ownership").
    """

    live: OrgFiles
    deployed: OrgFiles
    ever: frozenset[str]


NOTHING_HELD = HeldOrg({}, {}, frozenset())
