"""`hubcfg approve`, with real keys: what is outstanding, what is signed, and by whom."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hubcfg.parser.parse import parse_text
from hubcfg.views.schemas import output_schemas
from tests.unit.cli.running import Outcome, Run
from tests.unit.cli.signing import ADA, FAY, KIM, LEE, OLGA, SAM, Project, agent, execute, make_project, plain
from tests.unit.cli.talking import talk

GOLDEN = Path(__file__).parents[2] / "cases" / "approving"

Sign = Callable[..., Outcome]


@pytest.fixture
def project(tmp_path: Path, hubcfg: Run, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that has landed with all its approvals, and then asks for more."""
    for variable in ("CI", "HUBCFG_BASE", "SSH_AUTH_SOCK", "GITHUB_ACTIONS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    made = make_project(tmp_path)
    first = ("approve", "--as", OLGA, "--all", "--reason", "The first admin", "--key", made.key(OLGA))
    assert hubcfg("-C", str(made.root), *first).code == 0
    made.commit()
    made.ask_for_more()
    return made


@pytest.fixture
def sign(project: Project, hubcfg: Run) -> Sign:
    """Runs `hubcfg approve`; `by` is who approves, with the own key unless another is given."""

    def run(*arguments: str, by: str | None = None, key: str | None = None, reason: str | None = "Because") -> Outcome:
        who = ["--as", by, "--key", key or project.key(by)] if by else []
        why = ["--reason", reason] if by and reason is not None else []
        return hubcfg("-C", str(project.root), "approve", *arguments, *who, *why)

    return run


def read(path: Path) -> dict[str, Any]:
    """Returns a document as hubcfg reads it: dates are text."""
    (document,) = parse_text(path.name, path.read_text()).documents
    assert isinstance(document.value, dict)
    return document.value


def written(project: Project) -> dict[str, Any]:
    """Returns the one approval that was added to the first."""
    files = [path for path in project.approvals() if "-ada" not in path.name]
    assert len(files) == 1, files
    return read(files[0])


def test_it_lists_what_is_outstanding(sign: Sign, project: Project) -> None:
    """Without options: who lacks what, of which category, through what, who may approve it, and by what that was judged."""
    outcome = sign()
    assert outcome.code == 1
    assert plain(outcome.out, project) == (
        "sam@fabrikam.example in fabrikam\n"
        "    - psa.tickets.delete  deletion\n"
        "    may be approved by fay@fabrikam.example\n"
        "kim@northwind.example in northwind\n"
        "    - psa.tickets.delete  deletion, through desk\n"
        "    may be approved by ada@northwind.example, olga@northwind.example\n"
        "lee@northwind.example in northwind\n"
        "    - the role admin\n"
        "    may be approved by ada@northwind.example, olga@northwind.example\n"
        "3 items outstanding, judged by `HEAD` (<commit>)\n"
    )
    assert outcome.err == "`hubcfg approve --as USER` with `--all`, `--user` or `--permission` signs\n"
    assert len(project.approvals()) == 1


def test_what_it_lists_as_json_fits_its_schema(sign: Sign, project: Project) -> None:
    """`--format json` is one document before signing, and after it, when what was signed is not outstanding any more."""
    schema = Draft202012Validator(output_schemas()["hubcfg.outstanding/1"])
    before, after = sign("--format", "json"), sign("--format", "json", "--user", KIM, by=ADA)
    for outcome in (before, after, sign("--format", "json", "--org", "fabrikam")):
        schema.validate(outcome.json)
    assert before.code == 1
    assert [(one["user"], one["permission"], one["role"]) for one in before.json["outstanding"]] == [
        (SAM, "psa.tickets.delete", None),
        (KIM, "psa.tickets.delete", None),
        (LEE, None, "admin"),
    ]
    assert after.code == 0
    assert [one["user"] for one in after.json["outstanding"]] == [SAM, LEE]
    assert [one["file"] for one in after.json["signed"]] == [
        path.relative_to(project.root).as_posix() for path in project.approvals() if "kim" in path.name
    ]


def test_what_it_prints_is_what_it_signs(sign: Sign, project: Project) -> None:
    """Every field of the written document stands in what was shown, and nothing else: read back, both are the same."""
    outcome = sign("--all", "--ticket", "CHG-1", "--expires", "2999-01-01", by=ADA, reason="Old queue: clean-up")
    assert outcome.code == 0
    shown = outcome.out.partition("About to sign:\n")[2].partition("It is good until")[0]
    shown_document: dict[str, Any] = {"kind": "Approval"}
    grants: list[dict[str, Any]] = []
    for line in shown.splitlines():
        if match := re.fullmatch(r"  (\w+):\s+(.+)", line):
            shown_document[match[1]] = match[2]
        elif match := re.fullmatch(r"  (\S+@\S+)(?: \(uid (\S+)\))?", line):
            grants.append({"user": match[1]} | ({"uid": match[2]} if match[2] else {}))
        elif match := re.fullmatch(r"    \+ the role (\w+)", line):
            grants[-1]["role"] = match[1]
        else:
            match = re.fullmatch(r"    \+ (\S+)", line)
            assert match, line
            grants[-1].setdefault("permissions", []).append(match[1])
    document = written(project)
    del document["signature"]
    assert shown_document | {"grants": grants} == document
    assert grants == [
        {"user": LEE, "role": "admin"},
        {"user": KIM, "uid": "7d0e4f", "permissions": ["psa.tickets.delete"]},
    ]


@pytest.mark.parametrize(
    ("options", "users"),
    [
        (["--user", KIM], [KIM]),
        (["--user", LEE], [LEE]),
        (["--permission", "psa.tickets.*"], [KIM]),
        (["--permission", "psa.tickets.delete", "--user", KIM], [KIM]),
        (["--all"], [KIM, LEE]),
        (["--all", "--org", "northwind"], [KIM, LEE]),
    ],
    ids=" ".join,
)
def test_options_choose(sign: Sign, project: Project, options: list[str], users: list[str]) -> None:
    """What is signed is what the options name, of what the approver may approve."""
    assert sign(*options, by=ADA).code == 0
    assert sorted({grant["user"] for grant in written(project)["grants"]}) == users


def test_it_never_signs_more_than_is_outstanding(sign: Sign, project: Project) -> None:
    """Once signed, nothing of it is outstanding, and a second run signs nothing; `validate` has nothing to say either."""
    assert sign("--all", by=ADA).code == 0
    again = sign("--all", by=ADA)
    assert again.code == 1
    assert again.err.startswith(f"error: `{ADA}` may approve nothing of what is outstanding")
    assert sign("--all", by=FAY).code == 0
    last = sign()
    assert last.code == 0
    assert last.out.startswith("nothing is outstanding: all that needs an approval has one, judged by `HEAD`")
    assert len(project.approvals()) == 3


def test_one_approval_an_org(sign: Sign, project: Project) -> None:
    """Whoever may approve in two orgs signs an approval for each; the ids differ, and `--out` takes only one."""
    project.replace("fabrikam.yaml", "  sam@", "  olga@northwind.example: {role: admin}\n  sam@")
    project.commit()
    refused = sign("--all", "--out", str(project.root / "one.yaml"), by=OLGA)
    assert refused.code == 2
    assert "`--out` takes one approval, and these are for `fabrikam`, `northwind`" in refused.err
    outcome = sign("--all", by=OLGA)
    assert outcome.code == 0
    assert outcome.out.count("About to sign:") == 2
    orgs = {read(path)["org"] for path in project.approvals() if "-ada" not in path.name}
    assert orgs == {"northwind", "fabrikam"}


def test_reason_ticket_and_end_are_signed_as_typed(sign: Sign, project: Project) -> None:
    """Words that YAML would take for something else come back as the text that they are, and count."""
    assert sign("--all", "--ticket", "0012", "--expires", "2999-01-01", by=ADA, reason="yes # no: 'ä' ~").code == 0
    document = written(project)
    assert (document["ticket"], document["expires"], document["reason"]) == ("0012", "2999-01-01", "yes # no: 'ä' ~")
    assert sign(by=ADA, reason=None).code == 1


@pytest.mark.parametrize("text", ["fine\n  approver:    somebody", "fine\x1b[2K", "fine\u202eenif", "\udcff", " "])
@pytest.mark.parametrize("option", ["--reason", "--ticket"])
def test_what_cannot_be_seen_is_not_signed(sign: Sign, option: str, text: str) -> None:
    """Line breaks, terminal controls, what turns the direction, and nothing at all: refused before anything is shown."""
    outcome = sign("--all", "--reason", "x", option, text, by=ADA, reason=None)
    assert outcome.code == 2
    assert outcome.err.startswith(f"error: `{option}` ")


@pytest.mark.parametrize(
    ("expires", "until"),
    [
        ("2999-01-01", None),
        ("2999-01-01T00:00:00Z", None),
        ("in a week", "is not a date"),
        ("2020-01-01", "has passed"),
    ],
)
def test_the_end_lies_in_the_future(sign: Sign, expires: str, until: str | None) -> None:
    """`--expires` takes a date or instant to come; it says that the age allowed is the limit all the same."""
    outcome = sign("--all", "--expires", expires, by=ADA)
    assert outcome.code == (0 if until is None else 2)
    assert until is None or until in outcome.err
    assert "2999-01-02" not in outcome.out.partition("good until")[2]


def test_the_file_can_be_chosen(sign: Sign, project: Project) -> None:
    """`--out` writes elsewhere, folders and all; what exists is never overwritten, and where nothing can be written nothing is signed."""
    out = project.root / "elsewhere" / "here.yaml"
    assert sign("--user", KIM, "--out", str(out), by=ADA).out.endswith("signed elsewhere/here.yaml\n")
    assert read(out)["approver"] == ADA
    again = sign("--user", LEE, "--out", str(out), by=ADA)
    assert again.code == 1
    assert again.err.startswith(f"error: `{out}` exists already\n")
    blocked = sign("--user", LEE, "--out", str(out / "below.yaml"), by=ADA)
    assert blocked.code in (1, 3)
    assert str(out) in blocked.err


def test_a_failed_signature_leaves_no_file(sign: Sign, project: Project) -> None:
    """Where `ssh-keygen` cannot use the key, no empty file stays behind."""
    key = Path(project.key(ADA))
    key.chmod(0o644)
    outcome = sign("--all", by=ADA)
    assert outcome.code == 3
    assert "because other people can read it" in outcome.err
    assert len(project.approvals()) == 1


@pytest.mark.parametrize(
    ("arguments", "by", "code", "says"),
    [
        (["--all"], "nobody@northwind.example", 2, "there is no user `nobody@northwind.example` in `HEAD`"),
        (["--all"], "adda@northwind.example", 2, f"did you mean `{ADA}`?"),
        (["--all"], KIM, 1, f"`{KIM}` may approve nothing of what is outstanding"),
        (["--user", SAM], ADA, 2, f"nothing that you may approve is outstanding for `{SAM}`"),
        (["--permission", "rmm.*"], ADA, 2, "nothing that you may approve is outstanding for `rmm.*`"),
        (["--change", "trust"], ADA, 2, "no change of `trust` that you may approve is outstanding"),
        (["--all", "--user", KIM], ADA, 2, "`--all` does not go with options that say less"),
        (["--all", "--org", "northwnd"], ADA, 2, "did you mean `northwind`?"),
        ([], ADA, 2, "say what to approve"),
    ],
)
def test_what_cannot_be_done_is_said(
    sign: Sign, project: Project, arguments: list[str], by: str, code: int, says: str
) -> None:
    """Unknown people, orgs and permissions, those who may approve nothing, and options that say nothing."""
    outcome = sign(*arguments, by=by, key=project.key(ADA))
    assert outcome.code == code
    assert says in outcome.err
    assert len(project.approvals()) == 1


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_reason_is_due(sign: Sign, reason: str | None) -> None:
    """Without a terminal to ask on, `--reason` must say something."""
    outcome = sign("--all", by=ADA, reason=reason)
    assert outcome.code == 2
    assert "`--reason`" in outcome.err


def test_who_approves_is_due(hubcfg: Run, project: Project) -> None:
    """Without a terminal to ask on, somebody must be named before anything is signed."""
    outcome = hubcfg("-C", str(project.root), "approve", "--all", "--reason", "x")
    assert outcome.code == 2
    assert outcome.err == "error: name yourself with `--as USER` to approve\n"


@pytest.mark.parametrize(
    ("owner", "says"),
    [
        ("stray@elsewhere.example", f"is not one of `{ADA}` in `trust/allowed_signers`"),
        (OLGA, f"belongs to `{OLGA}`, not to `{ADA}`"),
    ],
)
def test_the_key_must_be_the_approver_s(sign: Sign, project: Project, owner: str, says: str) -> None:
    """A key that the signers file gives to nobody, or to somebody else, is refused before it signs."""
    outcome = sign("--all", by=ADA, key=project.key(owner))
    assert outcome.code == 1
    assert says in outcome.err
    assert "About to sign" not in outcome.out


def test_a_revoked_key_is_refused_before_it_signs(sign: Sign, project: Project) -> None:
    """A key that the tree disowns counts no more at once, though the base does not know of it yet."""
    (project.root / "trust" / "revoked").write_text(Path(project.key(ADA) + ".pub").read_text())
    outcome = sign("--all", by=ADA)
    assert outcome.code == 1
    assert "is revoked at line 1 of `trust/revoked`" in outcome.err


def test_a_key_added_in_the_same_change_does_not_sign(sign: Sign, project: Project) -> None:
    """The signers file of the base counts, so a key that was only just added signs nothing."""
    stray = project.key("stray@elsewhere.example")
    signers = project.root / "trust" / "allowed_signers"
    signers.write_text(f"{signers.read_text()}{ADA} {Path(stray + '.pub').read_text()}")
    outcome = sign("--user", KIM, by=ADA, key=stray)
    assert outcome.code == 1
    assert f"is not one of `{ADA}`" in outcome.err


def test_trust_changes_are_signed_by_root_holders(sign: Sign, project: Project) -> None:
    """A new line of the signers file is a change of its own, for each org by its root holder, with what the digest stands for."""
    signers = project.root / "trust" / "allowed_signers"
    signers.write_text(f"{signers.read_text()}{LEE} {Path(project.key('stray@x') + '.pub').read_text()}")
    listed = sign("--format", "json").json["outstanding"]
    changes = [(one["org"], one["change"]["change"], one["approvers"]) for one in listed if one["change"]]
    assert changes == [("fabrikam", "trust", [FAY]), ("northwind", "trust", [OLGA])]
    outcome = sign("--change", "trust", by=OLGA)
    assert outcome.code == 0
    assert "    trust settings: signers\n" in outcome.out
    document = next(read(path) for path in project.approvals() if path.name.endswith("-trust.yaml"))
    assert document["changes"] == [listed[-1]["change"]]
    assert f"change trust: digest {document['changes'][0]['digest']}\n" in outcome.out


def test_without_signers_it_says_how_to_begin(sign: Sign, project: Project) -> None:
    """Where the base names no signers file, no key could count: nobody is led to sign in vain."""
    project.replace("hubcfg.yaml", "approvals: {signers: trust/allowed_signers}\n", "")
    project.commit()
    outcome = sign("--user", KIM, by=ADA)
    assert outcome.code == 1
    assert "no signers file says whose key is whose, in `HEAD`" in outcome.err
    assert "help: the first one lands with the first commit" in outcome.err


def test_the_agent_signs(hubcfg: Run, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--key` a real SSH agent signs, with that of its keys that is the approver's."""
    with agent(project.keys, project.key(OLGA), project.key(ADA)) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        outcome = hubcfg("-C", str(project.root), "approve", "--as", ADA, "--user", KIM, "--reason", "x")
        assert outcome.code == 0
        refused = hubcfg("-C", str(project.root), "approve", "--as", FAY, "--all", "--reason", "x")
    assert written(project)["approver"] == ADA
    assert refused.code == 1
    assert f"the SSH agent holds no key that `trust/allowed_signers` gives to `{FAY}`" in refused.err


def test_without_an_agent_the_key_is_found_for_the_help(hubcfg: Run, project: Project, tmp_path: Path) -> None:
    """Where no agent runs, help names the key in `~/.ssh` that would count; and else how to start an agent."""
    command = ("-C", str(project.root), "approve", "--as", ADA, "--user", KIM, "--reason", "x")
    without = hubcfg(*command)
    assert without.code == 3
    assert "no SSH agent is running" in without.err
    assert "`eval $(ssh-agent)`" in without.err
    (tmp_path / ".ssh").mkdir()
    for end in ("", ".pub"):
        (tmp_path / ".ssh" / f"id_work{end}").write_text(Path(project.key(ADA) + end).read_text())
    assert "help: your key is there: name it with `--key ~/.ssh/id_work`\n" in hubcfg(*command).err


def test_missing_programs_are_named(
    sign: Sign, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without `git` there is no base, without `ssh-keygen` no signature: each is called by its name."""
    bare = tmp_path / "bare"
    bare.mkdir()
    with monkeypatch.context() as without:
        without.setenv("PATH", str(bare))
        outcome = sign("--all", by=ADA)
    assert outcome.code == 1
    assert "`git` is not installed" in outcome.err
    git = execute("sh", "-c", "command -v git").strip()
    (bare / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(bare))
    outcome = sign("--all", by=ADA)
    assert outcome.code == 3
    assert "`ssh-keygen` is not installed" in outcome.err
    assert "install OpenSSH" in outcome.err
    assert len(project.approvals()) == 1


def test_a_base_can_be_named(sign: Sign, project: Project) -> None:
    """`--base` decides what is outstanding: by the first commit it is more than by the last."""
    project.commit()
    assert "3 items outstanding, judged by `main~1`" in sign("--base", "main~1").out
    missing = sign("--base", "mian")
    assert missing.code == 1
    assert "the base `mian` can't be read" in missing.err


def test_other_errors_are_pointed_out(sign: Sign, project: Project) -> None:
    """Errors elsewhere may hide what needs approvals, so `nothing is outstanding` is not claimed; some leave nothing to judge."""
    project.replace("northwind.yaml", "psa.tickets.delete", "psa.tickets.delet")
    assert sign("--user", LEE, by=ADA).code == 0
    outcome = sign("--org", "northwind")
    assert outcome.code == 1
    assert outcome.out.startswith("nothing is known to be outstanding, but not everything could be looked at")
    assert "1 error of other kinds may hide more" in outcome.err
    (project.root / "hubcfg.yaml").write_text("hubcfg: 99\n")
    assert sign().code == 1


CLIENTS = """kind: Org
id: msp
---
kind: Clients
org: msp
clients: {contoso: {name: Contoso}, tailspin: {name: Tailspin}}
---
kind: Teams
org: msp
teams: {desk: {leads: [lea@msp.example], members: [tim@msp.example]}}
---
kind: Users
org: msp
users:
  ada@msp.example: {role: administrator}
  lea@msp.example: {role: manager, clients: all}
  tim@msp.example: {role: technician, clients: [tailspin, contoso], permissions: [devices.devices.wipe]}
"""


def test_clients_are_shown_and_signed(hubcfg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where staff work for assigned clients, these are part of what is shown and signed, of roles too."""
    monkeypatch.setenv("NO_COLOR", "1")
    project = make_project(tmp_path)
    for path in project.root.glob("*.yaml"):
        path.unlink()
    execute("rm", "-r", str(project.root / ".git"))
    signers = project.root / "trust" / "allowed_signers"
    signers.write_text(signers.read_text().replace(OLGA, "ada@msp.example"))
    (project.root / "hubcfg.yaml").write_text(
        "hubcfg: 1\nproject: msp-access\nplatform: opspilot365\napprovals: {signers: trust/allowed_signers}\n"
    )
    (project.root / "msp.yaml").write_text(CLIENTS)
    command = ("-C", str(project.root), "approve", "--as", "ada@msp.example", "--all", "--reason", "x")
    outcome = hubcfg(*command, "--key", project.key(OLGA))
    assert outcome.code == 0, outcome.err
    assert "  lea@msp.example for contoso, tailspin\n    + the role manager\n" in outcome.out
    assert "  tim@msp.example for contoso, tailspin\n    + devices.devices.wipe\n" in outcome.out
    (file,) = project.approvals()
    assert [(grant["user"], grant["clients"]) for grant in read(file)["grants"]] == [
        ("lea@msp.example", ["contoso", "tailspin"]),
        ("tim@msp.example", ["contoso", "tailspin"]),
    ]
    assert hubcfg(*command).out.endswith("judged by the tree itself\n")


CONVERSATIONS = {
    # Nobody is named: the key at hand says who it is; a slip is asked again; one number of the list, then the reason.
    "asked": ([], [("Approve as", ""), ("Approve which?", "7"), ("Approve which?", "1"), ("Approve which?", "2"),
                   ("Reason", ""), ("Reason", "Old queue"), ("Sign this", "y")]),
    # Somebody else than the agent thinks: misspelt first.
    "misspelt": ([], [("Approve as", "adda@northwind.example"), ("Approve as", ADA), ("Approve which?", "all"),
                      ("Reason", "Old queue"), ("Sign this", "y")]),
    # What to approve and why is said already: only the signature is asked for, and declined.
    "declined": (["--as", ADA, "--user", LEE, "--reason", "New lead"], [("Sign this", "n")]),
    # Everything by options but the reason.
    "reason": (["--as", ADA, "--all"], [("Reason", "Both are due"), ("Sign this", "y")]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_on_a_terminal(project: Project, name: str, bless: bool) -> None:
    """The whole conversation, as the terminal shows it, is the one in tests/cases/approving."""
    arguments, answers = CONVERSATIONS[name]
    with agent(project.keys, project.key(ADA)) as socket:
        environment = {**os.environ, "SSH_AUTH_SOCK": socket, "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "100"}
        shown, code = talk(["approve", *arguments], answers, project.root, environment)
    text = f"$ hubcfg {' '.join(['approve', *arguments])}\n{plain(shown, project)}exit {code}\n"
    path = GOLDEN / f"{name}.txt"
    if bless:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
    assert len(project.approvals()) == (1 if name == "declined" else 2)


def test_leaving_a_conversation_writes_nothing(project: Project) -> None:
    """The end of input at a question ends the command with 130, and no file is left."""
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm"}
    arguments = ["approve", "--as", ADA, "--all", "--key", project.key(ADA)]
    shown, code = talk(arguments, [("Reason", "\x04")], project.root, environment)
    assert code == 130
    assert "interrupted; nothing is half-written" in shown
    assert len(project.approvals()) == 1
