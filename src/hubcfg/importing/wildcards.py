"""Writes sets of permissions with wildcards, for those who ask for that: what is sensitive is always named."""

from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.masks import Mask


def write_patterns(catalog: Catalog, mask: Mask) -> list[str]:
    """Returns patterns that match exactly the permissions of a set in the catalog of today, sorted.

    A wildcard stands for all of a resource, at least two permissions, none of which is sensitive.
    """
    written: set[str] = set()
    for name in catalog.to_names(mask):
        pattern = name.rpartition(".")[0] + ".*"
        whole = catalog.match(pattern)
        is_whole = whole & ~mask == 0 and whole & (whole - 1) and not whole & catalog.sensitive
        written.add(pattern if is_whole else name)
    return sorted(written)
