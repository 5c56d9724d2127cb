"""The GitHub action on pull requests, its steps run for real: what the reviewer sees, and whether the check passes."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from tests.docs.pages import ROOT
from tests.integration.actions.forges import GITHUB_LIMIT, Forge, serve
from tests.integration.actions.pull_requests import (
    BOT,
    SERVER,
    check,
    github,
    machine_for,
    pull_request_event,
    variables,
)
from tests.integration.actions.repositories import (
    GROUPS,
    ORG,
    PEOPLE,
    PROJECT,
    Repository,
    files,
    land,
    people,
    propose,
)

MARK = "<!-- hubcfg plan -->"
SARIF = "github/codeql-action/upload-sarif"
ARTIFACT = "actions/upload-artifact"
WIDER = GROUPS.replace("psa.tickets.create]", "psa.tickets.create, psa.tickets.assign]")
UNAPPROVED = "{role: member, groups: [desk], permissions: [psa.tickets.delete]}"


@pytest.fixture
def forge() -> Iterator[Forge]:
    """GitHub's API, on this machine."""
    with serve(github()) as served:
        yield served


def two_lines(root: Path) -> Repository:
    """Returns a change of two lines: two people get a permission each."""
    extra = dict.fromkeys((3, 9), "{role: member, groups: [desk, sales]}")
    return propose(root, {"users.yaml": people(extra)})


def test_a_change_of_two_lines_is_told_in_a_few(forge: Forge, tmp_path: Path) -> None:
    """The comment names the two and what they gain, within a screen; summary and comment say the same; the check passes."""
    ran = check(two_lines(tmp_path / "w"), forge, tmp_path / "t")
    assert ran.code == 0, ran.log
    (body,) = forge.bodies
    assert body.startswith(f"{MARK}\n**hubcfg plan: wider**")
    assert "p003@acme.example" in body
    assert "p009@acme.example" in body
    assert "crm.contacts" in body
    assert "p004@" not in body
    assert body.count("\n") < 40
    assert body.partition("\n")[2].strip() == ran.summary.strip()


def test_a_change_of_two_hundred_people_is_folded(forge: Forge, tmp_path: Path) -> None:
    """The first line has the sum; who they are is folded away; all of them are there once, and it fits."""
    repository = propose(tmp_path / "w", {"groups.yaml": WIDER})
    ran = check(repository, forge, tmp_path / "t")
    assert ran.code == 0, ran.log
    (body,) = forge.bodies
    assert f"{PEOPLE} permissions gained" in body.splitlines()[1]
    unfolded = body.partition("<details>")[0]
    assert unfolded.count("@acme.example") <= 5
    assert len(unfolded) < 1000
    assert {f"p{number:03}@acme.example" in body for number in range(1, PEOPLE + 1)} == {True}
    assert len(body) < GITHUB_LIMIT


def test_a_refactoring_is_said_to_be_one(forge: Forge, tmp_path: Path) -> None:
    """Everything is written anew and nobody's access changes: the comment says so, and the check passes."""
    moved = dict.fromkeys(range(1, 41), "{role: member, permissions: [psa.tickets.create, psa.tickets.read]}")
    change = {"users.yaml": None, "people/everybody.yaml": people(moved), "org.yaml": f"# Ours\n{ORG}"}
    ran = check(propose(tmp_path / "w", change), forge, tmp_path / "t")
    assert ran.code == 0, ran.log
    (body,) = forge.bodies
    assert re.search(r"\*\*hubcfg plan:.*(equivalent|nothing to change)", body)
    assert "gains" not in body
    assert "p001@" not in body


def test_a_fork_has_everything_but_the_comment(forge: Forge, tmp_path: Path) -> None:
    """Its token may write nothing: no request is made, nothing is uploaded to code scanning, and the run says so and passes."""
    forge.may_write = False
    repository = two_lines(tmp_path / "w")
    ran = check(repository, forge, tmp_path / "t", event=pull_request_event(repository, origin="stranger/access"))
    assert ran.code == 0, ran.log
    assert "**hubcfg plan: wider**" in ran.summary
    assert (forge.bodies, forge.requests) == ([], [])
    assert SARIF not in ran.used
    assert ARTIFACT in ran.used
    said = "\n".join(ran.commands("notice"))
    assert "no comment: a pull request from a fork may not write; the run's summary has all of it" in said
    assert "findings are not in code scanning: a pull request from a fork may not write there" in said


def test_a_fork_that_is_gone_is_still_a_fork(forge: Forge, tmp_path: Path) -> None:
    """GitHub then names no repository; nothing is written."""
    repository = two_lines(tmp_path / "w")
    event = pull_request_event(repository)
    event["pull_request"]["head"]["repo"] = None
    ran = check(repository, forge, tmp_path / "t", event=event)
    assert ran.code == 0, ran.log
    assert forge.requests == []


