"""`ssh-keygen -Y verify` says of whole approvals what hubcfg says, in both directions."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hubcfg.checker.approvals.approval import NAMESPACE, payload_of
from hubcfg.checker.signatures.faults import Fault
from hubcfg.checker.signatures.keygen import sign_with_file
from hubcfg.checker.signatures.sshsig import verify_signature
from hubcfg.parser.parse import parse_source
from hubcfg.parser.sources import SourceFile
from tests.approvals.histories import ENVIRONMENT, History, begin, key_file, public_key

GRANTS = [{"user": "zoe@northwind.example", "permissions": ["psa.tickets.delete"]}]

# Texts that canonical JSON writes in ways that are easily got wrong.
REASONS = (
    "plain",
    "Grüße, naïve café, 東京, 🔑 and 𝄞",
    'quote " backslash \\ slash / tab \t newline \n and control \u0001\u001f\u007f',
    "\u2028".join(("not", "in", "YAML"))[:3],
    "é",  # composed
    "é",  # decomposed: another text
)


def witness(signers: Path, principal: str, document: dict[str, Any]) -> bool:
    """Whether `ssh-keygen` takes the signature for the principal's over what `approvals show --payload` prints."""
    signature = signers.parent / "signature"
    signature.write_text(document["signature"])
    options = ("-f", str(signers), "-I", principal, "-n", NAMESPACE, "-s", str(signature))
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", *options],
        input=payload_of(document),
        capture_output=True,
        check=False,
        env=ENVIRONMENT,
    )
    return done.returncode == 0


def read(path: Path) -> dict[str, Any]:
    """Returns an approval as hubcfg parses it."""
    (document,) = parse_source(SourceFile("a.yaml", path.read_bytes)).documents
    assert isinstance(document.value, dict)
    return document.value


@pytest.fixture
def history(tmp_path: Path) -> History:
    """The project of an MSP on onestack, in Git."""
    return begin(tmp_path / "project", "onestack")


@pytest.mark.parametrize("reason", REASONS)
def test_what_hubcfg_takes_the_witness_takes(history: History, reason: str, tmp_path: Path) -> None:
    """An approval that hubcfg counts is one that `ssh-keygen` verifies over its payload."""
    path = history.approve("olga", id="a", reason=reason, ticket="CHG-1 ✓", grants=GRANTS)
    history.write(
        {
            "m.yaml": "kind: Users\norg: northwind\nusers: {zoe@northwind.example: {role: member, permissions: [psa.tickets.delete]}}\n"
        }
    )
    assert history.compile().verified is not None
    signers = tmp_path / "signers"
    signers.write_text(f"olga@northwind.example {public_key('olga')}\n")
    assert witness(signers, "olga@northwind.example", read(path))


def test_what_hubcfg_signs_the_witness_takes(history: History, tmp_path: Path) -> None:
    """A signature that hubcfg has made is one that `ssh-keygen` verifies."""
    document = read(history.approve("olga", id="a", grants=GRANTS))
    document["signature"] = sign_with_file(payload_of(document), NAMESPACE, key_file("adam")).armour
    signers = tmp_path / "signers"
    signers.write_text(f"adam@northwind.example {public_key('adam')}\n")
    assert witness(signers, "adam@northwind.example", document)
    assert not witness(signers, "olga@northwind.example", document)


TAMPERING: dict[str, Callable[[dict[str, Any]], object]] = {
    "a person": lambda it: it["grants"][0].update(user="kim@northwind.example"),
    "a permission more": lambda it: it["grants"][0]["permissions"].append("psa.contacts.delete"),
    "the order": lambda it: it["grants"][0]["permissions"].reverse(),
    "a uid": lambda it: it["grants"][0].update(uid="z-1"),
    "a scope": lambda it: it["grants"][0].update(clients="all"),
    "the project": lambda it: it.update(project="other"),
    "the org": lambda it: it.update(org="other"),
    "the approver": lambda it: it.update(approver="adam@northwind.example"),
    "the time": lambda it: it.update(approved_at="2026-11-21T12:00:00+00:00"),
    "an end": lambda it: it.update(expires="2027-01-01"),
    "the reason, by a space": lambda it: it.update(reason="it is due "),
    "the id": lambda it: it.update(id="b"),
    "a change more": lambda it: it.update(changes=[{"change": "products", "products": {"psa": "active"}}]),
    "the kind": lambda it: it.update(kind="Approvals"),
}


@pytest.mark.parametrize("tamper", TAMPERING.values(), ids=TAMPERING)
def test_what_the_witness_refuses_hubcfg_refuses(
    history: History, tamper: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    """Whatever is changed after signing, neither takes the signature any more."""
    grants = [{"user": "zoe@northwind.example", "permissions": ["psa.tickets.delete", "psa.invoices.read"]}]
    document = read(history.approve("olga", id="a", grants=grants))
    signers = tmp_path / "signers"
    signers.write_text(f"olga@northwind.example,adam@northwind.example {public_key('olga')}\n")
    assert witness(signers, document["approver"], document)
    tamper(document)
    assert not witness(signers, document["approver"], document)
    assert isinstance(verify_signature(document["signature"], payload_of(document), NAMESPACE), Fault)


def test_rewriting_the_yaml_changes_no_payload(history: History) -> None:
    """Order of keys, quotes, comments, anchors and line breaks are not part of what is signed."""
    path = history.approve(
        "olga",
        id="a",
        grants=[*GRANTS, {"user": "lee@northwind.example", "uid": "l-1", "permissions": ["psa.tickets.delete"]}],
    )
    before = payload_of(read(path))
    value = yaml.safe_load(path.read_text())
    signature = value.pop("signature").replace("\n", "\n  ").rstrip(" ")
    text = yaml.safe_dump(value, sort_keys=True, default_flow_style=True, width=60)
    path.write_text(f"# moved\r\n{text.replace(chr(10), chr(13) + chr(10))}")
    flow = payload_of(read(path) | {"signature": ""})
    assert flow == before
    path.write_text(
        "grants:\n- &one\n  user: \"zoe@northwind.example\"\n  permissions: &p ['psa.tickets.delete']\n"
        "- {uid: l-1, permissions: *p, user: lee@northwind.example}\n"
        + "".join(f"{key}: {value[key]!r}  # kept\n" for key in value if key != "grants")
        + f"signature: |\n  {signature}\n"
    )
    assert payload_of(read(path)) == before
    history.write(
        {
            "m.yaml": "kind: Users\norg: northwind\nusers: {zoe@northwind.example: {role: member, permissions: [psa.tickets.delete]}}\n"
        }
    )
    assert history.compile().verified is not None
