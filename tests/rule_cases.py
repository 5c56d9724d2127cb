"""Reads the cases of tests/cases/rules and runs them: small projects written in YAML, and the findings they must give.

A case file is named after its finding and has two lists, `fires` and `silent`. A case has a `name` (a fact, in words), `files`
(path → text, or `{bytes: HEX}`, or null for a base file that is not there) over the file's own `base` files, optionally `as_of`
and `before` (the files, likewise, of the revision that the change is judged by), and if it fires `expect`: for each finding of
this name, in order, `at` (`path:line`), `words` (the marked words of the first line), and optionally `says` and `help` (parts of the
message and the help line) and `severity`. Other findings of level error must be listed in `also`.

About approvals a case may also have: `{key NAME}` in a file (a public key that is made for the test), `approvals` (signed with
such keys; fields as in `tests.approvals.histories`), `landed` (the files that are committed to Git before those of the case),
`reverted` (the case's own files and approvals had landed as well, and were taken away again) and `named` (the revision that
`--base` names).

A case about deployments has `deployed`: the files of a first version, which is deployed to the directory `deploy` before the
case's files are applied. Beside it may stand `planned` (the files that a plan was saved from, which is then applied), `found` (files that
lie in the target's folder, by path; null for one that was deleted) and `locked` (somebody else holds the lock).
"""

import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace

from hubcfg.checker.check import check_org, checker_rules
from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding
from hubcfg.core.instants import parse_instant
from hubcfg.core.places import Span
from hubcfg.parser.locating import finding_order, locate_findings, words_at
from hubcfg.pipeline import Compiled, compile_project
from tests.approvals.histories import History

CASES = Path(__file__).parent / "cases" / "rules"
AS_OF = "2026-11-22T00:00:00Z"
DEFAULT_FILES = {"hubcfg.yaml": "hubcfg: 1\nproject: test\nplatform: onestack\n"}


@dataclass(frozen=True)
class Case:
    """One case of one finding."""

    finding: str
    name: str
    fires: bool
    files: dict[str, bytes]
    expect: list[dict[str, Any]]
    also: tuple[str, ...]
    as_of: str
    before: dict[str, bytes] | None = None
    approvals: tuple[dict[str, Any], ...] = ()
    landed: dict[str, bytes] | None = None
    reverted: bool = False
    named: str | None = None
    deployed: dict[str, bytes] | None = None
    planned: dict[str, bytes] | None = None
    found: dict[str, str | None] | None = None
    locked: bool = False

    def __str__(self) -> str:
        return f"{self.finding}: {self.name}"


def load_cases() -> list[Case]:
    """Returns the cases of all files."""
    return [case for path in sorted(CASES.glob("*.yaml")) for case in _load_file(path)]


def _load_file(path: Path) -> list[Case]:
    raw = yaml.safe_load(path.read_text("utf-8"))
    base = DEFAULT_FILES | raw.get("base", {})
    return [
        Case(
            finding=path.stem,
            name=case["name"],
            fires=section == "fires",
            files=_files(base | case.get("files", {})),
            expect=case.get("expect", []),
            also=tuple(case.get("also", ())),
            as_of=str(case.get("as_of", AS_OF)),
            before=_files(base | case["before"]) if "before" in case else None,
            approvals=tuple(case.get("approvals", ())),
            landed=_files(base | case["landed"]) if "landed" in case else None,
            reverted=case.get("reverted", False),
            named=case.get("named"),
            deployed=_files(base | case["deployed"]) if "deployed" in case else None,
            planned=_files(base | case["planned"]) if "planned" in case else None,
            found=case.get("found"),
            locked=case.get("locked", False),
        )
        for section in ("fires", "silent")
        for case in raw[section]
    ]


def _files(written: dict[str, str | dict[str, str] | None]) -> dict[str, bytes]:
    return {
        name: content.encode() if isinstance(content, str) else bytes.fromhex(content["bytes"])
        for name, content in written.items()
        if content is not None
    }


def run_case(case: Case, root: Path) -> Compiled:
    """Compiles the case's project below `root`, and asks the rules again with the base where the case has one."""
    if case.deployed is not None:
        from tests.deployed_cases import run_deployed  # what it needs takes a while to import

        return run_deployed(case, root)
    if case.landed is not None or case.approvals or case.named or any(b"{key " in one for one in case.files.values()):
        return _compile_signed(case, root)
    compiled = _compile(case.files, root, case.as_of)
    if case.before is None:
        return compiled
    before = _compile(case.before, root / ".before", case.as_of)
    return replace(compiled, findings=_check_with_base(compiled, before, compiled.findings))


def _compile(files: dict[str, bytes], root: Path, as_of: str) -> Compiled:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    instant = parse_instant(as_of)
    assert instant is not None, as_of
    return compile_project(root, as_of=instant)


def _compile_signed(case: Case, root: Path) -> Compiled:
    history = History(root, "acme.example", "acme", "test")
    if case.landed is not None:
        history.start()
        history.write({name: content.decode() for name, content in case.landed.items()})
        history.commit()
    _write(case, history)
    if case.reverted:
        history.commit()
        history.git("revert", "--no-edit", "HEAD")
        _write(case, history)
    return history.compile(base=case.named, as_of=case.as_of)


def _write(case: Case, history: History) -> None:
    history.write({name: content.decode() for name, content in case.files.items()})
    for approval in case.approvals:
        history.approve(**deepcopy(approval))


def _check_with_base(compiled: Compiled, before: Compiled, findings: list[Finding]) -> list[Finding]:
    assert compiled.config is not None
    assert compiled.access is not None
    assert before.config is not None
    found = list(findings)
    for id, access in compiled.access.orgs.items():
        org = before.config.orgs.get(id)
        check = OrgCheck(compiled.config.project, access, org)
        found += locate_findings(check_org(check, checker_rules()), compiled.read)
    unique = {(finding.place, finding.name, finding.message): finding for finding in found}
    return sorted(unique.values(), key=finding_order)


def describe(finding: Finding, compiled: Compiled) -> dict[str, str]:
    """Returns a finding as `expect` writes it."""
    span = finding.place
    assert isinstance(span, Span)
    lines = re.split("\r\n|\r|\n", compiled.read(span.file) or "")
    return {
        "at": f"{span.file}:{span.line}",
        "words": words_at(lines, span),
        "says": finding.message,
        "help": finding.help or "",
        "severity": finding.severity.value,
    }
