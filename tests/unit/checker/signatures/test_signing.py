"""Signing goes through `ssh-keygen`, with a key file or the agent, and every failure is said in plain words."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubcfg.checker.signatures import keygen
from hubcfg.checker.signatures.faults import Fault, FaultKind
from hubcfg.checker.signatures.keygen import Signed, list_agent_keys, read_key_file, sign_with_agent, sign_with_file
from hubcfg.checker.signatures.keys import PublicKey
from hubcfg.core.errors import OutsideError
from tests.unit.checker.signatures.ssh import NAMESPACE, OWNER, PAYLOAD, HardwareKey, KeyPair, openssh, witness

Keys = dict[str, KeyPair]


def key_of(pair: KeyPair) -> PublicKey:
    """Returns the public key of a pair."""
    found = read_key_file(pair.path)
    assert isinstance(found, PublicKey), found
    return found


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches the agent or the windows of whoever runs it."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("SSH_ASKPASS", "/nonexistent")


@pytest.fixture
def agent(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An SSH agent that holds the key `nistp256`."""
    started = openssh("ssh-agent", "-s", "-a", str(tmp_path / "agent"))
    assert started.returncode == 0, started.stderr
    number = re.search(rb"SSH_AGENT_PID=(\d+)", started.stdout)
    assert number
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    assert openssh("ssh-add", "-q", str(keys["nistp256"].path)).returncode == 0
    yield
    os.kill(int(number[1]), 15)


def fails(path: Path) -> OutsideError:
    """Returns how signing with a file fails."""
    with pytest.raises(OutsideError) as caught:
        sign_with_file(PAYLOAD, NAMESPACE, path)
    assert caught.value.help
    return caught.value


def check(signed: Signed, pair: KeyPair) -> None:
    """Checks that ssh-keygen takes a signature as the pair's."""
    assert signed.key.line == pair.line
    assert witness(signed.armour, PAYLOAD, f"{OWNER} {pair.line}")


@pytest.mark.parametrize("name", ["ed25519", "nistp256", "nistp384", "nistp521", "rsa-2048"])
def test_a_key_file_signs(keys: Keys, name: str) -> None:
    """A private key file signs, and so does the name of its public half beside it."""
    pair = keys[name]
    check(sign_with_file(PAYLOAD, NAMESPACE, pair.path), pair)
    check(sign_with_file(PAYLOAD, NAMESPACE, pair.path.with_name(name + ".pub")), pair)


def test_a_private_key_without_its_public_half_signs(keys: Keys, tmp_path: Path) -> None:
    """A private key file needs no `.pub` file beside it, neither to sign nor to tell its public key."""
    path = tmp_path / "id"
    path.write_bytes(keys["ed25519"].path.read_bytes())
    path.chmod(0o600)
    assert read_key_file(path) == key_of(keys["ed25519"])
    check(sign_with_file(PAYLOAD, NAMESPACE, path), keys["ed25519"])


@pytest.mark.usefixtures("agent")
def test_the_agent_signs(keys: Keys, tmp_path: Path) -> None:
    """The agent's keys are listed and sign, by key and by a public key file."""
    found = list_agent_keys()
    assert [(one.key.line, one.comment) for one in found] == [(keys["nistp256"].line, "nistp256 key")]
    check(sign_with_agent(PAYLOAD, NAMESPACE, found[0].key), keys["nistp256"])
    path = tmp_path / "lone.pub"
    path.write_text(keys["nistp256"].line)
    check(sign_with_file(PAYLOAD, NAMESPACE, path), keys["nistp256"])


@pytest.mark.usefixtures("agent")
def test_a_key_that_the_agent_does_not_hold(keys: Keys) -> None:
    """A key that the agent does not hold is said to be missing from it."""
    with pytest.raises(OutsideError, match="the SSH agent does not hold the agent's key SHA256:") as caught:
        sign_with_agent(PAYLOAD, NAMESPACE, key_of(keys["ed25519"]))
    assert "ssh-add" in (caught.value.help or "")


@pytest.mark.usefixtures("agent")
def test_an_empty_agent_has_no_keys() -> None:
    """An agent without keys gives an empty list, which is no failure."""
    assert openssh("ssh-add", "-q", "-D").returncode == 0
    assert list_agent_keys() == []


def test_no_agent_is_running(keys: Keys) -> None:
    """Without an agent both listing and signing say so and how to start one."""
    with pytest.raises(OutsideError, match="no SSH agent is running") as caught:
        list_agent_keys()
    assert "ssh-agent" in (caught.value.help or "")
    with pytest.raises(OutsideError, match="no SSH agent is running"):
        sign_with_agent(PAYLOAD, NAMESPACE, key_of(keys["ed25519"]))


