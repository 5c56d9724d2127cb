"""OpenSSH as the independent witness, and signatures built by hand where `ssh-keygen` would not make them."""

import base64
import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from hubcfg.checker.signatures.faults import Fault, FaultKind
from hubcfg.checker.signatures.revoked import parse_revoked
from hubcfg.checker.signatures.signers import parse_signers
from hubcfg.checker.signatures.sshsig import verify_signature
from hubcfg.checker.signatures.wire import wire_string
from hubcfg.core.instants import Instant, format_instant, parse_instant

NAMESPACE = "hubcfg-approval"
PAYLOAD = b'{"approver":"owner@northwind.example","kind":"Approval"}'
OWNER = "owner@northwind.example"
NOW = parse_instant("2026-11-22T00:00:00Z") or Instant(0)

# What the tests sign with: name → the options of `ssh-keygen -t`.
KINDS = {
    "ed25519": ("ed25519",),
    "other": ("ed25519",),
    "nistp256": ("ecdsa", "-b", "256"),
    "nistp384": ("ecdsa", "-b", "384"),
    "nistp521": ("ecdsa", "-b", "521"),
    "rsa-2048": ("rsa", "-b", "2048"),
    "rsa-3072": ("rsa", "-b", "3072"),
    "rsa-1024": ("rsa", "-b", "1024"),
}


