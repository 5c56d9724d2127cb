"""`extends`: JSON merge patches over platforms and catalogs (RFC 7396; docs/platforms.md, "Extending")."""

from hubcfg.core.places import KeyPath
from hubcfg.parser.document import Value

# What a document says of itself and never takes from the one it extends.
OWN_FIELDS = ("kind", "id", "name", "version")


def merge_document(base: dict[str, Value], patch: dict[str, Value]) -> dict[str, Value]:
    """Returns the document that `patch`, which extends `base`, stands for."""
    inherited = {key: value for key, value in base.items() if key not in OWN_FIELDS and key != "extends"}
    changes = {key: value for key, value in patch.items() if key not in OWN_FIELDS and key != "extends"}
    own = {key: patch[key] for key in OWN_FIELDS if key in patch}
    merged = merge_patch(inherited, changes)
    assert isinstance(merged, dict)
    return own | merged


def merge_patch(target: Value, patch: Value) -> Value:
    """Returns `target` changed by `patch`: maps merge by key, null removes, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def find_void_removals(target: Value, patch: Value, path: KeyPath = ()) -> list[tuple[KeyPath, list[str]]]:
    """Returns the paths in `patch` of nulls that remove nothing, each with the names that are there."""
    if not isinstance(patch, dict):
        return []
    there = target if isinstance(target, dict) else {}
    found: list[tuple[KeyPath, list[str]]] = []
    for key, value in patch.items():
        if not path and key in (*OWN_FIELDS, "extends"):
            continue
        if value is None:
            if key not in there:
                found.append(((*path, key), list(there)))
        else:
            found += find_void_removals(there.get(key), value, (*path, key))
    return found
