"""The documentation is true: examples compile, transcripts are current, links lead somewhere, citations exist."""

import re
from pathlib import Path

import pytest

from hubcfg.core.instants import Instant
from hubcfg.pipeline import compile_project
from tests.docs.examples import Example, compile_example, judge, load_examples
from tests.docs.generated import PARTS
from tests.docs.pages import ROOT, Page, all_pages, current_pages, example_pages
from tests.docs.transcripts import rewrite_page, run_command

_CITATION = re.compile(r'docs/([a-z-]+\.md)(?:,\s+"([^"]+)")?')


@pytest.mark.parametrize("page", current_pages(), ids=str)
def test_page_is_current(page: Page, tmp_path: Path, bless: bool) -> None:
    """Each command in a page prints what the page shows, and what is generated is as the code has it."""
    current = rewrite_page(page, tmp_path, PARTS)
    if bless and current != page.text:
        page.path.write_text(current, "utf-8")
    assert current == page.path.read_text("utf-8"), "`python -m pytest tests/docs --bless` rewrites the page"


@pytest.mark.parametrize("page", example_pages(), ids=str)
def test_what_an_example_tells_to_try_can_be_done(page: Page, tmp_path: Path) -> None:
    """Each command in the README of an example project runs, from where it says; findings are allowed."""
    for command in page.commands:
        output, code = run_command(command, ROOT if "-C examples/" in command else page.path.parent, tmp_path)
        assert code in (0, 1), f"`{command}` exits with {code}\n{output}"


@pytest.mark.parametrize("example", load_examples(), ids=str)
def test_example_gives_the_findings_that_the_page_names(example: Example, tmp_path: Path) -> None:
    """A complete example compiles in a small project of its platform; a fragment is at least YAML that hubcfg reads."""
    compiled = compile_example(example, tmp_path)
    if example.expected is None:
        assert not {"invalid-yaml", "forbidden-yaml", "duplicate-key"} & {one.name for one in compiled.findings}
    else:
        assert (difference := judge(example, compiled)) is None, difference


@pytest.mark.parametrize("page", all_pages(), ids=str)
def test_links_lead_somewhere(page: Page) -> None:
    """Each link within the project leads to a file that exists, and to a heading that it has."""
    pages = {one.path.resolve(): one for one in all_pages()}
    for link in page.links:
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path.resolve()
        assert target.exists(), link
        assert not anchor or anchor in pages[target].anchors, link


def test_the_worked_example_comes_out_as_its_table_says(tmp_path: Path) -> None:
    """Each user of the worked example in docs/resolution.md holds exactly what the table beside it lists."""
    page = Page(ROOT / "docs" / "resolution.md")
    rewrite_page(page, tmp_path, PARTS)
    compiled = compile_project(tmp_path / "example", as_of=Instant(0))
    assert compiled.access is not None
    access = compiled.access.orgs["acme"]
    names = access.org.catalog.to_names
    held = {id.split("@")[0]: names(access.holding(user).effective) for id, user in access.org.users.items()}
    table = page.text.partition("| user | effective | why |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \|", table, re.M)
    assert {user: re.findall(r"`([^`]+)`", effective) for user, effective in rows} == held


def test_ci_runs_the_command_that_the_readme_gives() -> None:
    """CI checks with the very command that the README tells developers to run."""
    command = "python3 tests/check.py"
    assert f"```sh\n{command}\n```" in Page(ROOT / "README.md").text
    assert f"\n{command} " in (ROOT / ".ci" / "run").read_text("utf-8")


def test_citations_exist() -> None:
    """Each section of the documentation that the code cites is there under that name."""
    pages = {page.path.name: page for page in all_pages() if page.path.parent.name == "docs"}
    missing = [
        (module.name, name, section)
        for module in sorted(ROOT.glob("src/**/*.py"))
        for name, section in _CITATION.findall(module.read_text("utf-8"))
        if name not in pages or (section and " ".join(section.split()) not in pages[name].headings)
    ]
    assert missing == []
