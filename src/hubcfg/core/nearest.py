"""The nearest right word to a wrong one, for help lines."""

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], count: int = 1) -> list[str]:
    """Returns up to `count` of `known` that look like `word`, the likest first; none where nothing is near."""
    from difflib import get_close_matches  # only where something is already wrong

    candidates = sorted(set(known))
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(candidate.casefold(), candidate)
    found = get_close_matches(word.casefold(), list(folded), n=count, cutoff=0.6)
    if not found and len(word) >= 3:
        # Part of the right word: `ravi` for `ravi.patel@tidewater.example`.
        found = sorted((one for one in folded if word.casefold() in one), key=lambda one: (len(one), one))[:count]
    return [folded[match] for match in found]


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Returns the sentence "did you mean `x`?" for the nearest known word, or None."""
    found = nearest(word, known)
    return f"did you mean `{found[0]}`?" if found else None


def shorten(names: Iterable[str], limit: int = 5) -> str:
    """Returns names in backticks joined by commas, cut after `limit` with the number of the others."""
    listed = list(names)
    shown = ", ".join(f"`{name}`" for name in listed[:limit])
    rest = len(listed) - limit
    return shown if rest <= 0 else f"{shown} and {rest} more"
