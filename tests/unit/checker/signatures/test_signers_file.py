"""Who may sign: lines of the signers file are read as OpenSSH reads them, or refused at the very words."""

from dataclasses import dataclass

import pytest

from hubcfg.checker.signatures.faults import FaultKind, FileFault
from hubcfg.checker.signatures.keys import PublicKey
from hubcfg.checker.signatures.options import parse_time
from hubcfg.checker.signatures.signers import parse_signers
from hubcfg.core.instants import Instant, format_instant
from tests.unit.checker.signatures.ssh import NAMESPACE, NOW, OWNER, PAYLOAD, KeyPair, judge, kind_of, witness

Keys = dict[str, KeyPair]
FILE = "trust/signers"


def words(source: str, found: FileFault) -> str:
    """Returns the words of a file that a fault is about."""
    place = found.place
    assert place.file == FILE
    assert place.line == place.end_line
    return source.split("\n")[place.line - 1][place.column - 1 : place.end_column - 1]


@dataclass(frozen=True)
class Line:
    """A signers line, in which `KEY` stands for the owner's key and `OTHER` for another's: does it let the owner sign now?

    `fault` is the kind of the line's fault and `at` its words; `judged` is the verdict where the line has no fault;
    `lenient` says that ssh-keygen takes it.
    """

    text: str
    fault: FaultKind | None = None
    at: str = ""
    judged: FaultKind | None = None
    lenient: bool = False


