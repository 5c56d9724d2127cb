"""Emits what a deployment consists of: the bundles of every org and the manifest."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from hubcfg import __version__
from hubcfg.checker.check import Verified
from hubcfg.core.canonical import Json, canonical_line
from hubcfg.core.instants import format_instant
from hubcfg.emitter.bundle import Bundle, build_bundles
from hubcfg.platforms.grants import Audience

MANIFEST_FORMAT = "hubcfg.manifest/1"


def emit_bundles(verified: Verified, *, flat: bool = False, map: Callable[..., Iterator[Any]] = map) -> list[Bundle]:
    """Returns the bundles of every org, in the order of their paths."""
    built: Iterator[list[Bundle]] = map(partial(build_bundles, flat=flat), verified.access.orgs.values())
    return sorted((bundle for bundles in built for bundle in bundles), key=lambda bundle: bundle.path)


class Shard(Struct, frozen=True):
    """A bundle that has been emitted elsewhere; `content` is None where it has been written already."""

    path: str
    org: str
    platform: str
    audience: Audience
    users: int
    sha256: str
    content: bytes | None


def emit_shards(verified: Verified, folder: Path | None, *, flat: bool) -> list[Shard]:
    """Emits the bundles of a part of a project; into a folder where one is given.

    The folder is one that nobody reads before the project as a whole is verified.
    """
    from hubcfg.emitter.folder import write_shard  # slow to import, and not always needed

    shards = []
    for bundle in emit_bundles(verified, flat=flat):
        if folder is not None:
            write_shard(folder, bundle.path, bundle.content)
        content = bundle.content if folder is None else None
        shards.append(
            Shard(bundle.path, bundle.org, bundle.platform, bundle.audience, bundle.users, bundle.sha256, content)
        )
    return shards


def emit_manifest(
    verified: Verified, bundles: Iterable[Bundle | Shard], outputs: Mapping[str, bytes], revision: str | None
) -> bytes:
    """Returns the manifest: what was compiled, from which revision, as of when, and the digest of each file."""
    files: dict[str, Json] = {
        bundle.path: {
            "org": bundle.org,
            "platform": bundle.platform,
            "audience": bundle.audience.value,
            "sha256": bundle.sha256,
            "users": bundle.users,
        }
        for bundle in bundles
    }
    manifest: dict[str, Json] = {
        "format": MANIFEST_FORMAT,
        "tool": f"hubcfg {__version__}",
        "language": 1,
        "project": verified.config.project.id,
        "revision": revision,
        "as_of": format_instant(verified.access.instant),
        "files": files,
    }
    if outputs:
        manifest["outputs"] = {
            path: {"sha256": hashlib.sha256(content).hexdigest()} for path, content in outputs.items()
        }
    return canonical_line(manifest)
