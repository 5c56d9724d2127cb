"""Disowned keys never count, and a revoked file that cannot be read is a fault, not silence."""

from collections.abc import Callable

import pytest

from hubcfg.checker.signatures.faults import FaultKind
from hubcfg.checker.signatures.revoked import parse_revoked
from tests.unit.checker.signatures.ssh import OWNER, PAYLOAD, HardwareKey, KeyPair, judge, kind_of, openssh, witness

Keys = dict[str, KeyPair]
FILE = "trust/revoked"


def fingerprint(key: KeyPair) -> str:
    """Returns the key's fingerprint as ssh-keygen prints it."""
    return openssh("ssh-keygen", "-l", "-f", str(key.path)).stdout.decode().split()[1]


@pytest.mark.parametrize("name", ["ed25519", "nistp256", "nistp521", "rsa-2048"])
def test_a_listed_key_does_not_count(keys: Keys, name: str) -> None:
    """A key listed as a public key does not count, as ssh-keygen agrees; nor one listed by its fingerprint."""
    key = keys[name]
    text, signers = key.sign(), f"{OWNER} {key.line}"
    listed = f"# lost in June\n\n  {key.line} stolen laptop\n"
    assert kind_of(judge(text, PAYLOAD, signers, revoked=listed)) is FaultKind.REVOKED
    assert not witness(text, PAYLOAD, signers, revoked=listed)
    for line in (fingerprint(key), f"{fingerprint(key)}=", f"\t{fingerprint(key)} stolen laptop\r\n"):
        fault = judge(text, PAYLOAD, signers, revoked=line)
        assert fault is not None
        assert fault.kind is FaultKind.REVOKED
        assert fault.message == (f"the key that signed ({fingerprint(key)}) is revoked at line 1 of `trust/revoked`")


def test_other_keys_still_count(keys: Keys) -> None:
    """A key that is not listed counts, whatever else is."""
    listed = "\n".join([keys["other"].line, fingerprint(keys["nistp256"]), keys["rsa-1024"].line])
    text, signers = keys["ed25519"].sign(), f"{OWNER} {keys['ed25519'].line}"
    assert judge(text, PAYLOAD, signers, revoked=listed) is None
    assert witness(text, PAYLOAD, signers, revoked=keys["other"].line)


def test_a_hardware_key_can_be_disowned() -> None:
    """A hardware key that is listed does not count, as ssh-keygen agrees."""
    key = HardwareKey("ed25519")
    assert kind_of(judge(key.sign(), PAYLOAD, f"{OWNER} {key.line}", revoked=key.line)) is FaultKind.REVOKED
    assert not witness(key.sign(), PAYLOAD, f"{OWNER} {key.line}", revoked=key.line)


def test_weak_keys_may_be_listed(keys: Keys) -> None:
    """Disowning a key that is too weak to count anyway is no mistake, and keeps its fingerprint."""
    found = parse_revoked(keys["rsa-1024"].line.encode(), FILE)
    assert found.faults == ()
    assert list(found.fingerprints) == [fingerprint(keys["rsa-1024"])]


FAULTS: tuple[tuple[str, Callable[[str], str], str], ...] = (
    ("a word", lambda _: "everything", "everything"),
    ("a name before the key", lambda line: f"{OWNER} {line}", OWNER),
    ("options before the key", lambda line: f"no-pty {line}", "no-pty"),
    ("a key without its type", lambda line: line.split()[1], ""),
    ("a type without its key", lambda _: "ssh-ed25519", "ssh-ed25519"),
    ("a key cut off", lambda line: line[:-4], ""),
    ("a key of another type", lambda line: line.replace("ssh-ed25519", "ssh-rsa"), ""),
    ("a certificate's type", lambda line: line.replace("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"), ""),
    ("a short fingerprint", lambda _: "SHA256:abc", "SHA256:abc"),
    ("a fingerprint with a typing error", lambda _: "SHA256:" + "A" * 42 + "B", "SHA256:" + "A" * 42 + "B"),
    ("an MD5 fingerprint", lambda _: "MD5:00:11", "MD5:00:11"),
    ("what ssh-keygen -l prints", lambda _: "256 SHA256:" + "A" * 43, "256"),
    ("bytes that are no text", lambda line: line + " \udcff", "\ufffd"),
    ("an invisible character", lambda line: "\u200b" + line, "\u200b"),
)


@pytest.mark.parametrize(("name", "make", "at"), FAULTS, ids=[name for name, _, _ in FAULTS])
def test_what_cannot_be_read_is_a_fault(keys: Keys, name: str, make: Callable[[str], str], at: str) -> None:
    """A line that cannot be read is a fault at its words with advice, and the other lines hold."""
    text = make(keys["ed25519"].line)
    source = f"# {name}\n{text}\n{keys['other'].line}\n".encode("utf-8", "surrogateescape")
    found = parse_revoked(source, FILE)
    assert len(found.faults) == 1, found
    place, fault = found.faults[0].place, found.faults[0].fault
    assert place.line == 2
    line = source.decode("utf-8", "replace").split("\n")[1]
    assert line[place.column - 1 : place.end_column - 1] == (at or text)
    assert fault.help
    assert list(found.fingerprints) == [fingerprint(keys["other"])]


def test_a_binary_list_is_a_fault() -> None:
    """OpenSSH's binary revocation list is refused in so many words."""
    found = parse_revoked(b"SSHKRL\n\0" + bytes(100), FILE)
    assert [one.fault.kind for one in found.faults] == [FaultKind.UNSUPPORTED]
    assert found.fingerprints == {}
