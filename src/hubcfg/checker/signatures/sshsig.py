"""OpenSSH signatures (SSHSIG): read strictly and verified in-process.

What is taken is what `ssh-keygen -Y verify` takes, less what it lets pass: hardware keys must have been touched, the
reserved field must be empty, and the armour must be the one that `ssh-keygen` writes, line lengths aside.
"""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

from hubcfg.checker.signatures.faults import Fault, FaultKind
from hubcfg.checker.signatures.keys import KeyType, PublicKey, decode_base64, parse_key_blob
from hubcfg.checker.signatures.wire import Reader, WireError, wire_string

_MAX_LENGTH = 1 << 16  # the largest RSA signature is a tenth of it
_ARMOUR = re.compile(
    r"-----BEGIN SSH SIGNATURE-----\n((?:[A-Za-z0-9+/=]+\n)+)-----END SSH SIGNATURE-----\n?\Z", re.ASCII
)
_MAGIC = b"SSHSIG"
_HASHES = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
_RSA_ALGORITHMS = ("rsa-sha2-256", "rsa-sha2-512")
_SIGN_AGAIN = "sign again with `hubcfg approve`"
_USER_PRESENT = 0x01

# Checks a signature (the bytes after its algorithm's name) over data; raises InvalidSignature.
_Verifier: TypeAlias = Callable[[bytes, bytes, str], None]


class Signature(Struct, frozen=True):
    """An SSH signature as read, not yet verified.

    `algorithm` names how `key` signed; `raw` are the bytes it made; `flags` and `counter` are a hardware key's words.
    """

    key: PublicKey
    namespace: bytes
    hash_name: str
    algorithm: str
    raw: bytes
    flags: int = 0
    counter: int = 0


def verify_signature(armour: str, payload: bytes, namespace: str) -> PublicKey | Fault:
    """Returns the key that signed `payload` for `namespace`, or what is wrong with the signature.

    Whose key it is, and whether it counted at the time, is another question (`Signers.judge`).
    """
    signature = parse_signature(armour)
    if isinstance(signature, Fault):
        return signature
    return verify_parsed(signature, payload, namespace) or signature.key


def parse_signature(armour: str) -> Signature | Fault:
    """Returns the signature in an armoured block, or what is wrong with it."""
    if len(armour) > _MAX_LENGTH:
        return Fault(FaultKind.MALFORMED, "the signature is longer than any SSH signature", _SIGN_AGAIN)
    match = _ARMOUR.match(armour)
    if match is None:
        return Fault(
            FaultKind.MALFORMED,
            "the signature is not one whole block from `-----BEGIN SSH SIGNATURE-----` to `-----END SSH SIGNATURE-----`",
            f"{_SIGN_AGAIN}, or paste the whole output of `ssh-keygen -Y sign` after `signature: |`",
        )
    blob = decode_base64(match[1].replace("\n", ""))
    if blob is None:
        return Fault(FaultKind.MALFORMED, "the signature is not base64, or was cut off", _SIGN_AGAIN)
    try:
        return _read(Reader(blob))
    except WireError as error:
        return Fault(FaultKind.MALFORMED, f"the signature cannot be read: {error}", _SIGN_AGAIN)


def _read(reader: Reader) -> Signature | Fault:
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise WireError("it does not begin as SSH signatures do")
    version = reader.uint32()
    if version != 1:
        return Fault(FaultKind.UNSUPPORTED, f"the signature is of version {version}, and only 1 is known", _SIGN_AGAIN)
    key = parse_key_blob(reader.string())
    if isinstance(key, Fault):
        help = _SIGN_AGAIN if key.kind is FaultKind.MALFORMED else f"sign with another key: {key.help}"
        return Fault(key.kind, f"in the signature, {key.message}", help)
    namespace = reader.string()
    if reader.string():
        raise WireError("its reserved field is not empty")
    hash_name = reader.name()
    inner = Reader(reader.string())
    reader.end()
    if hash_name not in _HASHES:
        return Fault(FaultKind.UNSUPPORTED, f"the signature is over a `{hash_name[:40]}` hash", _SIGN_AGAIN)
    algorithm = inner.name()
    if fault := _find_algorithm_fault(key, algorithm):
        return fault
    raw = inner.string()
    flags, counter = (inner.byte(), inner.uint32()) if key.type.is_hardware else (0, 0)
    inner.end()
    return Signature(key, namespace, hash_name, algorithm, raw, flags, counter)


