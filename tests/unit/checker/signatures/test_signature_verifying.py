"""What `ssh-keygen` signs verifies in-process, and what was tampered with does not; `ssh-keygen -Y verify` is the witness."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from hubcfg.checker.signatures.faults import Fault, FaultKind
from hubcfg.checker.signatures.keys import KeyType, PublicKey, parse_key_blob
from hubcfg.checker.signatures.sshsig import parse_signature, verify_signature
from hubcfg.checker.signatures.wire import wire_string
from tests.unit.checker.signatures.ssh import (
    NAMESPACE,
    OWNER,
    PAYLOAD,
    HardwareKey,
    KeyPair,
    armour,
    block,
    dearmour,
    judge,
    kind_of,
    number,
    openssh,
    signed_data,
    witness,
)

Keys = dict[str, KeyPair]
GOOD = ("ed25519", "nistp256", "nistp384", "nistp521", "rsa-2048", "rsa-3072")


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
@pytest.mark.parametrize("name", GOOD)
def test_what_ssh_keygen_signs_verifies(keys: Keys, name: str, hash_name: str) -> None:
    """A signature of every key type and hash verifies, to the very key and its fingerprint, as ssh-keygen agrees."""
    key = keys[name]
    text = key.sign(hash_name=hash_name)
    found = verify_signature(text, PAYLOAD, NAMESPACE)
    assert isinstance(found, PublicKey), found
    assert found.line == key.line
    listed = openssh("ssh-keygen", "-l", "-f", str(key.path)).stdout.decode().split()[1]
    assert found.fingerprint == listed
    assert judge(text, PAYLOAD, f"{OWNER} {key.line}") is None
    assert witness(text, PAYLOAD, f"{OWNER} {key.line}")


@pytest.mark.parametrize("curve", ["ecdsa", "ed25519"])
def test_hardware_keys_verify(curve: str) -> None:
    """A touched hardware key's signature verifies, with a PIN or without, as ssh-keygen agrees."""
    key = HardwareKey(curve)
    for flags in (0x01, 0x05):
        text = key.sign(flags)
        found = verify_signature(text, PAYLOAD, NAMESPACE)
        assert isinstance(found, PublicKey), found
        assert found.type.is_hardware
        assert found.application == "ssh:"
        assert witness(text, PAYLOAD, f"{OWNER} {key.line}")


def test_the_last_line_break_may_be_missing(keys: Keys) -> None:
    """A signature that an editor has stripped of its last line break is still the same."""
    text = keys["ed25519"].sign().rstrip("\n")
    assert judge(text, PAYLOAD, f"{OWNER} {keys['ed25519'].line}") is None
    assert witness(text, PAYLOAD, f"{OWNER} {keys['ed25519'].line}")


def test_a_short_rsa_number_verifies(keys: Keys) -> None:
    """Leading zeros that an agent stripped from an RSA signature are put back, as OpenSSH does."""
    key = keys["rsa-2048"]
    private = load_ssh_private_key(key.path.read_bytes(), None)
    assert isinstance(private, RSAPrivateKey)
    for count in range(5000):
        payload = b"%d" % count
        inner = private.sign(signed_data(payload), PKCS1v15(), SHA512())
        if inner[0] == 0:
            break
    else:
        pytest.fail("no signature began with a zero byte")
    text = armour(block(key.blob, wire_string(b"rsa-sha2-512") + wire_string(inner.lstrip(b"\0"))))
    assert witness(text, payload, f"{OWNER} {key.line}")
    assert judge(text, payload, f"{OWNER} {key.line}") is None


@dataclass(frozen=True)
class Tampering:
    """A signature or payload that must not count; `lenient` where ssh-keygen lets it pass and we do not."""

    name: str
    make: Callable[[Keys], tuple[str, bytes]]
    kind: FaultKind
    signer: str = "ed25519"
    lenient: bool = False


def _good(keys: Keys) -> bytes:
    return dearmour(keys["ed25519"].sign())


def _flipped(keys: Keys, offset: int) -> str:
    blob = bytearray(_good(keys))
    blob[offset] ^= 1
    return armour(bytes(blob))


def _inner(keys: Keys) -> bytes:
    parsed = parse_signature(keys["ed25519"].sign())
    assert not isinstance(parsed, Fault)
    return wire_string(b"ssh-ed25519") + wire_string(parsed.raw)


