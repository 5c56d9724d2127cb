"""What somebody holds as rows, one a permission, and the same folded for reading; shared by the views of access."""

import shutil
import textwrap
from collections.abc import Iterable, Sequence

from msgspec import Struct

from hubcfg.core.canonical import Json
from hubcfg.core.instants import BEGINNING, END, Instant, format_instant
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.access import Holding, OrgAccess
from hubcfg.resolver.chains import Chain
from hubcfg.resolver.explain import Explainer, Origins, Source
from hubcfg.validator.config import User
from hubcfg.views.colors import paint

NARROWEST, WIDEST = 60, 100


class Row(Struct, frozen=True):
    """One permission that somebody holds: from where, how sensitive, until when."""

    permission: str
    direct: Source | None
    inherited: Source | None
    sensitive: tuple[str, ...]
    until: str | None

    @property
    def origin(self) -> str:
        """`inherited` (from a role, group or the baseline), `direct` (from the user's own entry), or `both`."""
        if self.direct is None:
            return "inherited"
        return "direct" if self.inherited is None else "both"


class Fold(Struct, frozen=True):
    """Permissions of one resource that have all else in common."""

    resource: str
    actions: tuple[str, ...]
    source: str
    sensitive: tuple[str, ...]
    until: str | None

    @property
    def marks(self) -> str:
        """The sensitive categories and the end, in words."""
        parts = [f"sensitive: {', '.join(self.sensitive)}"] if self.sensitive else []
        return ", ".join([*parts, f"until {self.until}"] if self.until else parts)


def held_rows(explainer: Explainer, user: User, within: Mask = -1) -> list[Row]:
    """Returns the effective permissions of a user, in the order of their names; only those in `within`."""
    access, catalog = explainer.access, explainer.access.org.catalog
    holding = access.holding(user)
    origins = explainer.origins(holding)
    direct, inherited = _by_name(access, origins, holding, within)
    until = access.until(user)
    return [
        Row(name, direct.get(name), inherited.get(name), catalog.permissions[name].sensitive, until.get(name))
        for name in catalog.to_names(holding.effective & within)
    ]


def _by_name(
    access: OrgAccess, origins: Origins, holding: Holding, within: Mask
) -> tuple[dict[str, Source], dict[str, Source]]:
    names = access.org.catalog.to_names
    found: tuple[dict[str, Source], dict[str, Source]] = ({}, {})
    for sources, by_name in zip((origins.direct, origins.inherited), found, strict=True):
        for source in sources:
            for name in names(source.mask & holding.effective & within):
                by_name[name] = source
    return found


def fold_rows(rows: Iterable[Row]) -> dict[str, list[Fold]]:
    """Returns the rows by product, folded by resource; what is unremarkable comes first."""
    groups: dict[tuple[str, str, str, tuple[str, ...], str | None], list[str]] = {}
    for row in rows:
        product, resource, action = row.permission.split(".")
        groups.setdefault((product, resource, describe_origin(row), row.sensitive, row.until), []).append(action)
    folded: dict[str, list[Fold]] = {}
    for product, resource, source, sensitive, until in sorted(
        groups, key=lambda key: (key[0], key[1], bool(key[3]), bool(key[4]))
    ):
        actions = tuple(groups[product, resource, source, sensitive, until])
        folded.setdefault(product, []).append(Fold(resource, actions, source, sensitive, until))
    return folded


def fold_names(names: Iterable[str]) -> list[str]:
    """Returns permissions as `psa.tickets: create, read`, one text a resource."""
    resources: dict[str, list[str]] = {}
    for name in names:
        resource, action = name.rsplit(".", 1)
        resources.setdefault(resource, []).append(action)
    return [f"{resource}: {', '.join(actions)}" for resource, actions in resources.items()]


