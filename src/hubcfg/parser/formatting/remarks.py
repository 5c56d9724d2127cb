"""Finds the comments of a source and puts each at what it stands above or beside."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

from yaml import tokens as t

from hubcfg.parser.formatting.errors import UnformattableSource
from hubcfg.parser.formatting.scalars import blank_text_lines
from hubcfg.parser.formatting.syntax import Collection, Entry, Page, Remark, Scalar, Source

_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]*")


def find_remarks(text: str, tokens: list[Any]) -> list[Remark]:
    """Returns the comments of a text in order, those that continue another one joined to it."""
    if "#" not in text:
        return []
    line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
    found: list[Remark] = []
    end = 0
    for token in tokens:
        start = token.start_mark.index
        if start > end:
            found += _remarks_between(text, line_starts, end, start)
        if isinstance(token, t.ScalarToken) and token.style in ("|", ">"):
            header = _BLOCK_HEADER.match(text, start)
            if header is not None and text.startswith("#", header.end()):
                line_end = text.find("\n", start)
                found += _remarks_between(text, line_starts, header.end(), len(text) if line_end < 0 else line_end)
        end = max(end, token.end_mark.index)
    return _join_continued(found)


def _remarks_between(text: str, line_starts: list[int], start: int, end: int) -> Iterator[Remark]:
    """Yields the comments in a stretch of text that holds nothing else."""
    while (position := text.find("#", start, end)) >= 0:
        line_end = text.find("\n", position, end)
        start = end if line_end < 0 else line_end
        number = bisect_right(line_starts, position) - 1
        line_start = line_starts[number]
        stands_alone = not text[line_start:position].strip()
        comment = text[position:start].rstrip()
        yield Remark(comment, position, number, position - line_start, stands_alone, follows_blank=False)


def _join_continued(found: list[Remark]) -> list[Remark]:
    joined: list[Remark] = []
    for remark in found:
        above = joined[-1] if joined else None
        if (
            remark.stands_alone
            and above is not None
            and not above.stands_alone
            and above.column == remark.column
            and above.line + len(above.below) + 1 == remark.line
        ):
            above.below.append(remark.text)
        else:
            joined.append(remark)
    return joined


def place_remarks(source: Source, remarks: list[Remark]) -> None:
    """Puts every comment at its place in the tree and drops the documents that hold nothing.

    Raises UnformattableSource for a comment in a place where there is nothing that it could stay beside.
    """
    blank = _blank_lines(source)
    for entry in source.entries:
        entry.follows_blank = entry.line - 1 in blank
    for remark in remarks:
        remark.follows_blank = remark.line - 1 in blank
    starts = [entry.start for entry in source.entries]
    carried: list[Remark] = []
    kept: list[Page] = []
    position = 0
    for page in source.pages:
        first = position
        while position < len(remarks) and remarks[position].start < page.end:
            position += 1
        own = remarks[first:position]
        if page.is_empty:
            carried += own
            continue
        page.header, carried = carried, []
        _place_on_page(page, own, source.entries, starts)
        kept.append(page)
    for entry in source.entries:
        if entry.home is not None and entry is entry.home.entries[0]:  # it may come to stand elsewhere
            if entry.lead:
                entry.lead[0].follows_blank = False
            else:
                entry.follows_blank = False
    if carried and kept:
        _foot_of(kept[-1]).extend(carried)
    elif carried:
        kept.append(Page(0, header=carried))
    source.pages = kept


def _blank_lines(source: Source) -> set[int]:
    """Returns the numbers of the lines with nothing on them that are no part of a value."""
    blank = {number for number, line in enumerate(source.text.split("\n")) if not line.strip()}
    for entry in source.entries:
        if isinstance(entry.value, Scalar) and entry.home is not None:
            blank.difference_update(blank_text_lines(entry.value, entry.home.column))
    return blank


def _foot_of(page: Page) -> list[Remark]:
    root = page.root.node if page.root is not None else None
    return root.foot if isinstance(root, Collection) and not root.is_flow else page.foot


def _place_on_page(page: Page, remarks: list[Remark], entries: list[Entry], starts: list[int]) -> None:
    root = page.root
    assert root is not None
    opening: list[Remark] = []
    previous, level = root, 0
    for remark in remarks:
        number = bisect_left(starts, remark.start)
        last = entries[number - 1] if number and entries[number - 1].start >= page.start else root
        following = entries[number] if number < len(entries) and entries[number].start < page.end else None
        value = last.node
        is_block, is_nothing = _is_block(value), isinstance(value, Scalar) and value.is_nothing
        has_begun = not is_block and not is_nothing and value.start < remark.start
        if isinstance(value, Collection) and has_begun and remark.start < value.end:
            value.remarks.append(remark)
        elif last is root and not has_begun:
            opening.append(remark)
        elif not remark.stands_alone:
            _place_beside(last, remark, has_begun)
        elif last is root:
            page.foot.append(remark)
        elif not has_begun and not is_nothing and not is_block:
            last.gap.append(remark)
        else:
            level = _place_alone(last, following, remark, level if last is previous else 0)
            previous = last
    _split_opening(page, opening)


def _is_block(value: object) -> bool:
    return isinstance(value, Collection) and value.is_block


def _place_beside(entry: Entry, remark: Remark, value_has_begun: bool) -> None:
    if value_has_begun and entry.tail is None:
        entry.tail = remark
    elif not value_has_begun and entry.head is None:
        entry.head = remark
    else:
        raise UnformattableSource(f"line {remark.line + 1}: two comments stand beside the same value")


def _place_alone(last: Entry, following: Entry | None, remark: Remark, level: int) -> int:
    """Puts a comment at the end of a collection that ends here, as its column tells, or else above what follows.

    `level` is where the comment before it went, counted from within: what stands further down never goes further in.
    """
    value = last.node
    after = set(map(id, following.homes())) if following is not None else set()
    ended: list[tuple[int, list[Remark]]] = []
    if isinstance(value, Scalar) and value.is_nothing:
        ended.append((last.column + 1, last.under))
    ended += [(home.column, home.foot) for home in last.homes() if id(home) not in after]
    column = -1 if following is not None and remark.column <= following.column else remark.column
    fitting = [number for number in range(level, len(ended)) if ended[number][0] <= column]
    if fitting:
        widest = max(ended[number][0] for number in fitting)
        chosen = max(number for number in fitting if ended[number][0] == widest)
        ended[chosen][1].append(remark)
        return chosen
    if following is None:
        ended[-1][1].append(remark)
        return len(ended) - 1
    following.lead.append(remark)
    return len(ended)


def _split_opening(page: Page, opening: list[Remark]) -> None:
    """Divides the comments before a document's first entry: what an empty line parts from it is about the document."""
    root = page.root
    assert root is not None
    value = root.node
    if not isinstance(value, Collection) or value.is_flow:
        page.header += opening
        return
    first = value.entries[0]
    cut = len(opening) if first.follows_blank else 0
    for number, remark in enumerate(opening):
        if number and remark.follows_blank:
            cut = max(cut, number)
        if remark.start < page.body or not remark.stands_alone:  # above or beside the `---`
            cut = max(cut, number + 1)
    page.header += opening[:cut]
    first.lead = opening[cut:] + first.lead