def _rebuilt(keys: Keys, **changes: object) -> str:
    return armour(block(keys["ed25519"].blob, _inner(keys), **changes))  # type: ignore[arg-type]  # any field


def _text(change: Callable[[str], str]) -> Callable[[Keys], tuple[str, bytes]]:
    return lambda keys: (change(keys["ed25519"].sign()), PAYLOAD)


TAMPERINGS = (
    Tampering("another payload", lambda keys: (keys["ed25519"].sign(), PAYLOAD + b" "), FaultKind.MISMATCH),
    Tampering("an empty payload", lambda keys: (keys["ed25519"].sign(), b""), FaultKind.MISMATCH),
    Tampering("another namespace", lambda keys: (keys["ed25519"].sign(namespace="git"), PAYLOAD), FaultKind.NAMESPACE),
    Tampering(
        "a namespace that only begins alike",
        lambda keys: (keys["ed25519"].sign(namespace=NAMESPACE + "s"), PAYLOAD),
        FaultKind.NAMESPACE,
    ),
    Tampering(
        "a namespace written over",
        lambda keys: (
            armour(dearmour(keys["ed25519"].sign(namespace="hubcfg-otherone")).replace(b"otherone", b"approval")),
            PAYLOAD,
        ),
        FaultKind.MISMATCH,
    ),
    Tampering("an empty namespace", lambda keys: (_rebuilt(keys, namespace=b""), PAYLOAD), FaultKind.NAMESPACE),
    Tampering("another person's key", lambda keys: (keys["other"].sign(), PAYLOAD), FaultKind.UNKNOWN_KEY),
    Tampering(
        "the owner's key written over another's",
        lambda keys: (
            armour(dearmour(keys["other"].sign()).replace(keys["other"].blob, keys["ed25519"].blob)),
            PAYLOAD,
        ),
        FaultKind.MISMATCH,
    ),
    Tampering("a bit of the magic flipped", lambda keys: (_flipped(keys, 0), PAYLOAD), FaultKind.MALFORMED),
    Tampering("a bit of the key flipped", lambda keys: (_flipped(keys, 40), PAYLOAD), FaultKind.MISMATCH),
    Tampering("a bit of the signature flipped", lambda keys: (_flipped(keys, -1), PAYLOAD), FaultKind.MISMATCH),
    Tampering("a bit of a length flipped", lambda keys: (_flipped(keys, 13), PAYLOAD), FaultKind.MALFORMED),
    Tampering("cut off", lambda keys: (armour(_good(keys)[:-1]), PAYLOAD), FaultKind.MALFORMED),
    Tampering("empty", lambda _: (armour(b""), PAYLOAD), FaultKind.MALFORMED),
    Tampering("bytes left over", lambda keys: (_rebuilt(keys, tail=b"\0"), PAYLOAD), FaultKind.MALFORMED),
    Tampering(
        "bytes left over inside",
        lambda keys: (armour(block(keys["ed25519"].blob, _inner(keys) + b"\0")), PAYLOAD),
        FaultKind.MALFORMED,
    ),
    Tampering("version 2", lambda keys: (_rebuilt(keys, version=2), PAYLOAD), FaultKind.UNSUPPORTED),
    Tampering("version 0", lambda keys: (_rebuilt(keys, version=0), PAYLOAD), FaultKind.UNSUPPORTED, lenient=True),
    Tampering(
        "the reserved field filled",
        lambda keys: (_rebuilt(keys, reserved=b"x"), PAYLOAD),
        FaultKind.MALFORMED,
        lenient=True,
    ),
    Tampering("an unknown hash", lambda keys: (_rebuilt(keys, hash_name=b"sha1"), PAYLOAD), FaultKind.UNSUPPORTED),
    Tampering("the other hash", lambda keys: (_rebuilt(keys, hash_name=b"sha256"), PAYLOAD), FaultKind.MISMATCH),
    Tampering(
        "an algorithm of another key type",
        lambda keys: (
            armour(block(keys["ed25519"].blob, _inner(keys).replace(b"ssh-ed25519", b"ssh-ed25518"))),
            PAYLOAD,
        ),
        FaultKind.UNSUPPORTED,
    ),
    Tampering("SHA-1", lambda keys: (keys["rsa-2048"].sign_sha1(), PAYLOAD), FaultKind.WEAK, signer="rsa-2048"),
    Tampering(
        "SHA-1 said to be SHA-512",
        lambda keys: (
            armour(
                block(
                    keys["rsa-2048"].blob,
                    dearmour(keys["rsa-2048"].sign_sha1())[-(256 + 4 + 11) :].replace(
                        wire_string(b"ssh-rsa"), wire_string(b"rsa-sha2-512")
                    ),
                )
            ),
            PAYLOAD,
        ),
        FaultKind.MISMATCH,
        signer="rsa-2048",
    ),
    Tampering(
        "a weak RSA key",
        lambda keys: (keys["rsa-1024"].sign(), PAYLOAD),
        FaultKind.WEAK,
        signer="rsa-1024",
        lenient=True,
    ),
    Tampering(
        "an ECDSA signature of zeros",
        lambda keys: (
            armour(
                block(
                    keys["nistp256"].blob,
                    wire_string(b"ecdsa-sha2-nistp256") + wire_string(number(0) + number(0)),
                )
            ),
            PAYLOAD,
        ),
        FaultKind.MISMATCH,
        signer="nistp256",
    ),
    Tampering(
        "an ECDSA signature of negative numbers",
        lambda keys: (
            armour(
                block(
                    keys["nistp256"].blob,
                    wire_string(b"ecdsa-sha2-nistp256") + wire_string(wire_string(b"\xff" * 32) * 2),
                )
            ),
            PAYLOAD,
        ),
        FaultKind.MISMATCH,
        signer="nistp256",
    ),
    Tampering("text before", _text(lambda text: "signed:\n" + text), FaultKind.MALFORMED),
    Tampering("text after", _text(lambda text: text + "and more\n"), FaultKind.MALFORMED, lenient=True),
    Tampering("two blocks", _text(lambda text: text + text), FaultKind.MALFORMED, lenient=True),
    Tampering("no footer", _text(lambda text: text.replace("-----END SSH SIGNATURE-----\n", "")), FaultKind.MALFORMED),
    Tampering(
        "a blank in the base64",
        _text(lambda text: text.replace("\nU1NI", "\nU1 NI")),
        FaultKind.MALFORMED,
        lenient=True,
    ),
    Tampering(
        "an odd character in the base64",
        _text(lambda text: text.replace("\nU1NI", "\nU1NI\u00e4")),
        FaultKind.MALFORMED,
    ),
)


