"""The help of what is not approved names who may approve it, and a command that can be pasted."""

import shlex
from typing import Any

import pytest

from hubcfg.checker.approvals.advice import ask_for

ABLE = ["ada@x.example", "olga@x.example"]


@pytest.mark.parametrize(
    ("wanted", "options"),
    [
        ({"users": ["kim@x.example"]}, ["--user", "kim@x.example"]),
        (
            {"users": ["kim@x.example"], "permissions": ["psa.tickets.delete"]},
            ["--user", "kim@x.example", "--permission", "psa.tickets.delete"],
        ),
        ({"users": list("abcd"), "permissions": ["p.q.r"]}, ["--permission", "p.q.r"]),
        ({"users": ["a"], "permissions": list("wxyz")}, ["--user", "a"]),
        ({"users": list("abcd"), "permissions": list("wxyz")}, ["--all"]),
        ({"change": "products", "org": "northwind"}, ["--change", "products", "--org", "northwind"]),
        ({"users": ["o'neil $(x)@x.example"]}, ["--user", "o'neil $(x)@x.example"]),
    ],
    ids=str,
)
def test_the_command_names_what_is_missing(wanted: dict[str, Any], options: list[str]) -> None:
    """As narrow as can still be read; a shell reads every name as it is."""
    help = ask_for(ABLE, **wanted)
    says, _, command = help.partition(" may approve it: ")
    assert says == "`ada@x.example`, `olga@x.example`"
    assert shlex.split(command.strip("`")) == ["hubcfg", "approve", "--as", "ada@x.example", *options]


def test_where_nobody_could_no_command_is_given() -> None:
    """A command that can't work would waste somebody's time."""
    assert ask_for([], users=["kim@x.example"]) == "it needs an approval, and nobody could give it as things stand"
