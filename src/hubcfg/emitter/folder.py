"""Writes a compiled folder: aside first, then swapped, so that readers never see half of it."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hubcfg.core.errors import HubcfgError, OutsideError


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replaces `folder` as a whole by the given files (path → content).

    Raises HubcfgError where the folder holds something that hubcfg did not write, and OutsideError where the disk
    refuses; in both cases the folder is as it was.
    """
    target = Path(os.path.realpath(folder))
    _refuse_foreign(target, folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise OutsideError(f"`{folder}` cannot be written: {error.strerror}") from error
    try:
        fresh, old = aside / "new", aside / "old"
        for path, content in files.items():
            file = fresh / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        _swap(fresh, target, old)
    except OSError as error:
        raise OutsideError(
            f"`{folder}` cannot be written: {error.strerror}", help="nothing there was changed"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _swap(fresh: Path, target: Path, old: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise


def _refuse_foreign(target: Path, shown: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise HubcfgError(f"`{shown}` is a file", help="choose a folder for `-o`")
    if any(target.iterdir()) and not _has_own_manifest(target):
        raise HubcfgError(
            f"`{shown}` is not empty and was not written by hubcfg",
            help="choose an empty folder for `-o`, or empty this one; it would be replaced as a whole",
        )


def _has_own_manifest(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and str(manifest.get("format", "")).startswith("hubcfg.manifest/")
