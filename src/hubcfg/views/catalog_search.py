"""Finds permissions by words in their names, other names and descriptions, the likeliest first."""

import re
from collections.abc import Sequence

from hubcfg.core.nearest import nearest
from hubcfg.platforms.catalog import Catalog, Permission
from hubcfg.views.catalog import aliases_of

_WORD = re.compile(r"[a-z0-9]+")

# How well a word fits, the best first: a whole segment of the name, the beginning of one, a word of the description, …
_WHOLE, _BEGINS, _DESCRIBED, _ALIAS, _WITHIN = 16, 8, 4, 4, 1


def search_permissions(catalog: Catalog, words: Sequence[str]) -> list[Permission]:
    """Returns the permissions that every word is found in, the best matches first, those alike by name."""
    aliases = aliases_of(catalog)
    wanted = [word for text in words for word in _WORD.findall(text.casefold())]
    scored = []
    for name in catalog.names:
        permission = catalog.permissions[name]
        scores = [_score(word, permission, aliases.get(name, ())) for word in wanted]
        if scores and all(scores):
            scored.append((-sum(scores), name))
    return [catalog.permissions[name] for _, name in sorted(scored)]


def suggest_words(catalog: Catalog, words: Sequence[str]) -> list[str]:
    """Returns words that the catalog has, and that are like those of a search that found nothing."""
    in_names = {word for name in catalog.names for word in _words(name)}
    described = {word for one in catalog.permissions.values() for word in _words(one.description or "")}
    wanted = [word for text in words for word in _WORD.findall(text.casefold())]
    unknown = [word for word in wanted if word not in in_names | described]
    return [match for word in unknown for match in nearest(word, in_names) or nearest(word, described)]


def _score(word: str, permission: Permission, aliases: Sequence[str]) -> int:
    # Beginnings count both ways: who looks for `tickets` means `ticket` too, and the other way round.
    name_words = _words(permission.name)
    if word in name_words:
        return _WHOLE
    if any(part.startswith(word) or _stem(word) == _stem(part) for part in name_words):
        return _BEGINS
    described = _words(permission.description or "")
    if any(_stem(part).startswith(_stem(word)) for part in described):
        return _DESCRIBED
    if any(part.startswith(word) for alias in aliases for part in _words(alias)):
        return _ALIAS
    return _WITHIN if word in permission.name.casefold() else 0


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("_", " "))


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word
