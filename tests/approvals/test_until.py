"""A permission that rests on an approval ends with it, at the earlier of that and its window (docs/resolution.md, "Until")."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hubcfg.pipeline import Compiled
from tests.approvals.histories import History, begin, errors

DELETE = "psa.tickets.delete"
ZOE = "zoe@northwind.example"


@pytest.fixture
def history(tmp_path: Path) -> History:
    """The project of an MSP on onestack, in Git."""
    return begin(tmp_path / "project", "onestack")


def member(*permissions: str, role: str = "member") -> dict[str, str | None]:
    """Returns a file with one more user who has these permissions."""
    entry = f"{{role: {role}, permissions: [{', '.join(permissions)}]}}"
    return {"m.yaml": f"kind: Users\norg: northwind\nusers: {{{ZOE}: {entry}}}\n"}


def until(compiled: Compiled, user: str = ZOE, org: str = "northwind") -> dict[str, str]:
    """Returns when a user's permissions end, as the bundle says."""
    assert compiled.verified is not None, errors(compiled)
    ends: dict[str, str] = json.loads(compiled.files[f"orgs/{org}/staff.json"])["users"][user].get("until", {})
    return ends


def approve(history: History, **said: Any) -> None:
    """Has the owner approve deletion for the user."""
    history.approve("olga", grants=[{"user": ZOE, "permissions": [DELETE]}], **said)


def test_a_permission_ends_with_its_approval(history: History) -> None:
    """What is approved until the end of a day ends then, and nothing else does."""
    history.write(member(DELETE, "psa.tickets.read"))
    approve(history, expires="2027-01-31")
    assert until(history.compile()) == {DELETE: "2027-02-01T00:00:00Z"}


def test_an_approval_without_an_end_ends_by_its_age(history: History) -> None:
    """After `max_age_days`, 365 of them, an approval ends by itself."""
    history.write(member(DELETE))
    approve(history)
    assert until(history.compile()) == {DELETE: "2027-11-21T12:00:00Z"}


def test_the_earlier_of_window_and_approval_counts(history: History) -> None:
    """A grant that ends before its approval ends by itself; one that would outlive it ends with it."""
    approve(history, expires="2027-01-31")
    history.write(member(f"{{permission: {DELETE}, expires: 2026-12-24}}"))
    assert until(history.compile()) == {DELETE: "2026-12-25T00:00:00Z"}
    history.write(member(f"{{permission: {DELETE}, expires: 2027-06-30}}"))
    assert until(history.compile()) == {DELETE: "2027-02-01T00:00:00Z"}


def test_of_several_approvals_the_last_counts(history: History) -> None:
    """A permission lasts as long as any approval that covers it."""
    history.write(member(DELETE))
    approve(history, expires="2027-01-31")
    approve(history, expires="2027-03-31")
    assert until(history.compile()) == {DELETE: "2027-04-01T00:00:00Z"}


def test_approvals_that_cover_a_scope_together_last_as_long_as_they_do_together(tmp_path: Path) -> None:
    """Where two approvals each cover some of the clients, the first one's end is the end."""
    history = begin(tmp_path, "pilot")
    user = "ned@pilot.example"
    entry = "{role: technician, clients: [contoso, fabrikam], permissions: [devices.devices.wipe]}"
    history.write({"m.yaml": f"kind: Users\norg: pilot\nusers: {{{user}: {entry}}}\n"})
    for clients, end in ((["contoso"], "2027-01-31"), (["fabrikam"], "2027-03-31"), (["contoso"], "2027-02-28")):
        grant = {"user": user, "permissions": ["devices.devices.wipe"], "clients": clients}
        history.approve("ada", grants=[grant], expires=end)
    assert until(history.compile(), user, "pilot") == {"devices.devices.wipe": "2027-03-01T00:00:00Z"}


def test_a_role_approval_ends_the_sensitive_part_of_the_baseline(history: History) -> None:
    """When the approval of a role ends, so does what is sensitive in its baseline; the rest stays."""
    compiled = history.compile()
    assert compiled.config is not None
    catalog = compiled.config.orgs["northwind"].catalog
    ends = until(compiled, "adam@northwind.example")
    assert set(ends.values()) == {"2027-10-01T12:00:00Z"}
    assert DELETE in ends
    assert all(catalog.permissions[name].sensitive for name in ends)
    effective = (
        compiled.access.orgs["northwind"].holding(compiled.config.orgs["northwind"].users["adam@northwind.example"])
        if compiled.access
        else None
    )
    assert effective is not None
    assert set(ends) == {name for name in catalog.to_names(effective.effective) if catalog.permissions[name].sensitive}


