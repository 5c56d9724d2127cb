"""`outputs:` in hubcfg.yaml: extra files rendered from templates, and what is refused."""

from pathlib import Path

import pytest

from hubcfg.core.instants import Instant
from hubcfg.core.rule import Severity
from hubcfg.pipeline import Compiled, compile_project

PROJECT = "hubcfg: 1\nproject: test\nplatform: onestack\noutputs:\n"
ORG = """
kind: Org
id: acme
name: Acme
products: {psa: active}
---
kind: Users
org: acme
users:
  olga@acme.example: {role: owner}
  dan@acme.example: {role: member, permissions: [psa.tickets.create, psa.tickets.read]}
"""


def compile_with(root: Path, outputs: str, templates: dict[str, str]) -> Compiled:
    (root / "hubcfg.yaml").write_text(PROJECT + outputs)
    (root / "acme.yaml").write_text(ORG)
    for name, text in templates.items():
        (root / name).write_text(text)
    return compile_project(root, as_of=Instant(0))


def test_one_file_for_each_org(tmp_path: Path) -> None:
    """A template sees the org's bundle with each user's permissions in full, and its path the org's id."""
    template = "{% for id, user in staff.users | dictsort if id.startswith('dan') %}{{ id }}: {{ user.permissions | join(' ') }}\n{% endfor %}"
    compiled = compile_with(
        tmp_path, "  - {template: list.j2, path: 'lists/{{ org.id }}.txt', per: org}\n", {"list.j2": template}
    )
    assert not compiled.has_errors
    assert compiled.emit()["lists/acme.txt"] == b"dan@acme.example: psa.tickets.create psa.tickets.read\n"
    assert b'"lists/acme.txt"' in compiled.emit()["manifest.json"]


def test_one_file_for_the_project(tmp_path: Path) -> None:
    """A template of the project sees every org."""
    template = "{{ project }}:{% for one in orgs %} {{ one.org.name }}={{ one.staff.users | length }}{% endfor %}"
    compiled = compile_with(tmp_path, "  - {template: all.j2, path: all.txt, per: project}\n", {"all.j2": template})
    assert compiled.emit()["all.txt"] == b"test: Acme=2"


@pytest.mark.parametrize(
    ("outputs", "template", "says", "line"),
    [
        ("  - {template: gone.j2, path: a, per: org}", "", "cannot be read", 5),
        ("  - {template: ../x.j2, path: a, per: org}", "", "outside the project", 5),
        ("  - {template: t.j2, path: a, per: org}", "{{ nothing }}", "'nothing' is undefined", 5),
        ("  - {template: t.j2, path: '../a', per: org}", "", "not a plain path", 5),
        ("  - {template: t.j2, path: '/a', per: org}", "", "not a plain path", 5),
        ("  - {template: t.j2, path: 'orgs/acme/x.json', per: org}", "", "belongs to the bundles", 5),
        ("  - {template: t.j2, path: 'Orgs/x', per: org}", "", "belongs to the bundles", 5),
        ("  - {template: t.j2, path: 'manifest.json', per: org}", "", "belongs to the bundles", 5),
        ("  - {template: t.j2, path: '{{ x }}', per: org}", "", "path cannot be rendered", 5),
        ("  - {template: t.j2, path: a, per: org}\n  - {template: t.j2, path: A, per: org}", "", "written twice", 6),
        ("  - {template: t.j2, path: a, per: org}\n  - {template: t.j2, path: a/b, per: org}", "", "can't both", 6),
    ],
)
def test_refused(tmp_path: Path, outputs: str, template: str, says: str, line: int) -> None:
    """What cannot be rendered or written is a finding in hubcfg.yaml, and nothing is emitted."""
    compiled = compile_with(tmp_path, outputs + "\n", {"t.j2": template})
    (finding,) = [one for one in compiled.findings if one.severity is Severity.ERROR]
    assert finding.name == "schema-violation"
    assert says in finding.message
    assert getattr(finding.place, "line", None) == line
    assert compiled.verified is None