def source_lines(rows: Iterable[Row], width: int, indent: int, *, use_color: bool) -> list[str]:
    """Returns the rows as lines, together what comes from the same source with the same marks."""
    groups: dict[tuple[str, str, bool], list[str]] = {}
    for product, folds in fold_rows(rows).items():
        for fold in folds:
            names = [f"{product}.{fold.resource}.{action}" for action in fold.actions]
            groups.setdefault((fold.source, fold.marks, bool(fold.sensitive)), []).extend(names)
    lines = []
    for source, marks, is_sensitive in sorted(groups, key=lambda key: bool(key[1])):
        head = wrap(f"{source}; {marks}" if marks else source, width, " " * indent, indent + 4)
        lines += [paint(line, "sensitive", use_color=use_color and is_sensitive) for line in head]
        for text in fold_names(groups[source, marks, is_sensitive]):
            lines += wrap(text, width, " " * (indent + 2), indent + 6)
    return lines


def describe_origin(row: Row) -> str:
    """Returns where a permission comes from: `direct`, `inherited through …`, or both."""
    direct = None if row.direct is None else describe_source(row.direct)
    if row.inherited is None:
        return direct or ""
    through = f"inherited through {describe_source(row.inherited)}"
    return through if direct is None else f"{direct}, and {through}"


def describe_source(source: Source) -> str:
    """Returns a source in words: `direct`, the roles and groups on the way, or the baseline."""
    chain = source.chain
    if chain is None:
        return "the baseline of client users" if source.role is None else f"the baseline of the role {source.role}"
    words = describe_way(chain)
    return f"{words} (read-only: what it leaves is reading)" if source.is_downgraded else words


def describe_way(chain: Chain) -> str:
    """Returns the roles and groups of a chain, or `direct`; and the product entry that it begins in."""
    way = " › ".join(f"{noun} {id}" for noun, id in chain.steps) or "direct"
    return way if chain.product is None else f"{way}, in the product entry {chain.product}"


def row_json(row: Row) -> dict[str, Json]:
    """Returns a row as JSON; `through` is the shortest way, direct first."""
    sources = [source for source in (row.direct, row.inherited) if source is not None]
    return {
        "permission": row.permission,
        "origin": row.origin,
        "through": [source_json(source) for source in sources],
        "sensitive": list(row.sensitive),
        "until": row.until,
    }


def source_json(source: Source) -> dict[str, Json]:
    """Returns a source as JSON: the baseline, or the roles and groups on the way and the pattern at its end."""
    chain = source.chain
    if chain is None:
        return {"kind": "baseline", "role": source.role}
    return {
        "kind": "direct" if chain.is_direct else "inherited",
        "steps": [{"kind": noun, "id": id} for noun, id in chain.steps],
        "pattern": chain.pattern,
        "product_entry": chain.product,
        "downgraded": source.is_downgraded,
    }


def scope_words(scope: dict[str, str | list[str]], limit: int = 8) -> str:
    """Returns a scope in words: `all clients`, `contoso, fabrikam`, `the company contoso`."""
    if "company" in scope:
        return f"the company {scope['company']}"
    clients = scope["clients"]
    if isinstance(clients, str):
        return "all clients"
    if not clients:
        return "no clients"
    more = f" and {len(clients) - limit} more" if len(clients) > limit else ""
    return ", ".join(clients[:limit]) + more


def window_words(start: int, end: int, now: int) -> str:
    """Returns when something counts: `from …`, `until …`, `ended …`; nothing where it always does."""
    if end <= now:
        return f"ended {format_instant(Instant(end))}"
    parts = [f"from {format_instant(Instant(start))}"] if start != BEGINNING and start > now else []
    return ", ".join([*parts, f"until {format_instant(Instant(end))}"] if end != END else parts)


def terminal_width() -> int:
    """Returns how wide text may be: the terminal's width within reason."""
    return min(max(shutil.get_terminal_size((WIDEST, 24)).columns, NARROWEST), WIDEST)


def wrap(text: str, width: int, head: str = "", hang: int | None = None) -> list[str]:
    """Returns `head` and the text as lines of at most `width`; later lines begin in column `hang` (default: after the head)."""
    indent = " " * (len(head) if hang is None else hang)
    lines = textwrap.wrap(
        text, max(width, len(indent) + 20), initial_indent=head, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return lines or [head.rstrip()]


def wrap_items(items: Sequence[str], width: int, head: str = "", separator: str = ", ") -> list[str]:
    """Returns items on as many lines as they need; an item is broken only where it is wider than a line."""
    glued = separator.join(item.replace(" ", "\u00a0") for item in items)
    return [line.replace("\u00a0", " ") for line in wrap(glued, width, head)]
