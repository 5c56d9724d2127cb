"""Opens the targets that hubcfg.yaml names."""

import importlib
import os
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from hubcfg.applier.target import Place, Writer
from hubcfg.core.errors import UsageError
from hubcfg.core.nearest import did_you_mean
from hubcfg.validator.config import Project, Target


def choose_target(project: Project, name: str | None) -> Target:
    """Returns the target of a name; without one the only or the first one.

    Raises UsageError where there is none, or none of that name.
    """
    if not project.targets:
        advice = (
            "write for example `targets: {local: {type: directory, path: deploy}}`; docs/deployment.md has all types"
        )
        raise UsageError("`hubcfg.yaml` names no target", help=advice)
    if name is None:
        return project.targets[0]
    found = next((one for one in project.targets if one.name == name), None)
    if found is None:
        names = [one.name for one in project.targets]
        advice = did_you_mean(name, names) or f"there are {', '.join(f'`{one}`' for one in names)}"
        raise UsageError(f"`hubcfg.yaml` names no target `{name}`", help=advice)
    return found


def open_target(
    target: Target, root: Path, environment: dict[str, str] | None = None, note: Callable[[str], None] | None = None
) -> Writer:
    """Returns a target that can be read and written; only what its type needs is imported.

    `note` is told what the target waits for. Raises UsageError where its options do not say all that it needs.
    """
    # A type is one of the schema's choices, each of which is a module.
    module = importlib.import_module(f"hubcfg.applier.targets.{target.type}")
    place = Place(root, dict(os.environ) if environment is None else environment)
    place = place if note is None else replace(place, note=note)
    writer: Writer = module.TARGET.open(target.name, target.options, place)
    return writer
