"""What the pages share that hubcfg writes: one look, no network, and nothing of the project that is taken for HTML."""

import base64
import hashlib
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from hubcfg.views.findings.text import visible

_STYLE = Path(__file__).with_name("page.css")
_CODE = re.compile(r"`([^`]+)`")
# They stand around words of the project in sentences, and are none that `visible` lets through.
_BEGIN, _END = "\ue000", "\ue001"


def make_environment(templates: Path, *, style: str | None = None, script: str | None = None) -> Environment:
    """Returns an environment for the templates of a page.

    `style` is a file of what it has beside the common style, `script` that of the only script that it may run.
    """
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    look = _read(_STYLE) + ("" if style is None else f"\n{_read(templates / style)}")
    source = None if script is None else _read(templates / script)
    runs = "" if source is None else f" script-src {_hash(source)};"
    environment.globals |= {
        "style": Markup(look),  # our own files, which hold no text of the project
        "script": Markup(source or ""),
        "policy": f"default-src 'none'; style-src {_hash(look)};{runs} base-uri 'none'; form-action 'none'",
    }
    environment.filters |= {"words": words, "marked": marked}
    return environment


def words(text: str) -> Markup:
    """Returns a sentence with what stands in backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def mark(text: str) -> str:
    """Returns words of the project so that `marked` knows them in a sentence."""
    return f"{_BEGIN}{visible(text)}{_END}"


def marked(text: str) -> Markup:
    """Returns a sentence with what `mark` has marked as code."""
    return Markup(str(escape(text)).replace(_BEGIN, "<code>").replace(_END, "</code>"))


def _read(path: Path) -> str:
    return path.read_text("utf-8").strip()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
