"""People with the same permissions get a group; what is left of one person stays with that person."""

import yaml

from hubcfg.importing.cores import find_cores
from hubcfg.importing.held import HeldOrg
from hubcfg.importing.teams import find_teams
from hubcfg.importing.wildcards import write_patterns
from hubcfg.resolver.resolve import OrgResolver
from tests.unit.importing.importing import importer_for
from tests.unit.importing.test_notes import CATALOG, run, user

DESK = CATALOG.to_names(CATALOG.match("psa.tickets.*") & ~CATALOG.sensitive)
ALL_ACTIVE = dict.fromkeys(CATALOG.products, "active")


def written(
    people: dict[str, list[str]], **fields: object
) -> tuple[dict[str, dict[str, object]], dict[str, dict[str, object]]]:
    """Returns the users and the groups of an import of members who hold these permissions."""
    imported = run({id: user(*names, **fields) for id, names in people.items()}, products=ALL_ACTIVE)
    assert imported.notes == ()
    users = yaml.safe_load(imported.files["users/acme.yaml"])["users"]
    groups = yaml.safe_load(imported.files.get("groups/acme.yaml", "groups: {}"))["groups"]
    return users, groups


def test_people_who_hold_the_same_share_a_group() -> None:
    """One group for all of them, named after their role and products, with exact names in order."""
    users, groups = written({"a": DESK, "b": DESK, "c": DESK})
    assert users == {id: {"role": "member", "groups": ["member-psa"]} for id in "abc"}
    assert groups == {"member-psa": {"permissions": DESK}}


def test_the_platform_s_own_group_is_used_where_it_fits() -> None:
    """Who holds exactly a built-in group, or that and a little more, gets it; nobody gets one that says more."""
    technician = CATALOG.to_names(importer_group("technician"))
    users, groups = written({"a": technician, "b": [*technician, "crm.deals.read"], "c": technician[:-1]})
    assert users["a"] == {"role": "member", "groups": ["technician"]}
    assert users["b"] == {"role": "member", "groups": ["technician"], "permissions": ["crm.deals.read"]}
    assert "technician" not in users["c"]["groups"]
    assert list(groups) == ["member-1"]


def importer_group(id: str) -> int:
    """Returns what a built-in group of onestack comes to."""
    org = importer_for("onestack").start(HeldOrg("acme", "onestack", {}))
    (mask,) = OrgResolver(org).group_terms(id).values()
    return mask


def test_a_few_permissions_more_stay_with_the_person() -> None:
    """Somebody who holds what a group has and two more gets the group and these two."""
    users, groups = written({"a": DESK, "b": DESK, "c": [*DESK, "crm.deals.read", "crm.contacts.read"]})
    assert users["c"]["groups"] == ["member-psa"]
    assert users["c"]["permissions"] == ["crm.contacts.read", "crm.deals.read"]
    assert len(groups) == 1


def test_a_few_permissions_fewer_are_denied() -> None:
    """Somebody of the same role who lacks one permission of a large group gets the group, and a deny of that one."""
    users, _ = written({"a": DESK, "b": DESK, "c": DESK[1:]})
    assert users["c"] == {"role": "member", "groups": ["member-psa"], "deny": [DESK[0]]}


def test_what_ends_for_somebody_ends_there_alone() -> None:
    """A group that ends for one person is the same group as that of the others."""
    people = {"a": user(*DESK), "b": user(*DESK), "c": user(*DESK, until=dict.fromkeys(DESK, "2027-01-01T00:00:00Z"))}
    users = yaml.safe_load(run(people).files["users/acme.yaml"])["users"]
    assert [(one["group"], str(one["expires"])) for one in users["c"]["groups"]] == [("member-psa", "2026-12-31")]


def test_wildcards_are_written_only_when_asked_for_and_never_for_what_is_sensitive() -> None:
    """`psa.ticket_notes.*` stands for all of a resource; a resource with anything sensitive is named in full."""
    notes, tickets = CATALOG.match("psa.ticket_notes.*"), CATALOG.match("psa.tickets.*")
    assert tickets & CATALOG.sensitive
    assert write_patterns(CATALOG, notes) == ["psa.ticket_notes.*"]
    assert write_patterns(CATALOG, tickets) == CATALOG.to_names(tickets)
    assert write_patterns(CATALOG, notes & (notes - 1)) == CATALOG.to_names(notes & (notes - 1))


def test_cores_say_the_same_with_fewer_words() -> None:
    """Every set is exactly the union of what it includes and its own; what several have in common is written once."""
    sets = [0b1111_0000_1111, 0b1111_1111_0000, 0b1111_0000_0000_1111_0000, 0b1111]
    definitions = {one.mask: one for one in find_cores(sets)}
    assert set(sets) <= definitions.keys()
    for one in definitions.values():
        union = one.own
        for core in one.includes:
            assert core & ~one.mask == 0
            assert core != one.mask
            union |= core
        assert union == one.mask
    assert sum(one.own.bit_count() for one in definitions.values()) < sum(mask.bit_count() for mask in sets)


def test_cores_find_nothing_where_nothing_is_common() -> None:
    """Sets without anything in common are left as they are."""
    assert [(one.mask, one.includes) for one in find_cores([0b11, 0b1100])] == [(0b11, ()), (0b1100, ())]


def test_a_team_is_whom_its_leads_manage() -> None:
    """Leads of the same people lead one team; leads who manage each other are members of the team that they lead."""
    people = ["lea@x.example", "leo@x.example", "bo", "cy", "di"]
    alone = {"lea@x.example": ("bo", "cy"), "leo@x.example": ("di", "nobody")}
    assert find_teams(alone, people) == {
        "team-lea": {"leads": ["lea@x.example"], "members": ["bo", "cy"]},
        "team-leo": {"leads": ["leo@x.example"], "members": ["di"]},
    }
    together = {"lea@x.example": ("bo", "leo@x.example"), "leo@x.example": ("bo", "lea@x.example")}
    assert find_teams(together, people) == {
        "team-lea": {"leads": ["lea@x.example", "leo@x.example"], "members": ["bo", "lea@x.example", "leo@x.example"]}
    }
    same = {"lea@x.example": ("bo",), "leo@x.example": ("bo",)}
    assert find_teams(same, people) == {"team-lea": {"leads": ["lea@x.example", "leo@x.example"], "members": ["bo"]}}
    assert find_teams({"lea@x.example": ()}, people) == {}


def test_a_team_may_be_led_from_within_and_from_outside() -> None:
    """Who leads the same people and is none of them joins those who lead each other."""
    managed = {"bo": ("cy", "di"), "cy": ("di",), "di": ("cy",)}
    assert find_teams(managed, ["bo", "cy", "di"]) == {
        "team-bo": {"leads": ["bo", "cy", "di"], "members": ["cy", "di"]}
    }
