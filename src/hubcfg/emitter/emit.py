"""Emits what a deployment consists of: the bundles of every org and the manifest."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from hubcfg import __version__
from hubcfg.checker.check import Verified
from hubcfg.core.canonical import Json, canonical_line
from hubcfg.core.instants import format_instant
from hubcfg.emitter.bundle import Bundle, build_bundles

MANIFEST_FORMAT = "hubcfg.manifest/1"


def emit_bundles(verified: Verified, *, flat: bool = False, map: Callable[..., Iterator[Any]] = map) -> list[Bundle]:
    """Returns the bundles of every org, in the order of their paths."""
    built: Iterator[list[Bundle]] = map(partial(build_bundles, flat=flat), verified.access.orgs.values())
    return sorted((bundle for bundles in built for bundle in bundles), key=lambda bundle: bundle.path)


def emit_manifest(
    verified: Verified, bundles: list[Bundle], outputs: Mapping[str, bytes], revision: str | None
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
