"""Reads YAML text into the formatter's tree, from the scanner's tokens: nothing that is written is lost on the way."""

from itertools import pairwise
from typing import Any

from yaml import tokens as t
from yaml.cyaml import CSafeLoader
from yaml.error import MarkedYAMLError, YAMLError

from hubcfg.parser.formatting.errors import UnformattableSource
from hubcfg.parser.formatting.syntax import Alias, Collection, Entry, Node, Page, Scalar, Source, Style

MAX_DEPTH = 64

_FLOW_STARTS = (t.FlowSequenceStartToken, t.FlowMappingStartToken)
_FLOW_ENDS = (t.FlowSequenceEndToken, t.FlowMappingEndToken)
_PAGE_MARKS = (t.DirectiveToken, t.DocumentStartToken, t.DocumentEndToken, t.StreamEndToken)
_STYLES = {"'": Style.QUOTED, '"': Style.QUOTED, "|": Style.BLOCK, ">": Style.BLOCK}


def scan_tokens(text: str) -> list[Any]:
    """Returns the tokens of a text, the end of the stream included; raises UnformattableSource where it is not YAML."""
    found: list[Any] = []
    try:
        scanner = CSafeLoader(text)
        while True:
            token = scanner.get_token()
            found.append(token)
            if isinstance(token, t.StreamEndToken):
                return found
    except (YAMLError, UnicodeEncodeError) as error:
        raise not_yaml(error) from error


