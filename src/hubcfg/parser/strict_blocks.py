"""Documents and block nodes of a strict YAML parse: the grammar of YAML 1.2.2 from the stream down to flow nodes.

Nodes are read by descent without going back. A block mapping shows itself only by the `:` behind its first key, so
the key's events are read first and the start of the mapping is put before them.
"""

import re
from collections.abc import Iterator

from yaml import events

from hubcfg.parser.strict_flow import DEFAULT_HANDLES, TAG_CHAR, URI_CHAR, FlowParser, Properties
from hubcfg.parser.strict_reader import BREAK, NB, NS, Reader, StrictError
from hubcfg.parser.strict_scalars import read_block_scalar

_SIGN = re.compile(r"[-?:](?=[ \t\r\n])")
_COLON = re.compile(r"[ \t]*+:(?=[ \t\r\n])")
_LINE_OVER = re.compile(r"[ \t]*+[#\r\n]")
_LINE_REST = rf"(?:[ \t]++#[^\r\n]*+|[ \t]*+)(?={BREAK})"
_YAML_DIRECTIVE = re.compile(rf"%YAML[ \t]++([0-9]{{1,4}})\.([0-9]{{1,4}}){_LINE_REST}")
_TAG_DIRECTIVE = re.compile(rf"%TAG[ \t]++(!(?:[0-9A-Za-z-]*!)?)[ \t]++((?:!|{TAG_CHAR}){URI_CHAR}*+){_LINE_REST}")
_OTHER_DIRECTIVE = re.compile(rf"%(?!(?:YAML|TAG)[ \t\r\n]){NS}{NB}*+")


def parse_stream(text: str) -> Iterator[events.Event]:
    """Yield the events of `text`; raise StrictError after the events that precede the error."""
    reader = Reader(text)
    parser = _BlockParser(reader)
    yield events.StreamStartEvent(reader.mark(0), reader.mark(0))
    problem: StrictError | None = None
    is_open = True
    while is_open and problem is None:
        try:
            is_open = parser.read_document()
        except StrictError as error:
            problem = error
        yield from reader.events
        reader.events = []
    if problem is not None:
        raise problem
    yield events.StreamEndEvent(reader.mark(), reader.mark())