@pytest.mark.parametrize("case", TAMPERINGS, ids=lambda case: case.name)
def test_tampering_is_refused(keys: Keys, case: Tampering) -> None:
    """What was tampered with is refused for the right reason, and ssh-keygen agrees where it is as strict."""
    text, payload = case.make(keys)
    signers = f"{OWNER} {keys[case.signer].line}"
    fault = judge(text, payload, signers)
    assert kind_of(fault) is case.kind, fault
    assert fault is not None
    assert fault.help
    assert witness(text, payload, signers) is case.lenient


@pytest.mark.parametrize("curve", ["ecdsa", "ed25519"])
def test_hardware_keys_must_be_touched(curve: str) -> None:
    """A signature without user presence does not count, nor one whose flags were written over, though ssh-keygen takes the first."""
    key = HardwareKey(curve)
    signers = f"{OWNER} {key.line}"
    assert kind_of(judge(key.sign(flags=0), PAYLOAD, signers)) is FaultKind.PRESENCE
    assert witness(key.sign(flags=0), PAYLOAD, signers)
    forged = key.sign(flags=0, said_flags=1)
    assert kind_of(judge(forged, PAYLOAD, signers)) is FaultKind.MISMATCH
    assert not witness(forged, PAYLOAD, signers)


def test_hardware_keys_of_other_applications_are_refused() -> None:
    """A hardware key that a web site may use does not count."""
    key = HardwareKey("ed25519", application="https://login.example")
    fault = judge(key.sign(), PAYLOAD, f"{OWNER} {key.line}")
    assert kind_of(fault) is FaultKind.UNSUPPORTED


def test_certificates_are_refused(keys: Keys) -> None:
    """A signature by a certificate does not count, whoever certified the key."""
    signer, authority = keys["ed25519"], keys["other"]
    public = signer.path.with_name(signer.path.name + ".pub")
    done = openssh("ssh-keygen", "-q", "-s", str(authority.path), "-I", "owner", "-n", OWNER, str(public))
    assert done.returncode == 0, done.stderr
    certificate = signer.path.with_name(signer.path.name + "-cert.pub")
    blob = base64.b64decode(certificate.read_text().split()[1])
    certificate.unlink()
    text = armour(block(blob, _inner(keys)))
    for signers in (f"{OWNER} cert-authority {authority.line}", f"{OWNER} {signer.line}"):
        assert kind_of(judge(text, PAYLOAD, signers)) is FaultKind.UNSUPPORTED
    assert witness(text, PAYLOAD, f"{OWNER} cert-authority {authority.line}")


