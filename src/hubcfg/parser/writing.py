"""Writes values as YAML in the style of hubcfg's own files."""

import json
import re

from hubcfg.parser.document import Value
from hubcfg.parser.scalars import read_plain

# Plain scalars that need no thought: no indicator at the beginning, nothing that could end them or begin a comment.
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+ -]*\Z")
_ENDS_PLAIN = re.compile(r"[A-Za-z0-9_./]\Z")


def write_document(value: dict[str, Value]) -> str:
    """Returns one document: its top map as a block, block scalars for texts of several lines, maps in lists on one line."""
    lines = []
    for key, part in value.items():
        if isinstance(part, str) and "\n" in part:
            lines.append(f"{key}: |")
            lines += [f"  {line}" if line else "" for line in part.rstrip("\n").split("\n")]
        elif isinstance(part, list) and part and isinstance(part[0], dict):
            lines.append(f"{key}:")
            lines += [f"  - {write_flow(item)}" for item in part]
        else:
            lines.append(f"{key}: {write_flow(part)}")
    return "\n".join(lines) + "\n"


def write_flow(value: Value) -> str:
    """Returns a value in flow style, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{write_flow(key)}: {write_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write_flow, value)) + "]"
    if isinstance(value, str):
        is_plain = _PLAIN.match(value) and _ENDS_PLAIN.search(value) and read_plain(value) is value
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