def test_a_fork_s_errors_fail_the_check_all_the_same(forge: Forge, tmp_path: Path) -> None:
    """The check is as strict as for anybody, and its lines are annotated."""
    repository = propose(tmp_path / "w", {"users.yaml": people({9: UNAPPROVED})})
    ran = check(repository, forge, tmp_path / "t", event=pull_request_event(repository, origin="stranger/access"))
    assert ran.code == 1
    (error,) = ran.commands("error")
    assert "title=unapproved-sensitive-grant" in error
    assert "unapproved-sensitive-grant" in ran.summary


def test_a_token_that_may_not_write_is_no_failure(forge: Forge, tmp_path: Path) -> None:
    """Where the job was given no right to comment, the run says so and passes: Dependabot's pull requests are such."""
    forge.may_write = False
    repository = two_lines(tmp_path / "w")
    event = pull_request_event(repository, author="dependabot[bot]")
    ran = check(repository, forge, tmp_path / "t", event=event)
    assert ran.code == 0, ran.log
    assert SARIF not in ran.used
    said = "\n".join(ran.commands("notice"))
    assert "no comment: the token may not write one" in said
    assert "a pull request by Dependabot may not write there" in said


def attack(root: Path) -> Repository:
    """Returns a change of everybody with one line that takes a sensitive permission, and files that would be run or shown."""
    extra = dict.fromkeys(range(1, PEOPLE + 1), "{role: member, groups: [desk, sales]}")
    extra[117] = "{role: member, groups: [desk, sales], permissions: ['psa.*']}"
    evil = "raise SystemExit('taken over')\n"
    tests = (
        "kind: Tests\norg: acme\ntests:\n"
        '  - {name: "</details> @admins ![x](https://evil.example/x) ::add-mask::p", user: p001@acme.example, cannot: [psa.tickets.read]}\n'
        '  - {name: "::error title=forged::look ##[error]forged ##[add-mask]p", user: p001@acme.example, cannot: [psa.tickets.read]}\n'
    )
    change: dict[str, str | None] = {
        "users.yaml": people(extra),
        "tests.yaml": tests,
        "org.yaml": ORG.replace("Acme IT", '"</details><!-- hubcfg plan --> ::error::x @admins"'),
        **dict.fromkeys(("json.py", "argparse.py", "hubcfg/__init__.py", "pip/__init__.py", "sitecustomize.py"), evil),
        ".git-hooks/post-checkout": "#!/bin/sh\ntouch taken-over\n",
    }
    return propose(root, change, branch='x";touch${IFS}taken-over;"')


def test_an_attack_is_stopped_and_shown_first(forge: Forge, tmp_path: Path) -> None:
    """The one line among hundreds heads the comment with its place and what to do; the check fails; nothing of it runs or speaks."""
    repository = attack(tmp_path / "w")
    event = pull_request_event(repository, title="$(touch taken-over) `touch taken-over`")
    ran = check(repository, forge, tmp_path / "t", event=event)
    assert ran.code == 1
    assert "taken over" not in ran.log
    assert not [*tmp_path.rglob("taken-over")]
    (body,) = forge.bodies
    lines = body.splitlines()
    assert lines[1].startswith("**hubcfg: ")
    assert "This can't be merged as it is." in lines[1]
    (line,) = [one for one in lines if one.startswith("- **unapproved-sensitive-grant**")]
    assert lines.index(line) < 8
    assert "`users.yaml:121`" in line
    assert f"({SERVER}/acme/access/blob/{repository.head}/users.yaml#L121)" in line
    assert "hubcfg approve --as olga@acme.example" in line
    errors = ran.commands("error")
    assert errors
    assert not [one for one in errors if "forged" in one]
    assert not ran.commands("add-mask")
    page = str(cmarkgfm.github_flavored_markdown_to_html(body, options=Options.CMARK_OPT_UNSAFE))
    assert "<img" not in page
    assert "evil.example" not in "".join(re.findall(r'href="(.*?)"', page))
    assert "@admins" not in re.sub(r"<code>.*?</code>", "", page, flags=re.S)
    assert page.count("<details>") == page.count("</details>")
    assert body.count(MARK) == 1


def test_a_comment_is_found_on_a_later_page_and_updated(forge: Forge, tmp_path: Path) -> None:
    """After a hundred and twenty other comments there is still one of ours, with what is the case now."""
    for number in range(110):
        forge.add(f"comment {number}", "kim")
    forge.add(f"{MARK}\nwhat it was yesterday", BOT, is_bot=True)
    for number in range(20):
        forge.add(f"later {number}", "lee")
    ran = check(two_lines(tmp_path / "w"), forge, tmp_path / "t")
    assert ran.code == 0, ran.log
    assert len(forge.comments) == 131
    assert "**hubcfg plan: wider**" in forge.bodies[110]
    assert [one for one in forge.requests if "page=2" in one]
    assert [one.partition(" ")[0] for one in forge.requests if not one.startswith("GET")] == ["POST", "PATCH"]


