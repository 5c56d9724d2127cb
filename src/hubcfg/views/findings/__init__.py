"""The formats of findings, one module each with its `RENDER`: (findings, surroundings) → text."""

import importlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from hubcfg.core.finding import Finding
from hubcfg.core.places import Span
from hubcfg.core.registry import module_names


class Surroundings(Struct, frozen=True):
    """What a format may need besides the findings.

    `read` gives the text of a source file by its path, or None where it cannot be read; `known_line` the text of the line
    that a span begins in, where it is known without that. `prefix` is the path of the project
    in its repository, with `/` at the end unless empty: CI systems know files by their path in the repository.
    """

    read: Callable[[str], str | None]
    prefix: str = ""
    use_color: bool = False
    known_line: Callable[[Span], str | None] | None = None


Render: TypeAlias = Callable[[Sequence[Finding], Surroundings], str]


def finding_formats() -> list[str]:
    """Returns the names of the formats, `text` first."""
    return sorted(
        (name for name in module_names(__name__) if not name.startswith("_")), key=lambda name: (name != "text", name)
    )


def render_findings(
    format: str,
    findings: Sequence[Finding],
    read: Callable[[str], str | None],
    *,
    prefix: str = "",
    use_color: bool = False,
    known_line: Callable[[Span], str | None] | None = None,
) -> str:
    """Returns the findings, whose places are spans, in a format; see `Surroundings` for what else there is."""
    render: Render = importlib.import_module(f"{__name__}.{format}").RENDER
    return render(findings, Surroundings(read, prefix, use_color, known_line))
