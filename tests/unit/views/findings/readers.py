"""Reads what the formats write back, as the systems that it is for read it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True)
class Command:
    """A workflow command of GitHub."""

    name: str
    properties: dict[str, str]
    message: str


def read_commands(text: str) -> list[Command]:
    """Reads workflow commands line by line: `::name key=value,key=value::message`, with percent escapes."""
    assert "\r" not in text
    return [_read_command(line) for line in text.split("\n")] if text else []


def _read_command(line: str) -> Command:
    assert line.startswith("::"), line
    head, message = line[2:].split("::", 1)
    name, _, listed = head.partition(" ")
    properties = dict(pair.split("=", 1) for pair in listed.split(","))
    assert len(properties) == len(listed.split(","))
    return Command(name, {key: _unescape(value, ":,") for key, value in properties.items()}, _unescape(message))


def _unescape(text: str, more: str = "") -> str:
    for character in f"\r\n{more}":
        text = text.replace(f"%{ord(character):02X}", character)
    return text.replace("%25", "%")


def sarif_path(location: dict[str, Any]) -> bytes:
    """Returns the path of a location as the file system has it; it is relative to the repository's top."""
    artifact = location["physicalLocation"]["artifactLocation"]
    assert artifact["uriBaseId"] == "%SRCROOT%"
    return unquote_to_bytes(artifact["uri"])


def replace(text: str, replacements: list[dict[str, Any]]) -> str:
    """Returns a text with the replacements of a SARIF fix made."""
    starts = [0]
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        starts.append(starts[-1] + len(line) + 1)

    def position(region: dict[str, int], which: str) -> int:
        return starts[region[f"{which}Line"] - 1] + region[f"{which}Column"] - 1

    for one in reversed(replacements):
        region = one["deletedRegion"]
        inserted = one.get("insertedContent", {"text": ""})["text"]
        text = text[: position(region, "start")] + inserted + text[position(region, "end") :]
    return text
