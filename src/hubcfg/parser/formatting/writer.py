"""Writes the formatter's tree as canonical text."""

from msgspec import Struct

from hubcfg.parser.formatting.flows import flow_lines, flow_text, key_text
from hubcfg.parser.formatting.ordering import arrange, has_ignore, shape_of_page
from hubcfg.parser.formatting.scalars import keeps_blank_lines, write_lines, write_scalar
from hubcfg.parser.formatting.shapes import Shape
from hubcfg.parser.formatting.syntax import (
    Alias,
    Collection,
    Entry,
    Node,
    Page,
    Remark,
    Scalar,
    Source,
    Style,
)

WIDTH = 120
STEP = 2


class _Line(Struct):
    text: str
    remark: Remark | None = None


def write_source(source: Source) -> str:
    """Returns the canonical text of a tree."""
    lines: list[_Line] = []
    for number, page in enumerate(source.pages):
        if number:
            lines.append(_Line("---"))
        lines += _PageWriter(page).write()
    return "".join(line + "\n" for line in _with_remarks(lines))


def _with_remarks(lines: list[_Line]) -> list[str]:
    """Puts the comments beside their lines: two spaces away, or further where those of lines in a row were aligned."""
    columns = [len(line.text) + 2 if line.remark is not None else 0 for line in lines]
    for numbers in (range(1, len(lines)), range(len(lines) - 2, -1, -1)):
        for number in numbers:
            step = -1 if numbers.step > 0 else 1
            here, there = lines[number].remark, lines[number + step].remark
            if here is not None and there is not None and here.column == there.column:
                columns[number] = max(columns[number], columns[number + step])
    written = []
    for line, column in zip(lines, columns, strict=True):
        if line.remark is None:
            written.append(line.text)
            continue
        written.append(line.text.ljust(column) + line.remark.text)
        written += [" " * column + text for text in line.remark.below]
    return written