class _BlockParser(FlowParser):
    __slots__ = ("_is_bare_allowed",)

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._is_bare_allowed = True

    # --- documents ----------------------------------------------------------------------------------------------

    def read_document(self) -> bool:
        """Read the next document and tell whether there was one."""
        reader = self.reader
        while True:
            reader.separate()
            if reader.at_marker("..."):
                reader.pos += 3
                reader.finish_line()
                self._is_bare_allowed = True
            elif not reader.skip_bom():
                break
        if reader.pos == reader.end:
            return False
        start = reader.pos
        version, tags = self._read_directives()
        is_explicit = reader.at_marker("---")
        if is_explicit:
            reader.pos += 3
        elif reader.pos != start or not self._is_bare_allowed:
            reader.fail("a document with directives, or behind another one, begins with `---`")
        mark = reader.mark(start)
        reader.events.append(events.DocumentStartEvent(mark, reader.mark(), is_explicit, version, tags))
        if not is_explicit:
            reader.pos -= reader.column(reader.pos)
        self._read_node(-1, 0)
        if reader.indent >= 0:
            self._fail_indentation()
        self._is_bare_allowed = reader.at_marker("...")
        mark = reader.mark()
        reader.events.append(events.DocumentEndEvent(mark, mark, self._is_bare_allowed))
        return True

    def _read_directives(self) -> tuple[tuple[int, int] | None, dict[str, str] | None]:
        reader = self.reader
        version: tuple[int, int] | None = None
        tags: dict[str, str] = {}
        while self._is_bare_allowed and reader.text.startswith("%", reader.pos) and reader.column(reader.pos) == 0:
            if match := _YAML_DIRECTIVE.match(reader.text, reader.pos):
                if version is not None:
                    reader.fail("a document has at most one `%YAML`")
                version = int(match[1]), int(match[2])
            elif match := _TAG_DIRECTIVE.match(reader.text, reader.pos):
                if match[1] in tags:
                    reader.fail(f"the tag handle `{match[1]}` is declared twice")
                tags[match[1]] = match[2]
            elif not (match := _OTHER_DIRECTIVE.match(reader.text, reader.pos)):
                reader.fail("this directive is malformed")
            reader.pos = match.end()
            reader.separate()
        self.handles = DEFAULT_HANDLES | tags
        return version, tags or None

    # --- nodes --------------------------------------------------------------------------------------------------

    def _read_node(self, indent: int, floor: int, compact: bool = False) -> None:
        """Read the node behind the cursor, held by a collection at `indent` [s-l+block-node, s-l+block-indented].

        A block sequence may begin at column `floor`. With `compact` a block collection may begin on this very line.
        The cursor ends at the content of a line that is not the node's.
        """
        reader = self.reader
        where = reader.pos
        fresh = reader.separate()
        props: Properties | None = None
        while True:
            column = reader.indent if fresh else reader.column(reader.pos)
            may_be_block = (fresh or compact) and not reader.has_tabs
            sign = self._sign()
            if may_be_block and sign == "-" and column >= floor and reader.indent >= 0:
                self._read_sequence(column, props)
                return
            if reader.indent < 0 or (fresh and column <= indent):
                self.add_empty(props, where)
                return
            if may_be_block and sign == "?":
                self.begin(events.MappingStartEvent, props, reader.pos, flow=False)
                self._read_entries(column)
                return
            own = self._read_line_properties()
            if own is None or not self._is_line_over():
                break
            props = self.merge(props, own)
            where = reader.pos
            fresh = reader.separate()
        self._read_inline(indent, column if may_be_block else None, props, own)

    def _sign(self) -> str | None:
        """Return the block indicator at the cursor, if there is one."""
        match = _SIGN.match(self.reader.text, self.reader.pos)
        return match[0] if match else None

    def _read_line_properties(self) -> Properties | None:
        """Read an anchor and a tag that stand on this line; the cursor ends at what follows them on it."""
        reader = self.reader
        props: Properties | None = None
        while (found := self.read_property()) is not None:
            props = self.merge(props, found)
            if reader.text[reader.pos] not in " \t\r\n":
                reader.fail("an anchor or tag must be followed by a space")
            if self._is_line_over():
                break
            reader.skip_white()
        return props

    def _is_line_over(self) -> bool:
        return _LINE_OVER.match(self.reader.text, self.reader.pos) is not None

    def _read_inline(self, indent: int, column: int | None, props: Properties | None, own: Properties | None) -> None:
        """Read the node whose content is at the cursor: a scalar, a flow node, or a block mapping by its first key.

        `props` stand on lines above, `own` on this one: those of the key, if it is a mapping. A mapping would begin
        at `column`; None where there can be none.
        """
        reader = self.reader
        start, index = reader.pos, len(reader.events)
        if reader.text[start] in "|>":
            style = reader.text[start]
            value = read_block_scalar(reader, indent)
            self.add_scalar(self.merge(props, own), value, style, start, reader.pos)
            reader.separate()
            return
        if self._sign() == ":":
            self.add_empty(own, start)
        else:
            self.read_content(own, indent + 1, in_flow=False)
        if (match := _COLON.match(reader.text, reader.pos)) is not None:
            if column is None:
                reader.fail("a mapping is not allowed here", match.end() - 1)
            key_start = own.start if own else start
            self.check_key(key_start, match.end() - 1)
            self.open_before(index, key_start, props, flow=False)
            reader.pos = match.end()
            self._read_node(column, column)
            self._read_entries(column)
            return
        if props is not None:
            self._add_properties(index, props, own)
        self.continue_plain(indent + 1, in_flow=False)
        reader.finish_line()

    def _add_properties(self, index: int, props: Properties, own: Properties | None) -> None:
        """Give the node that begins with the event at `index` the properties above it beside its own."""
        event = self.reader.events[index]
        if not isinstance(event, events.ScalarEvent | events.CollectionStartEvent):
            self.reader.fail("an alias has neither anchor nor tag", props.start)
        both = self.merge(props, own) or props
        event.anchor, event.tag, event.start_mark = both.anchor, both.tag, self.reader.mark(both.start)
        if both.tag is not None:
            event.implicit = (both.tag == "!", False) if isinstance(event, events.ScalarEvent) else False

    # --- block collections --------------------------------------------------------------------------------------

    def _read_sequence(self, column: int, props: Properties | None) -> None:
        """Read the block sequence whose first `-` is at the cursor."""
        reader = self.reader
        self.begin(events.SequenceStartEvent, props, reader.pos, flow=False)
        while reader.indent >= 0 and reader.column(reader.pos) == column and self._sign() == "-":
            reader.pos += 1
            self._read_node(column, column + 1, compact=True)
        self._check_dedent(column)
        self.close(events.SequenceEndEvent, reader.pos)

    def _read_entries(self, column: int) -> None:
        """Read the entries of an open block mapping from the cursor on, and close it."""
        reader = self.reader
        while reader.indent >= 0 and reader.column(reader.pos) == column and not reader.has_tabs:
            if self._sign() == "?":
                self._read_explicit_entry(column)
            else:
                self._read_implicit_entry(column)
        self._check_dedent(column)
        self.close(events.MappingEndEvent, reader.pos)

    def _read_explicit_entry(self, column: int) -> None:
        reader = self.reader
        reader.pos += 1
        self._read_node(column, column, compact=True)
        if reader.indent == column and not reader.has_tabs and self._sign() == ":":
            reader.pos += 1
            self._read_node(column, column, compact=True)
        else:
            self.add_empty(None, reader.pos)

    def _read_implicit_entry(self, column: int) -> None:
        reader = self.reader
        start = reader.pos
        own = self._read_line_properties()
        if self._sign() == ":":
            self.add_empty(own, reader.pos)
        else:
            self.read_content(own, column + 1, in_flow=False)
        match = _COLON.match(reader.text, reader.pos)
        if match is None:
            reader.fail("a key must be followed by `: `", start)
        self.check_key(start, match.end() - 1)
        reader.pos = match.end()
        self._read_node(column, column)

    def _check_dedent(self, column: int) -> None:
        """Fail where the line at the cursor belongs neither to the collection at `column` nor to one around it."""
        reader = self.reader
        if reader.indent > column or (reader.indent == column and reader.has_tabs):
            self._fail_indentation()

    def _fail_indentation(self) -> None:
        if self.reader.has_tabs:
            self.reader.fail("a tab cannot indent", self.reader.pos - 1)
        self.reader.fail("the indentation of this line fits nothing above it")
