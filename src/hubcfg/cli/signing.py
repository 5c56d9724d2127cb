"""Signs approvals for a person: finds the right key, checks it before anybody types a passphrase, and writes the document."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from hubcfg.checker.approvals.approval import NAMESPACE, payload_of
from hubcfg.checker.approvals.base import Base
from hubcfg.checker.signatures.faults import Fault
from hubcfg.checker.signatures.keygen import list_agent_keys, read_key_file, sign_with_agent, sign_with_file
from hubcfg.checker.signatures.keys import PublicKey
from hubcfg.cli.options import current_instant
from hubcfg.core.errors import HubcfgError
from hubcfg.parser.document import Value
from hubcfg.parser.formatting import format_source
from hubcfg.parser.parse import parse_text
from hubcfg.parser.writing import write_document


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key to sign with: in a file, or held by the agent."""

    key: PublicKey
    file: Path | None


def choose_key(base: Base, approver: str, file: Path | None, *, is_terminal: bool) -> SigningKey:
    """Returns a key that counts for the approver now; raises HubcfgError where there is none.

    A key that the signers file does not give to the approver would sign in vain, so it is refused before signing.
    """
    if base.files.signers is None:
        raise HubcfgError(
            f"no signers file says whose key is whose, in {base.label}",
            help="name one as `approvals.signers` in hubcfg.yaml; a line is `olga@northwind.example ssh-ed25519 AAAA…`",
        )
    now = current_instant()
    if file is not None:
        key = read_key_file(file)
        if isinstance(key, Fault):
            raise HubcfgError(f"`{file}` cannot sign approvals: {key.message}", help=key.help)
        verdict = base.signers.judge(key, approver, NAMESPACE, now)
        if isinstance(verdict, Fault):
            raise HubcfgError(
                f"`{file}` is not a key of `{approver}` that counts: {verdict.message}", help=verdict.help
            )
        return SigningKey(key, file)
    counting = base.signers.keys_for(approver, NAMESPACE, now)
    found = [one for one in list_agent_keys() if one.key in counting]
    if not found:
        raise HubcfgError(
            f"the SSH agent holds no key that `{base.files.signers_path}` gives to `{approver}`",
            help="add it with `ssh-add`, or name its file with `--key`",
        )
    if len(found) > 1 and is_terminal:
        for index, one in enumerate(found, 1):
            click.echo(f"  {index}. {one.key.fingerprint} {one.comment}")
        chosen: int = click.prompt("Sign with which key?", type=click.IntRange(1, len(found)))
        return SigningKey(found[chosen - 1].key, None)
    return SigningKey(found[0].key, None)


def sign_document(draft: dict[str, Value], key: SigningKey, note: Callable[[str], None]) -> str:
    """Returns the YAML of a draft with its signature. What is signed is what the written file reads back as."""
    payload = payload_of(draft)
    if key.file is not None:
        signed = sign_with_file(payload, NAMESPACE, key.file, announce=note)
    else:
        signed = sign_with_agent(payload, NAMESPACE, key.key, announce=note)
    text = format_source(write_document(draft | {"signature": signed.armour.rstrip("\n") + "\n"}))
    (document,) = parse_text("approval.yaml", text).documents
    assert isinstance(document.value, dict)
    if payload_of(document.value) != payload:
        raise AssertionError("the approval does not read back as it was signed")
    return text
