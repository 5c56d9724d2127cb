"""Tables of people: what they may look like, and what is wrong with them, all at once and by line."""

import pytest

from hubcfg.core.finding import Finding
from hubcfg.core.places import Span
from hubcfg.importing.held import HeldOrg
from hubcfg.importing.people import read_people
from hubcfg.importing.table import read_table
from tests.unit.importing.importing import importer_for

HEADER = "org,user,role,groups,permissions,expires,suspended\n"


def read(
    text: str | bytes, platform: str = "onestack", org: str | None = None
) -> tuple[dict[str, HeldOrg], list[Finding]]:
    """Returns the orgs of a table by id, and what is wrong with it."""
    table = read_table("p.csv", text if isinstance(text, bytes) else text.encode(), org=org)
    orgs, findings = read_people(table, importer_for(platform))
    return {one.id: one for one in orgs}, findings


def faults(text: str | bytes, platform: str = "onestack") -> list[tuple[str, int, str, str | None]]:
    """Returns what is wrong as rule, line, message and help."""
    found = []
    for one in read(text, platform)[1]:
        assert isinstance(one.place, Span)
        found.append((one.name, one.place.line, one.message, one.help))
    return found


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_however_it_was_saved(delimiter: str, start: str, end: str) -> None:
    """Commas, semicolons or tabs; with or without a byte order mark; either line end; the order of columns is free."""
    rows = [
        ["user", "org", "permissions", "role"],
        ["bo", "acme", '"psa.tickets.read, psa.tickets.create"', "member"],
        [],
    ]
    text = start + end.join(delimiter.join(row) for row in rows) + end
    orgs, findings = read(text)
    assert findings == []
    lists = orgs["acme"].people["bo"].lists
    assert lists is not None
    assert lists.permissions == (("psa.tickets.read", None), ("psa.tickets.create", None))


def test_lines_of_one_user_add_up() -> None:
    """Lists of several lines are joined, each with the end on its line; what somebody has one of is said once."""
    orgs, findings = read(
        HEADER
        + "acme,bo,member,technician,,,\nacme,bo,,dispatcher,psa.tickets.delete,2027-06-30,\nacme,bo,member,,,,\n"
    )
    assert findings == []
    lists = orgs["acme"].people["bo"].lists
    assert lists is not None
    assert [group for group, _ in lists.groups] == ["technician", "dispatcher"]
    assert [end is not None for _, end in lists.groups] == [False, True]
    assert orgs["acme"].products is not None
    assert set(orgs["acme"].products) == {"psa", "rmm", "defend", "backups"}, "what the groups reach is subscribed to"


def test_an_org_may_be_said_for_all_lines() -> None:
    """Without a column `org` the option says it; a line may still say another where there is the column."""
    orgs, findings = read("user,role\nbo,owner\n", org="acme")
    assert findings == []
    assert list(orgs) == ["acme"]


def test_apostrophes_of_spreadsheets_are_undone() -> None:
    """`'=x` is what our CSV writes for `=x`; an apostrophe before anything else belongs to the text."""
    orgs, _ = read("org,user,name,role\nacme,'+bo,'=Bo,owner\nacme,cy,'s Hertogen,member\n")
    assert {id: one.name for id, one in orgs["acme"].people.items()} == {"+bo": "=Bo", "cy": "'s Hertogen"}


def test_all_faults_are_told_at_once() -> None:
    """Shape and references alike, each with its line and the nearest right word."""
    text = (
        HEADER
        + "acme,bo,membr,technicain,psa.ticket.read,soon,perhaps\n"
        + "acme,bo,member,,,,\n"
        + "acme,,member,,,,\n"
        + "acme,cy,,client-admin,,,\n"
        + "acme,too,few\n"
        + "Big Org,di,member,,,,\n"
        + "acme,a b,member,,,,\n"
        + "acme,BO,member,,,,\n"
    )
    assert faults(text) == [
        ("schema-violation", 2, "`perhaps` says neither yes nor no", "write `yes`, or nothing"),
        (
            "schema-violation", 2, "`soon` is neither a date nor a date-time",
            "write `2027-06-30` or `2027-06-30T18:00:00Z`",
        ),
        ("unknown-group", 2, "there is no group `technicain` for staff", "did you mean `technician`?"),
        (
            "unknown-permission", 2, "`psa.ticket.read` matches no permission of the catalog `onestack`",
            "did you mean `psa.tickets.read` or `psa.ticket_notes.read`?",
        ),
        ("unknown-platform-role", 2, "the platform `onestack` has no role `membr`", "did you mean `member`?"),
        ("schema-violation", 3, "the role of `bo` is `member` here, and `membr` on line 2", None),
        ("schema-violation", 4, "the line names no user", None),
        ("schema-violation", 5, "`cy` has no platform role", faults_help()),
        (
            "unknown-group", 5, "there is no group `client-admin` for staff",
            "there are `dispatcher`, `manager`, `sales-rep`, `technician`",
        ),
        (
            "schema-violation", 6, "the line has 3 cells, where the header has 7 columns",
            "quote cells in which a delimiter stands",
        ),
        ("schema-violation", 7, "`Big Org` can't be the id of an org", "write `big-org`"),
        (
            "schema-violation", 8, "the user id `a b` contains a character that cannot be seen or printed (space)", None,
        ),
        ("duplicate-id", 9, "`BO` looks like `bo` of line 2", None),
    ]  # fmt: skip


