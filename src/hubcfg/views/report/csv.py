"""The report for spreadsheets: a line for each permission of each user (RFC 4180, UTF-8 with a byte order mark)."""

import csv
import io
from collections.abc import Iterator

from hubcfg.platforms.catalog import Catalog
from hubcfg.views.held import Row, describe_source, scope_words
from hubcfg.views.report.model import Basis, OrgReview, Person, Review, SensitiveShare

COLUMNS = (
    "org", "user", "name", "audience", "role", "suspended", "product", "permission", "description", "access",
    "sensitive", "origin", "through", "until", "approval", "approver", "scope",
)  # fmt: skip
# What makes a spreadsheet take a cell for a formula, the full-width forms among it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BEFORE, _AFTER = 6, 3


def render_csv(review: Review) -> Iterator[str]:
    """Yields the head and the lines, person by person. Who holds nothing has one line, without a permission."""
    yield "\ufeff" + _lines([list(COLUMNS)])
    for one in review.orgs:
        yield from _org(one)


def safe_cell(text: str) -> str:
    """Returns a text that no spreadsheet takes for a formula: one that could be begins with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _org(one: OrgReview) -> Iterator[str]:
    shares: dict[str, list[SensitiveShare]] = {}
    for share in one.sensitive:
        for person in share.people:
            shares.setdefault(person.id, []).append(share)
    cells = {profile.number: [_cells(row, one.org.catalog) for row in profile.rows] for profile in one.profiles}
    rows = {profile.number: profile.rows for profile in one.profiles}
    for person in one.people:
        before, scope = _person(one, person), safe_cell(scope_words(person.scope, limit=len(one.org.clients) + 1))
        if person.profile is None:
            nothing = [""] * (len(COLUMNS) - _BEFORE - _AFTER)
            nothing[5] = "" if person.is_known else "unknown"
            yield _lines([[*before, *nothing, "", "", scope]])
            continue
        rests = {row.permission: share for share in shares.get(person.id, ()) for row in share.rows}
        yield _lines(
            [*before, *middle, *_approval(rests.get(row.permission)), scope]
            for row, middle in zip(rows[person.profile], cells[person.profile], strict=True)
        )


def _person(one: OrgReview, person: Person) -> list[str]:
    entry = person.user.entry
    texts = [one.org.id, person.id, person.name or "", entry.audience.value, entry.role or ""]
    return [*map(safe_cell, texts), "yes" if entry.suspended else "no"]


def _cells(row: Row, catalog: Catalog) -> list[str]:
    permission = catalog.permissions[row.permission]
    through = "; ".join(describe_source(source) for source in (row.direct, row.inherited) if source is not None)
    texts = [
        permission.product, permission.name, permission.description or "", "read" if permission.is_read else "write",
        "; ".join(row.sensitive), row.origin, through, row.until or "",
    ]  # fmt: skip
    return list(map(safe_cell, texts))


def _approval(share: SensitiveShare | None) -> list[str]:
    if share is None:
        return ["", ""]
    words = {Basis.MISSING: "missing", Basis.ROOT: "not needed: root role"}.get(share.basis, "; ".join(share.approvals))
    return [safe_cell(words), safe_cell("; ".join(share.approvers))]


def _lines(rows: Iterator[list[str]] | list[list[str]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()