class _PageWriter:
    """Writes one document, line by line."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._lines: list[_Line] = []
        self._dashes = ""  # what the next line begins with in place of white space
        self._may_part = False  # whether an empty line may come next

    def write(self) -> list[_Line]:
        page, root = self._page, self._page.root
        self._write_remarks(page.header, 0)
        if root is not None:
            if page.header and isinstance(root.node, Collection):
                self._part()
            self._write_value("", root, 0, shape_of_page(page))
        self._write_remarks(page.foot, 0)
        return self._lines

    def _write_collection(self, node: Collection, column: int, shape: Shape) -> None:
        for number, entry in enumerate(arrange(node, shape)):
            # An empty line between a document's first entry and the comments above it would make them its header.
            is_first = number == 0 and node.owner.home is None
            self._write_remarks(entry.lead, column, may_part=not is_first)
            if entry.follows_blank and not is_first:
                self._part()
            if entry.key is None:
                self._write_value("-", entry, column, shape.of(None))
            else:
                name = entry.key.value if isinstance(entry.key, Scalar) else None
                self._write_value(key_text(entry.key, in_flow=False), entry, column, shape.of(name))
        self._write_remarks(node.foot, column)

    def _write_value(self, prefix: str, entry: Entry, column: int, shape: Shape) -> None:
        """Writes a key or dash (nothing at the root) and the value that belongs to it."""
        node = entry.node
        anchor = None if isinstance(node, Alias) else node.anchor
        head = _join(prefix, f"&{anchor}" if anchor else "")
        inner = column + STEP if prefix else column
        if isinstance(node, Collection) and (node.is_block or _is_too_long(entry, node, head, column, shape)):
            if head == "-" and entry.head is None and _may_follow_dash(entry, arrange(node, shape)[0]):
                self._dashes = self._take_indent(column) + "- "
                self._may_part = False
            elif head:
                self._write_line(head, column, entry.head)
                self._may_part = False
            self._write_collection(node, inner, shape)
        elif isinstance(node, Scalar) and node.is_nothing:
            self._write_line(head, column, entry.head)
            self._may_part = not entry.under
            self._write_remarks(entry.under, inner)
        elif prefix and _stands_apart(entry, node):
            self._write_line(head, column, entry.head)
            self._may_part = False
            self._write_remarks(entry.gap, inner)
            self._write_texts("", entry, inner, shape)
        else:
            self._write_texts(head, entry, column, shape)

    def _write_texts(self, head: str, entry: Entry, column: int, shape: Shape) -> None:
        """Writes a scalar, alias or flow collection, after its key where `head` is that."""
        node = entry.node
        body = column + STEP if head or (isinstance(node, Scalar) and node.style is Style.BLOCK) else column
        lines = _node_lines(entry, node, body, shape)
        first, remark = lines[0]
        self._write_line(_join(head, first), column, remark)
        self._lines += [_Line(text, remark) for text, remark in lines[1:]]
        # An empty line after such a scalar would become part of it.
        self._may_part = not (isinstance(node, Scalar) and keeps_blank_lines(node))

    def _write_remarks(self, remarks: list[Remark], column: int, may_part: bool = True) -> None:
        for remark in remarks:
            if remark.follows_blank and may_part:
                self._part()
            for text in remark.texts:
                self._write_line(text, column, None)

    def _write_line(self, text: str, column: int, remark: Remark | None) -> None:
        self._lines.append(_Line(self._take_indent(column) + text, remark))
        self._may_part = True

    def _take_indent(self, column: int) -> str:
        indent, self._dashes = self._dashes or " " * column, ""
        return indent

    def _part(self) -> None:
        if self._may_part:
            self._lines.append(_Line(""))
            self._may_part = False


def _join(first: str, second: str) -> str:
    return f"{first} {second}" if first and second else first or second


def _may_follow_dash(entry: Entry, first: Entry) -> bool:
    """Whether a collection begins beside the dash before it: no comment may be passed, or reach further than before."""
    return not first.lead and not (first.line > entry.line and has_ignore(first))


def _stands_apart(entry: Entry, node: Node) -> bool:
    """Whether a value stays below its key: joined they would stand beside a comment that is only about one of them."""
    if entry.head is not None or entry.gap:
        return True
    has_remarks = entry.tail is not None or (isinstance(node, Collection) and bool(node.remarks))
    return has_remarks and node.line > entry.head_line


def _keeps_lines(entry: Entry, node: Collection) -> bool:
    """Whether a flow collection stays on the lines that it has, because of comments within it or beside its end."""
    return bool(node.remarks) or (entry.tail is not None and node.last_line > node.line)


def _is_too_long(entry: Entry, node: Collection, head: str, column: int, shape: Shape) -> bool:
    """Whether a flow collection is better written as a block: it fits on no line, and no comment stands beside it."""
    if not node.entries or node.remarks or entry.tail is not None or entry.gap:
        return False
    return column + len(_join(head, flow_text(node, shape))) > WIDTH


def _node_lines(entry: Entry, node: Node, column: int, shape: Shape) -> list[tuple[str, Remark | None]]:
    """Returns the lines of a value without its anchor: the first bare, the others indented to `column` or further."""
    if isinstance(node, Collection):
        if not _keeps_lines(entry, node):
            return [(flow_text(node, shape), entry.tail)]
        lines = flow_lines(node, column)
        return [*lines[:-1], (lines[-1][0], entry.tail)]
    home = entry.home
    is_long = isinstance(node, Scalar) and (node.style is Style.BLOCK or node.last_line > node.line)
    if not isinstance(node, Scalar) or not is_long or (home is not None and home.is_flow):
        text = node.name if isinstance(node, Alias) else write_scalar(node.value, node.style is Style.PLAIN, False)
        return [("*" + text if isinstance(node, Alias) else text, entry.tail)]
    texts = write_lines(node, column, home.column if home is not None else -1)
    beside = 0 if node.style is Style.BLOCK else len(texts) - 1
    return [(text, entry.tail if number == beside else None) for number, text in enumerate(texts)]
