"""`hubcfg catalog`: permissions are listed, found and compared, in the catalog that is meant."""

from pathlib import Path

import pytest

from hubcfg.platforms.builtin import builtin_names
from tests.unit.cli.running import Outcome, Run

CATALOG = """\
kind: Catalog
id: acme
version: "7"
extends: onestack
sensitive_categories: {safety: Endangers people}
products:
  psa:
    resources:
      tickets:
        actions:
          delete: null
          merge: {sensitive: [deletion], description: Merge two tickets}
          read: {access: read, audiences: [staff], description: See tickets and their conversation}
          create: {deprecated: true, replaced_by: psa.tickets.merge}
aliases: {users.manage: null, psa.cases.close: psa.tickets.edit}
"""
PLATFORM = "kind: Platform\nid: acme-hub\nextends: onestack\ncatalog: acme\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: p\n")
    (tmp_path / "definitions.yaml").write_text(f"{CATALOG}---\n{PLATFORM}")
    (tmp_path / "orgs.yaml").write_text("kind: Org\nid: one\nplatform: onestack\ncatalog: acme\n")
    return tmp_path


def names(outcome: Outcome) -> list[str]:
    return [permission["name"] for permission in outcome.json["permissions"]]


@pytest.mark.parametrize("platform", builtin_names())
def test_list_shows_every_permission_of_a_platform(hubcfg: Run, platform: str) -> None:
    """`--platform` works outside any project; text and JSON list the same permissions, sorted by name."""
    text = hubcfg("catalog", "list", "--platform", platform)
    listed = names(hubcfg("catalog", "list", "--platform", platform, "--format", "json"))
    assert text.code == 0
    assert listed == sorted(listed)
    lines = text.out.splitlines()
    assert [line.split()[0] for line in lines[1:] if line.startswith("  ")] == listed
    assert f"{len(listed)} permissions" in lines[-1]


def test_list_shows_what_a_pattern_means(hubcfg: Run) -> None:
    """A pattern narrows the list, an alias among them, and the marks stand beside each permission."""
    outcome = hubcfg("catalog", "list", "rmm.endpoints.delete", "--platform", "onestack")
    assert outcome.out == (
        "  permission          access  sensitive  description\n"
        "rmm: RMM\n"
        "  rmm.devices.delete  write   deletion   Delete a device and its monitoring history (also rmm.endpoints.delete)\n"
        "\n"
        "onestack 2026.1: 1 of 759 permissions, 1 sensitive\n"
    )


def test_json_has_all_marks(hubcfg: Run, project: Path) -> None:
    """JSON says of a permission everything that the catalog says, defaults filled in."""
    listed = hubcfg("-C", str(project), "catalog", "list", "psa.tickets.*", "--format", "json").json
    assert listed["catalog"]["id"] == "acme"
    by_name = {permission["name"]: permission for permission in listed["permissions"]}
    assert by_name["psa.tickets.create"] == {
        "name": "psa.tickets.create",
        "access": "write",
        "audiences": ["staff", "client"],
        "sensitive": [],
        "description": "Open a new ticket",
        "deprecated": True,
        "replaced_by": "psa.tickets.merge",
        "aliases": [],
    }
    assert by_name["psa.tickets.edit"]["aliases"] == ["psa.cases.close"]
    assert listed["sensitive_categories"]["safety"] == "Endangers people"
    assert listed["aliases"].keys() == {"audit.view", "psa.cases.close", "rmm.endpoints.*"}


def test_the_catalog_is_that_of_the_orgs(hubcfg: Run, project: Path) -> None:
    """Without options it is the catalog that all orgs have; where they differ, that of the default platform."""
    assert hubcfg("-C", str(project), "catalog", "list", "--format", "json").json["catalog"]["id"] == "acme"
    with (project / "orgs.yaml").open("a") as file:
        file.write("---\nkind: Org\nid: two\nplatform: msp-panel\n")
    assert "`--platform ID` has to say" in hubcfg("-C", str(project), "catalog", "list").err
    (project / "hubcfg.yaml").write_text("hubcfg: 1\nproject: p\nplatform: opspilot365\n")
    assert hubcfg("-C", str(project), "catalog", "list", "--format", "json").json["catalog"]["id"] == "opspilot365"


def test_a_platform_without_a_catalog_of_its_id_stands_for_the_one_it_uses(hubcfg: Run, project: Path) -> None:
    """`--platform` and `--catalog` take the project's own platforms too."""
    for option in ("--platform", "--catalog"):
        outcome = hubcfg("-C", str(project), "catalog", "list", option, "acme-hub", "--format", "json")
        assert outcome.json["catalog"]["id"] == "acme"


@pytest.mark.parametrize(
    ("arguments", "says", "advice"),
    [
        (["list"], "there is no project here", "there are `msp-panel`, `onestack`"),
        (["list", "--platform", "onestak"], "there is no platform `onestak`", "did you mean `onestack`?"),
        (["list", "--catalog", "opspilot"], "there is no catalog `opspilot`", "did you mean `opspilot365`?"),
        (["list", "psa.tikets.*", "--platform", "onestack"], "matches no permission", "did you mean `psa.tickets.*`"),
        (["list", "psa", "--platform", "onestack"], "`psa` is not a permission pattern", "did you mean `psa.*`?"),
        (["list", "--platform", "onestack", "--catalog", "onestack"], "don't go together", "`--catalog` alone"),
        (["diff", "onestack", "msppanel"], "there is no catalog `msppanel`", "did you mean `msp-panel`?"),
        (["lst"], "There is no command 'lst'", "Did you mean 'list'?"),
    ],
)
def test_mistakes_name_what_was_meant(
    hubcfg: Run, tmp_path: Path, arguments: list[str], says: str, advice: str
) -> None:
    """A wrong name is wrong usage, and the message has the nearest right one."""
    outcome = hubcfg("-C", str(tmp_path), "catalog", *arguments)
    assert outcome.code == 2
    assert says in outcome.err
    assert advice in outcome.err
    assert outcome.out == ""