def test_nobody_else_s_comment_is_taken_for_ours(forge: Forge, tmp_path: Path) -> None:
    """Somebody who writes the mark first could edit the plan later, under everybody's eyes; theirs is left alone."""
    forge.add(f"{MARK}\n**hubcfg plan: equivalent** nothing to see", "mallory")
    forge.add(f"look at this:\n{MARK}", BOT, is_bot=True)
    check(two_lines(tmp_path / "w"), forge, tmp_path / "t")
    assert forge.bodies[0].endswith("nothing to see")
    assert len(forge.comments) == 3
    assert "**hubcfg plan: wider**" in forge.bodies[2]


def test_a_second_run_repeats_nothing(forge: Forge, tmp_path: Path) -> None:
    """There is one comment after two runs, and it is about the later one."""
    check(propose(tmp_path / "a", {"groups.yaml": WIDER}), forge, tmp_path / "t1")
    later = two_lines(tmp_path / "b")
    check(later, forge, tmp_path / "t2")
    (body,) = forge.bodies
    assert later.head[:10] in body
    assert "crm.contacts" in body


def test_a_comment_that_can_not_be_brought_up_to_date_fails_the_check(forge: Forge, tmp_path: Path) -> None:
    """An old comment under a green check would be a lie; the summary is there all the same."""
    forge.add(f"{MARK}\nwhat it was yesterday", BOT, is_bot=True)
    forge.faults = [422]
    ran = check(two_lines(tmp_path / "w"), forge, tmp_path / "t")
    assert ran.code == 3
    (error,) = ran.commands("error")
    assert "may be out of date" in error
    assert "**hubcfg plan: wider**" in ran.summary


def test_a_change_elsewhere_gets_no_comment(forge: Forge, tmp_path: Path) -> None:
    """In a repository of many things, a pull request that does not touch the project is left in peace."""
    repository = propose(tmp_path / "w", {"../README.md": "Hello\n"}, folder="access")
    ran = check(repository, forge, tmp_path / "t", project="access")
    assert ran.code == 0, ran.log
    assert forge.bodies == []
    assert "**hubcfg plan:" in ran.summary


def test_two_projects_of_a_repository_have_a_comment_each(forge: Forge, tmp_path: Path) -> None:
    """Each is found again by its own mark, says whose it is, and links to the files where they are."""
    before = {f"{folder}/{name}": text for folder in ("teams/east", "west") for name, text in files().items()}
    before["west/hubcfg.yaml"] = PROJECT.replace("acme-access", "acme-west")
    change = {"teams/east/groups.yaml": WIDER, "west/users.yaml": people({9: UNAPPROVED})}
    repository = propose(tmp_path / "w", change, before=before)
    for number in (1, 2):
        assert check(repository, forge, tmp_path / f"e{number}", project="teams/east").code == 0
        ran = check(repository, forge, tmp_path / f"w{number}", project="./west/")
        assert ran.used[ARTIFACT]["name"] == "hubcfg-plan-west"
    east, west = forge.bodies
    assert east.startswith("<!-- hubcfg plan: teams/east -->\n### `teams/east`\n")
    assert west.startswith("<!-- hubcfg plan: west -->\n### `west`\n")
    assert f"/blob/{repository.head}/west/users.yaml#L" in west


def test_what_has_landed_meanwhile_is_not_taken_for_the_change(forge: Forge, tmp_path: Path) -> None:
    """The plan is about the change alone, and says that the target has moved on; approvals are judged by its tip."""
    extra = dict.fromkeys((3, 9), "{role: member, groups: [desk, sales]}")
    repository = propose(tmp_path / "w", {"users.yaml": people(extra)}, landed_since={"groups.yaml": WIDER})
    ran = check(repository, forge, tmp_path / "t")
    assert ran.code == 0, ran.log
    (body,) = forge.bodies
    assert "psa.tickets" not in body
    assert "> 1 commit landed on the target meanwhile" in body
    tip = repository.git("rev-parse", "origin/main")
    assert f"approvals judged by `origin/main` ({tip[:10]})" in ran.log


def test_a_clone_without_history_is_an_error_that_says_so(forge: Forge, tmp_path: Path) -> None:
    """Without the target nothing can be judged: the check fails and names what is to be fetched."""
    repository = two_lines(tmp_path / "w")
    repository.git("update-ref", "-d", "refs/remotes/origin/main")
    ran = check(repository, forge, tmp_path / "t")
    assert ran.code != 0
    assert "no-trusted-base" in "\n".join(ran.commands("error"))
    assert "no-trusted-base" in forge.bodies[0]