ED, OPTION, PRINCIPAL = "ssh-ed25519", FaultKind.OPTION, FaultKind.PRINCIPAL
COUNTS = (
    Line(f"{OWNER} KEY"),
    Line(f"{OWNER} KEY owner's laptop, 2026 \U0001f511"),
    Line(f"  {OWNER}\t \tKEY\r"),
    Line(f'"{OWNER}" KEY'),
    Line(f"kim@northwind.example,{OWNER} KEY"),
    Line(f'"kim@northwind.example,{OWNER}" KEY'),
    Line(f"# the owner\n\n   \n{OWNER} KEY"),
    Line(f"{OWNER} OTHER\n{OWNER} KEY"),
    Line(f'{OWNER} namespaces="{NAMESPACE}" KEY'),
    Line(f'{OWNER} namespaces="git,{NAMESPACE}" KEY'),
    Line(f'{OWNER} namespaces="hubcfg-*" KEY'),
    Line(f'{OWNER} namespaces="?ubcfg-approva?,git" KEY'),
    Line(f'{OWNER} NameSpaces="{NAMESPACE}" KEY'),
    Line(f'{OWNER} valid-after="20260101Z",valid-before="20271231235959Z" KEY'),
    Line(f'{OWNER} valid-before="202701011200Z",namespaces="{NAMESPACE}",valid-after="20260101Z" KEY'),
    Line(f'{OWNER} valid-after="20261122000000Z" KEY'),
    Line(f'{OWNER} valid-before="20261122000000Z" KEY'),
    Line(f'{OWNER} valid-after="20261121" KEY'),
    Line(f'{OWNER} valid-before="20250101Z" KEY\n{OWNER} valid-after="20250101Z" KEY'),
    Line(f'{OWNER} namespaces="git" KEY\n{OWNER} KEY'),
    Line(f'{OWNER} namespaces="[g]it,{NAMESPACE}" KEY'),
)
JUDGED = (
    Line("", judged=FaultKind.UNKNOWN_KEY),
    Line(f"# {OWNER} KEY", judged=FaultKind.UNKNOWN_KEY),
    Line("kim@northwind.example KEY", judged=FaultKind.UNKNOWN_KEY),
    Line("Owner@northwind.example KEY", judged=FaultKind.UNKNOWN_KEY),
    Line("owner@northwind.example.evil KEY", judged=FaultKind.UNKNOWN_KEY),
    Line("\u043ewner@northwind.example KEY", judged=FaultKind.UNKNOWN_KEY),
    Line(f"{OWNER} OTHER", judged=FaultKind.UNKNOWN_KEY),
    Line(f'{OWNER} namespaces="git" KEY', judged=FaultKind.NAMESPACE),
    Line(f'{OWNER} namespaces="{NAMESPACE.upper()}" KEY', judged=FaultKind.NAMESPACE),
    Line(f'{OWNER} namespaces="{NAMESPACE}s" KEY', judged=FaultKind.NAMESPACE),
    Line(f'{OWNER} namespaces="[h]ubcfg-approval" KEY', judged=FaultKind.NAMESPACE),
    Line(f'{OWNER} namespaces="\\"{NAMESPACE}\\"" KEY', judged=FaultKind.NAMESPACE),
    Line(f'{OWNER} valid-before="20261121Z" KEY', judged=FaultKind.WINDOW),
    Line(f'{OWNER} valid-before="20261121235959Z" KEY', judged=FaultKind.WINDOW),
    Line(f'{OWNER} valid-after="20261122000001Z" KEY', judged=FaultKind.WINDOW),
    Line(f'{OWNER} valid-after="20261123" KEY', judged=FaultKind.WINDOW),
)
REFUSED = (
    Line("* KEY", PRINCIPAL, "*", lenient=True),
    Line("*@northwind.example KEY", PRINCIPAL, "*@northwind.example", lenient=True),
    Line("?wner@northwind.example KEY", PRINCIPAL, "?wner@northwind.example", lenient=True),
    Line(f"kim@northwind.example,* {ED} KEY64", PRINCIPAL, "*", lenient=True),
    Line(f"!kim@northwind.example,{OWNER} KEY", PRINCIPAL, "!kim@northwind.example", lenient=True),
    Line(f"!{OWNER} KEY", PRINCIPAL, f"!{OWNER}"),
    Line(f",{OWNER} KEY", PRINCIPAL, ",", lenient=True),
    Line(f"{OWNER}, KEY", PRINCIPAL, " ", lenient=True),
    Line(f"a,,{OWNER} KEY", PRINCIPAL, ",", lenient=True),
    Line(f'"a b,{OWNER}" KEY', PRINCIPAL, "a b", lenient=True),
    Line(f"a/b,{OWNER} KEY", PRINCIPAL, "a/b", lenient=True),
    Line(f'ow"n"er,{OWNER} KEY', PRINCIPAL, 'ow"n"er'),
    Line("zoe\u0308@x KEY", PRINCIPAL, "zoe\u0308@x"),
    Line(f"{OWNER}\u00a0x KEY", PRINCIPAL, f"{OWNER}\u00a0x"),
    Line(f"{OWNER}\u200b KEY", FaultKind.MALFORMED, "\u200b"),
    Line(f"\ufeff{OWNER} KEY", FaultKind.MALFORMED, "\ufeff"),
    Line(f"{OWNER} KEY laptop \u202e", FaultKind.MALFORMED, "\u202e", lenient=True),
    Line(f"{OWNER} KEY\rkim@x", FaultKind.MALFORMED, "\r"),
    Line(f"{OWNER} KEY a\0b", FaultKind.MALFORMED, "\0", lenient=True),
    Line(f'"{OWNER} KEY', FaultKind.MALFORMED, f'"{OWNER} KEY'),
    Line(f'"{OWNER}"KEY', FaultKind.MALFORMED, "s", lenient=True),
    Line(f"{OWNER} cert-authority KEY", OPTION, "cert-authority"),
    Line(f'{OWNER} namespaces="{NAMESPACE}",cert-authority KEY', OPTION, "cert-authority"),
    Line(f"{OWNER} CERT-AUTHORITY KEY", OPTION, "CERT-AUTHORITY"),
    Line(f"{OWNER} no-touch-required KEY", OPTION, "no-touch-required"),
    Line(f'{OWNER} from="10.0.0.1" KEY', OPTION, 'from="10.0.0.1"'),
    Line(f'{OWNER} from="a b",valid-before="x" KEY', OPTION, 'from="a b"'),
    Line(f"{OWNER} namespaces=git KEY", OPTION, "namespaces=git"),
    Line(f'{OWNER} namespaces="git KEY', OPTION, '"git KEY'),
    Line(f'{OWNER} namespaces="git"valid-after="20260101Z" KEY', OPTION, 'valid-after="20260101Z"'),
    Line(f'{OWNER} namespaces="{NAMESPACE}", KEY', OPTION, " "),
    Line(f'{OWNER} ,namespaces="{NAMESPACE}" KEY', OPTION, ",", lenient=True),
    Line(f'{OWNER} namespaces="{NAMESPACE}",namespaces="*" KEY', OPTION, 'namespaces="*"'),
    Line(f'{OWNER} namespaces="" KEY', OPTION, 'namespaces=""'),
    Line(f'{OWNER} namespaces="git, {NAMESPACE}" KEY', OPTION, f'namespaces="git, {NAMESPACE}"'),
    Line(f'{OWNER} namespaces="!git,*" KEY', OPTION, 'namespaces="!git,*"', lenient=True),
    Line(f'{OWNER} valid-before="20270230Z" KEY', OPTION, 'valid-before="20270230Z"', lenient=True),
    Line(f'{OWNER} valid-before="2027-02-03" KEY', OPTION, 'valid-before="2027-02-03"'),
    Line(f'{OWNER} valid-before="never" KEY', OPTION, 'valid-before="never"'),
    Line(f'{OWNER} valid-before="" KEY', OPTION, 'valid-before=""'),
    Line(f'{OWNER} valid-after="19700101Z" KEY', OPTION, 'valid-after="19700101Z"'),
    Line(f'{OWNER} valid-before="20270101Z",valid-before="20280101Z" KEY', OPTION, 'valid-before="20280101Z"'),
    Line(
        f'{OWNER} valid-after="20260101Z",valid-before="20260101Z" KEY',
        OPTION,
        'valid-after="20260101Z",valid-before="20260101Z"',
    ),
    Line(f"{OWNER} ", FaultKind.MALFORMED, f"{OWNER} "),
    Line(f"{OWNER} ssh-foo KEY64", OPTION, "ssh-foo"),
    Line(f'{OWNER} namespaces="git"', FaultKind.MALFORMED, f'{OWNER} namespaces="git"'),
    Line(
        f'{OWNER} namespaces="{NAMESPACE}" valid-after="20260101Z" KEY',
        FaultKind.UNSUPPORTED,
        'valid-after="20260101Z"',
    ),
    Line(f"{OWNER} {ED}", FaultKind.MALFORMED, ED),
    Line(f"{OWNER} {ED} KEY64=", FaultKind.MALFORMED, f"{ED} KEY64="),
    Line(f"{OWNER} {ED} AAAA", FaultKind.MALFORMED, f"{ED} AAAA"),
    Line(f"{OWNER} ssh-rsa KEY64", FaultKind.MALFORMED, "ssh-rsa KEY64"),
    Line(f"{OWNER} WEAK", FaultKind.WEAK, "WEAK"),
    Line(f"{OWNER} {ED}-cert-v01@openssh.com KEY64", FaultKind.MALFORMED, f"{ED}-cert-v01@openssh.com KEY64"),
    Line("-----BEGIN OPENSSH PRIVATE KEY-----", FaultKind.PRIVATE_KEY, "-----BEGIN OPENSSH PRIVATE KEY-----"),
)


