"""The revoked file: keys that never count, whenever they signed; a public key or a `SHA256:` fingerprint a line.

What cannot be read is a fault, never silently nothing.
"""

import re

from msgspec import Struct, field

from hubcfg.checker.signatures.faults import Fault, FaultKind, FileFault
from hubcfg.checker.signatures.keys import (
    PublicKey,
    decode_base64,
    fingerprint,
    is_key_type,
    parse_key_words,
)
from hubcfg.checker.signatures.lines import Line, read_lines
from hubcfg.core.places import Span

_FINGERPRINT = re.compile(r"SHA256:([A-Za-z0-9+/]{43})=?\Z", re.ASCII)
_FORM = "a line is a public key as in its `.pub` file, or its fingerprint `SHA256:…` as `ssh-keygen -l` prints it"
_KRL = b"SSHKRL\n\0"


class Revoked(Struct, frozen=True):
    """What a revoked file says: the fingerprints of the keys, each with its place, and the faults of other lines."""

    file: str
    fingerprints: dict[str, Span] = field(default_factory=dict)
    faults: tuple[FileFault, ...] = ()

    def judge(self, key: PublicKey) -> Fault | None:
        """Returns a fault if the key is revoked."""
        place = self.fingerprints.get(key.fingerprint)
        if place is None:
            return None
        return Fault(
            FaultKind.REVOKED,
            f"the key that signed ({key.fingerprint}) is revoked at line {place.line} of `{self.file}`",
            "sign again with a key that is not revoked",
        )


def parse_revoked(source: bytes, file: str) -> Revoked:
    """Returns what the bytes of a revoked file say; `file` names it in faults."""
    if source.startswith(_KRL):
        fault = Fault(FaultKind.UNSUPPORTED, "this is a binary key revocation list, which cannot be reviewed", _FORM)
        return Revoked(file, faults=(FileFault(Span(file, 1, 1, 1, 2), fault),))
    found: dict[str, Span] = {}
    faults: list[FileFault] = []
    for line in read_lines(source, file):
        if isinstance(line, FileFault):
            faults.append(line)
            continue
        start = line.skip_blanks(0)
        entry = _parse_entry(line, start)
        if isinstance(entry, FileFault):
            faults.append(entry)
        else:
            found.setdefault(entry, line.span(start, len(line.text.rstrip())))
    return Revoked(file, found, tuple(faults))


def _parse_entry(line: Line, start: int) -> str | FileFault:
    """Returns the fingerprint that a line revokes."""
    end = line.word_end(start)
    word = line.text[start:end]
    if is_key_type(word):
        return _parse_key(line, start, end)
    if match := _FINGERPRINT.match(word):
        if decode_base64(match[1] + "=") is not None:
            return f"SHA256:{match[1]}"
        return line.fault(start, end, FaultKind.MALFORMED, "no key has this fingerprint: it has a typing error", _FORM)
    if word.startswith("SHA256:"):
        message = f"a SHA-256 fingerprint has 43 characters after `SHA256:`, and this one has {len(word) - 7}"
        return line.fault(start, end, FaultKind.MALFORMED, message, _FORM)
    return line.fault(
        start, end, FaultKind.MALFORMED, f"`{word[:80]}` is neither a key type nor a SHA-256 fingerprint", _FORM
    )


def _parse_key(line: Line, start: int, end: int) -> str | FileFault:
    first = line.skip_blanks(end)
    last = line.word_end(first)
    name, text = line.text[start:end], line.text[first:last]
    key = parse_key_words(name, text)
    if isinstance(key, PublicKey):
        return key.fingerprint
    blob = decode_base64(text)
    if key.kind is FaultKind.WEAK and blob is not None:
        return fingerprint(blob)  # such a key counts for nothing anyway; disowning it is no mistake
    return FileFault(line.span(start, last), key)
