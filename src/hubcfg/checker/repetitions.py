"""Ids that stand twice in a list where that means nothing: no finding, but `hubcfg fix` removes them."""

from collections.abc import Iterator

from hubcfg.checker.rules.redundant_grant import RULE as REDUNDANT_GRANT
from hubcfg.core.finding import Edit, EditAction, Finding, Fix, find
from hubcfg.parser.document import Document, Value
from hubcfg.validator.config import Config, Org

# By kind: the field that holds the entries, and the lists of ids in an entry.
_LISTS = {
    "Users": ("users", ("clients",)),
    "Clients": ("clients", ("departments",)),
    "Teams": ("teams", ("leads", "members")),
}


def find_repeated_ids(config: Config) -> Iterator[Finding]:
    """Yields a finding with a fix for each repetition; they are made for `fix` and not shown by `validate`."""
    for org in config.orgs.values():
        yield from _find_in_org(org)


def _find_in_org(org: Org) -> Iterator[Finding]:
    for kind, (field, lists) in _LISTS.items():
        for document in org.documents.get(kind, ()):
            entries = document.value.get(field) if isinstance(document.value, dict) else None
            for id, entry in entries.items() if isinstance(entries, dict) else ():
                if not isinstance(entry, dict):
                    continue
                for name in lists:
                    yield from _find_in_list(document, entry.get(name), (field, id, name))


def _find_in_list(document: Document, listed: Value, path: tuple[str, ...]) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, item in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(item, str) and item in seen:
            place = document.place(*path, index)
            fix = Fix(f"remove the second `{item}`", (Edit(place, EditAction.REMOVE_ITEM),))
            yield find(REDUNDANT_GRANT, f"`{item}` stands twice in `{path[-1]}`", place, fix=fix)
        elif isinstance(item, str):
            seen.add(item)