def fill(text: str, keys: Keys) -> str:
    """Returns a line with the keys that it names."""
    key = keys["ed25519"].line
    return (
        text.replace("KEY64", key.split()[1])
        .replace("OPENSSH PRIVATE KEY", "\x01")
        .replace("KEY", key)
        .replace("\x01", "OPENSSH PRIVATE KEY")
        .replace("OTHER", keys["other"].line)
        .replace("WEAK", keys["rsa-1024"].line)
    )


@pytest.mark.parametrize("line", COUNTS, ids=lambda line: line.text)
def test_a_line_counts(keys: Keys, line: Line) -> None:
    """The line lets the owner sign, as ssh-keygen agrees, and has no fault."""
    signers = fill(line.text, keys)
    assert parse_signers(signers.encode(), FILE).faults == ()
    text = keys["ed25519"].sign()
    assert judge(text, PAYLOAD, signers) is None
    assert witness(text, PAYLOAD, signers)


@pytest.mark.parametrize("line", JUDGED, ids=lambda line: line.text)
def test_a_line_does_not_let_the_owner_sign(keys: Keys, line: Line) -> None:
    """The line is sound but does not let the owner sign now, as ssh-keygen agrees, and the verdict says why."""
    signers = fill(line.text, keys)
    assert parse_signers(signers.encode(), FILE).faults == ()
    text = keys["ed25519"].sign()
    fault = judge(text, PAYLOAD, signers)
    assert kind_of(fault) is line.judged
    assert fault is not None
    assert fault.help
    assert not witness(text, PAYLOAD, signers)


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line.text)
def test_a_line_is_refused(keys: Keys, line: Line) -> None:
    """The line has a fault at its very words, counts for nothing, and spoils no other line."""
    source = fill(line.text, keys)
    found = parse_signers(f"{source}\nkim@x {keys['other'].line}\n".encode(), FILE)
    assert found.faults[0].fault.kind is line.fault, found.faults
    assert words(source, found.faults[0]) == fill(line.at, keys)
    assert found.faults[0].fault.help
    assert [sound.principals for sound in found.lines] == [("kim@x",)]
    signer = "rsa-1024" if line.fault is FaultKind.WEAK else "ed25519"
    text = keys[signer].sign()
    assert judge(text, PAYLOAD, source) is not None
    assert witness(text, PAYLOAD, source) is (line.lenient or signer == "rsa-1024")


