"""Signs approvals for a person: finds the right key, checks it before anybody types a passphrase, and writes the document."""

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from msgspec import Struct

from hubcfg.checker.approvals.approval import NAMESPACE, payload_of
from hubcfg.checker.approvals.base import Base
from hubcfg.checker.signatures.faults import Fault
from hubcfg.checker.signatures.keygen import list_agent_keys, read_key_file, sign_with_agent, sign_with_file
from hubcfg.checker.signatures.keys import PublicKey
from hubcfg.cli.options import current_instant
from hubcfg.cli.sources import write_source
from hubcfg.core.errors import HubcfgError, OutsideError
from hubcfg.core.instants import Instant
from hubcfg.parser.document import Value
from hubcfg.parser.formatting import format_source
from hubcfg.parser.parse import parse_text
from hubcfg.parser.writing import write_document


class SigningKey(Struct, frozen=True):
    """The key to sign with: in a file, or held by the agent."""

    key: PublicKey
    file: Path | None


def choose_key(base: Base, approver: str, file: Path | None, *, asks: bool) -> SigningKey:
    """Returns a key that counts for the approver now; raises HubcfgError where there is none.

    A key that the signers file does not give to the approver would sign in vain, so it is refused before signing.
    """
    if base.files.signers is None:
        raise HubcfgError(
            f"no signers file says whose key is whose, in {base.label}",
            help="the first one lands with the first commit, or past the check by whoever administers the repository",
        )
    now = current_instant()
    if file is not None:
        key = read_key_file(file)
        if isinstance(key, Fault):
            raise HubcfgError(f"`{file}` cannot sign approvals: {key.message}", help=key.help)
        fault = _find_fault(base, key, approver, now)
        if fault is not None:
            raise HubcfgError(f"`{file}` is not a key of `{approver}` that counts: {fault.message}", help=fault.help)
        return SigningKey(key, file)
    if base.signers.keys_for(approver, NAMESPACE, now) == ():
        raise HubcfgError(
            f"`{base.files.signers_path}` gives `{approver}` no key that counts now, in {base.label}",
            help=f"`{approver}` adds their own public key to it, in a change of its own that lands first",
        )
    try:
        held = list_agent_keys()
    except OutsideError as error:
        raise OutsideError(error.message, help=_advise(base, approver, now) or error.help) from error
    found = [one for one in held if _find_fault(base, one.key, approver, now) is None]
    if not found:
        raise HubcfgError(
            f"the SSH agent holds no key that `{base.files.signers_path}` gives to `{approver}`",
            help=_advise(base, approver, now) or "add it with `ssh-add`, or name its file with `--key`",
        )
    if len(found) > 1 and asks:
        for index, one in enumerate(found, 1):
            click.echo(f"  {index}. {one.key.fingerprint} {one.comment}")
        chosen: int = click.prompt("Sign with which key?", type=click.IntRange(1, len(found)))
        return SigningKey(found[chosen - 1].key, None)
    return SigningKey(found[0].key, None)


def guess_approver(base: Base, candidates: Iterable[str], file: Path | None) -> str | None:
    """Returns the one of `candidates` whose key is at hand, in the given file or the agent; None unless there is just one."""
    now = current_instant()
    try:
        if file is not None:
            key = read_key_file(file)
            keys = [] if isinstance(key, Fault) else [key]
        else:
            keys = [one.key for one in list_agent_keys()]
    except OutsideError:
        return None
    found = [one for one in candidates if any(_find_fault(base, key, one, now) is None for key in keys)]
    return found[0] if len(found) == 1 else None


def _find_fault(base: Base, key: PublicKey, approver: str, now: Instant) -> Fault | None:
    """Returns why a signature of a key would not count for the approver."""
    verdict = base.signers.judge(key, approver, NAMESPACE, now)
    if isinstance(verdict, Fault):
        return verdict
    return next((fault for one in base.revoked if (fault := one.judge(key)) is not None), None)


def _advise(base: Base, approver: str, now: Instant) -> str | None:
    """Returns how to name the approver's key where its file lies at the usual place."""
    for path in sorted(Path("~/.ssh").expanduser().glob("*.pub")):
        try:
            key = read_key_file(path)
        except OutsideError:
            continue
        private = path.with_suffix("")
        if not isinstance(key, Fault) and private.is_file() and _find_fault(base, key, approver, now) is None:
            return f"your key is there: name it with `--key ~/.ssh/{private.name}`"
    return None


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


def write_approval(file: Path, make: Callable[[], str], root: Path) -> str:
    """Writes what `make` returns to a new file, and returns how to call the file.

    Whether it can be written is known before `make` is called, so that nobody signs in vain; where that fails, no empty
    file stays. Raises HubcfgError where the file exists, OutsideError where the disk refuses.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o644, exist_ok=False)
    except FileExistsError as error:
        raise HubcfgError(f"`{file}` exists already", help="choose another file with `--out`") from error
    except OSError as error:
        raise OutsideError(f"`{file}` cannot be written: {(error.strerror or str(error)).lower()}") from error
    try:
        write_source(file, make().encode())
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    resolved = file.resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else str(file)
