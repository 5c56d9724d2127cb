"""Ids: their form, and when two of them look the same."""

import re
import unicodedata

ID_PATTERN = "^[a-z0-9][a-z0-9-]{0,62}$"
_PLAIN_USER_ID = re.compile(r"[!-.0-\[\]-~]{1,254}\Z")  # visible ASCII without / and \


def fold_id(text: str) -> str:
    """Returns the form under which ids that look alike are equal: NFKC, then case folding (docs/language.md, "Ids")."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def find_user_id_fault(user: str) -> str | None:
    """Returns what is wrong with a user id, as the end of a sentence, or None (docs/language.md, "Ids")."""
    if _PLAIN_USER_ID.match(user):
        return "is not a name" if user in (".", "..") else None
    if not 1 <= len(user) <= 254:
        return f"has {len(user)} characters, where 1 to 254 are allowed"
    for character in user:
        if character in "/\\":
            return f"contains `{character}`"
        category = unicodedata.category(character)
        if category[0] in "CZ":
            name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
            return f"contains a character that cannot be seen or printed ({name})"
    if not unicodedata.is_normalized("NFC", user):
        return "is not in Unicode's composed form (NFC)"
    return None
