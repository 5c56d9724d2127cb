"""No input gives a traceback: whatever the bytes of a project's files, there are findings or there are none."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubcfg.core.instants import Instant
from hubcfg.core.places import Span
from hubcfg.parser.parse import parse_source
from hubcfg.parser.sources import SourceFile
from hubcfg.pipeline import compile_project
from tests.reference.projects import examples

PROJECT = "hubcfg: 1\nproject: test\nplatform: onestack\n"
GOOD = """\
kind: Org
id: acme
products: {psa: active, crm: trial}
---
kind: Groups
org: acme
groups:
  desk: &desk {permissions: [psa.tickets.read, {permission: psa.tickets.edit, expires: 2027-01-01}]}
  late: {includes: [desk], permissions: ["*.*.read"]}
---
kind: Users
org: acme
users:
  olga@acme.example: {role: owner, uid: "1"}
  dan@acme.example:
    role: member
    groups: [desk]
    deny: [psa.tickets.delete]
    products: {psa: {permissions: [psa.*]}}
"""

# Words that matter to YAML or to the language, for texts that come near to being right.
WORDS = st.sampled_from(
    ["kind", "Users", "Org", "users", ":", ": ", "- ", "\n", "\n  ", "\t", "[", "]", "{", "}", "*", "&a ", "*a", "!!str ", "|", ">",
     "#", "'", '"', "---\n", "...\n", "%YAML 1.1\n", "<<", "?", "null", "~", "1", "2026-01-01", "\u202e", "\x00", "\ufeff", "é"]
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """Draws a good project with some of its text cut out, doubled or replaced."""
    text = GOOD
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 20)))
        text = text[:start] + draw(st.one_of(WORDS, st.just(""), st.just(text[start:end] * 2))) + text[end:]
    return text


@settings(max_examples=examples(300))
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Bytes of any kind are read or refused."""
    parsed = parse_source(SourceFile("a.yaml", lambda: data))
    assert all(isinstance(finding.place, Span) for finding in parsed.findings)


@settings(max_examples=examples(300))
@given(st.lists(WORDS, max_size=40).map("".join))
def test_any_words(text: str) -> None:
    """Texts made of what YAML is made of are read or refused."""
    parse_source(SourceFile("a.yaml", text.encode))


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=mutations())
def test_a_project_with_slips(text: str, tmp_path: Path) -> None:
    """A project with slips anywhere compiles to findings, each at a line of its file."""
    (tmp_path / "hubcfg.yaml").write_text(PROJECT)
    (tmp_path / "acme.yaml").write_bytes(text.encode())
    compiled = compile_project(tmp_path, as_of=Instant(0))
    lines = {"acme.yaml": text.count("\n") + text.count("\r") + 2, "hubcfg.yaml": 4}
    for finding in compiled.findings:
        assert isinstance(finding.place, Span)
        assert 1 <= finding.place.line <= lines[finding.place.file]


@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.one_of(st.lists(WORDS, max_size=30).map("".join), st.text(max_size=80)))
def test_a_project_file_with_slips(text: str, tmp_path: Path) -> None:
    """The project file itself may be anything."""
    (tmp_path / "hubcfg.yaml").write_bytes((PROJECT + text).encode("utf-8", "replace"))
    compile_project(tmp_path, as_of=Instant(0))
