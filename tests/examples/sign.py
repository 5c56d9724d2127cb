"""Signs the examples' approvals anew: `python -m tests.examples.sign`.

The keys are made for the occasion and thrown away, so nobody can approve anything with them afterwards: an example that
changes in what it needs approvals for is signed anew as a whole. People of the examples sign for what they may approve.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from click.testing import CliRunner

from hubcfg.cli.main import cli

EXAMPLES = Path(__file__).parents[2] / "examples"

# By example: who signs, in turn, and what (all that is outstanding and that the person may approve, unless it is said).
SIGNERS: dict[str, list[tuple[str, list[str], str]]] = {
    "onestack": [
        (
            "marta.lindqvist@tidewater.example",
            ["--user", "devon.achebe@tidewater.example", "--user", "ines.carvalho@tidewater.example"],
            "The two who run the Hub for us",
        ),
        ("devon.achebe@tidewater.example", ["--all"], "First review of everybody's access"),
    ],
    "msp-panel": [("maren.holt@harbour-it.example", ["--all"], "First review of everybody's access")],
    "opspilot365": [
        ("karin.vester@blue-tern.example", ["--user", "ida.berg@blue-tern.example"], "Leads the service desk"),
        ("karin.vester@blue-tern.example", ["--user", "rasmus.dahl@blue-tern.example"], "Leads cloud projects"),
        ("karin.vester@blue-tern.example", ["--user", "noor.haddad@blue-tern.example"], "Leads security"),
        ("ida.berg@blue-tern.example", ["--all"], "Review of my team"),
        ("rasmus.dahl@blue-tern.example", ["--all"], "Review of my team"),
        ("noor.haddad@blue-tern.example", ["--all"], "Review of my team"),
        ("yusuf.adan@blue-tern.example", ["--all"], "What no lead can approve"),
    ],
}


def sign_example(name: str, folder: Path) -> None:
    """Signs what the example in `folder` needs, with new keys; its signers file and approvals are replaced."""
    shutil.rmtree(folder / "approvals", ignore_errors=True)
    (folder / "trust").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as keys:
        files: dict[str, Path] = {}
        lines = ["# For this example only: the private keys were thrown away after signing."]
        for person, _, _ in SIGNERS[name]:
            if person not in files:
                files[person] = Path(keys) / str(len(files))
                _make_key(files[person], person)
                lines.append(f"{person} {files[person].with_suffix('.pub').read_text().strip()}")
        (folder / "trust" / "allowed_signers").write_text("\n".join(lines) + "\n")
        for person, options, reason in SIGNERS[name]:
            command = [
                "-C",
                str(folder),
                "approve",
                "--as",
                person,
                *options,
                "--reason",
                reason,
                "--key",
                str(files[person]),
            ]
            result = CliRunner().invoke(cli, command, standalone_mode=False)
            if result.exception is not None or result.return_value:
                raise RuntimeError(f"{name}: {person} could not sign: {result.exception or result.output}")


def _make_key(path: Path, comment: str) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def main() -> None:
    """Signs all examples, each in a copy outside Git, so that the tree itself is the base."""
    for name in SIGNERS:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / name
            shutil.copytree(EXAMPLES / name, copy)
            sign_example(name, copy)
            for part in ("approvals", "trust"):
                shutil.rmtree(EXAMPLES / name / part, ignore_errors=True)
                shutil.copytree(copy / part, EXAMPLES / name / part)


if __name__ == "__main__":
    main()
