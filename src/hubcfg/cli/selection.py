"""`--select` and `--ignore`: which findings are shown."""

from collections.abc import Sequence

from hubcfg.checker.check import all_rules
from hubcfg.core.errors import UsageError
from hubcfg.core.finding import Finding
from hubcfg.core.nearest import did_you_mean


def split_names(names: Sequence[str]) -> set[str]:
    """Returns the names of repeated options; each may list several, joined by commas."""
    return {name.strip() for listed in names for name in listed.split(",") if name.strip()}


def check_names(select: Sequence[str], ignore: Sequence[str]) -> None:
    """Raises UsageError for a name that no finding has, or for ignoring one that cannot be ignored."""
    rules = {rule.name: rule for rule in all_rules()}
    for name in sorted(split_names(select) | split_names(ignore)):
        if name not in rules:
            raise UsageError(
                f"there is no finding `{name}`", help=did_you_mean(name, rules) or "`hubcfg rules` lists them"
            )
    for name in sorted(split_names(ignore)):
        if rules[name].is_protected:
            raise UsageError(f"`{name}` can't be ignored", help="only findings of the table Policy and hygiene can")


def select_findings(findings: Sequence[Finding], select: Sequence[str], ignore: Sequence[str]) -> list[Finding]:
    """Returns the findings that the options leave to be shown."""
    wanted, unwanted = split_names(select), split_names(ignore)
    return [finding for finding in findings if (not wanted or finding.name in wanted) and finding.name not in unwanted]
