"""`hubcfg platforms`: role models are listed, and one is shown with all that its roles mean."""

from pathlib import Path

import pytest

from hubcfg.platforms.builtin import builtin_names
from tests.unit.cli.running import Run

PLATFORM = """\
kind: Platform
id: acme
extends: onestack
catalog: onestack
roles: {billing: null, viewer: {holders: {max: 3}}}
client_access: {ceiling: {allow: [psa.*]}}
"""


def test_all_are_listed(hubcfg: Run, tmp_path: Path) -> None:
    """The built-in platforms and the project's own are listed with their roles, in text and in JSON."""
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: p\n")
    (tmp_path / "platform.yaml").write_text(PLATFORM)
    text = hubcfg("-C", str(tmp_path), "platforms").out.splitlines()
    assert [line.split()[0] for line in text[1:] if line[2] != " "] == ["acme", *builtin_names()]
    assert "this project's  owner, admin, member, viewer" in text[1]
    listed = hubcfg("-C", str(tmp_path), "platforms", "--format", "json").json["platforms"]
    assert [(one["id"], one["built_in"]) for one in listed] == [
        ("acme", False),
        *((id, True) for id in builtin_names()),
    ]
    assert listed[0]["roles"] == ["owner", "admin", "member", "viewer"]


def test_json_is_the_resolved_documents(hubcfg: Run) -> None:
    """`extends` is merged away; what a patch removes is gone, what it does not name is there."""
    document = hubcfg("platforms", "show", "onestack-four-roles", "--format", "json").json
    assert document["format"] == "hubcfg.platform/1"
    assert "extends" not in document["platform"]
    assert list(document["platform"]["roles"]) == ["owner", "admin", "member", "viewer"]
    assert document["platform"]["changes"] == [{"change": "products", "by": ["owner"]}]
    assert document["catalog"]["id"] == "onestack"
    assert document["catalog"]["products"]["psa"]["resources"]["tickets"]["actions"]["delete"]["sensitive"] == [
        "deletion"
    ]


def test_format_may_stand_before_show(hubcfg: Run) -> None:
    """The option means the same before and after the command's own name."""
    after = hubcfg("platforms", "show", "msp-panel", "--format", "json")
    assert hubcfg("platforms", "--format", "json", "show", "msp-panel") == after


@pytest.mark.parametrize(
    ("platform", "lines"),
    [
        (
            "onestack",
            [
                "catalog onestack 2026.1: 27 products, 759 permissions, 269 sensitive",
                "  subscriptions       orgs subscribe to products; hub always active",
                "  change of products  needs an approval by owner",
                "  owner    Owner    exactly 1  759  759      full       all       all      yes       yes",
                "owner (root of trust; a new holder needs an approval by the previous one)",
                "  has      nothing but what is granted",
                "  products  books without being granted",
                "  psa     Set up the service boards",
            ],
        ),
        (
            "opspilot365",
            [
                "  clients        staff are assigned to them, without departments",
                "  sign-in        sso or local, a second factor is required of everybody",
                "  manager        Manager        any         110  113      full       all       assigned  led teams  led teams",
                "  obligation  manager-approval with every sensitive permission",
            ],
        ),
        (
            "msp-panel",
            [
                "  clients        staff are assigned to them, with departments",
                "owner (root of trust; configuration neither gives nor moves it)",
                "  access   what is granted is downgraded to reading",
            ],
        ),
    ],
)
def test_a_platform_is_described(hubcfg: Run, platform: str, lines: list[str]) -> None:
    """Features, roles with what they come to in the catalog, groups and first access are said in words."""
    shown = hubcfg("platforms", "show", platform).out.splitlines()
    assert not [line for line in lines if line not in shown]


def test_a_viewer_holds_only_what_reads(hubcfg: Run) -> None:
    """What a read-only role has is counted as it takes effect, not as its patterns would match."""
    row = next(line for line in hubcfg("platforms", "show", "onestack").out.splitlines() if line.startswith("  viewer"))
    assert row.split()[3:5] == ["229", "242"]


def test_a_project_s_platform_is_shown(hubcfg: Run, tmp_path: Path) -> None:
    """Limits of holders and of client users are said."""
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: p\n")
    (tmp_path / "platform.yaml").write_text(PLATFORM)
    shown = hubcfg("-C", str(tmp_path), "platforms", "show", "acme").out
    assert shown.startswith("acme: acme (this project's)\n")
    assert "client users        what they are granted, at most psa.*\n" in shown
    assert "viewer  Viewer  at most 3" in shown


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [(["show", "onestak"], "did you mean `onestack`?"), (["shw"], "Did you mean 'show'?")],
)
def test_mistakes_name_what_was_meant(hubcfg: Run, tmp_path: Path, arguments: list[str], advice: str) -> None:
    """A wrong name is wrong usage, and the message has the nearest right one."""
    outcome = hubcfg("-C", str(tmp_path), "platforms", *arguments)
    assert outcome.code == 2
    assert advice in outcome.err