def faults_help() -> str:
    return "fill in `role`: `owner`, `admin`, `member`, `billing`, `viewer`"


def test_a_client_user_has_a_company_and_no_role() -> None:
    """What belongs to staff alone is not said of a client's user, and the other way round."""
    text = (
        "org,user,audience,role,company,products,clients\n"
        "acme,pat,client,member,,psa,\n"
        "acme,bo,staff,member,contoso,,fabrikam\n"
        "acme,quinn,guest,member,,,\n"
        "acme,rae,,,Contoso Ltd,,\n"
    )
    assert [(line, message) for _, line, message, _ in faults(text)] == [
        (2, "`pat` is a client user without a company"),
        (2, "`pat` is a client user, who has no `products`"),
        (2, "`pat` is a client user, who has no `role`"),
        (3, "`bo` is staff, who have no `company`"),
        (3, "the platform `onestack` assigns no clients to staff"),
        (4, "`guest` is no audience"),
        (5, "`Contoso Ltd` can't be the id of a client"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file has no header"),
        ("org,user,usr\n", 1, "there is no column `usr`"),
        ("org,user,org\n", 1, "the column `org` stands there twice"),
        ("org,name\n", 1, "there is no column `user`, which must be there"),
        ("user,name\n", 1, "there is no column `org`, which must be there"),
        ('org,user\nacme,"bo\n', 2, "the line can't be read: unexpected end of data"),
        (b"org,user\nacme,\xff\n", 2, "the file is not UTF-8 (byte 15)"),
        ("org,user\nacme,b\0o\n", 2, "the file has a null character"),
    ],
)
def test_a_file_that_is_no_such_table_says_why(text: str | bytes, line: int, message: str) -> None:
    """A table that can't be read at all is a finding at its line, never a traceback."""
    assert (line, message) in [(where, what) for _, where, what, _ in faults(text)]


def test_a_review_says_what_people_hold() -> None:
    """One line a permission: the columns of `hubcfg report --format csv`, whose scope says clients and companies."""
    text = (
        '"org","user","name","audience","role","suspended","product","permission","origin","until","scope"\n'
        '"acme","bo","Bo","staff","technician","no","tickets","tickets.tickets.view","inherited","","contoso, fabrikam"\n'
        '"acme","bo","Bo","staff","technician","no","x","x.y.z","direct","2027-01-01T00:00:00Z","contoso, fabrikam"\n'
        '"acme","cy","","staff","administrator","yes","","","","","all clients"\n'
    )
    orgs, findings = read(text, "opspilot365")
    assert findings == []
    people = orgs["acme"].people
    assert people["bo"].permissions == {"tickets.tickets.view", "x.y.z"}
    assert [name for name, _ in people["bo"].until] == ["x.y.z"]
    assert (people["bo"].clients, people["cy"].clients) == (("contoso", "fabrikam"), "all")
    assert people["cy"].is_suspended
    assert set(orgs["acme"].clients) == {"contoso", "fabrikam"}


def test_a_review_that_does_not_know_somebody_is_refused() -> None:
    """Whose access a review does not know would come out as holding nothing."""
    text = "org,user,role,permission,origin,scope\nacme,bo,member,,unknown,all clients\n"
    assert faults(text) == [
        ("schema-violation", 2, "the review does not know what `bo` holds", "mend the project that it is of first")
    ]
