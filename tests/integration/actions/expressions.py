"""Evaluates expressions of workflows, as far as this project's own files use them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)|(?P<sign>==|!=|&&|\|\||!|\(|\)))"
)
_HOLE = re.compile(r"\$\{\{(.*?)\}\}", re.S)
STATUS_FUNCTIONS = ("success", "failure", "cancelled", "always")


def fill(text: str, contexts: Mapping[str, Any]) -> str:
    """Returns a text with its `${{ … }}` replaced by what they come to."""
    return _HOLE.sub(lambda match: to_text(evaluate(match[1], contexts)), text)


def holds(condition: str | None, contexts: Mapping[str, Any], has_failed: bool) -> bool:
    """Whether a step runs: a condition that asks for no status asks for success as well."""
    text = "" if condition is None else condition.strip()
    inner = _HOLE.fullmatch(text)
    text = inner[1] if inner else text
    functions = {"success": not has_failed, "failure": has_failed, "cancelled": False, "always": True}
    asks = any(f"{name}()" in text for name in STATUS_FUNCTIONS)
    if not asks and has_failed:
        return False
    return not text or bool(evaluate(text, {**contexts, "()": functions}))


def to_text(value: Any) -> str:
    """Returns a value as it stands in a text."""
    return {None: "", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """Returns what an expression comes to; a name that there is not comes to nothing."""
    tokens = []
    end = 0
    while end < len(text.rstrip()):
        match = _TOKEN.match(text, end)
        assert match, f"an expression that the tests can't read: {text[end:]!r}"
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        end = match.end()
    reader = _Reader(tokens, contexts)
    value = reader.either()
    assert not reader.tokens, reader.tokens
    return value


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], contexts: Mapping[str, Any]) -> None:
        self.tokens = tokens
        self._contexts = contexts

    def either(self) -> Any:
        """Reads `a || b`."""
        return self._chain("||", self._both, lambda left, right: left or right)

    def _both(self) -> Any:
        return self._chain("&&", self._equal, lambda left, right: left and right)

    def _equal(self) -> Any:
        left = self._single()
        if self._is_next("=="):
            return to_text(left) == to_text(self._single())
        if self._is_next("!="):
            return to_text(left) != to_text(self._single())
        return left

    def _chain(self, sign: str, part: Callable[[], Any], join: Callable[[Any, Any], Any]) -> Any:
        value = part()
        while self._is_next(sign):
            value = join(value, part())
        return value

    def _single(self) -> Any:
        if self._is_next("!"):
            return not self._single()
        if self._is_next("("):
            value = self.either()
            assert self._is_next(")")
            return value
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if self._is_next("("):
            assert self._is_next(")")
            return self._contexts["()"][text]
        return self._look_up(text)

    def _look_up(self, name: str) -> Any:
        value: Any = self._contexts
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def _is_next(self, sign: str) -> bool:
        if self.tokens and self.tokens[0] == ("sign", sign):
            self.tokens.pop(0)
            return True
        return False