def test_broken_yaml_leaves_a_comment_without_a_plan(forge: Forge, tmp_path: Path) -> None:
    """What can't be read can't be planned: the comment has the errors, and says that there is no plan, in words of its own."""
    ran = check(propose(tmp_path / "w", {"users.yaml": "kind: Users\norg: [acme\n"}), forge, tmp_path / "t")
    assert ran.code == 1
    (body,) = forge.bodies
    assert "- **invalid-yaml** at [`users.yaml:" in body
    assert "No plan: errors keep it from being known who would hold what." in body
    assert "-->" not in body.partition("\n")[2]


def test_failing_tests_fail_the_check(forge: Forge, tmp_path: Path) -> None:
    """A project's own tests are part of it; the comment names the failed ones, beside the plan."""
    tests = files()["tests.yaml"].replace("can:", "cannot:")
    ran = check(propose(tmp_path / "w", {"tests.yaml": tests}), forge, tmp_path / "t")
    assert ran.code == 1
    (body,) = forge.bodies
    assert "**hubcfg: 1 test failed. This can't be merged as it is.**" in body
    assert "- **failed test** at [`tests.yaml:4`]" in body


def test_form_counts_where_asked(forge: Forge, tmp_path: Path) -> None:
    """Files that `hubcfg fmt` would write otherwise fail the check only with `format: true`."""
    repository = propose(
        tmp_path / "w", {"org.yaml": ORG.replace("products: {psa: active,", "products:   {psa: active,  ")}
    )
    assert check(repository, forge, tmp_path / "t1").code == 0
    ran = check(repository, forge, tmp_path / "t2", format="true")
    assert ran.code == 1
    assert [one for one in ran.commands("error") if "canonical form" in one]


def test_a_push_is_validated_without_a_plan(forge: Forge, tmp_path: Path) -> None:
    """On the default branch there is nothing to compare with and nobody to tell; errors count, findings are uploaded."""
    repository = land(tmp_path / "w")
    told = variables(forge, GITHUB_REF="refs/heads/main", GITHUB_REF_NAME="main")
    machine = replace(machine_for(repository, forge, tmp_path / "t", {}), event_name="push", variables=told,
                      event={"repository": {"default_branch": "main"}})  # fmt: skip
    ran = machine.run({})
    assert ran.code == 0, ran.log
    assert ran.steps["Plan"] == "skipped"
    assert "no errors, 1 test passed" in ran.summary
    assert SARIF in ran.used
    assert forge.requests == []


def test_a_merge_queue_is_checked_like_a_pull_request(forge: Forge, tmp_path: Path) -> None:
    """A queue's run names its target in the event; approvals are judged by that."""
    repository = propose(tmp_path / "w", {"users.yaml": people({9: UNAPPROVED})})
    event = {"merge_group": {"base_ref": "refs/heads/main"}, "repository": {"default_branch": "main"}}
    machine = replace(machine_for(repository, forge, tmp_path / "t", event), event_name="merge_group",
                      variables=variables(forge, GITHUB_REF_NAME="gh-readonly-queue/main/pr-7"))  # fmt: skip
    ran = machine.run({})
    assert ran.code == 1
    assert "**hubcfg plan: wider" in ran.summary
    assert forge.requests == []


def test_code_scanning_that_refuses_is_no_failure(forge: Forge, tmp_path: Path) -> None:
    """Not every repository has it: the run says what to do and passes."""
    ran = check(two_lines(tmp_path / "w"), forge, tmp_path / "t", refusing=(SARIF,))
    assert ran.code == 0, ran.log
    assert "security-events: write" in "\n".join(ran.commands("notice"))
    sarif = json.loads(Path(ran.used[SARIF]["sarif_file"]).read_text("utf-8"))
    assert sarif["version"] == "2.1.0"


def test_inputs_switch_things_off(forge: Forge, tmp_path: Path) -> None:
    """Without comment, upload and page nothing leaves the run but its log and summary."""
    ran = check(two_lines(tmp_path / "w"), forge, tmp_path / "t", comment="false", sarif="false", artifact="false")
    assert ran.code == 0, ran.log
    assert forge.requests == []
    assert set(ran.used) == {"actions/setup-python"}
    assert "**hubcfg plan: wider**" in ran.summary


def test_no_step_has_untrusted_text_in_its_script() -> None:
    """Expressions stand in no script at all, so nothing that an author chooses can become part of one."""
    scripts = (ROOT / "action.yml").read_text("utf-8").split("run: |")[1:]
    assert len(scripts) > 8
    for block in scripts:
        assert "${{" not in block.partition("\n    - name:")[0]
