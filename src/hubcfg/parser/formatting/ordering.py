"""Decides in which order the entries of a map are written."""

from collections.abc import Iterator

from hubcfg.parser.comments import MARKER
from hubcfg.parser.formatting.shapes import Shape, shape_of_document
from hubcfg.parser.formatting.syntax import Alias, Collection, Entry, Node, Page, Scalar


def shape_of_page(page: Page) -> Shape:
    """Returns what is known of a document from its `kind`, or from the `hubcfg` of a project file."""
    root = page.root.node if page.root is not None else None
    if not isinstance(root, Collection) or not root.is_map:
        return shape_of_document(None, False)
    values = {entry.key.value: entry.node for entry in root.entries if isinstance(entry.key, Scalar)}
    kind = values.get("kind")
    return shape_of_document(kind.value if isinstance(kind, Scalar) else None, "hubcfg" in values)


def arrange(node: Collection, shape: Shape) -> list[Entry]:
    """Returns the entries of a collection in canonical order; what the shape does not name comes last, as it was.

    The author's order stays where another would part an alias from its anchor, or an ignore comment from the item that
    it is about (which begins on the line of its first field).
    """
    entries = node.entries
    if not node.is_map or not shape.order:
        return entries
    arranged = sorted(entries, key=lambda entry: _rank(entry, shape))
    if arranged == entries:
        return entries
    if node.owner.is_item and arranged[0] is not entries[0] and (has_ignore(entries[0]) or has_ignore(arranged[0])):
        return entries
    before = [name for entry in entries for name in _references(entry)]
    if any(name.startswith("*") for name in before):
        after = [name for entry in arranged for name in _references(entry)]
        if before != after:
            return entries
    return arranged


def _rank(entry: Entry, shape: Shape) -> int:
    name = entry.key.value if isinstance(entry.key, Scalar) else ""
    return shape.order.index(name) if name in shape.order else len(shape.order)


def has_ignore(entry: Entry) -> bool:
    """Whether an ignore comment stands beside an entry."""
    remarks = [remark for remark in (entry.head, entry.tail) if remark is not None]
    if isinstance(entry.value, Collection):
        remarks += entry.value.remarks
    return any(MARKER in remark.text for remark in remarks)


def _references(entry: Entry) -> Iterator[str]:
    """Yields the anchors (`&a`) and aliases (`*a`) of an entry as they are written."""
    for node in (entry.key, entry.value):
        if node is not None:
            yield from _references_of(node)


def _references_of(node: Node) -> Iterator[str]:
    if isinstance(node, Alias):
        yield "*" + node.name
        return
    if node.anchor is not None:
        yield "&" + node.anchor
    if isinstance(node, Collection):
        for entry in node.entries:
            yield from _references(entry)
