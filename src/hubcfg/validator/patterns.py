"""Checks permission patterns against a catalog: their syntax, and that they match something."""

from collections.abc import Iterable

from hubcfg.core.nearest import nearest
from hubcfg.core.places import KeyPath
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.patterns import is_pattern, suggest_patterns
from hubcfg.validator.rules import MALFORMED_PATTERN, UNKNOWN_PERMISSION
from hubcfg.validator.slips import Slip


class PatternChecker:
    """Judges patterns in one catalog, each distinct one once."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._verdicts: dict[str, Slip | None] = {}

    def check(self, pattern: str, path: KeyPath) -> Slip | None:
        """Returns what is wrong with a pattern at `path`, or None."""
        if pattern not in self._verdicts:
            self._verdicts[pattern] = self._judge(pattern)
        verdict = self._verdicts[pattern]
        return None if verdict is None else Slip(path, verdict.rule, verdict.message, verdict.help)

    def check_all(self, patterns: Iterable[str], path: KeyPath) -> list[Slip]:
        """Returns what is wrong with the patterns of the list at `path`."""
        return [slip for index, pattern in enumerate(patterns) if (slip := self.check(pattern, (*path, index)))]

    def _judge(self, pattern: str) -> Slip | None:
        catalog = self.catalog
        if catalog.match(pattern):
            return None
        meant = catalog.expand_alias(pattern)
        if not is_pattern(meant):
            suggestions = suggest_patterns(meant, catalog.names)
            if suggestions and not catalog.match(suggestions[0]):
                suggestions = nearest_patterns(catalog, suggestions[0]) or suggestions
            advice = f"did you mean {' or '.join(f'`{name}`' for name in suggestions)}?" if suggestions else None
            return Slip(
                (),
                MALFORMED_PATTERN,
                f"`{pattern}` is not a permission pattern",
                advice or "write `product.resource.action`, or `*` for whole segments: `psa.tickets.*`",
            )
        near = nearest_patterns(catalog, meant)
        advice = f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else None
        return Slip(
            (),
            UNKNOWN_PERMISSION,
            f"`{pattern}` matches no permission of the catalog `{catalog.id}`",
            advice or "`hubcfg catalog search WORD` finds permissions by name and description",
        )


def nearest_patterns(catalog: Catalog, pattern: str) -> list[str]:
    """Returns up to three patterns like `pattern` that match something, the likest first.

    Segment by segment, so that it is quick in a catalog of any size: the nearest product, then the nearest
    resource of that product, then the nearest action of that resource.
    """
    segments = pattern.split(".")
    candidates = _candidates(catalog, segments[0])
    for depth, segment in enumerate(segments[1:], 2):
        names = {".".join(name.split(".")[:depth]) for name in catalog.names}
        longer = []
        for prefix in candidates:
            below = [name.rsplit(".", 1)[1] for name in names if _covers(prefix, name)]
            longer += [f"{prefix}.{match}" for match in (["*"] if segment == "*" else _near(segment, below))]
        candidates = longer
    found = [candidate for candidate in dict.fromkeys(candidates) if catalog.match(candidate)]
    if not found and len(segments) == 3 and "*" not in segments:
        # The action may be right and stand under another resource: `psa.ticket_notes.reply` for `psa.tickets.reply`.
        same = [
            name for name in catalog.names if name.startswith(f"{segments[0]}.") and name.endswith(f".{segments[2]}")
        ]
        found = nearest(pattern, same, 3)
    return found[:3]


def _candidates(catalog: Catalog, segment: str) -> list[str]:
    return ["*"] if segment == "*" else _near(segment, catalog.products)


def _near(segment: str, known: Iterable[str]) -> list[str]:
    there = set(known)
    return [segment] if segment in there else nearest(segment, there, 3)


def _covers(prefix: str, name: str) -> bool:
    parts = name.split(".")
    return all(mine in ("*", theirs) for mine, theirs in zip(prefix.split("."), parts, strict=False))
