"""Reads people from a CSV file: a table of people, or the access review that `hubcfg report` writes (docs/import.md)."""

import csv
import io
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from hubcfg.core.finding import Finding, find
from hubcfg.core.instants import Instant, parse_instant, read_instant
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.core.places import Span
from hubcfg.core.rule import Rule
from hubcfg.parser.rules import SCHEMA_VIOLATION, UNREADABLE_FILE

# What somebody has one of, and what there may be several of.
SCALARS = ("name", "uid", "audience", "company", "role", "suspended", "scope")
LISTS = ("roles", "groups", "permissions", "deny", "products", "clients")
COLUMNS = ("org", "user", *(one for one in SCALARS if one != "scope"), *LISTS, "expires")
# The columns of an access review (docs/report.md): some go by other names, some only explain.
REVIEW_NAMES = {"permission": "permissions", "until": "expires"}
REVIEW_ONLY = ("scope", "product", "description", "access", "sensitive", "origin", "through", "approval", "approver")
REVIEW_MARKS = ("permission", "origin", "scope")
DELIMITERS = (",", ";", "\t")

_BETWEEN = re.compile(r"[\s;,]+")
# Before these a spreadsheet's CSV has an apostrophe, so that the cell is not taken for a formula.
_GUARDED = re.compile("'[=+\\-@\t\r\n＝＋－＠]")
_FLAGS = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}


class Cell(Struct, frozen=True):
    """One value of a list, where it stands, and when it ends."""

    text: str
    line: int
    end: Instant | None = None


class Row(Struct):
    """All that the table says of one user, on however many lines."""

    org: str
    user: str
    line: int
    scalars: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[Cell]] = field(default_factory=dict)
    is_suspended: bool = False

    def texts(self, column: str) -> list[str]:
        """Returns the values of a list, each once."""
        return list(dict.fromkeys(cell.text for cell in self.lists.get(column, ())))


class Table(Struct):
    """A file as read: the users by org and id, and what is wrong with it. A review says what people hold in effect."""

    file: str
    is_review: bool = False
    orgs: dict[str, dict[str, Row]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def fault(self, line: int, message: str, help: str | None = None, rule: Rule = SCHEMA_VIOLATION) -> None:
        """Notes what is wrong on a line."""
        self.findings.append(find(rule, message, Span(self.file, line, 1, line, 1), help=help))


def read_table(file: str, data: bytes, *, delimiter: str | None = None, org: str | None = None) -> Table:
    """Returns what a CSV file says; `org` is that of all lines where there is no such column."""
    table = Table(file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        table.fault(line, f"the file is not UTF-8 (byte {error.start + 1})", "save it as CSV UTF-8", UNREADABLE_FILE)
        return table
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        table.fault(line, "the file has a null character", "save it as CSV UTF-8", UNREADABLE_FILE)
        return table
    rows = _read_rows(table, text, delimiter or _find_delimiter(text))
    _, header = next(rows, (1, []))
    names = _read_header(table, header, org)
    if names is not None:
        reader = _RowReader(table, names, org)
        for line, cells in rows:
            reader.read(line, cells)
    return table


def _find_delimiter(text: str) -> str:
    """Returns what stands between the columns: whatever the header has most of."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    return max(DELIMITERS, key=header.count)


def _read_rows(table: Table, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the lines that are not empty, each with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        table.fault(line, f"the line can't be read: {error}", "quotes within a quoted cell are doubled")


def _read_header(table: Table, header: list[str], org: str | None) -> list[str] | None:
    """Returns the columns' names as fields; None where they do not say enough to go on."""
    given = [name.strip().lower() for name in header]
    table.is_review = all(mark in given for mark in REVIEW_MARKS)
    known = [*COLUMNS, *REVIEW_NAMES, *REVIEW_ONLY] if table.is_review else list(COLUMNS)
    before = len(table.findings)
    if not any(given):
        table.fault(1, "the file has no header", f"the first line names the columns: {', '.join(COLUMNS)}")
        return None
    for name in given:
        if name not in known:
            advice = did_you_mean(name, known) or f"there are {shorten(known, len(known))}"
            table.fault(1, f"there is no column `{name}`", advice)
    names = [REVIEW_NAMES.get(name, name) if table.is_review else name for name in given]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            table.fault(1, f"the column `{name}` stands there twice")
    for name, why in (("user", "it names the person"), ("org", "it names the org; `--org ID` says it for all lines")):
        if name not in names and not (name == "org" and org is not None):
            table.fault(1, f"there is no column `{name}`, which must be there", why)
    return names if len(table.findings) == before else None


class _RowReader:
    """Reads lines into the rows of their users."""

    def __init__(self, table: Table, names: list[str], org: str | None) -> None:
        self._table = table
        self._names = names
        self._org = org

    def read(self, line: int, cells: list[str]) -> None:
        """Adds one line."""
        if len(cells) != len(self._names):
            count = f"{len(cells)} cells, where the header has {len(self._names)} columns"
            self._table.fault(line, f"the line has {count}", "quote cells in which a delimiter stands")
            return
        said = {name: _clean(cell) for name, cell in zip(self._names, cells, strict=True)}
        user, org = said.get("user", ""), said.get("org") or self._org or ""
        if not user or not org:
            self._table.fault(line, f"the line names no {'org' if user else 'user'}")
            return
        people = self._table.orgs.setdefault(org, {})
        is_new = user not in people
        row = people.setdefault(user, Row(org, user, line))
        self._read_scalars(row, said, line, is_new)
        end = self._read_end(said.get("expires", ""), line)
        for column in LISTS:
            values = [said.get(column, "")] if self._table.is_review else _BETWEEN.split(said.get(column, ""))
            lasting = column not in ("roles", "groups", "permissions")
            row.lists.setdefault(column, []).extend(
                Cell(value, line, None if lasting else end) for value in values if value
            )
        if said.get("origin") == "unknown":
            self._table.fault(
                line, f"the review does not know what `{user}` holds", "mend the project that it is of first"
            )

    def _read_scalars(self, row: Row, said: Mapping[str, str], line: int, is_new: bool) -> None:
        for column in SCALARS:
            value = said.get(column, "")
            if column == "suspended":
                flag = _FLAGS.get(value.lower())
                if flag is None:
                    self._table.fault(line, f"`{value}` says neither yes nor no", "write `yes`, or nothing")
                    continue
                value = "yes" if flag else ""
                row.is_suspended |= flag
            before = row.scalars.get(column)
            if before is None or (not before and column != "suspended"):
                row.scalars[column] = value
            elif value != before and (value or column == "suspended") and not is_new:
                was = before or "no"
                self._table.fault(
                    line, f"the {column} of `{row.user}` is `{value or 'no'}` here, and `{was}` on line {row.line}"
                )

    def _read_end(self, text: str, line: int) -> Instant | None:
        if not text:
            return None
        end = parse_instant(text, end_of_day=True) or read_instant(text)
        if end is None:
            self._table.fault(
                line, f"`{text}` is neither a date nor a date-time", "write `2027-06-30` or `2027-06-30T18:00:00Z`"
            )
        return end


def _clean(cell: str) -> str:
    stripped = cell.strip()
    return stripped[1:] if _GUARDED.match(stripped) else stripped