def openssh(*command: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """Runs one of OpenSSH's programs, in UTC; the test fails where it is missing, for nothing else can witness."""
    try:
        return subprocess.run(
            command, input=stdin, capture_output=True, check=False, env={**os.environ, "TZ": "UTC", **(env or {})}
        )
    except FileNotFoundError:
        return pytest.fail(f"`{command[0]}` is not installed; the tests need OpenSSH 9.1 or later as their witness")


@dataclass(frozen=True)
class KeyPair:
    """A key that `ssh-keygen` made."""

    path: Path

    @property
    def line(self) -> str:
        """The public key without its comment."""
        return " ".join(self.path.with_name(self.path.name + ".pub").read_text().split()[:2])

    @property
    def blob(self) -> bytes:
        """The public key in wire form."""
        return base64.b64decode(self.line.split()[1])

    def sign(self, payload: bytes = PAYLOAD, namespace: str = NAMESPACE, hash_name: str = "sha512") -> str:
        """Signs with `ssh-keygen`."""
        options = ("-n", namespace, "-O", f"hashalg={hash_name}", "-f", str(self.path))
        done = openssh("ssh-keygen", "-Y", "sign", *options, stdin=payload)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def sign_sha1(self) -> str:
        """Signs with RSA and SHA-1, which `ssh-keygen` no longer does."""
        private = load_ssh_private_key(self.path.read_bytes(), None)
        assert isinstance(private, rsa.RSAPrivateKey)
        raw = private.sign(signed_data(), padding.PKCS1v15(), hashes.SHA1())
        return armour(block(self.blob, wire_string(b"ssh-rsa") + wire_string(raw)))


def make_keys(folder: Path) -> dict[str, KeyPair]:
    """Makes one key of each kind."""
    for name, options in KINDS.items():
        done = openssh("ssh-keygen", "-q", "-t", *options, "-N", "", "-C", f"{name} key", "-f", str(folder / name))
        assert done.returncode == 0, done.stderr
    return {name: KeyPair(folder / name) for name in KINDS}


def number(value: int) -> bytes:
    """Returns a natural number as a wire string in its shortest form."""
    return wire_string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


def signed_data(payload: bytes = PAYLOAD, namespace: bytes = NAMESPACE.encode(), hash_name: str = "sha512") -> bytes:
    """Returns what an SSHSIG signature is over."""
    digest = hashlib.new(hash_name, payload).digest()
    return b"SSHSIG" + b"".join(map(wire_string, (namespace, b"", hash_name.encode(), digest)))


def block(
    key: bytes,
    inner: bytes,
    *,
    magic: bytes = b"SSHSIG",
    version: int = 1,
    namespace: bytes = NAMESPACE.encode(),
    reserved: bytes = b"",
    hash_name: bytes = b"sha512",
    tail: bytes = b"",
) -> bytes:
    """Returns an SSHSIG in wire form, with anything in it that a test wants to be wrong."""
    fields = b"".join(map(wire_string, (key, namespace, reserved, hash_name, inner)))
    return magic + version.to_bytes(4, "big") + fields + tail


def armour(blob: bytes) -> str:
    """Returns a wire form in armour, as `ssh-keygen` writes it."""
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def dearmour(text: str) -> bytes:
    """Returns the wire form in an armour."""
    return base64.b64decode("".join(text.split("\n")[1:-2]))


class HardwareKey:
    """A security key in software: it signs as OpenSSH's PROTOCOL.u2f says that one does."""

    def __init__(self, curve: str, application: str = "ssh:") -> None:
        self.application = application.encode()
        self.elliptic = ec.generate_private_key(ec.SECP256R1()) if curve == "ecdsa" else None
        self.edwards = ed25519.Ed25519PrivateKey.generate()
        if self.elliptic:
            self.name = b"sk-ecdsa-sha2-nistp256@openssh.com"
            point = self.elliptic.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            parts: tuple[bytes, ...] = (self.name, b"nistp256", point, self.application)
        else:
            self.name = b"sk-ssh-ed25519@openssh.com"
            parts = (self.name, self.edwards.public_key().public_bytes_raw(), self.application)
        self.blob = b"".join(map(wire_string, parts))
        self.line = f"{self.name.decode()} {base64.b64encode(self.blob).decode()}"

    def sign(self, flags: int = 1, counter: int = 7, said_flags: int | None = None) -> str:
        """Signs the payload; `said_flags` are the flags that the signature claims instead of those it was made with."""
        data = b"".join(
            (
                hashlib.sha256(self.application).digest(),
                bytes((flags,)),
                counter.to_bytes(4, "big"),
                hashlib.sha256(signed_data()).digest(),
            )
        )
        if self.elliptic:
            r, s = utils.decode_dss_signature(self.elliptic.sign(data, ec.ECDSA(hashes.SHA256())))
            raw = number(r) + number(s)
        else:
            raw = self.edwards.sign(data)
        said = flags if said_flags is None else said_flags
        return armour(
            block(self.blob, wire_string(self.name) + wire_string(raw) + bytes((said,)) + counter.to_bytes(4, "big"))
        )


def judge(
    text: str, payload: bytes, signers: str, *, principal: str = OWNER, revoked: str = "", at: Instant = NOW
) -> Fault | None:
    """Returns our verdict: None where the signature counts for the principal."""
    key = verify_signature(text, payload, NAMESPACE)
    if isinstance(key, Fault):
        return key
    disowned = parse_revoked(revoked.encode(), "trust/revoked")
    if disowned.faults:
        return disowned.faults[0].fault
    if fault := disowned.judge(key):
        return fault
    found = parse_signers(signers.encode("utf-8", "surrogatepass"), "trust/signers").judge(
        key, principal, NAMESPACE, at
    )
    return found if isinstance(found, Fault) else None


def witness(
    text: str, payload: bytes, signers: str, *, principal: str = OWNER, revoked: str = "", at: Instant = NOW
) -> bool:
    """Returns the verdict of `ssh-keygen -Y verify`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "signature").write_text(text, newline="")
        (folder / "signers").write_bytes(signers.encode("utf-8", "surrogatepass"))
        (folder / "revoked").write_text(revoked)
        moment = format_instant(at).split(".")[0].translate(str.maketrans("", "", "-:T")).removesuffix("Z") + "Z"
        command = ["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-I", principal, "-O", f"verify-time={moment}"]
        command += ["-f", str(folder / "signers"), "-s", str(folder / "signature")]
        if revoked:
            command += ["-r", str(folder / "revoked")]
        return openssh(*command, stdin=payload).returncode == 0


def kind_of(fault: Fault | None) -> FaultKind | None:
    """Returns a verdict's kind, None where there is no fault."""
    return None if fault is None else fault.kind