def test_a_dead_agent_is_said_to_be(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that nobody answers is told apart from an agent without keys."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "dead"))
    with pytest.raises(OutsideError, match="the SSH agent does not answer"):
        list_agent_keys()
    with pytest.raises(OutsideError, match="no SSH agent answers"):
        sign_with_agent(PAYLOAD, NAMESPACE, key_of(keys["ed25519"]))


def test_a_missing_key_file(tmp_path: Path) -> None:
    """A key file that does not exist is named."""
    assert (
        fails(tmp_path / "nope").message
        == f"the key file `{tmp_path / 'nope'}` cannot be read: no such file or directory"
    )


def test_a_file_that_is_no_key(tmp_path: Path) -> None:
    """A file that is no key is said to be none."""
    path = tmp_path / "text"
    path.write_text("hello there\n")
    path.chmod(0o600)
    assert fails(path).message == f"`{path}` is not an SSH key"


def test_a_public_key_whose_private_half_is_nowhere(keys: Keys, tmp_path: Path) -> None:
    """A public key alone cannot sign, and the message says what is missing."""
    path = tmp_path / "lone.pub"
    path.write_text(keys["ed25519"].line)
    assert "neither beside it nor in the SSH agent" in fails(path).message


def test_a_passphrase_that_nobody_can_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encrypted key without a terminal says that it needs its passphrase, and that the agent is a way."""
    path = tmp_path / "locked"
    assert openssh("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(path)).returncode == 0
    # Where the tests run on a terminal, nobody is asked either.
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    failure = fails(path)
    assert "passphrase" in failure.message
    assert "ssh-add" in (failure.help or "")


def test_a_key_file_that_others_can_read(keys: Keys, tmp_path: Path) -> None:
    """A private key with loose permissions is refused with the command that mends it."""
    path = tmp_path / "loose"
    path.write_bytes(keys["ed25519"].path.read_bytes())
    path.chmod(0o644)
    failure = fails(path)
    assert "other people can read it" in failure.message
    assert "chmod 600" in (failure.help or "")


def test_a_weak_key_is_refused_before_it_signs(keys: Keys, tmp_path: Path) -> None:
    """A key that would not count is refused before anybody types a passphrase."""
    assert "1024 bits" in fails(keys["rsa-1024"].path).message
    found = read_key_file(keys["rsa-1024"].path)
    assert isinstance(found, Fault)
    assert found.kind is FaultKind.WEAK
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("program", ["ssh-keygen", "ssh-add"])
def test_openssh_is_missing(keys: Keys, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenSSH's programs the message names the one that is missing and how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with pytest.raises(OutsideError, match=f"`{program}` is not installed") as caught:
        sign_with_file(PAYLOAD, NAMESPACE, keys["ed25519"].path) if program == "ssh-keygen" else list_agent_keys()
    assert "install OpenSSH" in (caught.value.help or "")


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a `ssh-keygen` of our own first in the path."""
    program = folder / "ssh-keygen"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_what_ssh_keygen_made_is_verified(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature over something else than the payload is not handed on, whatever the program's exit code."""
    (tmp_path / "other").write_text(keys["ed25519"].sign(b"something else"))
    stand_in(tmp_path, f"cat > /dev/null; cat {tmp_path / 'other'}", monkeypatch)
    assert "does not count" in fails(keys["ed25519"].path).message


def test_other_failures_are_quoted(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ssh-keygen says is handed on where hubcfg does not know it."""
    stand_in(tmp_path, "echo 'Signing data on standard input' >&2; echo the moon is full >&2; exit 1", monkeypatch)
    assert fails(keys["ed25519"].path).message.endswith("the moon is full")


def test_a_program_that_never_ends_is_stopped(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for a touch that never comes ends."""
    stand_in(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr(keygen, "_TIMEOUT", 0.2)
    assert "did not finish" in fails(keys["ed25519"].path).message


def test_a_touch_is_announced(tmp_path: Path, keys: Keys) -> None:
    """Before a hardware key signs, the person is told to touch it; for other keys nothing is said."""
    said: list[str] = []
    path = tmp_path / "hardware.pub"
    path.write_text(HardwareKey("ed25519").line)
    with pytest.raises(OutsideError):
        sign_with_file(PAYLOAD, NAMESPACE, path, announce=said.append)
    assert said == ["touch the hardware key when it blinks"]
    sign_with_file(PAYLOAD, NAMESPACE, keys["ed25519"].path, announce=said.append)
    assert len(said) == 1


def test_private_keys_of_other_formats_are_known_by_their_public_half(tmp_path: Path) -> None:
    """A private key in PEM is known by the `.pub` file beside it, and signs."""
    path = tmp_path / "pem"
    done = openssh("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", str(path))
    assert done.returncode == 0
    check(sign_with_file(PAYLOAD, NAMESPACE, path), KeyPair(path))
    assert isinstance(read_key_file(path), PublicKey)
    (tmp_path / "pem.pub").unlink()
    assert isinstance(read_key_file(path), Fault)
