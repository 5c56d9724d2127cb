"""The signers file: which key counts for whom, for what and when, in OpenSSH's allowed_signers format.

A line is `principals [options] key-type base64 [comment]`. What OpenSSH would widen (wildcards, negation, certificate
authorities) is refused with a fault, and a line with a fault counts for nothing.
"""

import unicodedata
from collections.abc import Mapping
from fnmatch import fnmatchcase

from msgspec import Struct, field

from hubcfg.checker.signatures.faults import Fault, FaultKind, FileFault
from hubcfg.checker.signatures.keys import PublicKey, is_key_type, parse_key_words
from hubcfg.checker.signatures.lines import Line, read_lines
from hubcfg.checker.signatures.options import NO_OPTIONS, Options, parse_options
from hubcfg.core.ids import find_user_id_fault
from hubcfg.core.instants import Instant, format_instant
from hubcfg.core.places import Span

_FORM = 'a line is `person@example.com ssh-ed25519 AAAA…`, options like `valid-before="20270101Z"` before the key type'


class Signer(Struct, frozen=True):
    """One sound line of the signers file: a key and the principals it counts for, with its limits."""

    place: Span
    principals: tuple[str, ...]
    key: PublicKey
    options: Options

    def find_limit_fault(self, namespace: str, instant: Instant) -> Fault | None:
        """Returns which of the line's limits keep the key from counting for a namespace at an instant, if any."""
        allowed, after, before = self.options.namespaces, self.options.valid_after, self.options.valid_before
        where = f"line {self.place.line} of `{self.place.file}`"
        if allowed is not None and not any(_matches(namespace, pattern) for pattern in allowed):
            return Fault(
                FaultKind.NAMESPACE,
                f"{where} allows the key only for the namespaces `{','.join(allowed)}`, not for `{namespace}`",
                f"add `{namespace}` to its `namespaces`, or sign with a key that is meant for it",
            )
        if after is not None and instant < after:
            return Fault(
                FaultKind.WINDOW,
                f"{where} makes the key valid only from {format_instant(after)}",
                "sign when the key is valid, or with another key",
            )
        if before is not None and instant > before:
            return Fault(
                FaultKind.WINDOW,
                f"{where} makes the key valid only until {format_instant(before)}",
                "sign again with a key that is valid",
            )
        return None


class Signers(Struct, frozen=True):
    """What a signers file says: its sound lines, and the faults of the others.

    `by_principal` are the lines again, by each principal that they name; `refused` holds the keys of lines with
    faults, to say why they do not count.
    """

    file: str
    lines: tuple[Signer, ...] = ()
    faults: tuple[FileFault, ...] = ()
    by_principal: Mapping[str, list[Signer]] = field(default_factory=dict)
    refused: Mapping[PublicKey, FileFault] = field(default_factory=dict)

    def keys_for(self, principal: str, namespace: str, instant: Instant) -> tuple[PublicKey, ...]:
        """Returns the keys that count for a principal, taken literally, for a namespace at an instant."""
        lines = self.by_principal.get(principal, ())
        return tuple(dict.fromkeys(line.key for line in lines if line.find_limit_fault(namespace, instant) is None))

    def judge(self, key: PublicKey, principal: str, namespace: str, instant: Instant) -> Signer | Fault:
        """Returns the line by which a key counts for a principal, or why it does not.

        Of several lines with the key one that lets it count is enough.
        """
        fault = None
        for line in self.by_principal.get(principal, ()):
            if line.key == key:
                limit = line.find_limit_fault(namespace, instant)
                if limit is None:
                    return line
                fault = fault or limit
        return fault or self._unknown(key, principal)

    def _unknown(self, key: PublicKey, principal: str) -> Fault:
        help = f"sign with a key that `{self.file}` gives to `{principal}`"
        if refused := self.refused.get(key):
            message = f"line {refused.place.line} of `{self.file}` does not count: {refused.fault.message}"
            return Fault(FaultKind.UNKNOWN_KEY, message, refused.fault.help)
        owners = dict.fromkeys(owner for line in self.lines if line.key == key for owner in line.principals)
        if owners:
            names = ", ".join(f"`{owner}`" for owner in owners)
            return Fault(FaultKind.UNKNOWN_KEY, f"the key that signed belongs to {names}, not to `{principal}`", help)
        if principal in self.by_principal:
            message = f"the key that signed ({key.fingerprint}) is not one of `{principal}` in `{self.file}`"
            return Fault(FaultKind.UNKNOWN_KEY, message, help)
        return Fault(
            FaultKind.UNKNOWN_KEY,
            f"`{self.file}` has no key for `{principal}`",
            f"`{principal}` adds their own public key to it, in a change of its own that lands first",
        )


