"""The formats of findings, one module each with its `RENDER`: (findings, read, use_color) → text."""

import importlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from hubcfg.core.finding import Finding
from hubcfg.core.registry import module_names

Render: TypeAlias = Callable[[Sequence[Finding], Callable[[str], str | None], bool], str]


def finding_formats() -> list[str]:
    """Returns the names of the formats, `text` first."""
    return sorted(
        (name for name in module_names(__name__) if not name.startswith("_")), key=lambda name: (name != "text", name)
    )


def render_findings(
    format: str, findings: Sequence[Finding], read: Callable[[str], str | None], *, use_color: bool = False
) -> str:
    """Returns the findings, whose places are spans, in a format; `read` gives the text of a source file."""
    render: Render = importlib.import_module(f"{__name__}.{format}").RENDER
    return render(findings, read, use_color)
