"""Talks to yaml-language-server as an editor does: the server behind the YAML extensions of VS Code, Neovim and others."""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.npm import npm_package

PATIENCE = 60.0  # seconds for one answer; the usual is well below one
NO_NODE = "this test needs Node.js, which is not installed (Debian: apt-get install nodejs npm)"


@dataclass(frozen=True)
class Offer:
    """One completion: the text that choosing it gives, and what is said about it."""

    text: str
    description: str


class LanguageServer:
    """A running server that has opened a folder and got an editor's settings for it."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Starts the server; `settings` are what stands in a `settings.json` of VS Code: names with dots in them."""
        node = shutil.which("node")
        if node is None:
            pytest.fail(NO_NODE, pytrace=False)
        program = npm_package("yaml-language-server") / "bin" / "yaml-language-server"
        # Without the net: what SchemaStore has for other programs' files is none of our business.
        self._folder, self._settings = folder, {"yaml.schemaStore.enable": False, **settings}
        self._process = subprocess.Popen(
            [node, str(program), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._judged: queue.Queue[dict[str, Any]] = queue.Queue()
        self._last = 0
        self._versions: dict[str, int] = {}
        threading.Thread(target=self._listen, daemon=True).start()
        can = {
            "workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}},
            "textDocument": {"completion": {"completionItem": {"documentationFormat": ["plaintext"]}}},
        }
        root = {"uri": folder.as_uri(), "name": folder.name}
        self.ask("initialize", processId=None, rootUri=root["uri"], workspaceFolders=[root], capabilities=can)
        self._send("initialized", params={})

    def __enter__(self) -> Self:
        """Gives the server itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the server."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def judge(self, path: str, text: str) -> list[str]:
        """Opens a file with this text, or changes it to it, whatever the disk has; returns what the server marks in it."""
        uri = self._uri(path)
        version = self._versions[path] = self._versions.get(path, 0) + 1
        document = {"uri": uri, "version": version}
        if version == 1:
            self._send("textDocument/didOpen", params={"textDocument": document | {"languageId": "yaml", "text": text}})
        else:
            change = {"textDocument": document, "contentChanges": [{"text": text}]}
            self._send("textDocument/didChange", params=change)
        while True:
            judged = self._judged.get(timeout=PATIENCE)
            if judged["uri"] == uri:
                return [one["message"] for one in judged["diagnostics"]]

    def complete(self, path: str, text: str) -> dict[str, Offer]:
        """Returns what is offered where `|` stands in the text, by label."""
        params = self._open_at(path, text)
        items = self.ask("textDocument/completion", **params)["items"]
        offers = {
            item["label"]: Offer(item["textEdit"]["newText"], str(item.get("documentation", ""))) for item in items
        }
        assert len(offers) == len(items), "two offers look the same"
        return offers

    def hover(self, path: str, text: str) -> str:
        """Returns what is shown of the word at `|`."""
        params = self._open_at(path, text)
        answer = self.ask("textDocument/hover", **params)
        return "" if answer is None else str(answer["contents"]["value"])

    def ask(self, method: str, **params: Any) -> Any:
        """Sends a request and returns its result."""
        self._last += 1
        self._send(method, id=self._last, params=params)
        while True:
            answer = self._answers.get(timeout=PATIENCE)
            if answer["id"] == self._last:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _open_at(self, path: str, text: str) -> dict[str, Any]:
        before, mark, after = text.partition("|")
        assert mark, "a `|` says where the cursor is"
        self.judge(path, before + after)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return {"textDocument": {"uri": self._uri(path)}, "position": position}

    def _uri(self, path: str) -> str:
        return (self._folder / path).as_uri()

    def _send(self, method: str | None = None, **message: Any) -> None:
        named = {} if method is None else {"method": method}
        data = json.dumps({"jsonrpc": "2.0", **named, **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self._process.stdin.flush()

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while line := stream.readline():
            length = int(line.removeprefix(b"Content-Length:"))
            while stream.readline().strip():
                pass
            self._take(json.loads(stream.read(length)))

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"method": "workspace/configuration", "id": id, "params": {"items": items}}:
                self._send(id=id, result=[self._section(item.get("section", "")) for item in items])
            case {"method": "textDocument/publishDiagnostics", "params": judged}:
                self._judged.put(judged)
            case {"method": _, "id": id}:
                self._send(id=id, result=None)
            case {"id": _}:
                self._answers.put(message)

    def _section(self, name: str) -> dict[str, Any]:
        """Returns the settings below a name as VS Code hands them out: `yaml.format.enable` becomes `{format: {enable}}`."""
        section: dict[str, Any] = {}
        for key, value in self._settings.items():
            if key.startswith(f"{name}."):
                *outer, last = key.removeprefix(f"{name}.").split(".")
                place = section
                for word in outer:
                    place = place.setdefault(word, {})
                place[last] = value
        return section
