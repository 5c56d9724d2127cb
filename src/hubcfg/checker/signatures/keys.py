"""SSH public keys: read strictly from their wire form, so that one key has one encoding and one fingerprint.

Nothing here needs the cryptography library: what can be wrong with a public key is arithmetic.
"""

import base64
import binascii
import hashlib
import re
from enum import Enum
from functools import lru_cache

from msgspec import Struct

from hubcfg.checker.signatures.faults import Fault, FaultKind
from hubcfg.checker.signatures.wire import Reader, WireError

MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 16384  # OpenSSH's own limit
_MAX_EXPONENT_BITS = 64  # OpenSSL's for large moduli; a larger exponent only makes verifying slow
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}\Z", re.ASCII)
_MAKE_ANOTHER = "make one with `ssh-keygen -t ed25519`, or `-t ed25519-sk` for a hardware key"


class KeyType(Enum):
    """The key types that count, by their SSH names."""

    ED25519 = "ssh-ed25519"
    ECDSA_256 = "ecdsa-sha2-nistp256"
    ECDSA_384 = "ecdsa-sha2-nistp384"
    ECDSA_521 = "ecdsa-sha2-nistp521"
    RSA = "ssh-rsa"
    SK_ED25519 = "sk-ssh-ed25519@openssh.com"
    SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"

    @property
    def is_hardware(self) -> bool:
        """Tells whether the private half lives in a security key that wants to be touched."""
        return self in (KeyType.SK_ED25519, KeyType.SK_ECDSA)


_TYPES = {key_type.value: key_type for key_type in KeyType}
_CERTIFICATE = re.compile(r"[!-~]+-cert-v\d\d@openssh\.com\Z", re.ASCII)
_OTHER_TYPES = ("ssh-dss", "ssh-xmss@openssh.com")


class PublicKey(Struct, frozen=True):
    """A public key that is sound. All else follows from its `blob`, the wire form.

    `point` is the public point of the elliptic types, `modulus` and `exponent` are RSA's, `application` is what a
    hardware key is bound to.
    """

    blob: bytes
    type: KeyType
    fingerprint: str
    point: bytes = b""
    modulus: int = 0
    exponent: int = 0
    application: str = ""

    @property
    def line(self) -> str:
        """The key as one line of a `.pub` file, without a comment."""
        return f"{self.type.value} {base64.b64encode(self.blob).decode()}"


class _Curve(Struct, frozen=True):
    """A NIST curve y² = x³ - 3x + b over the field of `prime`; its points are `size` bytes a coordinate."""

    name: bytes
    size: int
    prime: int
    b: int

    def has(self, point: bytes) -> bool:
        """Tells whether the bytes are an uncompressed point of the curve."""
        if len(point) != 1 + 2 * self.size or point[0] != 4:
            return False
        x = int.from_bytes(point[1 : 1 + self.size], "big")
        y = int.from_bytes(point[1 + self.size :], "big")
        if x >= self.prime or y >= self.prime:
            return False
        return (y * y - (x * x * x - 3 * x + self.b)) % self.prime == 0


_P256 = _Curve(
    b"nistp256",
    32,
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
)
_P384 = _Curve(
    b"nistp384",
    48,
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
)
_P521 = _Curve(
    b"nistp521",
    66,
    2**521 - 1,
    0x51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
)
_CURVES = {
    KeyType.ECDSA_256: _P256,
    KeyType.ECDSA_384: _P384,
    KeyType.ECDSA_521: _P521,
    KeyType.SK_ECDSA: _P256,
}

_ED25519_PRIME = 2**255 - 19
# The y coordinates of the points of small order: anybody can sign for a key that is one of them.
_ED25519_SMALL = frozenset(
    {
        0,
        1,
        _ED25519_PRIME - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
    }
)


def is_key_type(word: str) -> bool:
    """Tells whether a word of a file is the name of a key type, of one that counts or not."""
    return word in _TYPES or word in _OTHER_TYPES or _CERTIFICATE.match(word) is not None