def _find_algorithm_fault(key: PublicKey, algorithm: str) -> Fault | None:
    if key.type is not KeyType.RSA:
        if algorithm == key.type.value:
            return None
        return Fault(
            FaultKind.UNSUPPORTED,
            f"the signature of a `{key.type.value}` key is said to be `{algorithm[:80]}`",
            _SIGN_AGAIN,
        )
    if algorithm in _RSA_ALGORITHMS:
        return None
    if algorithm == KeyType.RSA.value:
        return Fault(
            FaultKind.WEAK,
            "the signature is made with SHA-1, which can be forged",
            "sign again with OpenSSH 8.1 or later, which uses SHA-512, or with an ed25519 key",
        )
    return Fault(FaultKind.UNSUPPORTED, f"the signature of an RSA key is said to be `{algorithm[:80]}`", _SIGN_AGAIN)


def verify_parsed(signature: Signature, payload: bytes, namespace: str) -> Fault | None:
    """Returns why a signature is not its key's signature over `payload` for `namespace`, or None where it is."""
    expected = namespace.encode("utf-8", "surrogatepass")
    if not expected or signature.namespace != expected:
        made_for = ascii(signature.namespace.decode("utf-8", "backslashreplace")[:80])[1:-1]
        return Fault(
            FaultKind.NAMESPACE,
            f"the signature is made for `{made_for}`, not for `{namespace}`",
            f"sign again with `hubcfg approve`, or with `ssh-keygen -Y sign -n {namespace}`",
        )
    key = signature.key
    if key.type.is_hardware and not signature.flags & _USER_PRESENT:
        return Fault(
            FaultKind.PRESENCE,
            "nobody touched the hardware key when it made the signature",
            "sign again and touch the key; a key made with `-O no-touch-required` does not count",
        )
    digest = _HASHES[signature.hash_name](payload).digest()
    signed = b"".join(
        (
            _MAGIC,
            wire_string(expected),
            wire_string(b""),
            wire_string(signature.hash_name.encode()),
            wire_string(digest),
        )
    )
    if key.type.is_hardware:
        signed = b"".join(
            (
                hashlib.sha256(key.application.encode()).digest(),
                bytes((signature.flags,)),
                signature.counter.to_bytes(4, "big"),
                hashlib.sha256(signed).digest(),
            )
        )
    if _holds(signature, signed):
        return None
    return Fault(
        FaultKind.MISMATCH,
        "the signature does not belong to this text: something was changed after it was signed",
        "undo the change, or sign again with `hubcfg approve`",
    )


def _holds(signature: Signature, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        _verifier(signature.key)(signature.raw, signed, signature.algorithm)
    except (InvalidSignature, ValueError, WireError):
        return False  # ValueError: numbers that no signature of the key can have
    return True


@lru_cache(maxsize=4096)
def _verifier(key: PublicKey) -> _Verifier:
    """Returns what checks a key's signatures; made once for each distinct key."""
    if key.type is KeyType.RSA:
        return _rsa_verifier(key)
    if key.type in (KeyType.ED25519, KeyType.SK_ED25519):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        ed25519 = Ed25519PublicKey.from_public_bytes(key.point)
        return lambda raw, data, _: ed25519.verify(raw, data)
    return _ecdsa_verifier(key)


def _rsa_verifier(key: PublicKey) -> _Verifier:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256, SHA512

    rsa = RSAPublicNumbers(key.exponent, key.modulus).public_key()
    padding = PKCS1v15()
    hashes = {"rsa-sha2-256": SHA256(), "rsa-sha2-512": SHA512()}
    size = (key.modulus.bit_length() + 7) // 8

    def verify(raw: bytes, data: bytes, algorithm: str) -> None:
        # Some agents strip leading zeros from the number that an RSA signature is; OpenSSH puts them back too.
        rsa.verify(raw.rjust(size, b"\0"), data, padding, hashes[algorithm])

    return verify


def _ecdsa_verifier(key: PublicKey) -> _Verifier:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

    curve, scheme = {
        KeyType.ECDSA_256: (ec.SECP256R1(), ec.ECDSA(SHA256())),
        KeyType.SK_ECDSA: (ec.SECP256R1(), ec.ECDSA(SHA256())),
        KeyType.ECDSA_384: (ec.SECP384R1(), ec.ECDSA(SHA384())),
        KeyType.ECDSA_521: (ec.SECP521R1(), ec.ECDSA(SHA512())),
    }[key.type]
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve, key.point)

    def verify(raw: bytes, data: bytes, _: str) -> None:
        reader = Reader(raw)
        r, s = reader.natural(strict=False), reader.natural(strict=False)
        reader.end()
        public.verify(encode_dss_signature(r, s), data, scheme)

    return verify
