"""`hubcfg approvals`: what is there, whether it counts, and the payload that anybody can check with `ssh-keygen` alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from hubcfg.parser.parse import parse_text
from hubcfg.views.schemas import output_schemas
from tests.unit.cli.running import Outcome, Run
from tests.unit.cli.signing import ADA, KIM, OLGA, Project, execute, make_project, need, plain


@pytest.fixture
def project(tmp_path: Path, hubcfg: Run, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the first admin's approval, which has landed, and one for Kim, which has not."""
    for variable in ("CI", "HUBCFG_BASE", "SSH_AUTH_SOCK", "GITHUB_ACTIONS"):
        monkeypatch.delenv(variable, raising=False)
    made = make_project(tmp_path)
    for approver, user, reason in ((OLGA, ADA, "The first admin"), (ADA, KIM, "Old queue")):
        options = (
            "--as",
            approver,
            "--user",
            user,
            "--reason",
            reason,
            "--key",
            made.key(approver),
            "--expires",
            "2999-01-01",
        )
        assert hubcfg("-C", str(made.root), "approve", *options).code == 0
        if user == ADA:
            made.commit()
            made.ask_for_more()
    return made


def file_of(project: Project, person: str) -> Path:
    return next(path for path in project.approvals() if path.stem.endswith(person.split("@")[0]))


def look(hubcfg: Run, project: Project, *arguments: str) -> Outcome:
    return hubcfg("-C", str(project.root), "approvals", *arguments)


def test_it_lists_all_with_their_verdicts(hubcfg: Run, project: Project) -> None:
    """Whose, for whom, until when and whether it counts; and by what that was judged."""
    outcome = look(hubcfg, project, "list")
    assert outcome.code == 0
    assert plain(outcome.out, project) == (
        "<day>-ada  northwind: olga@northwind.example for ada@northwind.example\n"
        "  in force until <instant>\n"
        "<day>-kim  northwind: ada@northwind.example for kim@northwind.example\n"
        "  in force until <instant>\n"
        "2 approvals, 2 in force, judged by `HEAD` (<commit>)\n"
    )


def test_it_shows_one_in_full(hubcfg: Run, project: Project) -> None:
    """Everything that was signed, the key that signed it, and the verdict."""
    outcome = look(hubcfg, project, "show", file_of(project, KIM).stem)
    assert outcome.code == 0
    assert plain(outcome.out, project) == (
        "<day>-kim  northwind: ada@northwind.example for kim@northwind.example\n"
        "  in force until <instant>\n"
        "  id:          <day>-kim\n"
        "  project:     northwind-access\n"
        "  org:         northwind\n"
        "  approver:    ada@northwind.example\n"
        "  approved_at: <instant>\n"
        "  expires:     <day>\n"
        "  reason:      Old queue\n"
        "  kim@northwind.example (uid 7d0e4f)\n"
        "    + psa.tickets.delete\n"
        "  signed with: <key>\n"
        "judged by `HEAD` (<commit>)\n"
    )
    fingerprint = execute("ssh-keygen", "-l", "-f", project.key(ADA)).split()[1]
    assert f"  signed with: {fingerprint}\n" in outcome.out


@pytest.mark.parametrize("is_changed", [False, True])
def test_json_fits_its_schemas(hubcfg: Run, project: Project, is_changed: bool) -> None:
    """`list`, `show` and `verify` print documents of the published formats, whether approvals count or not."""
    if is_changed:
        project.replace(f"approvals/northwind/{file_of(project, KIM).name}", "Old queue", "New queue")
    id = file_of(project, KIM).stem
    documents = [
        look(hubcfg, project, *command, "--format", "json").json
        for command in (["list"], ["verify"], ["verify", id], ["show", id])
    ]
    assert [one["format"] for one in documents] == [*["hubcfg.approvals/1"] * 3, "hubcfg.approval/1"]
    for one in documents:
        Draft202012Validator(output_schemas()[one["format"]]).validate(one)
    shown = documents[-1]
    assert (shown["counts"], shown["key"] is None, bool(shown["faults"]), shown["standing"]) == (
        not is_changed,
        is_changed,
        is_changed,
        False,
    )
    assert shown["document"]["reason"] == ("New queue" if is_changed else "Old queue")


