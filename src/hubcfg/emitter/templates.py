"""Renders the templates of `outputs:` in a sandbox: no files, no network, no randomness, and bounds on work and size.

A template is text of the project, written by whoever may open a pull request; rendering it must be as harmless as reading it.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from hubcfg.core.canonical import canonical_json

MAX_STEPS = 20_000_000
MAX_SIZE = 256 * 1024 * 1024
MAX_TEXT = 1024 * 1024

_FILTERS = [
    "abs",
    "batch",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "sum",
    "title",
    "trim",
    "truncate",
    "unique",
    "upper",
]
_GLOBALS = ("range", "dict", "namespace", "joiner", "cycler")
# Methods of text that can make much out of little.
_SWELLING = frozenset(
    {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "replace", "translate"}
)


class RenderError(Exception):
    """A template that cannot be rendered; the message says why and, where it is known, at which line."""


class _Environment(SandboxedEnvironment):
    """Jinja's sandbox, made deterministic and given a budget of steps."""

    intercepted_binops = frozenset({"*", "**", "%", "<<"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
        self.steps = 0
        self.filters = {name: self.filters[name] for name in _FILTERS}
        self.filters |= {"csv": escape_csv, "sql": escape_sql, "json": escape_json, "replace": _replace}
        self.filters["bounded_steps"] = self.count_steps
        self.globals = {name: self.globals[name] for name in _GLOBALS}

    def count_steps(self, iterable: Iterable[Any]) -> Iterator[Any]:
        """Yields the items of a loop, each one a step."""
        for item in iterable:
            self.step()
            yield item

    def step(self) -> None:
        """Counts one step; raises SecurityError where the budget is used up."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise SecurityError(f"it takes more than {MAX_STEPS:,} steps")

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may use an attribute."""
        return attr not in _SWELLING and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Leaves `format` to `is_safe_attribute`, which refuses it: a width in it can ask for gigabytes."""

    def call(self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls what a template calls; each call is a step."""
        self.step()
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Applies an operator that could make much out of little: only to numbers of a sensible size."""
        if not all(isinstance(value, (int, float)) and abs(value) < 1e9 for value in (left, right)):
            raise SecurityError(f"`{operator}` works on numbers only")
        if operator in ("**", "<<") and right > 64:
            raise SecurityError(f"`{operator} {right}` is too large")
        return super().call_binop(context, operator, left, right)


class Template:
    """A template, parsed once and rendered many times."""

    def __init__(self, source: str) -> None:
        """Parses the source; raises RenderError."""
        self._environment = _Environment()
        try:
            tree = self._environment.parse(source)
            for loop in tree.find_all(nodes.For):
                loop.iter = nodes.Filter(loop.iter, "bounded_steps", [], [], None, None, lineno=loop.lineno)
            self._template = self._environment.from_string(tree)
        except TemplateSyntaxError as error:
            raise RenderError(f"line {error.lineno}: {error.message}") from error
        except RecursionError as error:
            raise RenderError("it is nested too deeply") from error

    def render(self, values: Mapping[str, Any]) -> str:
        """Returns the text; raises RenderError for undefined names and for what exceeds the bounds."""
        self._environment.steps = 0
        parts: list[str] = []
        size = 0
        try:
            for part in self._template.generate(values):
                size += len(part)
                if size > MAX_SIZE:
                    raise RenderError(f"the result is larger than {MAX_SIZE // (1024 * 1024)} MiB")
                parts.append(part)
        except RenderError:
            raise
        except RecursionError as error:
            raise RenderError("it calls itself too often") from error
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise RenderError(_say(error)) from error
        return "".join(parts)


def _say(error: Exception) -> str:
    frame, line = error.__traceback__, None
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    return f"line {line}: {message}" if line is not None else str(message)


def escape_csv(value: object) -> str:
    """Returns a value as one CSV field (RFC 4180)."""
    row = io.StringIO()
    csv.writer(row, lineterminator="\r\n").writerow([_text(value)])
    return row.getvalue().removesuffix("\r\n")


def escape_sql(value: object) -> str:
    """Returns a value as an SQL literal: text in single quotes, numbers and booleans as they are, nothing as NULL.

    Raises ValueError for a list or map, and for text with a NUL character, which SQL has no way to write.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return repr(value)
    if not isinstance(value, str):
        raise ValueError("the `sql` filter takes text, a number, a boolean or nothing")
    if "\0" in value:
        raise ValueError("text with a NUL character can't be written in SQL")
    return "'" + value.replace("'", "''") + "'"


def escape_json(value: Any) -> str:
    """Returns a value as canonical JSON."""
    return canonical_json(value).decode()


def _replace(text: object, old: str, new: str) -> str:
    """Replaces text, within the bounds of what a template may hold in one value."""
    source = str(text)
    if source.count(old) * len(new) > MAX_TEXT:
        raise SecurityError("`replace` makes the text too long")
    return source.replace(old, new)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ValueError("the `csv` filter takes text, a number, a boolean or nothing")
