"""Reads pages of documentation as what can be checked: fenced blocks with the comment before them, headings and links.

.github/CONTRIBUTING.md, "Documentation", says how a page marks its blocks.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>(?:example|console)[^\n]*?) -->\n)?^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S
)
_HEADING = re.compile(r"^(#{1,6}) (.+?)\s*$", re.M)
_COMMAND = re.compile(r"^\$ (.*(?:\\\n.*)*)", re.M)
_LINK = re.compile(r"(?<!!)\[[^\]\n]+(?:\n[^\]\n]+)?\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its info string, its text, the comment that marks it, and where the text stands in the page."""

    info: str
    mark: str
    text: str
    start: int
    line: int

    @property
    def language(self) -> str:
        """The first word of the info string."""
        return self.info.split(" ")[0]

    @property
    def file(self) -> str | None:
        """The path that the block is the text of, where its info string names one."""
        return self.info.split(" ")[1] if " " in self.info else None

    @property
    def commands(self) -> list[str]:
        """The commands of a console block."""
        return [match[1] for match in _COMMAND.finditer(self.text)] if self.language == "console" else []


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """What the file says."""
        return self.path.read_text("utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks in their order."""
        return [
            Block(
                match["info"],
                match["mark"] or "",
                match["text"],
                match.start("text"),
                self.text.count("\n", 0, match.start("text")) + 1,
            )
            for match in _BLOCK.finditer(self.text)
        ]

    @cached_property
    def commands(self) -> list[str]:
        """The commands of the console blocks."""
        return [command for block in self.blocks for command in block.commands]

    @cached_property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return _BLOCK.sub("", self.text)

    @cached_property
    def headings(self) -> list[str]:
        """The texts of the headings, without backticks."""
        return [match[2].replace("`", "") for match in _HEADING.finditer(self.prose)]

    @cached_property
    def anchors(self) -> set[str]:
        """The names under which links reach the headings."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in self.headings}

    @cached_property
    def links(self) -> list[str]:
        """The targets of the links that lead to other places in the project."""
        return [match[1] for match in _LINK.finditer(self.prose) if "://" not in match[1]]


def all_pages() -> list[Page]:
    """Returns every page of the project's documentation."""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.md"), *ROOT.glob("examples/*/*.md")]
    return [Page(path) for path in sorted(paths)]


def current_pages() -> list[Page]:
    """Returns the pages that show what commands print, and all that is generated."""
    return [page for page in all_pages() if page.path.parent in (ROOT, ROOT / "docs")]


def example_pages() -> list[Page]:
    """Returns the pages that describe example projects, and tell what to try."""
    return [page for page in all_pages() if (ROOT / "examples") in page.path.parents]
