"""The syntax of permission patterns (docs/language.md, "Patterns")."""

import re
from collections.abc import Iterable

_SEGMENT = re.compile(r"(?:[A-Za-z][A-Za-z0-9_-]*|\*)\Z")


def is_pattern(text: str) -> bool:
    """Whether `text` is a pattern: one to three segments, each a name or `*`; fewer than three end in `*`."""
    segments = text.split(".")
    if len(segments) > 3 or not all(map(_SEGMENT.match, segments)):
        return False
    return len(segments) == 3 or segments[-1] == "*"


def is_permission_name(text: str) -> bool:
    """Whether `text` has the form of one permission: three names."""
    return is_pattern(text) and "*" not in text


def is_everything(text: str) -> bool:
    """Whether each segment of the pattern is `*`, so that it means every permission there is or will be."""
    return set(text.split(".")) == {"*"}


def is_product_wildcard(text: str) -> bool:
    """Whether the pattern means everything in one product: a name, then only `*`."""
    first, *rest = text.split(".")
    return first != "*" and set(rest) == {"*"}


def suggest_patterns(text: str, known: Iterable[str] = ()) -> list[str]:
    """Returns the patterns that a malformed one probably means, up to three.

    `psa.tickets` means `psa.tickets.*`, `psa` means `psa.*`, `psa.tick*` whatever of the `known` names begins so, and a slash,
    colon or space between segments means a dot.
    """
    cleaned = re.sub(r"\.{2,}", ".", re.sub(r"[\s/:.]+", ".", text.strip())).strip(".")
    segments = [segment if segment == "*" or "*" not in segment else "*" for segment in cleaned.split(".")][:3]
    if len(segments) < 3 and segments[-1] != "*":
        segments.append("*")
    while len(segments) > 1 and segments[-1] == segments[-2] == "*":
        segments.pop()
    suggestion = ".".join(segments)
    if "*" in text and text != suggestion:
        prefix = text.split("*", 1)[0]
        under = {_cut(name, prefix.count(".") + 1) for name in known if prefix and name.startswith(prefix)}
        if 1 <= len(under) <= 3:
            return sorted(under, key=lambda pattern: (len(pattern), pattern))
    return [suggestion] if is_pattern(suggestion) and suggestion != text else []


def _cut(name: str, count: int) -> str:
    segments = name.split(".")
    return name if count >= 3 else ".".join([*segments[:count], "*"])