def not_yaml(error: Exception) -> UnformattableSource:
    """Returns the error for a text that the scanner or the parser does not accept."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return UnformattableSource(
            f"line {mark.line + 1}, column {mark.column + 1}: no YAML from here on: {error.problem}"
        )
    return UnformattableSource(f"no YAML: {str(error).splitlines()[0]}")


def read_source(text: str, tokens: list[Any]) -> Source:
    """Returns the tree of a text that is YAML, without its comments.

    Raises UnformattableSource for what no source file may have: tags, other directives, keys that are not scalars,
    and too deep nesting.
    """
    return _Reader(text, tokens).read()


class _Reader:
    def __init__(self, text: str, tokens: list[Any]) -> None:
        self._text = text
        self._tokens = tokens
        self._position = 1  # after the start of the stream
        self._depth = 0
        self._entries: list[Entry] = []
        self._page_end = 0

    def read(self) -> Source:
        pages: list[Page] = []
        while not self._at(t.StreamEndToken):
            pages.append(self._read_page(len(pages)))
        if not pages:
            pages.append(Page(0))
        for page, following in pairwise(pages):
            page.end = following.start
        pages[-1].end = len(self._text) + 1
        return Source(self._text, pages, self._entries)

    def _read_page(self, number: int) -> Page:
        start = body = self._page_end if number else 0
        while self._at(t.DirectiveToken):
            token = self._take()
            if token.name != "YAML" or tuple(token.value) != (1, 2):
                raise _refuse(token, f"the directive `%{token.name}` has no place in a source file")
        if self._at(t.DocumentStartToken):
            token = self._take()
            start = token.start_mark.index if number else 0
            body = token.end_mark.index
        root = Entry(None, start - 1, -1, -1)
        page = Page(start, body, root=root)
        root.value = self._nothing() if self._at(*_PAGE_MARKS) else self._read_node(root)
        while self._at(t.DocumentEndToken):
            self._take()
        self._page_end = self._last.end_mark.index
        if not self._at(*_PAGE_MARKS):
            raise _refuse(self._peek, "the document does not end here")
        return page

    def _read_node(self, owner: Entry) -> Node:
        anchor = None
        while self._at(t.AnchorToken, t.TagToken):
            token = self._take()
            if isinstance(token, t.TagToken):
                raise _refuse(token, "a tag has no place in a source file")
            anchor = token.value
        token = self._peek
        match token:
            case t.AliasToken():
                self._take()
                return Alias(token.value, token.start_mark.index, token.end_mark.index, token.start_mark.line)
            case t.ScalarToken():
                return self._scalar(self._take(), anchor)
            case t.BlockEntryToken() if owner.is_item:
                return self._nothing(anchor)  # the next item of the same list
            case t.BlockMappingStartToken() | t.BlockSequenceStartToken() | t.BlockEntryToken():
                return self._nested(self._read_block, owner, anchor)
            case t.FlowMappingStartToken() | t.FlowSequenceStartToken():
                return self._nested(self._read_flow, owner, anchor)
            case _:
                return self._nothing(anchor)

    def _nested(self, read: Any, owner: Entry, anchor: str | None) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _refuse(self._peek, f"nested more than {MAX_DEPTH} levels deep")
        node: Node = read(owner, anchor)
        self._depth -= 1
        return node

    def _read_block(self, owner: Entry, anchor: str | None) -> Node:
        first = self._peek
        is_map = isinstance(first, t.BlockMappingStartToken)
        has_end = not isinstance(first, t.BlockEntryToken)  # a list in its key's own column has no end of its own
        if has_end:
            self._take()
        mark = self._peek.start_mark
        node = Collection(is_map, False, mark.index, mark.line, mark.column, anchor, owner, self._text)
        while self._at(t.KeyToken, t.ValueToken) if is_map else self._at(t.BlockEntryToken):
            mark = self._peek.start_mark
            entry = Entry(node, mark.index, mark.line, mark.column)
            self._entries.append(entry)
            self._read_pair(entry) if is_map else self._read_item(entry)
            node.entries.append(entry)
        if has_end:
            self._take(t.BlockEndToken)
        return node

    def _read_item(self, entry: Entry) -> None:
        self._take(t.BlockEntryToken)
        entry.head_line = self._last.end_mark.line
        ends = self._at(t.BlockEntryToken, t.BlockEndToken, t.KeyToken, t.ValueToken)
        entry.value = self._nothing() if ends else self._read_node(entry)

    def _read_pair(self, entry: Entry) -> None:
        ends = (t.KeyToken, t.ValueToken, t.BlockEndToken, t.FlowEntryToken, *_FLOW_ENDS)
        if self._at(t.KeyToken):
            self._take()
        key = self._nothing() if self._at(*ends) else self._read_node(entry)
        if isinstance(key, Collection):
            raise UnformattableSource(
                f"line {key.line + 1}: a key that is itself a map or list has no place in a source file"
            )
        entry.key = key
        if not self._at(t.ValueToken):
            entry.value = self._nothing()
            return
        self._take(t.ValueToken)
        entry.head_line = self._last.end_mark.line
        entry.value = self._nothing() if self._at(*ends) else self._read_node(entry)

    def _read_flow(self, owner: Entry, anchor: str | None) -> Node:
        begin = self._position
        opening = self._take(*_FLOW_STARTS)
        mark = opening.start_mark
        is_map = isinstance(opening, t.FlowMappingStartToken)
        node = Collection(is_map, True, mark.index, mark.line, mark.column, anchor, owner, self._text)
        while not self._at(*_FLOW_ENDS):
            node.entries.append(self._read_flow_entry(node))
            if not self._at(*_FLOW_ENDS):
                self._take(t.FlowEntryToken)
        closing = self._take()
        node.end, node.last_line = closing.end_mark.index, closing.end_mark.line
        node.tokens = self._tokens[begin : self._position]
        return node

    def _read_flow_entry(self, home: Collection) -> Entry:
        mark = self._peek.start_mark
        entry = Entry(home, mark.index, mark.line, mark.column)
        if home.is_map:
            self._read_pair(entry)
        elif self._at(t.KeyToken, t.ValueToken):  # `[a: b]`, a list of a map with one key
            inner = Collection(True, True, mark.index, mark.line, mark.column, None, entry, self._text)
            pair = Entry(inner, mark.index, mark.line, mark.column)
            self._read_pair(pair)
            inner.entries.append(pair)
            inner.end, inner.last_line = self._last.end_mark.index, self._last.end_mark.line
            entry.value = inner
        else:
            entry.value = self._read_node(entry)
        return entry

    def _scalar(self, token: Any, anchor: str | None) -> Scalar:
        start, end = token.start_mark, token.end_mark
        style = Style.PLAIN if token.plain else _STYLES[token.style]
        raw = self._text[start.index : end.index]
        return Scalar(token.value, style, raw, start.index, end.index, start.line, end.line, anchor)

    def _nothing(self, anchor: str | None = None) -> Scalar:
        mark = self._last.end_mark
        return Scalar("", Style.PLAIN, "", mark.index, mark.index, mark.line, mark.line, anchor)

    @property
    def _peek(self) -> Any:
        return self._tokens[self._position]

    @property
    def _last(self) -> Any:
        return self._tokens[self._position - 1]

    def _at(self, *kinds: type) -> bool:
        return isinstance(self._peek, kinds)

    def _take(self, *kinds: type) -> Any:
        token = self._peek
        if kinds and not isinstance(token, kinds):
            raise _refuse(token, "the YAML does not read on as expected")
        self._position += 1
        return token


def _refuse(token: Any, why: str) -> UnformattableSource:
    return UnformattableSource(f"line {token.start_mark.line + 1}: {why}")