def test_what_a_root_holder_has_rests_on_nothing(tmp_path: Path) -> None:
    """A root holder has no end, not even one who was appointed by an approval: it needs none once it has landed."""
    history = begin(tmp_path, "pilot")
    user = "eve@pilot.example"
    history.write({"m.yaml": f"kind: Users\norg: pilot\nusers: {{{user}: {{role: administrator}}}}\n"})
    history.approve("ada", id="eve", grants=[{"user": user, "role": "administrator", "clients": "all"}])
    before = history.compile()
    assert until(before, user, "pilot") == {}
    history.commit()
    history.git("rm", "-q", "approvals/eve.yaml")
    assert until(history.compile(), user, "pilot") == {}


def test_a_permission_that_is_not_sensitive_has_no_end(history: History) -> None:
    """An approval of what needs none ends nothing."""
    history.write(member("psa.tickets.read"))
    history.approve("olga", grants=[{"user": ZOE, "permissions": ["psa.tickets.read"]}], expires="2027-01-31")
    assert until(history.compile()) == {}


def test_the_trees_own_age_limit_counts(history: History) -> None:
    """A shorter `max_age_days` ends approvals earlier at once; a longer one counts in bundles, and for nothing else yet."""
    history.write(member(DELETE))
    approve(history, id="zoe")
    text = (history.root / "hubcfg.yaml").read_text().replace("allowed_signers}", "allowed_signers, max_age_days: %d}")
    for days, end in ((100, "2027-03-01T12:00:00Z"), (730, "2028-11-20T12:00:00Z")):
        history.write({"hubcfg.yaml": text % days})
        path = history.approve("olga", changes=[{"change": "trust", "digest": "tree"}])
        assert until(history.compile()) == {DELETE: end}
        assert until(history.compile(as_of="2026-11-30")) == {DELETE: end}
        path.unlink()
    history.approve("olga", id="t", changes=[{"change": "trust", "digest": "tree"}])
    late = errors(history.compile(as_of="2027-11-21T12:00:00Z"))
    assert ("expired-approval", "approvals/zoe.yaml") in {(name, file) for name, file, _ in late}


def test_bundles_are_the_same_whatever_the_base(history: History) -> None:
    """Which base is named decides whether there are bundles, never what is in them."""
    for role, rest in (("admin", ""), ("owner", "changes")):
        history.git("switch", "-q", "-C", "work", "main")
        if rest:
            users = (history.root / "users.yaml").read_text()
            history.write(
                {
                    "users.yaml": users.replace(
                        "olga@northwind.example: {role: owner}",
                        "olga@northwind.example: {role: member, permissions: [psa.tickets.read]}",
                    )
                }
            )
            change = {"change": "owner", "role": "owner", "from": "olga@northwind.example", "to": ZOE}
            history.approve("olga", id="hand-over", changes=[change])
        else:
            history.approve("olga", grants=[{"user": ZOE, "role": "admin"}], expires="2027-01-31")
        history.write({"m.yaml": f"kind: Users\norg: northwind\nusers: {{{ZOE}: {{role: {role}}}}}\n"})
        proposed = history.compile().files
        history.commit()
        landed = history.compile(base="HEAD").files
        assert proposed == landed
    outside = history.root.parent / "outside"
    shutil.copytree(history.root, outside, ignore=shutil.ignore_patterns(".git", "hand-over.yaml"))
    history.git("rm", "-q", "approvals/hand-over.yaml")
    alone = History(outside)
    # Adam's role was approved by the owner who has left: outside Git it is for the new one to approve it.
    (outside / "approvals" / "adam-admin.yaml").unlink()
    (history.root / "approvals" / "adam-admin.yaml").unlink()
    signers = (history.root / "trust" / "allowed_signers").read_text() + "zoe@northwind.example {key zoe}\n"
    for one in (alone, history):
        one.write({"trust/allowed_signers": signers})
        one.approve("zoe", id="adam", grants=[{"user": "adam@northwind.example", "uid": "a-1", "role": "admin"}])
    assert alone.compile(base=None).verified is not None, errors(alone.compile(base=None))
    history.commit()
    assert alone.compile(base=None).files == history.compile(base="HEAD").files
