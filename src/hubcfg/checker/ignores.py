"""Applies ignore comments, and judges them: a comment needs a reason and something to ignore."""

from collections.abc import Collection, Iterable, Mapping

from hubcfg.checker.rules.invalid_ignore import RULE as INVALID_IGNORE
from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import did_you_mean
from hubcfg.core.places import Span
from hubcfg.core.rule import Rule
from hubcfg.parser.comments import IgnoreComment


def apply_ignores(
    findings: Iterable[Finding], comments: Mapping[str, list[IgnoreComment]], rules: Collection[Rule]
) -> list[Finding]:
    """Returns the located findings that no comment on their line ignores, and findings about the comments themselves."""
    by_line = {(comment.span.file, comment.span.line): comment for listed in comments.values() for comment in listed}
    used: set[tuple[IgnoreComment, str]] = set()
    kept = []
    for finding in findings:
        span = finding.place
        assert isinstance(span, Span)
        comment = by_line.get((span.file, span.line))
        is_named = comment is not None and finding.name in comment.names
        if comment is not None and is_named and comment.reason and not finding.rule.is_protected:
            used.add((comment, finding.name))
        else:
            kept.append(finding)
    known = {rule.name: rule for rule in rules}
    for comment in by_line.values():
        kept += _judge(comment, {name for one, name in used if one == comment}, known)
    return kept


def _judge(comment: IgnoreComment, used: set[str], known: Mapping[str, Rule]) -> list[Finding]:
    if not comment.names:
        return [_invalid(comment, "this comment names no finding", "write `# hubcfg: ignore[name] reason`")]
    if not comment.reason:
        return [
            _invalid(
                comment, "this comment gives no reason", "say after the bracket why the finding does not matter here"
            )
        ]
    found = []
    for name in comment.names:
        rule = known.get(name)
        if rule is None:
            found.append(_invalid(comment, f"there is no finding `{name}`", did_you_mean(name, known)))
        elif rule.is_protected:
            found.append(_invalid(comment, f"`{name}` can't be ignored", "mend what it reports"))
        elif name not in used:
            found.append(_invalid(comment, f"no `{name}` begins on this line", "remove the name, or the whole comment"))
    return found


def _invalid(comment: IgnoreComment, message: str, advice: str | None) -> Finding:
    return find(INVALID_IGNORE, message, comment.span, help=advice)
