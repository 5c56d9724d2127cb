"""Writes flow collections: on one line, or on the lines that they had where comments stand among them."""

from typing import Any

from yaml import tokens as t

from hubcfg.parser.formatting.errors import UnformattableSource
from hubcfg.parser.formatting.ordering import arrange
from hubcfg.parser.formatting.scalars import fold_lines, write_scalar
from hubcfg.parser.formatting.shapes import NO_SHAPE, Shape
from hubcfg.parser.formatting.syntax import Alias, Collection, Node, Remark, Scalar, Style

_STEP = 2
_OPENING = {t.FlowSequenceStartToken: "[", t.FlowMappingStartToken: "{"}
_CLOSING = {t.FlowSequenceEndToken: "]", t.FlowMappingEndToken: "}"}
_AFTER_NOTHING = (t.FlowEntryToken, *_CLOSING)


def node_text(node: Node, shape: Shape, in_flow: bool) -> str:
    """Returns a node on one line, its anchor before it."""
    if isinstance(node, Alias):
        return "*" + node.name
    anchor = f"&{node.anchor} " if node.anchor else ""
    if isinstance(node, Scalar):
        return anchor + ("null" if node.is_nothing else write_scalar(node.value, node.style is Style.PLAIN, in_flow))
    return anchor + flow_text(node, shape)


def flow_text(node: Collection, shape: Shape) -> str:
    """Returns a flow collection on one line, without its anchor."""
    if not node.is_map:
        return "[" + ", ".join(node_text(entry.node, shape.of(None), True) for entry in node.entries) + "]"
    pairs = []
    for entry in arrange(node, shape):
        assert entry.key is not None
        name = entry.key.value if isinstance(entry.key, Scalar) else None
        pairs.append(key_text(entry.key, True) + " " + node_text(entry.node, shape.of(name), True))
    return "{" + ", ".join(pairs) + "}"


def key_text(key: Node, in_flow: bool) -> str:
    """Returns a key with its colon."""
    return node_text(key, NO_SHAPE, in_flow) + (" :" if isinstance(key, Alias) else ":")


def flow_lines(node: Collection, column: int) -> list[tuple[str, Remark | None]]:
    """Returns a flow collection on the lines that it had, without its anchor, with the comments beside them.

    Lines after the first are indented: to `column`, and by one step more for each bracket open but the first.
    """
    return _FlowLines(node, column).write()


class _FlowLines:
    def __init__(self, node: Collection, column: int) -> None:
        self._node = node
        self._column = column
        self._lines: list[tuple[str, Remark | None]] = []
        self._text = ""
        self._depth = 0
        self._line = node.line

    def write(self) -> list[tuple[str, Remark | None]]:
        remarks = list(self._node.remarks)
        previous: Any = None
        for token in self._node.tokens:
            while remarks and remarks[0].start < token.start_mark.index:
                self._write_remark(remarks.pop(0))
            if isinstance(token, t.KeyToken):
                if token.end_mark.index > token.start_mark.index:
                    raise UnformattableSource(
                        f"line {token.start_mark.line + 1}: a `?` before a key stands among comments"
                    )
                continue
            if token.start_mark.line > self._line:
                self._end_line(None)
            if isinstance(previous, t.ValueToken) and isinstance(token, _AFTER_NOTHING):
                self._add("null", True)
            self._write_token(token, previous)
            self._line = token.end_mark.line
            previous = token
        self._end_line(None)
        return self._lines

    def _write_remark(self, remark: Remark) -> None:
        if remark.stands_alone:
            self._end_line(None)
            self._lines.append((self._indent + remark.text, None))
        else:
            self._end_line(remark)

    def _write_token(self, token: Any, previous: Any) -> None:
        kind = type(token)
        has_space = previous is not None and type(previous) not in _OPENING
        if kind in _OPENING:
            self._add(_OPENING[kind], has_space)
            self._depth += 1
        elif kind in _CLOSING:
            self._depth -= 1
            self._add(_CLOSING[kind], False)
        elif kind is t.FlowEntryToken:
            self._add(",", False)
        elif kind is t.ValueToken:
            self._add(":", isinstance(previous, t.AliasToken))
        elif kind is t.AnchorToken:
            self._add("&" + token.value, has_space)
        elif kind is t.AliasToken:
            self._add("*" + token.value, has_space)
        elif token.end_mark.line == token.start_mark.line:
            self._add(write_scalar(token.value, token.plain, True), has_space)
        else:
            raw = self._node.source[token.start_mark.index : token.end_mark.index]
            first, *others = fold_lines(raw.split("\n"), len(self._indent) + _STEP)
            self._add(first, has_space)
            for line in others:
                self._lines.append((self._text, None))
                self._text = line

    @property
    def _indent(self) -> str:
        return " " * (self._column + _STEP * max(self._depth - 1, 0))

    def _add(self, piece: str, has_space: bool) -> None:
        if self._text:
            self._text += " " + piece if has_space else piece
        else:
            self._text = self._indent + piece if self._lines else piece

    def _end_line(self, remark: Remark | None) -> None:
        if self._text:
            self._lines.append((self._text, remark))
        self._text = ""
