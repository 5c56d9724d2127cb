"""Chooses what a deployment is judged by: what was deployed last, where the target can vouch for it (docs/approvals.md, "The trusted base")."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hubcfg.applier.records import Record
from hubcfg.core.instants import Instant
from hubcfg.parser.base_choice import TREE_ITSELF, BaseChoice, choose_base, read_named
from hubcfg.parser.git import find_repository
from hubcfg.pipeline import Authority, Compiled, compile_project
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
    """Returns the last deployment whose revision may judge others; None where there is none."""
    return next((one for one in reversed(records) if one.revision is not None and one.vouches), None)


def can_vouch(compiled: Compiled, root: Path, authority: Authority, revision: str | None, as_of: Instant) -> bool:
    """Whether a deployment's revision may judge the next ones.

    Where orgs are left out, something in it is not approved, and must not count as landed for that: neither a change nor an
    approval. So it may only if it would leave out the same for the same reasons when it is its own judge, as for an approval that has
    ended.
    """
    verified = compiled.verified
    if verified is None or not verified.left_out or revision is None:
        return verified is not None
    judge = replace(authority, choice=read_named(authority.clone or root, revision))
    own = compile_project(root, as_of=as_of, hygiene=True, authority=judge).verified
    found = {} if own is None else own.left_out
    return all(
        {(one.name, one.place, one.message) for one in findings}
        <= {(one.name, one.place, one.message) for one in found.get(org, ())}
        for org, findings in verified.left_out.items()
    )


def is_in_work_tree(root: Path, target: Target) -> bool:
    """Whether what a target remembers lies in the project's Git work tree, where the author of a change could have put it."""
    path = target.options.get("path")
    repository = find_repository(root) if isinstance(path, str) else None
    if repository is None:
        return False
    return (root / str(path)).resolve().is_relative_to(repository.top.resolve())