def _matches(namespace: str, pattern: str) -> bool:
    return fnmatchcase(namespace, pattern.replace("[", "[[]"))  # OpenSSH knows `*` and `?` only


def parse_signers(source: bytes, file: str) -> Signers:
    """Returns what the bytes of a signers file say; `file` names it in faults."""
    sound: list[Signer] = []
    faults: list[FileFault] = []
    refused: dict[PublicKey, FileFault] = {}
    for line in read_lines(source, file):
        if isinstance(line, FileFault):
            faults.append(line)
            continue
        signer, found = _parse_line(line)
        faults += found
        if signer is not None and found:
            refused.setdefault(signer.key, found[0])
        elif signer is not None:
            sound.append(signer)
    by_principal: dict[str, list[Signer]] = {}
    for one in sound:
        for principal in dict.fromkeys(one.principals):
            by_principal.setdefault(principal, []).append(one)
    return Signers(file, tuple(sound), tuple(faults), by_principal, refused)


def _parse_line(line: Line) -> tuple[Signer | None, list[FileFault]]:
    """Returns the line, as far as its key can be read, and its faults."""
    start = line.skip_blanks(0)
    faults: list[FileFault] = []
    quoted = line.text[start] == '"'
    end = line.text.find('"', start + 1) if quoted else line.word_end(start)
    if end < 0:
        fault = line.fault(start, len(line.text), FaultKind.MALFORMED, "the quote is never closed", _FORM)
        return None, [fault]
    first = start + quoted
    principals = _parse_principals(line, first, end, faults)
    at = end + quoted
    if at < len(line.text) and at == line.skip_blanks(at):
        faults.append(line.fault(at, at + 1, FaultKind.MALFORMED, "a space is due after the closing quote", _FORM))
    at = line.skip_blanks(at)
    options = NO_OPTIONS
    if at < len(line.text) and not is_key_type(line.text[at : line.word_end(at)]):
        options, at, found = parse_options(line, at)
        faults += found
        if at < 0:
            return None, faults
    key = _parse_key(line, line.skip_blanks(at), faults)
    if key is None:
        return None, faults
    return Signer(line.span(start, len(line.text.rstrip())), principals, key, options), faults


def _parse_principals(line: Line, start: int, end: int, faults: list[FileFault]) -> tuple[str, ...]:
    principals = tuple(line.text[start:end].split(","))
    at = start
    for principal in principals:
        if found := _find_principal_fault(principal):
            faults.append(line.fault(at, at + len(principal), FaultKind.PRINCIPAL, *found))
        at += len(principal) + 1
    return principals


def _find_principal_fault(principal: str) -> tuple[str, str] | None:
    literal = "write each person's id out in full; a key counts only for the ids that stand there"
    if not principal:
        return "an empty name stands here", "separate several people by one comma each, without spaces"
    if "*" in principal or "?" in principal:
        return f"`{principal}` is a wildcard, and a key must not count for whoever fits it", literal
    if principal.startswith("!"):
        return f"`{principal}` is a negation, which says whom the key is not for", literal
    if '"' in principal:
        return f"`{principal}` has a quote inside", "put quotes around the whole name or leave them out"
    if not unicodedata.is_normalized("NFC", principal):
        composed = unicodedata.normalize("NFC", principal)
        return (
            f"`{principal}` is not in Unicode's composed form (NFC), so it differs from the id that looks like it",
            f"write `{composed}`, typed anew",
        )
    if clause := find_user_id_fault(principal):
        return f"`{principal}` {clause}, so it is nobody's id", "write the person's id as the `users` map has it"
    return None


def _parse_key(line: Line, at: int, faults: list[FileFault]) -> PublicKey | None:
    end = line.word_end(at)
    name = line.text[at:end]
    if not name:
        faults.append(line.fault(0, len(line.text), FaultKind.MALFORMED, "the line has no key", _FORM))
        return None
    if not is_key_type(name):
        message = f"`{name[:80]}` stands where the key type should"
        faults.append(line.fault(at, end, FaultKind.UNSUPPORTED, message, _FORM))
        return None
    start = line.skip_blanks(end)
    stop = line.word_end(start)
    if start == stop:
        faults.append(line.fault(at, end, FaultKind.MALFORMED, "the key itself is missing after its type", _FORM))
        return None
    key = parse_key_words(name, line.text[start:stop])
    if isinstance(key, Fault):
        faults.append(FileFault(line.span(at, stop), key))
        return None
    return key