def fingerprint(blob: bytes) -> str:
    """Returns a key's fingerprint as OpenSSH writes it: `SHA256:` and unpadded base64."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def decode_base64(text: str) -> bytes | None:
    """Returns what base64 text means, or None where it is not the one base64 form of anything."""
    if not _BASE64.match(text):
        return None
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    # Bits after the last byte would let one key be written in several ways.
    return data if base64.b64encode(data).decode() == text else None


def parse_key_words(type_name: str, text: str) -> PublicKey | Fault:
    """Returns the public key of a line's type name and base64, or what is wrong with them."""
    blob = decode_base64(text)
    if blob is None:
        return Fault(
            FaultKind.MALFORMED,
            "the key is not base64",
            "copy the whole line of the `.pub` file; a key is often cut off or wrapped when it is pasted",
        )
    key = parse_key_blob(blob)
    if isinstance(key, PublicKey) and key.type.value != type_name:
        return Fault(
            FaultKind.MALFORMED,
            f"the line says `{type_name}`, but the key in it is `{key.type.value}`",
            "copy the whole line of the `.pub` file",
        )
    return key


@lru_cache(maxsize=4096)
def parse_key_blob(blob: bytes) -> PublicKey | Fault:
    """Returns the public key that a wire form is, or what is wrong with it; each distinct key is read once."""
    reader = Reader(blob)
    try:
        name = reader.name()
        key_type = _TYPES.get(name)
        if key_type is None:
            return _refuse_type(name)
        key = _read(key_type, reader, blob)
        if isinstance(key, PublicKey):
            reader.end()
    except WireError as error:
        return Fault(FaultKind.MALFORMED, f"the key cannot be read: {error}", "copy the whole line of the `.pub` file")
    return key


def _refuse_type(name: str) -> Fault:
    if _CERTIFICATE.match(name):
        return Fault(
            FaultKind.UNSUPPORTED,
            f"`{name}` is a certificate, and who a certificate speaks for cannot be read from the signers file",
            "use the plain public key instead of the certificate",
        )
    if name == "ssh-dss":
        return Fault(FaultKind.WEAK, "DSA keys are too weak to count", _MAKE_ANOTHER)
    return Fault(FaultKind.UNSUPPORTED, f"keys of type `{name[:80]}` are not known", _MAKE_ANOTHER)


def _read(key_type: KeyType, reader: Reader, blob: bytes) -> PublicKey | Fault:
    if key_type is KeyType.RSA:
        return _read_rsa(reader, blob)
    if curve := _CURVES.get(key_type):
        if reader.string() != curve.name:
            raise WireError("its curve is not the one that its type names")
        point = reader.string()
        if not curve.has(point):
            raise WireError("its point is not on its curve")
    else:
        point = reader.string()
        if len(point) != 32:
            raise WireError("it does not have 32 bytes")
        y = int.from_bytes(point, "little") & (2**255 - 1)
        if y >= _ED25519_PRIME:
            raise WireError("its point is not in its one form")
        if y in _ED25519_SMALL:
            return Fault(FaultKind.WEAK, "the key is one that anybody can sign for", _MAKE_ANOTHER)
    application = ""
    if key_type.is_hardware:
        application = reader.string().decode("utf-8", "backslashreplace")
        if not application.startswith("ssh:") or not application.isprintable():
            return Fault(
                FaultKind.UNSUPPORTED,
                f"the hardware key is bound to {application[:80]!a}, which is not an application of SSH",
                "make one with `ssh-keygen -t ed25519-sk`; its application begins with `ssh:`",
            )
    return PublicKey(blob, key_type, fingerprint(blob), point, application=application)


def _read_rsa(reader: Reader, blob: bytes) -> PublicKey | Fault:
    exponent, modulus = reader.natural(), reader.natural()
    bits = modulus.bit_length()
    if bits < MIN_RSA_BITS:
        return Fault(
            FaultKind.WEAK, f"the RSA key has {bits} bits, and fewer than {MIN_RSA_BITS} are too weak", _MAKE_ANOTHER
        )
    if bits > _MAX_RSA_BITS or not modulus & 1:
        raise WireError("its modulus is not one of an RSA key")
    if exponent < 3 or not exponent & 1 or exponent.bit_length() > _MAX_EXPONENT_BITS:
        raise WireError("its exponent is not one of an RSA key")
    return PublicKey(blob, KeyType.RSA, fingerprint(blob), modulus=modulus, exponent=exponent)
