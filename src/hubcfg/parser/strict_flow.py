"""Flow nodes of a strict YAML parse: node properties, aliases, flow scalars and flow collections."""

import re
from typing import NamedTuple

from yaml import events

from hubcfg.parser.strict_reader import MAX_KEY, NS_FLOW, Reader
from hubcfg.parser.strict_scalars import read_plain_line, read_plain_rest, read_quoted

TAG_CHAR = r"(?:%[0-9A-Fa-f]{2}|[0-9A-Za-z\-#;/?:@&=+$.~*'()_])"
URI_CHAR = rf"(?:{TAG_CHAR}|[,!\[\]])"
_ANCHOR = re.compile(rf"[&*]({NS_FLOW}++)")
_TAG = re.compile(rf"!<({URI_CHAR}++)>|(![0-9A-Za-z-]*+!)({TAG_CHAR}++)|(!)({TAG_CHAR}*+)")
_VERBATIM = re.compile(r"!.|[A-Za-z][A-Za-z0-9+.-]*:")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_COLON = re.compile(r"[ \t]*+:")
_VALUE_SIGN = re.compile(rf":(?!{NS_FLOW})")
_KEY_SIGN = re.compile(r"\?(?=[ \t\r\n])")
DEFAULT_HANDLES = {"!": "!", "!!": "tag:yaml.org,2002:"}


class Properties(NamedTuple):
    """An anchor and a tag, and where the first of them begins."""

    anchor: str | None
    tag: str | None
    start: int