def test_a_broken_project_is_named_but_what_is_built_in_can_be_seen(hubcfg: Run, project: Path) -> None:
    """A hubcfg.yaml that cannot be used, or a catalog in error, stops only what needs it."""
    (project / "definitions.yaml").write_text(CATALOG.replace("delete: null", "delte: null"))
    assert hubcfg("-C", str(project), "catalog", "list").code == 0
    (project / "definitions.yaml").write_text("kind: Catalog\nid: acme\nextends: acme\n")
    outcome = hubcfg("-C", str(project), "catalog", "list", "--catalog", "acme")
    assert (outcome.code, "the catalog `acme` is in error" in outcome.err) == (1, True)
    (project / "hubcfg.yaml").write_text("hubcfg: 2\n")
    outcome = hubcfg("-C", str(project), "catalog", "list", "--catalog", "acme")
    assert (outcome.code, "cannot be used" in outcome.err) == (1, True)
    assert hubcfg("-C", str(project), "catalog", "list", "--platform", "onestack").code == 0


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["tickets", "delete"], "psa.tickets.delete"),
        (["ticket", "delete"], "psa.tickets.delete"),
        (["endpoints", "delete"], "rmm.devices.delete"),
        (["DELETE", "Invoice"], "books.invoices.delete"),
        (["compensation"], "people.compensation.edit"),
        (["psa.tickets.reply"], "psa.tickets.reply"),
    ],
)
def test_search_finds_the_likeliest_first(hubcfg: Run, words: list[str], first: str) -> None:
    """Words are looked for in names, other names and descriptions, in any order, case and number."""
    found = hubcfg("catalog", "search", *words, "--platform", "onestack", "--format", "json")
    assert names(found)[0] == first
    assert found.json["words"] == words


def test_search_wants_every_word(hubcfg: Run) -> None:
    """A permission is found only where each word is."""
    one = names(hubcfg("catalog", "search", "invoice", "--platform", "onestack", "--format", "json"))
    both = names(hubcfg("catalog", "search", "invoice", "void", "--platform", "onestack", "--format", "json"))
    assert both == ["books.invoices.void"]
    assert set(both) < set(one)


def test_a_search_that_finds_nothing_says_so_with_the_nearest_words(hubcfg: Run) -> None:
    """Finding nothing is no error; a note names words that the catalog has."""
    outcome = hubcfg("catalog", "search", "tikcets", "raed", "--platform", "onestack")
    assert (outcome.code, outcome.out) == (0, "")
    assert "did you mean `tickets read`?" in outcome.err
    assert (
        hubcfg("catalog", "search", "tikcets", "--platform", "onestack", "--format", "json").json["permissions"] == []
    )


def test_diff_shows_what_is_added_removed_and_marked_otherwise(hubcfg: Run, project: Path) -> None:
    """Every kind of difference has a line, and the counts add up."""
    outcome = hubcfg("-C", str(project), "catalog", "diff", "onestack", "acme")
    assert outcome.code == 0
    assert outcome.out == (
        "from onestack 2026.1 to acme 7\n"
        "+ psa.tickets.merge   write  sensitive: deletion\n"
        "- psa.tickets.delete  write  sensitive: deletion\n"
        "~ psa.tickets.create  deprecated: no → yes\n"
        "~ psa.tickets.create  replaced by: none → psa.tickets.merge\n"
        "~ psa.tickets.read    audiences: staff, client → staff\n"
        "+ alias psa.cases.close: psa.tickets.edit\n"
        "- alias users.manage: hub.users.manage\n"
        "+ sensitive category safety: Endangers people\n"
        "1 added, 1 removed, 2 changed, 756 as they were\n"
    )


def test_diff_as_json_has_the_same(hubcfg: Run, project: Path) -> None:
    """The JSON twin has before and after of each mark."""
    document = hubcfg("-C", str(project), "catalog", "diff", "onestack", "acme", "--format", "json").json
    assert [permission["name"] for permission in document["added"]] == ["psa.tickets.merge"]
    assert [permission["name"] for permission in document["removed"]] == ["psa.tickets.delete"]
    changes = {one["name"]: one["changes"] for one in document["changed"]}
    assert changes["psa.tickets.read"] == {"audiences": {"from": ["staff", "client"], "to": ["staff"]}}
    assert document["aliases"]["removed"] == {"users.manage": "hub.users.manage"}


def test_a_catalog_does_not_differ_from_itself(hubcfg: Run) -> None:
    """Nothing but the count is said of equal catalogs."""
    outcome = hubcfg("catalog", "diff", "msp-panel", "msp-panel")
    assert outcome.out == "from msp-panel 2026.1 to msp-panel 2026.1: no difference in 34 permissions\n"