def test_principals_keep_unicode_literally(keys: Keys) -> None:
    """An id in composed Unicode is its own principal, and the decomposed one, which looks alike, is not it."""
    signers = f"zo\u00eb@x {keys['ed25519'].line}"
    text = keys["ed25519"].sign()
    assert judge(text, PAYLOAD, signers, principal="zo\u00eb@x") is None
    assert witness(text, PAYLOAD, signers, principal="zo\u00eb@x")
    assert kind_of(judge(text, PAYLOAD, signers, principal="zoe\u0308@x")) is FaultKind.UNKNOWN_KEY


def test_a_principal_with_wildcards_is_nobody(keys: Keys) -> None:
    """An approver whose id is a pattern gets nobody's key."""
    text = keys["ed25519"].sign()
    for principal in ("*", "?wner@northwind.example", f"{OWNER},kim@x", ""):
        assert kind_of(judge(text, PAYLOAD, f"{OWNER} {keys['ed25519'].line}", principal=principal)) is (
            FaultKind.UNKNOWN_KEY
        )


def test_bytes_that_are_no_text_are_a_fault(keys: Keys) -> None:
    """A line that is not UTF-8 is a fault at the byte, and the other lines stand."""
    source = b"owner\xff@x ssh-ed25519 AAAA\n" + f"{OWNER} {keys['ed25519'].line}".encode()
    found = parse_signers(source, FILE)
    assert [(one.place.line, one.place.column, one.fault.kind) for one in found.faults] == [(1, 6, FaultKind.MALFORMED)]
    assert len(found.lines) == 1


def test_a_private_key_is_one_fault_that_does_not_repeat_it(keys: Keys) -> None:
    """A pasted private key is reported once, without its words, and lines after it stand."""
    secret = keys["other"].path.read_text()
    found = parse_signers(f"{secret}{OWNER} {keys['ed25519'].line}\n".encode(), FILE)
    assert [(one.place.line, one.fault.kind) for one in found.faults] == [(1, FaultKind.PRIVATE_KEY)]
    assert len(found.lines) == 1


def test_every_fault_of_a_line_is_told(keys: Keys) -> None:
    """A line with several faults tells each of them at its place."""
    source = f'*,!kim@x cert-authority,valid-before="x" {keys["rsa-1024"].line}'
    found = parse_signers(source.encode(), FILE)
    assert [words(source, one) for one in found.faults] == [
        "*",
        "!kim@x",
        "cert-authority",
        'valid-before="x"',
        keys["rsa-1024"].line,
    ]


