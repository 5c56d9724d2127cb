"""Chooses what a deployment is judged by: what was deployed last, where the target can vouch for it (docs/approvals.md, "The trusted base")."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from hubcfg.applier.records import Record
from hubcfg.checker.check import check_access
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant
from hubcfg.parser.base_choice import TREE_ITSELF, BaseChoice, choose_base, read_named
from hubcfg.parser.git import find_repository
from hubcfg.parser.locating import locate_findings
from hubcfg.pipeline import Compiled
from hubcfg.resolver.resolve import resolve_access
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


def can_vouch(compiled: Compiled, as_of: Instant) -> bool:
    """Whether a deployment's revision may judge the next ones.

    Where orgs are left out, something in it is not approved: a role, or an approval that nobody entitled gave, and which is dated
    ahead, must not count as landed for that. So it may only if time alone has left them out: if its base would be left out for the very
    same by now.
    """
    verified = compiled.verified
    if verified is None or not verified.left_out:
        return verified is not None
    base = verified.approvals.base
    if base.is_tree:
        return False
    access = resolve_access(base.config, as_of)
    _, _, lapsed = check_access(base.config, access, base, base.files, (), _without_lines, {}, hygiene=False)
    known = {(one.name, one.message, one.orgs) for one in lapsed}
    return all((one.name, one.message, one.orgs) in known for found in verified.left_out.values() for one in found)


def _without_lines(findings: Iterable[Finding]) -> list[Finding]:
    """Returns findings of which nobody asks where they are."""
    return locate_findings(findings, lambda _: None)


def is_in_work_tree(root: Path, target: Target) -> bool:
    """Whether what a target remembers lies in the project's Git work tree, where the author of a change could have put it."""
    path = target.options.get("path")
    repository = find_repository(root) if isinstance(path, str) else None
    if repository is None:
        return False
    return (root / str(path)).resolve().is_relative_to(repository.top.resolve())
