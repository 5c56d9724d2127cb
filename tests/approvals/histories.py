"""Small Git histories to attack: projects that are written, committed and signed with real keys, and compiled against a base.

`ssh-keygen` makes the keys and the signatures, `git` the history; hubcfg only judges.
"""

import os
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from hubcfg.checker.approvals.approval import NAMESPACE, payload_of
from hubcfg.checker.approvals.trust import trust_digest
from hubcfg.core.instants import parse_instant
from hubcfg.core.rule import Severity
from hubcfg.parser.cache import ParseCache
from hubcfg.parser.cache_file import CacheFile
from hubcfg.pipeline import Compiled, compile_project, read_trust_files

AS_OF = "2026-11-22T00:00:00Z"
APPROVED_AT = "2026-11-21T12:00:00Z"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "HUBCFG_NO_CACHE": "1",
    "TZ": "UTC",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    **{f"GIT_{role}_{part}": "tester" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")},
}


def run(*command: str, folder: Path | None = None, stdin: bytes = b"") -> bytes:
    """Runs a program and returns what it prints; the test fails where the program does."""
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, (command, done.stderr.decode())
    return done.stdout


@cache
def _key_folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="hubcfg-keys-")


@cache
def key_file(name: str) -> Path:
    """Returns the private key file of a person, made once a session; a name that begins with `rsa-1024` gets such a key."""
    path = Path(_key_folder().name) / name
    kind = ("rsa", "-b", "1024") if name.startswith("rsa-1024") else ("ed25519",)
    run("ssh-keygen", "-q", "-t", *kind, "-N", "", "-C", name, "-f", str(path))
    return path


def public_key(name: str) -> str:
    """Returns the public key of a person as signers files have it, without a comment."""
    return " ".join(key_file(name).with_suffix(".pub").read_text().split()[:2])


def fingerprint(name: str) -> str:
    """Returns the `SHA256:` fingerprint of a person's key, as `ssh-keygen -l` prints it."""
    return run("ssh-keygen", "-l", "-f", str(key_file(name).with_suffix(".pub"))).decode().split()[1]


def sign(payload: bytes, name: str, namespace: str = NAMESPACE) -> str:
    """Returns the signature that `ssh-keygen` makes with a person's key."""
    return run("ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", str(key_file(name)), stdin=payload).decode()


def fill(text: str) -> str:
    """Returns a text with `{key NAME}` and `{fingerprint NAME}` replaced by those of the person's key."""
    for word, read in (("key", public_key), ("fingerprint", fingerprint)):
        while (start := text.find(f"{{{word} ")) >= 0:
            end = text.index("}", start)
            text = text[:start] + read(text[start + len(word) + 2 : end]) + text[end + 1 :]
    return text


@dataclass
class History:
    """A project in a Git repository of its own."""

    root: Path
    domain: str = "northwind.example"
    org: str = "northwind"
    project: str = "northwind-access"
    written: int = field(default=0)

    def git(self, *arguments: str) -> str:
        """Runs Git in the repository and returns what it prints."""
        return run("git", *arguments, folder=self.root).decode().strip()

    def start(self) -> None:
        """Makes the empty repository, on its branch `main`."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def write(self, files: dict[str, str | None]) -> None:
        """Writes files (text, or None to delete one), filling in keys."""
        for name, content in files.items():
            path = self.root / name
            if content is None:
                path.unlink()
            elif content.startswith("link: "):
                if path.is_dir():
                    path.rmdir()
                path.unlink(missing_ok=True)
                path.symlink_to(content.removeprefix("link: "))
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(fill(content), "utf-8")

    def commit(self, message: str = "Change something") -> str:
        """Commits whatever is there and returns the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def approve(self, by: str, **said: Any) -> Path:
        """Writes an approval signed by a person and returns its file.

        `said` are fields of the document; besides them `key` (whose key signs, else the approver's), `namespace`, `file`,
        `after` (fields changed after signing), `signature` (in place of one), and `digest: tree` in a change of trust settings,
        which stands for the digest of what the files now come to.
        """
        self.written += 1
        name = by.split("@")[0]
        key, namespace = said.pop("key", name), said.pop("namespace", NAMESPACE)
        file, after, signature = said.pop("file", None), said.pop("after", {}), said.pop("signature", None)
        document: dict[str, Any] = {
            "kind": "Approval",
            "id": f"approval-{self.written}",
            "project": self.project,
            "org": self.org,
            "approver": self.person(by),
            "approved_at": APPROVED_AT,
            "reason": "it is due",
        }
        document |= said
        for change in document.get("changes", ()):
            if change.get("digest") == "tree":
                change["digest"] = self.digest()
        document["signature"] = signature or sign(payload_of(document), key, namespace)
        document |= after
        path = self.root / (file or f"approvals/{document['id']}.yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
        return path

    def person(self, name: str) -> str:
        """Returns the user id of a person."""
        return name if "@" in name else f"{name}@{self.domain}"

    def digest(self) -> str:
        """Returns the digest of the trust settings that the files now come to."""
        config = self.compile(base=None).config
        assert config is not None
        return trust_digest(config, read_trust_files(self.root, config.project))

    def compile(
        self, base: str | None = "main", as_of: str = AS_OF, environment: dict[str, str] | None = None
    ) -> Compiled:
        """Compiles what is in the folder, judged by a base."""
        instant = parse_instant(as_of)
        assert instant is not None
        plain = compile_project(self.root, as_of=instant, base=base, environment=environment or {})
        # A cache must never make a difference, least of all here.
        cache = ParseCache(CacheFile(self.root.parent / f"{self.root.name}.caches" / "cache"))
        cached = compile_project(self.root, as_of=instant, base=base, environment=environment or {}, cache=cache)
        assert cached.findings == plain.findings
        return plain


def errors(compiled: Compiled) -> list[tuple[str, str, str]]:
    """Returns the findings at error level: name, file and message."""
    return [
        (finding.name, finding.place.file, finding.message)
        for finding in compiled.findings
        if finding.severity is Severity.ERROR
    ]


STARTS = Path(__file__).parent.parent / "cases" / "approvals" / "starts.yaml"


@cache
def load_starts() -> dict[str, Any]:
    """Returns the projects that histories start from, by name."""
    loaded: dict[str, Any] = yaml.safe_load(STARTS.read_text("utf-8"))
    return loaded


def begin(root: Path, name: str) -> History:
    """Returns a history whose `main` is one of the starting projects, approved as it must be."""
    start = load_starts()[name]
    history = History(root, start["domain"], start["org"], start["project"])
    history.start()
    step(history, start)
    history.commit("Begin")
    return history


def step(history: History, change: dict[str, Any]) -> None:
    """Makes a change: writes its `files`, then its `approvals`, and then what comes `afterwards`."""
    history.write(change.get("files", {}))
    for approval in change.get("approvals", ()):
        said = yaml.safe_load(yaml.safe_dump(approval))  # a copy: the table is read once for all tests
        history.approve(**said)
    history.write(change.get("afterwards", {}))
