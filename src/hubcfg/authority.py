"""Chooses what a deployment is judged by: what was deployed last, where the target can vouch for it (docs/approvals.md, "The trusted base")."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hubcfg.applier.records import Record
from hubcfg.parser.base_choice import TREE_ITSELF, BaseChoice, choose_base, read_named
from hubcfg.parser.git import find_repository
from hubcfg.validator.config import Target


def choose_for_deployment(
    root: Path,
    target: Target,
    records: Sequence[Record],
    environment: Mapping[str, str],
    *,
    named: str | None = None,
    bootstrap: bool = False,
) -> BaseChoice:
    """Returns the revision that approvals are judged by when `root` is deployed to a target with some records.

    `named` is `--base`. A revision that the target names and that cannot be read is a fault, never a reason to take another.
    """
    if named is not None:
        return read_named(root, named)
    last = None if is_in_work_tree(root, target) else find_last_judged(records)
    if last is not None and last.revision is not None:
        choice = read_named(root, last.revision)
        if choice.commit is None:
            return replace(
                choice,
                fault=f"the revision of deployment {last.serial}, {last.revision[:10]}, can't be read",
                advice="fetch the whole history; `--base REF` names another revision, and the deployment's record says so",
            )
        return replace(choice, label=f"deployment {last.serial} ({last.revision[:10]})")
    if bootstrap:
        return TREE_ITSELF
    return choose_base(root, None, environment)


def find_last_judged(records: Sequence[Record]) -> Record | None:
    """Returns the last deployment whose revision may judge others; None where there is none.

    One that left orgs out may not: their changes stand in its revision, and have not been approved.
    """
    return next((one for one in reversed(records) if one.revision is not None and not one.left_out), None)


def is_in_work_tree(root: Path, target: Target) -> bool:
    """Whether what a target remembers lies in the project's Git work tree, where the author of a change could have put it."""
    path = target.options.get("path")
    repository = find_repository(root) if isinstance(path, str) else None
    if repository is None:
        return False
    return (root / str(path)).resolve().is_relative_to(repository.top.resolve())