def test_verify_tells_by_its_exit_code(hubcfg: Run, project: Project) -> None:
    """0 where all that were asked for count, 1 where one does not, with what is wrong."""
    first, second = file_of(project, ADA).stem, file_of(project, KIM).stem
    assert look(hubcfg, project, "verify").code == 0
    project.replace(f"approvals/northwind/{second}.yaml", "Old queue", "New queue")
    outcome = look(hubcfg, project, "verify")
    assert outcome.code == 1
    assert "something was changed after it was signed" in outcome.out
    assert "\n2 approvals, 1 in force, judged by `HEAD` (" in outcome.out
    assert look(hubcfg, project, "verify", first).code == 0
    assert look(hubcfg, project, "verify", second, first).code == 1


def test_an_unused_approval_is_called_so(hubcfg: Run, project: Project) -> None:
    """What nobody needs any more is said to be of no use, though its signature is good."""
    project.replace("northwind.yaml", "groups: [desk], ", "")
    outcome = look(hubcfg, project, "list")
    assert outcome.code == 0
    assert "but nothing of it is used any more" in outcome.out


def test_as_of_and_base_are_taken(hubcfg: Run, project: Project) -> None:
    """Verdicts are about an instant and a base, and both can be named."""
    late = look(hubcfg, project, "verify", "--as-of", "2999-01-02")
    assert late.code == 1
    assert "is older than 365 days" in late.out
    assert "judged by `main` (" in look(hubcfg, project, "list", "--base", "main").out
    assert look(hubcfg, project, "list", "--base", "mian").code == 1


@pytest.mark.parametrize("command", [["show"], ["show", "--payload"], ["verify"]], ids=" ".join)
def test_an_unknown_id_is_wrong_usage(hubcfg: Run, project: Project, command: list[str]) -> None:
    """With the nearest id that there is."""
    id = file_of(project, KIM).stem
    outcome = look(hubcfg, project, *command, id.replace("kim", "kin"))
    assert outcome.code == 2
    assert f"did you mean `{id}`?" in outcome.err


def payload(project: Project, id: str) -> bytes:
    """Returns the very bytes that the command writes to its standard output."""
    command = [sys.executable, "-c", "from hubcfg.cli.main import main; main()", "approvals", "show", id, "--payload"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout


def verify_with_ssh_keygen(project: Project, approval: Path, approver: str, text: bytes) -> int:
    """Returns the exit code of `ssh-keygen -Y verify` on an approval's signature."""
    (document,) = parse_text(approval.name, approval.read_text()).documents
    assert isinstance(document.value, dict)
    signature = project.keys / "signature"
    signature.write_text(str(document.value["signature"]))
    signers = str(project.root / "trust" / "allowed_signers")
    command = [need("ssh-keygen"), "-Y", "verify", "-f", signers, "-I", approver, "-n", "hubcfg-approval"]
    return subprocess.run([*command, "-s", str(signature)], input=text, capture_output=True, check=False).returncode


def test_ssh_keygen_accepts_the_payload(project: Project) -> None:
    """Piped to `ssh-keygen -Y verify`, the payload is what the approver's key signed; one byte more, or another person, and it is not."""
    approval = file_of(project, KIM)
    text = payload(project, approval.stem)
    assert verify_with_ssh_keygen(project, approval, ADA, text) == 0
    assert verify_with_ssh_keygen(project, approval, ADA, text + b"\n") != 0
    assert verify_with_ssh_keygen(project, approval, OLGA, text) != 0
    assert verify_with_ssh_keygen(project, file_of(project, ADA), OLGA, text) != 0


def test_the_payload_is_the_document_without_its_signature(project: Project) -> None:
    """Canonical JSON: sorted, without spaces or a line break; every value a text, a list or a map, as it was written."""
    approval = file_of(project, KIM)
    text = payload(project, approval.stem)
    value = json.loads(text)
    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (document,) = parse_text(approval.name, approval.read_text()).documents
    assert isinstance(document.value, dict)
    assert value == {key: part for key, part in document.value.items() if key != "signature"}


def test_the_payload_needs_no_base(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The auditor gets it even where nothing can be judged: without Git, or with a base that is gone."""
    before = payload(project, file_of(project, KIM).stem)
    monkeypatch.setenv("HUBCFG_BASE", "gone")
    assert payload(project, file_of(project, KIM).stem) == before
    monkeypatch.setenv("PATH", os.devnull)
    assert payload(project, file_of(project, KIM).stem) == before


def test_without_git_nothing_is_judged(hubcfg: Run, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a Git work tree the missing program is named, and the tree's own keys are not taken instead."""
    monkeypatch.setenv("PATH", os.devnull)
    for command in (["list"], ["verify"]):
        outcome = look(hubcfg, project, *command)
        assert outcome.code == 1
        assert "`git` is not installed" in outcome.err