def test_verdicts_say_why(keys: Keys) -> None:
    """A key that does not count is explained: whose it is, which line is refused and why, when it was valid."""
    text, key = keys["ed25519"].sign(), keys["ed25519"].line
    said = {
        signers: fault.message
        for signers in (
            f"kim@x {key}",
            f"*@northwind.example {key}",
            f"{OWNER} {keys['other'].line}",
            "# nobody yet",
            f'{OWNER} valid-before="20251231Z" {key}',
        )
        if (fault := judge(text, PAYLOAD, signers)) is not None
    }
    assert list(said.values()) == [
        f"the key that signed belongs to `kim@x`, not to `{OWNER}`",
        "line 1 of `trust/signers` does not count: `*@northwind.example` is a wildcard, and a key must not count for "
        "whoever fits it",
        f"the key that signed ({_key(keys, 'ed25519').fingerprint}) is not one of `{OWNER}` in `trust/signers`",
        f"`trust/signers` has no key for `{OWNER}`",
        "line 1 of `trust/signers` makes the key valid only until 2025-12-31T00:00:00Z",
    ]


def _key(keys: Keys, name: str) -> PublicKey:
    return parse_signers(f"a {keys[name].line}".encode(), FILE).lines[0].key


def test_keys_for_gives_the_keys_that_count(keys: Keys) -> None:
    """The keys of a principal are those whose lines allow the namespace at the instant, each once."""
    signers = parse_signers(
        fill(
            f'{OWNER} valid-before="20260601Z" KEY\n{OWNER} valid-after="20260401Z" OTHER\n'
            f'{OWNER} OTHER\n{OWNER} namespaces="git" WEAK\nkim@x OTHER\n',
            keys,
        ).encode(),
        FILE,
    )
    early, late = Instant(NOW - 300 * 86_400_000_000), NOW
    assert signers.keys_for(OWNER, NAMESPACE, early) == (_key(keys, "ed25519"), _key(keys, "other"))
    assert signers.keys_for(OWNER, NAMESPACE, late) == (_key(keys, "other"),)
    assert signers.keys_for("kim@x", NAMESPACE, late) == (_key(keys, "other"),)
    assert signers.keys_for("lee@x", NAMESPACE, late) == ()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("20260131", "2026-01-31T00:00:00Z"),
        ("20260131Z", "2026-01-31T00:00:00Z"),
        ("202601312359Z", "2026-01-31T23:59:00Z"),
        ("20260131235958", "2026-01-31T23:59:58Z"),
        ("20240229Z", "2024-02-29T00:00:00Z"),
        ("20230229Z", None),
        ("20260131T235958Z", None),
        ("2026013123Z", None),
        ("202601312460Z", None),
        ("20260131235960Z", None),
        ("20260131z", None),
        ("20260131UTC", None),
        (" 20260131", None),
        ("20260131\n", None),
        ("\u0662\u0660260131", None),
        ("00000000", None),
        ("19700101", None),
        ("99991231Z", None),
    ],
)
def test_times(text: str, meant: str | None) -> None:
    """Times are OpenSSH's three forms in UTC, with or without `Z`; days and times that do not exist are none."""
    instant = parse_time(text)
    assert (instant and format_instant(instant)) == meant


def test_the_ends_of_a_window_belong_to_it(keys: Keys) -> None:
    """A key counts at both ends of its window and not a microsecond beyond."""
    signers = f'{OWNER} valid-after="20261121Z",valid-before="20261122Z" {keys["ed25519"].line}'
    text = keys["ed25519"].sign()
    begin = Instant(NOW - 86_400_000_000)
    for instant in (begin, NOW):
        assert judge(text, PAYLOAD, signers, at=instant) is None
        assert witness(text, PAYLOAD, signers, at=instant)
    for instant in (Instant(begin - 1), Instant(NOW + 1)):
        assert kind_of(judge(text, PAYLOAD, signers, at=instant)) is FaultKind.WINDOW
