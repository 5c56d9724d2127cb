"""Reads the cases of tests/cases/rules and runs them: small projects written in YAML, and the findings they must give.

A case file is named after its finding and has two lists, `fires` and `silent`. A case has a `name` (a fact, in words), `files`
(path → text, or `{bytes: HEX}`, or null for a base file that is not there) over the file's own `base` files, optionally `as_of`, and if it fires `expect`: for each finding of this name,
in order, `at` (`path:line`), `words` (the marked words of the first line), and optionally `says` and `help` (parts of the
message and the help line) and `severity`. Other findings of level error must be listed in `also`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hubcfg.core.finding import Finding
from hubcfg.core.instants import parse_instant
from hubcfg.core.places import Span
from hubcfg.parser.locating import words_at
from hubcfg.pipeline import Compiled, compile_project

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
            files={name: _content(text) for name, text in (base | case.get("files", {})).items() if text is not None},
            expect=case.get("expect", []),
            also=tuple(case.get("also", ())),
            as_of=str(case.get("as_of", AS_OF)),
        )
        for section in ("fires", "silent")
        for case in raw[section]
    ]


def _content(written: str | dict[str, str]) -> bytes:
    return written.encode() if isinstance(written, str) else bytes.fromhex(written["bytes"])


def run_case(case: Case, root: Path) -> Compiled:
    """Compiles the case's project below `root`."""
    for name, content in case.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    instant = parse_instant(case.as_of)
    assert instant is not None, case.as_of
    return compile_project(root, as_of=instant)


def describe(finding: Finding, compiled: Compiled) -> dict[str, str]:
    """Returns a finding as `expect` writes it."""
    span = finding.place
    assert isinstance(span, Span)
    lines = (compiled.read(span.file) or "").splitlines()
    return {
        "at": f"{span.file}:{span.line}",
        "words": words_at(lines, span),
        "says": finding.message,
        "help": finding.help or "",
        "severity": finding.severity.value,
    }