def _point_key(name: str, *parts: bytes) -> bytes:
    return b"".join(map(wire_string, (name.encode(), *parts)))


def _small_points() -> list[bytes]:
    """Returns Edwards points of small order, worked out: any point times the order of the large subgroup."""
    prime, order = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, prime) % prime

    def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
        product = d * p[0] * q[0] * p[1] * q[1]
        x = (p[0] * q[1] + p[1] * q[0]) * pow(1 + product, -1, prime)
        y = (p[1] * q[1] + p[0] * q[0]) * pow(1 - product, -1, prime)
        return x % prime, y % prime

    found = set()
    for y in range(2, 40):
        square = (y * y - 1) * pow(d * y * y + 1, -1, prime) % prime
        x = pow(square, (prime + 3) // 8, prime)
        if (x * x - square) % prime:
            x = x * pow(2, (prime - 1) // 4, prime) % prime
        if (x * x - square) % prime:
            continue  # no point has this y
        point, power, rest = (0, 1), (x, y), order
        while rest:
            if rest & 1:
                point = add(point, power)
            power, rest = add(power, power), rest >> 1
        found.add((point[1] | (point[0] & 1) << 255).to_bytes(32, "little"))
    return sorted(found)


def test_keys_that_anybody_can_sign_for_are_refused() -> None:
    """Ed25519 points of small order, for which a signature needs no secret, are refused: eight of them, worked out anew."""
    points = _small_points()
    assert len(points) == 8
    for point in points:
        text = armour(block(_point_key("ssh-ed25519", point), wire_string(b"ssh-ed25519") + wire_string(bytes(64))))
        fault = judge(text, PAYLOAD, "")
        assert kind_of(fault) is FaultKind.WEAK


@pytest.mark.parametrize(
    "blob",
    [
        _point_key("ssh-ed25519", b"\xff" * 32),
        _point_key("ssh-ed25519", bytes(31)),
        _point_key("ecdsa-sha2-nistp256", b"nistp384", b"\x04" + bytes(64)),
        _point_key("ecdsa-sha2-nistp256", b"nistp256", b"\x04" + b"\1" * 64),
        _point_key("ecdsa-sha2-nistp256", b"nistp256", b"\x02" + b"\1" * 32),
        _point_key("ecdsa-sha2-nistp256", b"nistp256", b"\x04" + b"\xff" * 64),
        _point_key("ecdsa-sha2-nistp256", b"nistp256", b""),
        b"\0\0\0\7ssh-rsa" + number(1) + number(2**2048 + 1),
        b"\0\0\0\7ssh-rsa" + number(65537) + number(2**2048 + 2),
        b"\0\0\0\7ssh-rsa" + number(65537) + number(2**20000 + 1),
        b"\0\0\0\7ssh-rsa" + number(2**100 + 1) + number(2**2048 + 1),
        b"\0\0\0\7ssh-rsa" + number(65537) + wire_string(b"\0\0" + (2**2048 + 1).to_bytes(257, "big")),
        b"\0\0\0\7ssh-rsa" + number(65537) + wire_string((2**2047 + 1).to_bytes(256, "big")),
        b"\0\0\0\7ssh-rsa" + number(65537) + wire_string((2**2048 - 1).to_bytes(256, "big")),
        b"\0\0\0\7ssh-rsa" + number(65537) + number(2**2048 + 1) + b"\0",
        _point_key("ssh-\u00e9", b""),
        _point_key("", b""),
        b"",
    ],
    ids=range(18),
)
def test_keys_that_are_none_are_refused(blob: bytes) -> None:
    """A key whose numbers are no key, or not in their one form, cannot be read."""
    found = parse_key_blob(blob)
    assert isinstance(found, Fault), found
    assert found.kind is FaultKind.MALFORMED
    assert kind_of(judge(armour(block(blob, b"")), PAYLOAD, "")) is FaultKind.MALFORMED


def test_key_types_are_those_of_openssh() -> None:
    """The key types are those of OpenSSH that are not weak."""
    listed = openssh("ssh", "-Q", "key-plain").stdout.decode().split()
    assert {key_type.value for key_type in KeyType} == set(listed) - {"ssh-dss"}
