"""Signing through OpenSSH's own programs, so that key files, agents and hardware keys all work.

No shell is used, and what `ssh-keygen` made is verified before anybody relies on it.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from hubcfg.checker.signatures.faults import Fault, FaultKind
from hubcfg.checker.signatures.keys import PublicKey, decode_base64, parse_key_blob, parse_key_words
from hubcfg.checker.signatures.sshsig import verify_signature
from hubcfg.checker.signatures.wire import Reader, WireError
from hubcfg.core.errors import OutsideError

_TIMEOUT = 300  # seconds: long enough to find the hardware key and type a passphrase
_INSTALL = "install OpenSSH 8.2 or later (Debian, Ubuntu: `openssh-client`; Alpine: `openssh-keygen`)"
_START_AGENT = "start one with `eval $(ssh-agent)` and add your key with `ssh-add`, or name a key file with `--key`"
_PRIVATE = re.compile(
    r"-----BEGIN OPENSSH PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END OPENSSH PRIVATE KEY-----\n?\Z", re.ASCII
)
_PRIVATE_MAGIC = b"openssh-key-v1\0"
_LARGEST_KEY_FILE = 1 << 16


class AgentKey(Struct, frozen=True):
    """A key that the SSH agent holds and that could sign, with the comment that its owner knows it by."""

    key: PublicKey
    comment: str


class Signed(Struct, frozen=True):
    """A signature that was just made, armoured, and the key that made it."""

    armour: str
    key: PublicKey


def list_agent_keys() -> list[AgentKey]:
    """Returns the keys that the SSH agent holds and that could sign; certificates and weak keys are left out.

    Raises OutsideError where there is no `ssh-add` or no agent.
    """
    if not os.environ.get("SSH_AUTH_SOCK"):
        raise OutsideError("no SSH agent is running (`SSH_AUTH_SOCK` is not set)", help=_START_AGENT)
    done = _run(["ssh-add", "-L"])
    if done.returncode == 1:
        return []  # the agent has no keys
    if done.returncode != 0:
        raise OutsideError(f"the SSH agent does not answer: {_first_line(done.stderr)}", help=_START_AGENT)
    found = []
    for line in done.stdout.decode("utf-8", "replace").split("\n"):
        type_name, _, rest = line.partition(" ")
        text, _, comment = rest.partition(" ")
        key = parse_key_words(type_name, text)
        if isinstance(key, PublicKey):
            found.append(AgentKey(key, comment.strip()))
    return found


def read_key_file(path: Path) -> PublicKey | Fault:
    """Returns the public key of a key file, private (in OpenSSH's own format) or public, without any passphrase.

    A private key in another format is looked up in the `.pub` file beside it. Raises OutsideError where the file
    cannot be read.
    """
    text = _read(path)
    key = _parse_key_file(text)
    beside = path.with_name(path.name + ".pub")
    if isinstance(key, Fault) and key.kind is FaultKind.MALFORMED and beside.is_file():
        return _parse_key_file(_read(beside))
    return key


def sign_with_file(
    payload: bytes, namespace: str, path: Path, *, announce: Callable[[str], None] | None = None
) -> Signed:
    """Signs a payload with a private key file, or with a public one whose private half the agent holds.

    `announce` is told what the person has to do meanwhile, such as touching a hardware key. Raises OutsideError where
    there is no `ssh-keygen`, the key is absent, cannot be used or needs a passphrase that nobody can type.
    """
    key = read_key_file(path)
    if isinstance(key, Fault) and key.kind in (FaultKind.WEAK, FaultKind.UNSUPPORTED):
        raise OutsideError(f"`{path}` cannot sign approvals: {key.message}", help=key.help)
    _announce(key, announce)
    done = _run(["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(path)], payload)
    return _checked(done, payload, namespace, f"`{path}`")


def sign_with_agent(
    payload: bytes, namespace: str, key: PublicKey, *, announce: Callable[[str], None] | None = None
) -> Signed:
    """Signs a payload with a key that the SSH agent holds; raises OutsideError as `sign_with_file` does."""
    if not os.environ.get("SSH_AUTH_SOCK"):
        raise OutsideError("no SSH agent is running (`SSH_AUTH_SOCK` is not set)", help=_START_AGENT)
    _announce(key, announce)
    with tempfile.TemporaryDirectory(prefix="hubcfg-") as folder:
        path = Path(folder) / "key.pub"
        path.write_text(key.line + "\n", encoding="ascii")
        done = _run(["ssh-keygen", "-Y", "sign", "-U", "-n", namespace, "-f", str(path)], payload)
    return _checked(done, payload, namespace, f"the agent's key {key.fingerprint}")


def _announce(key: PublicKey | Fault, announce: Callable[[str], None] | None) -> None:
    if announce is not None and isinstance(key, PublicKey) and key.type.is_hardware:
        announce("touch the hardware key when it blinks")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            source = stream.read(_LARGEST_KEY_FILE)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutsideError(
            f"the key file `{path}` cannot be read: {reason.lower()}",
            help="name the file of your SSH key, often `~/.ssh/id_ed25519`, or leave `--key` out to use the SSH agent",
        ) from error
    return source.decode("utf-8", "replace").replace("\r\n", "\n")


def _parse_key_file(text: str) -> PublicKey | Fault:
    if match := _PRIVATE.match(text):
        return _parse_private(match[1])
    words = text.split("\n", 1)[0].split()
    if len(words) < 2:
        return Fault(FaultKind.MALFORMED, "the file is not an SSH key", "name the file of an SSH key")
    return parse_key_words(words[0], words[1])


def _parse_private(text: str) -> PublicKey | Fault:
    """Returns the public half of a private key, which is not encrypted (PROTOCOL.key: after cipher, kdf and count)."""
    try:
        reader = Reader(decode_base64(text.replace("\n", "")) or b"")
        if reader.take(len(_PRIVATE_MAGIC)) != _PRIVATE_MAGIC:
            raise WireError("it does not begin as private keys do")
        for _ in range(3):
            reader.string()
        if reader.uint32() != 1:
            raise WireError("it does not hold one key")
        return parse_key_blob(reader.string())
    except WireError as error:
        return Fault(FaultKind.MALFORMED, f"the private key cannot be read: {error}", "name the file of an SSH key")


def _run(command: Sequence[str], payload: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = command[0]
    try:
        return subprocess.run(command, input=payload, capture_output=True, check=False, timeout=_TIMEOUT)
    except FileNotFoundError as error:
        raise OutsideError(f"`{program}` is not installed, and it makes the signature", help=_INSTALL) from error
    except subprocess.TimeoutExpired as error:
        raise OutsideError(
            f"`{program}` did not finish within {_TIMEOUT // 60} minutes",
            help="touch the hardware key or confirm in the agent's window while it waits",
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutsideError(f"`{program}` cannot be run: {reason}", help=_INSTALL) from error


def _checked(done: subprocess.CompletedProcess[bytes], payload: bytes, namespace: str, name: str) -> Signed:
    if done.returncode != 0:
        raise _explain(done.stderr, name)
    armour = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
    key = verify_signature(armour, payload, namespace)
    if isinstance(key, Fault):
        raise OutsideError(
            f"the signature that `ssh-keygen` made with {name} does not count: {key.message}", help=key.help
        )
    return Signed(armour, key)


# What `ssh-keygen` says on failure, as far as it tells causes apart, and what it means for the person.
_EXPLANATIONS = (
    (
        "incorrect passphrase",
        "the key {name} needs its passphrase, which was wrong or could not be asked for here",
        "run it on a terminal, or add the key to the agent first: `ssh-add FILE`",
    ),
    (
        "unprotected private key file",
        "`ssh-keygen` does not use {name}, because other people can read it",
        "make it yours alone: `chmod 600 FILE`",
    ),
    ("couldn't get agent socket", "no SSH agent answers", _START_AGENT),
    (
        "couldn't find key in agent",
        "the SSH agent does not hold {name}",
        "add it with `ssh-add FILE`; `ssh-add -L` lists what the agent holds",
    ),
    (
        "agent refused operation",
        "the SSH agent refused to sign with {name}",
        "unlock the agent or confirm the use of the key, and touch it if it is a hardware key",
    ),
    (
        "no private key found",
        "the private half of {name} is neither beside it nor in the SSH agent",
        "name the private key's file, or add it to the agent with `ssh-add FILE`",
    ),
    (
        "couldn't load public key",
        "{name} is not an SSH key",
        "name the file of your SSH key, often `~/.ssh/id_ed25519`",
    ),
    ("device not found", "the hardware key of {name} is not plugged in", "plug it in and try again"),
    ("unknown option", "this `ssh-keygen` is too old to sign texts", _INSTALL),
)


def _explain(stderr: bytes, name: str) -> OutsideError:
    said = stderr.decode("utf-8", "replace")
    for sign, message, help in _EXPLANATIONS:
        if sign in said.lower():
            return OutsideError(message.format(name=name), help=help)
    return OutsideError(
        f"`ssh-keygen` could not sign with {name}: {_first_line(stderr)}", help="try `ssh-keygen -Y sign` by hand"
    )


def _first_line(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").split("\n")]
    # A banner of `@` and what is said about progress are no causes.
    causes = [line for line in lines if line and not line.startswith(("@", "Signing "))]
    return causes[0] if causes else "it does not say why"
