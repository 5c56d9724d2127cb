"""Writes random projects as YAML, every time in another order, split and style that must mean the same."""

import json
import random
import re
from pathlib import Path
from typing import Any

from .projects import Project
from .resolver import Document

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.@*-]*|\d{4}-\d{2}-\d{2}")
PLACES = ("z.yaml", "access.yaml", "a/access.yaml", "b/c/people.yml")


def write_project(project: Project, directory: Path, *, order: int) -> None:
    """Write the project below `directory`; `order` decides how documents, keys, files and styles are shuffled."""
    shuffle = random.Random(order)
    places = shuffle.sample(PLACES, shuffle.randint(1, len(PLACES)))
    files: dict[str, list[str]] = {"hubcfg.yaml": [to_yaml(project.settings, shuffle)]}
    for document in join(project.documents, shuffle):
        files.setdefault(shuffle.choice(places), []).append(to_yaml(document, shuffle))
    for name, texts in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\n".join(texts), encoding="utf-8")


def join(documents: list[Document], shuffle: random.Random) -> list[Document]:
    """Return the documents in any order, some that hold entries for the same place made one."""
    joined: list[Document] = []
    for document in shuffle.sample(documents, len(documents)):
        field = document["kind"].lower()
        alike = [other for other in joined if field in other and without(other, field) == without(document, field)]
        if alike and shuffle.random() < 0.6:
            alike[0][field] |= document[field]
        else:
            joined.append(document | {field: dict(document[field])} if field in document else document)
    return joined


def without(document: Document, field: str) -> Document:
    return {name: value for name, value in document.items() if name != field}


def to_yaml(value: Any, shuffle: random.Random) -> str:
    """Return a document as YAML text that ends in a newline."""
    return flow(value, shuffle) + "\n" if shuffle.random() < 0.2 else "\n".join(block(value, shuffle)) + "\n"


def block(value: Any, shuffle: random.Random) -> list[str]:
    """Return the lines of a map or list in block style, parts of it in flow style."""
    lines = []
    members = shuffled(value, shuffle) if isinstance(value, dict) else [(None, item) for item in value]
    for key, member in members:
        head = "-" if key is None else f"{scalar(key, shuffle)}:"
        if isinstance(member, dict | list) and member and shuffle.random() < 0.7:
            lines += [head, *(f"  {line}" for line in block(member, shuffle))]
        else:
            lines.append(f"{head} {flow(member, shuffle)}")
    return lines


def flow(value: Any, shuffle: random.Random) -> str:
    """Return any value in flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(k, shuffle)}: {flow(v, shuffle)}" for k, v in shuffled(value, shuffle)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item, shuffle) for item in value) + "]"
    return scalar(value, shuffle)


def scalar(value: Any, shuffle: random.Random) -> str:
    """Return a scalar; a string in quotes of either kind, or plain where that is safe."""
    if not isinstance(value, str):
        return json.dumps(value)
    quoted = [json.dumps(value, ensure_ascii=False), "'" + value.replace("'", "''") + "'"]
    safe = PLAIN.fullmatch(value) and value not in ("null", "true", "false")
    return shuffle.choice([*quoted, value, value] if safe else quoted)


def shuffled(value: Document, shuffle: random.Random) -> list[tuple[str, Any]]:
    return shuffle.sample(list(value.items()), len(value))
