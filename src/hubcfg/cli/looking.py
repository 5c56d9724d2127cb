"""What the commands that look at access share: the project, its orgs and users by name."""

from collections.abc import Iterable

from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.instants import Instant
from hubcfg.core.nearest import did_you_mean
from hubcfg.core.rule import Severity
from hubcfg.pipeline import Compiled, compile_project
from hubcfg.resolver.access import OrgAccess
from hubcfg.validator.config import User


def compile_for_looking(settings: Settings, as_of: Instant) -> Compiled:
    """Compiles the project, errors or not, and says on stderr that there are some.

    Raises HubcfgError where not even hubcfg.yaml can be used.
    """
    root = settings.find_root()
    compiled = compile_project(root, as_of=as_of, hygiene=False, cache=settings.open_cache(root))
    if compiled.access is None:
        first = next(finding for finding in compiled.findings if finding.severity is Severity.ERROR)
        raise HubcfgError(
            f"the project can't be read: {first.message}", help=first.help or "`hubcfg validate` says more"
        )
    errors = count_errors(compiled)
    if errors:
        noun = "an error" if errors == 1 else f"{errors:,} errors"
        settings.note(f"note: the project has {noun}, so this is not deployed as it stands; see `hubcfg validate`")
    return compiled


def count_errors(compiled: Compiled) -> int:
    """Returns how many findings are errors."""
    return sum(finding.severity is Severity.ERROR for finding in compiled.findings)


def pick_orgs(compiled: Compiled, org: str | None) -> list[OrgAccess]:
    """Returns the orgs to look at: all, or the one that is named.

    Raises UsageError where there is no such org.
    """
    assert compiled.access is not None
    orgs = compiled.access.orgs
    if org is None:
        return list(orgs.values())
    if org not in orgs:
        advice = did_you_mean(org, orgs) or (f"there are {_list(orgs)}" if orgs else None)
        raise UsageError(f"there is no org `{org}`{_maybe_lost(compiled)}", help=advice)
    return [orgs[org]]


def pick_users(compiled: Compiled, org: str | None, user: str) -> list[tuple[OrgAccess, User]]:
    """Returns the user in each org that has one of this id.

    Raises UsageError where none has.
    """
    orgs = pick_orgs(compiled, org)
    found = [(access, access.org.users[user]) for access in orgs if user in access.org.users]
    if found:
        return found
    where = f" in the org `{org}`" if org is not None else ""
    raise UsageError(f"there is no user `{user}`{where}{_maybe_lost(compiled)}", help=_find_near(compiled, orgs, user))


def pick_matching(settings: Settings, orgs: Iterable[OrgAccess], pattern: str) -> list[OrgAccess]:
    """Returns the orgs in whose catalog a pattern means something, and says on stderr where it does not.

    Raises UsageError where it means something in none, with the nearest pattern that does.
    """
    from hubcfg.validator.patterns import PatternChecker

    slips = {access: PatternChecker(access.org.catalog).check(pattern, ()) for access in orgs}
    if not slips:
        raise UsageError("the project has no org whose access is known", help="`hubcfg validate` says why")
    matching = [access for access, slip in slips.items() if slip is None]
    for access, slip in slips.items():
        if slip is not None and not matching:
            raise UsageError(slip.message, help=slip.help)
        if slip is not None:
            settings.note(f"note: not in the org {access.org.id}: {slip.message}")
    return matching


def _find_near(compiled: Compiled, orgs: Iterable[OrgAccess], user: str) -> str | None:
    """Returns advice: another org that has the user, the same name at another domain, or the most similar id."""
    assert compiled.access is not None
    others = [id for id, access in compiled.access.orgs.items() if user in access.org.users]
    if others:
        return f"there is one in {_list(others)}"
    everybody = {id for access in orgs for id in access.org.users}
    alike = sorted(id for id in everybody if id.split("@", 1)[0] == user.split("@", 1)[0])
    return f"did you mean `{alike[0]}`?" if alike else did_you_mean(user, everybody)


def _maybe_lost(compiled: Compiled) -> str:
    is_partial = compiled.config is not None and compiled.config.is_partial
    return ", as far as the files can be used" if is_partial else ""


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
