"""What `hubcfg explain` says: why somebody holds a permission, or why not and what would change that."""

from msgspec import Struct

from hubcfg.core.instants import format_instant
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.access import OrgAccess
from hubcfg.resolver.explain import Explainer, Explanation, Hindrance
from hubcfg.validator.config import User
from hubcfg.views.held import Row, held_rows
from hubcfg.views.places import Lines

FORMAT = "hubcfg.explain/1"


class Answer(Struct, frozen=True):
    """The answer for one user in one org.

    For one permission `explanation` says it in full; for a pattern that matches several, `held` are the rows of those
    held and `lacking` the others with what hinders each. Where the access is not known, all are empty.
    """

    access: OrgAccess
    user: User
    pattern: str
    meaning: str
    matched: list[str]
    is_known: bool
    explanation: Explanation | None
    held: list[Row]
    lacking: list[tuple[str, tuple[Hindrance, ...]]]

    @property
    def as_of(self) -> str:
        """The instant that is looked at."""
        return format_instant(self.access.instant)

    @property
    def is_held(self) -> bool:
        """Whether the user holds all that the pattern matches and the user's audience may hold."""
        return bool(self.held) and all(self._is_of_other_audience(name) for name, _ in self.lacking)

    def _is_of_other_audience(self, name: str) -> bool:
        return self.user.entry.audience not in self.access.org.catalog.permissions[name].audiences


def explain_pattern(explainer: Explainer, user: User, pattern: str) -> Answer:
    """Explains what a pattern matches, for one user."""
    access = explainer.access
    catalog = access.org.catalog
    mask = catalog.match(pattern)
    names = catalog.to_names(mask)
    is_known = user.id not in access.org.unsound
    holding = access.holding(user)
    bits: list[tuple[str, Mask]] = [(name, catalog.match(name)) for name in names] if is_known else []
    return Answer(
        access=access,
        user=user,
        pattern=pattern,
        meaning=catalog.expand_alias(pattern),
        matched=names,
        is_known=is_known,
        explanation=explainer.explain(user, names[0]) if is_known and len(names) == 1 else None,
        held=held_rows(explainer, user, mask) if is_known else [],
        lacking=[(name, explainer.hindrances(holding, bit)) for name, bit in bits if not bit & holding.effective],
    )


def render_answers(format: str, answers: list[Answer], lines: Lines, *, width: int, use_color: bool) -> str:
    """Returns the answers as text or JSON."""
    if format == "json":
        from hubcfg.views.explain.json import render_json

        return render_json(answers, lines)
    from hubcfg.views.explain.text import render_text

    return render_text(answers, lines, width, use_color)