class FlowParser:
    """Reads flow nodes; the collections among them recurse no deeper than the reader allows."""

    __slots__ = ("handles", "reader")

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.handles = dict(DEFAULT_HANDLES)

    # --- properties ---------------------------------------------------------------------------------------------

    def read_property(self) -> Properties | None:
        """Read the anchor or tag at the cursor, if there is one."""
        reader = self.reader
        start = reader.pos
        char = reader.text[start]
        if char == "&":
            return Properties(self._read_name("an anchor"), None, start)
        if char == "!":
            return Properties(None, self._read_tag(), start)
        return None

    def merge(self, first: Properties | None, second: Properties | None) -> Properties | None:
        """Return the properties of a node that has both; fail where they give two anchors or two tags."""
        if first is None or second is None:
            return first or second
        if first.anchor is not None and second.anchor is not None:
            self.reader.fail("a node has at most one anchor", second.start, since=first.start)
        if first.tag is not None and second.tag is not None:
            self.reader.fail("a node has at most one tag", second.start, since=first.start)
        return Properties(first.anchor or second.anchor, first.tag or second.tag, first.start)

    def _read_name(self, what: str) -> str:
        match = _ANCHOR.match(self.reader.text, self.reader.pos)
        if match is None:
            self.reader.fail(f"`{self.reader.text[self.reader.pos]}` begins {what}, which must have a name")
        self.reader.pos = match.end()
        return match[1]

    def _read_tag(self) -> str:
        reader = self.reader
        match = _TAG.match(reader.text, reader.pos)
        assert match is not None
        verbatim, handle, suffix = match[1], match[2] or match[4], match[3] or match[5]
        if verbatim is not None:
            if not _VERBATIM.match(verbatim):
                reader.fail(f"`!<{verbatim}>` is neither a local tag nor a URI")
            tag = verbatim
        elif handle not in self.handles:
            reader.fail(f"the tag handle `{handle}` is not declared in this document")
        elif suffix:
            tag = self.handles[handle] + _PERCENT.sub(self._unquote, suffix)
        else:
            tag = "!"
        reader.pos = match.end()
        return tag

    def _unquote(self, match: re.Match[str]) -> str:
        try:
            return bytes.fromhex(match[0].replace("%", "")).decode()
        except UnicodeDecodeError:
            self.reader.fail("the escapes in this tag are not UTF-8")

    # --- events -------------------------------------------------------------------------------------------------

    def add_scalar(self, props: Properties | None, value: str, style: str | None, start: int, end: int) -> None:
        """Add a scalar event; `style` None is plain."""
        reader = self.reader
        anchor, tag, start = props or (None, None, start)
        implicit = (tag == "!" or (tag is None and style is None), tag is None and style is not None)
        reader.events.append(
            events.ScalarEvent(anchor, tag, implicit, value, reader.mark(start), reader.mark(end), style)
        )

    def add_empty(self, props: Properties | None, where: int) -> None:
        """Add the empty scalar that stands where a node is missing."""
        self.add_scalar(props, "", None, where, where)

    def begin(self, kind: type[events.CollectionStartEvent], props: Properties | None, start: int, flow: bool) -> None:
        """Add the start event of a collection and count it as open."""
        reader = self.reader
        anchor, tag, outset = props or (None, None, start)
        marks = reader.mark(outset), reader.mark(start + flow)
        reader.events.append(kind(anchor, tag, tag is None, *marks, flow_style=flow))
        reader.enter()

    def close(self, kind: type[events.CollectionEndEvent], start: int) -> None:
        """Add the end event of a collection whose closing sign stands between `start` and the cursor."""
        reader = self.reader
        reader.depth -= 1
        reader.events.append(kind(reader.mark(start), reader.mark()))

    # --- nodes --------------------------------------------------------------------------------------------------

    def read_content(self, props: Properties | None, indent: int, in_flow: bool) -> bool:
        """Read an alias, a flow collection, a quoted scalar or the first line of a plain one.

        Returns whether a `:` right behind it makes it a key in a flow collection, as in JSON.
        """
        reader = self.reader
        start = reader.pos
        char = reader.text[start]
        if char in "\"'":
            value = read_quoted(reader, indent)
            self.add_scalar(props, value, char, start, reader.pos)
            return True
        if char == "[":
            self._read_flow_sequence(props, indent)
            return True
        if char == "{":
            self._read_flow_mapping(props, indent)
            return True
        if char == "*":
            if props is not None:
                reader.fail("an alias has neither anchor nor tag")
            name = self._read_name("an alias")
            reader.events.append(events.AliasEvent(name, reader.mark(start), reader.mark()))
            return False
        value = read_plain_line(reader, in_flow)
        self.add_scalar(props, value, None, start, reader.pos)
        return False

    def continue_plain(self, indent: int, in_flow: bool) -> None:
        """Read the further lines of the plain scalar that was added last."""
        reader = self.reader
        event = reader.events[-1]
        if isinstance(event, events.ScalarEvent) and event.style is None:
            before = reader.pos
            event.value = read_plain_rest(reader, event.value, indent, in_flow)
            if reader.pos != before:
                event.end_mark = reader.mark()

    def _read_flow_node(self, indent: int) -> bool:
        """Read a node within a flow collection; returns what `read_content` does."""
        reader = self.reader
        props = None
        while (found := self.read_property()) is not None:
            props = self.merge(props, found)
            end = reader.pos
            is_apart = self._separate_flow(indent)
            if reader.text[reader.pos] in ",]}" or _VALUE_SIGN.match(reader.text, reader.pos):
                self.add_scalar(props, "", None, end, end)
                return False
            if not is_apart:
                reader.fail("an anchor or tag must be followed by a space")
        is_json = self.read_content(props, indent, in_flow=True)
        if not is_json:
            self.continue_plain(indent, in_flow=True)
        return is_json

    def _separate_flow(self, indent: int) -> bool:
        """Step to the next token within a flow collection and tell whether anything was skipped."""
        reader = self.reader
        before = reader.pos
        fresh = reader.separate()
        if reader.indent < 0:
            reader.fail("a flow collection is never closed")
        if fresh and reader.indent < indent:
            reader.fail("a line within `[]` or `{}` must be indented more than what holds it")
        return reader.pos > before

    def _read_flow_sequence(self, props: Properties | None, indent: int) -> None:
        reader = self.reader
        start = reader.pos
        self.begin(events.SequenceStartEvent, props, start, flow=True)
        reader.pos += 1
        self._separate_flow(indent)
        while reader.text[reader.pos] != "]":
            self._read_flow_item(indent)
            self._next_flow_item("]", start, indent)
        reader.pos += 1
        self.close(events.SequenceEndEvent, reader.pos - 1)

    def _read_flow_mapping(self, props: Properties | None, indent: int) -> None:
        reader = self.reader
        start = reader.pos
        self.begin(events.MappingStartEvent, props, start, flow=True)
        reader.pos += 1
        self._separate_flow(indent)
        while reader.text[reader.pos] != "}":
            self._read_flow_entry(indent)
            self._next_flow_item("}", start, indent)
        reader.pos += 1
        self.close(events.MappingEndEvent, reader.pos - 1)

    def _next_flow_item(self, closing: str, start: int, indent: int) -> None:
        reader = self.reader
        self._separate_flow(indent)
        if reader.text[reader.pos] == ",":
            reader.pos += 1
            self._separate_flow(indent)
        elif reader.text[reader.pos] != closing:
            reader.fail(f"`,` or `{closing}` is expected here", since=start)

    def _read_flow_item(self, indent: int) -> None:
        """Read an item of a flow sequence: a node, or a single pair [ns-flow-pair]."""
        reader = self.reader
        start, index = reader.pos, len(reader.events)
        if _KEY_SIGN.match(reader.text, start):
            self.begin(events.MappingStartEvent, None, start, flow=True)
            self._read_flow_entry(indent)
            self.close(events.MappingEndEvent, reader.pos)
            return
        is_json = False
        if _VALUE_SIGN.match(reader.text, start):
            self.add_empty(None, start)
        else:
            is_json = self._read_flow_node(indent)
        colon = self.find_colon(start, is_json)
        if colon is None:
            return
        self.open_before(index, start, None, flow=True)
        reader.pos = colon + 1
        self._read_flow_value(indent, is_json)
        self.close(events.MappingEndEvent, reader.pos)

    def find_colon(self, start: int, is_json: bool) -> int | None:
        """Return the place of the `:` that makes the node from `start` to the cursor an implicit key, if it is one."""
        reader = self.reader
        match = _COLON.match(reader.text, reader.pos)
        if match is None or not (is_json or _VALUE_SIGN.match(reader.text, match.end() - 1)):
            return None
        self.check_key(start, match.end() - 1)
        return match.end() - 1

    def check_key(self, start: int, colon: int) -> None:
        """Fail where the implicit key from `start` to `colon` is on several lines or too long."""
        reader = self.reader
        if reader.line(start) != reader.line(colon):
            reader.fail("a key must stand on one line, or behind `? `", colon, since=start)
        if colon - start > MAX_KEY:
            reader.fail(f"a key of more than {MAX_KEY} characters must stand behind `? `", colon, since=start)

    def open_before(self, index: int, start: int, props: Properties | None, flow: bool) -> None:
        """Put the start of a mapping before the event at `index`, now that the key from `start` on is known as one."""
        reader = self.reader
        key_events = reader.events[index:]
        del reader.events[index:]
        self.begin(events.MappingStartEvent, props, start, flow)
        reader.events += key_events

    def _read_flow_entry(self, indent: int) -> None:
        """Read an entry of a flow mapping [ns-flow-map-entry]."""
        reader = self.reader
        if _KEY_SIGN.match(reader.text, reader.pos):
            reader.pos += 1
            self._separate_flow(indent)
            if reader.text[reader.pos] in ",]}":
                self.add_empty(None, reader.pos)
                self.add_empty(None, reader.pos)
                return
        is_json = False
        if _VALUE_SIGN.match(reader.text, reader.pos):
            self.add_empty(None, reader.pos)
        else:
            is_json = self._read_flow_node(indent)
        end = reader.pos
        self._separate_flow(indent)
        if (is_json and reader.text[reader.pos] == ":") or _VALUE_SIGN.match(reader.text, reader.pos):
            reader.pos += 1
            self._read_flow_value(indent, is_json)
        else:
            self.add_empty(None, end)

    def _read_flow_value(self, indent: int, is_json: bool) -> None:
        """Read what follows the `:` of an entry, which may be nothing."""
        reader = self.reader
        where = reader.pos
        is_apart = self._separate_flow(indent)
        if reader.text[reader.pos] in ",]}":
            self.add_empty(None, where)
        elif is_apart or is_json:
            self._read_flow_node(indent)
        else:
            reader.fail("a `:` must be followed by a space")
