"""No input whatever makes the readers of signatures, keys, signers and revoked files raise, and none makes them lenient."""

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubcfg.checker.signatures.faults import Fault, FileFault
from hubcfg.checker.signatures.keys import PublicKey, parse_key_blob, parse_key_words
from hubcfg.checker.signatures.revoked import parse_revoked
from hubcfg.checker.signatures.signers import parse_signers
from hubcfg.checker.signatures.sshsig import verify_signature
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
    witness,
)

Keys = dict[str, KeyPair]

# What signers and revoked files are drawn from.
PIECES = (
    *(OWNER, "kim@x", "a,b", ",", " ", " ", "  ", "\t", "\n", "\n", "\r\n", '"', "\\", '\\"', "#", "*", "?", "!", "="),
    *(
        "KEY",
        "KEY",
        "OTHER",
        "ssh-ed25519",
        "ssh-rsa",
        "AAAA",
        "SHA256:",
        "A" * 43,
        "cert-authority",
        "\u00a0",
        "\u200b",
    ),
    *('namespaces="', f'namespaces="{NAMESPACE}"', 'valid-after="20260101Z"', 'valid-before="', "20270101Z", "\0"),
)
WHOLE_LINES = (f"{OWNER} KEY", f'{OWNER} namespaces="{NAMESPACE}" KEY', f'"{OWNER}" valid-before="20270101Z" KEY c')


def real_signatures(keys: Keys) -> list[bytes]:
    """Returns a real signature of every kind, in wire form."""
    texts = [key.sign() for name, key in keys.items() if name != "rsa-1024"]
    texts += [HardwareKey(curve).sign() for curve in ("ecdsa", "ed25519")]
    return [dearmour(text) for text in texts]


def mutate(blob: bytes, random: Random) -> bytes:
    """Returns a wire form with a few bits flipped and bytes put in, taken out or copied elsewhere."""
    found = bytearray(blob)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(found)) if found else 0
        match random.randrange(5):
            case 0 if found:
                found[at] ^= 1 << random.randrange(8)
            case 1:
                found[at:at] = random.randbytes(random.randint(1, 4))
            case 2:
                del found[at : at + random.randint(1, 40)]
            case 3:
                found[at : at + 4] = random.choice([0, 1, 32, 255, 2**31, 2**32 - 1]).to_bytes(4, "big")
            case _:
                found[at : at + 8] = found[random.randrange(len(found) + 1) :][:8]
    return bytes(found)


@given(st.text(), st.binary(), st.text())
@example("", b"", "")
@example("\ud800", b"", "\ud800")
@example("-----BEGIN SSH SIGNATURE-----\n=\n-----END SSH SIGNATURE-----\n", b"", NAMESPACE)
@settings(deadline=None)
def test_any_text_is_judged(text: str, payload: bytes, namespace: str) -> None:
    """Any text at all is a fault, in words with advice, never an exception."""
    found = verify_signature(text, payload, namespace)
    assert isinstance(found, Fault)
    assert found.message
    assert found.help


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_wire_form_is_judged(blob: bytes) -> None:
    """Any bytes as signature or key, whole or behind a valid head, are faults and never exceptions."""
    for whole in (blob, b"SSHSIG\0\0\0\1" + blob, block(blob, blob)):
        assert isinstance(verify_signature(armour(whole), PAYLOAD, NAMESPACE), Fault)
    assert isinstance(parse_key_blob(blob), Fault | PublicKey)


@given(st.text(), st.text())
@settings(deadline=None)
def test_any_key_words_are_judged(name: str, text: str) -> None:
    """Any words as key type and key are a fault and never an exception."""
    assert isinstance(parse_key_words(name, text), Fault)


def test_mutated_signatures_never_verify(keys: Keys) -> None:
    """A signature that differs by anything but the way ECDSA's numbers are written does not verify."""
    random = Random(20261122)
    blobs = real_signatures(keys)
    for _ in range(4000):
        original = random.choice(blobs)
        blob = mutate(original, random)
        found = verify_signature(armour(blob), PAYLOAD, NAMESPACE)
        if isinstance(found, PublicKey):
            assert blob == original or b"ecdsa" in original, blob.hex()
            assert found.blob in original


def test_mutated_signatures_are_judged_no_milder_than_by_ssh_keygen(keys: Keys) -> None:
    """Whatever verifies here verifies with ssh-keygen too, mutated as it may be."""
    random = Random(7)
    key = keys["nistp256"]
    signers = f"{OWNER} {key.line}"
    good = dearmour(key.sign())
    for _ in range(150):
        text = armour(mutate(good, random))
        assert judge(text, PAYLOAD, signers) is not None or witness(text, PAYLOAD, signers), text


@given(st.binary())
@settings(deadline=None)
def test_any_bytes_are_a_signers_and_revoked_file(source: bytes) -> None:
    """Any bytes are read as signers and as revoked file; each fault stands within its line."""
    for faults in (parse_signers(source, "f").faults, parse_revoked(source, "f").faults):
        check_places(source, faults)


@given(st.lists(st.sampled_from(PIECES)).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_pieces_are_a_signers_and_revoked_file(text: str) -> None:
    """Pieces of signers lines in any order are read, and no principal of a sound line is a pattern."""
    found = parse_signers(text.encode(), "f")
    check_places(text.encode(), found.faults)
    check_places(text.encode(), parse_revoked(text.encode(), "f").faults)
    for line in found.lines:
        assert not any(set(principal) & set('*?!" ,') for principal in line.principals)


def check_places(source: bytes, faults: tuple[FileFault, ...]) -> None:
    """Checks that faults stand in lines that exist, at one column at least."""
    lines = source.decode("utf-8", "replace").split("\n")
    for one in faults:
        place = one.place
        assert 1 <= place.line == place.end_line <= len(lines)
        assert 1 <= place.column < place.end_column <= len(lines[place.line - 1]) + 2
        assert one.fault.message


def test_signers_files_are_read_no_milder_than_by_ssh_keygen(keys: Keys) -> None:
    """Of random signers files, those that let the owner sign here do so with ssh-keygen too."""
    random = Random(20261122)
    text = keys["ed25519"].sign()
    counted = 0
    for _ in range(300):
        signers = random.choice(WHOLE_LINES)
        for _ in range(random.randint(0, 2)):
            at = random.randrange(len(signers) + 1)
            signers = signers[:at] + random.choice(PIECES) + signers[at + random.choice((0, 0, 1)) :]
        signers = signers.replace("KEY", keys["ed25519"].line).replace("OTHER", keys["other"].line)
        if judge(text, PAYLOAD, signers) is None:
            counted += 1
            assert witness(text, PAYLOAD, signers), signers
    assert counted > 50
