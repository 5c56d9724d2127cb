"""Compiles the YAML examples of the documentation, each in a small project of its platform."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from hubcfg.core.instants import parse_instant
from hubcfg.core.rule import Severity
from hubcfg.pipeline import Compiled, compile_project
from tests.docs.pages import Block, Page, all_pages
from tests.rule_cases import AS_OF

AROUND = Path(__file__).parent / "around"
_MARK = re.compile(r"example(?: on (?P<platform>[a-z0-9-]+))?: (?P<expected>.+)")


@dataclass(frozen=True)
class Example:
    """One YAML block, and the findings that it must give; None for a fragment, which need only be readable."""

    page: Page
    block: Block
    platform: str
    expected: frozenset[str] | None

    def __str__(self) -> str:
        return f"{self.page}:{self.block.line}"


def load_examples() -> list[Example]:
    """Returns the examples of all pages; a YAML block that is none of a page's files must say what it shows."""
    return [
        _read(page, block)
        for page in all_pages()
        for block in page.blocks
        if block.language == "yaml" and block.file is None
    ]


def _read(page: Page, block: Block) -> Example:
    match = _MARK.fullmatch(block.mark)
    assert match, f"{page}:{block.line}: a YAML block without `<!-- example: … -->` before it"
    words = match["expected"].replace(",", " ").split()
    expected = None if words == ["fragment"] else frozenset(words) - {"compiles"}
    return Example(page, block, match["platform"] or "onestack", expected)


def compile_example(example: Example, root: Path) -> Compiled:
    """Compiles an example with the project around it, below `root`.

    The example's own documents replace those of the surrounding project that have the same kind (users add up), and an
    example that says `hubcfg:` is the project file.
    """
    is_project = example.block.text.startswith(("hubcfg:", "#")) and "\nhubcfg:" in "\n" + example.block.text
    project = f"hubcfg: 1\nproject: northwind-access\nplatform: {example.platform}\n"
    (root / "hubcfg.yaml").write_text(example.block.text if is_project else project, "utf-8")
    if not is_project:
        (root / "example.yaml").write_text(example.block.text, "utf-8")
    kinds = set(re.findall(r"^kind: (\w+)", example.block.text, re.M)) - {"Users"}
    around = yaml.safe_load_all((AROUND / f"{example.platform}.yaml").read_text("utf-8"))
    kept = [document for document in around if document["kind"] not in kinds]
    (root / "around.yaml").write_text(yaml.safe_dump_all(kept, allow_unicode=True), "utf-8")
    instant = parse_instant(AS_OF)
    assert instant is not None
    return compile_project(root, as_of=instant)


def judge(example: Example, compiled: Compiled) -> str | None:
    """Returns how the findings differ from what the page says, or None.

    Errors and warnings must be those that it names; what is worth no more than a look need not be named.
    """
    assert example.expected is not None
    found = {finding.name for finding in compiled.findings}
    loud = {finding.name for finding in compiled.findings if finding.severity is not Severity.INFO}
    if example.expected <= found and loud <= example.expected:
        return None
    shown = "\n".join(f"{finding.place} {finding.name}: {finding.message}" for finding in compiled.findings)
    return f"the page says {sorted(example.expected)}, but there are\n{shown}"
