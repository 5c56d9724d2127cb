"""Whatever happens, a command ends with the exit code that says it, and JSON stays one document."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hubcfg import pipeline
from tests.unit.cli.running import Run

QUICKSTART = str(Path(__file__).parents[3] / "examples" / "quickstart")


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A project with one error."""
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: test\nplatform: onestak\n")
    return str(tmp_path)


def test_fine(hubcfg: Run) -> None:
    assert hubcfg("-C", QUICKSTART, "validate", "--base", "HEAD").code == 0


def test_findings_at_error_level(hubcfg: Run, broken: str) -> None:
    assert hubcfg("-C", broken, "validate").code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("validate", "--frobnicate"),
        ("validate", "--format", "xml"),
        ("validate", "--as-of", "tomorrow"),
        ("validate", "--select", "no-such-finding"),
        ("validate", "--ignore", "unknown-group"),
        ("-C", "/no/such/folder", "validate"),
        ("compile",),
        (),
    ],
)
def test_wrong_usage(hubcfg: Run, arguments: tuple[str, ...]) -> None:
    """Wrong usage is told on stderr, with exit code 2."""
    outcome = hubcfg(*arguments)
    assert outcome.code == 2
    assert outcome.err or outcome.out


def test_a_disk_that_refuses(hubcfg: Run, tmp_path: Path) -> None:
    """What the outside refuses is exit code 3: here, a folder below a file."""
    (tmp_path / "file").write_text("")
    outcome = hubcfg("-C", QUICKSTART, "compile", "-o", str(tmp_path / "file" / "out"), "--base", "HEAD")
    assert outcome.code == 3
    assert "cannot be written" in outcome.err


def test_a_bug(hubcfg: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is told in two lines with exit code 70, and its traceback only on request."""

    def fail(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(pipeline, "resolve_access", fail)
    outcome = hubcfg("-C", QUICKSTART, "validate")
    assert outcome.code == 70
    assert "this is a bug in hubcfg" in outcome.err
    assert "Traceback" not in outcome.err
    assert "Traceback" in hubcfg("-v", "-C", QUICKSTART, "validate").err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("validate", "--format", "json", "--select", "no-such-finding"), 2),
        (("validate", "--format=json", "--as-of", "tomorrow"), 2),
        (("show", "nobody@x.example", "--format", "json"), 2),
    ],
)
def test_errors_as_json(hubcfg: Run, arguments: tuple[str, ...], code: int) -> None:
    """With `--format json` an error is a document too, with `findings` and what happened."""
    outcome = hubcfg("-C", QUICKSTART, *arguments)
    assert outcome.code == code
    assert outcome.json["format"] == "hubcfg.findings/1"
    assert outcome.json["findings"] == []
    assert outcome.json["error"]["message"]


def test_a_bug_as_json(hubcfg: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "resolve_access", None)
    outcome = hubcfg("-C", QUICKSTART, "validate", "--format", "json")
    assert outcome.code == 70
    assert "bug" in outcome.json["error"]["message"]


def test_the_nearest_command_is_named(hubcfg: Run) -> None:
    assert "validate" in hubcfg("valdate").err


def test_a_reader_that_has_enough() -> None:
    """A closed pipe, as of `head`, is no error."""
    command = f"{sys.executable} -m hubcfg rules | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("command", ["rules", "--help"])
def test_output_that_cannot_be_written(command: str) -> None:
    """A full disk behind stdout or stderr is something outside, no bug, and no success."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hubcfg", command], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (3, "error: can't write: no space left on device\n")
        deaf = subprocess.run([sys.executable, "-m", "hubcfg", command], stdout=full, stderr=full, check=False)
    assert deaf.returncode == 3


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C ends a run with 130, and nothing is half-written."""
    lines = ["kind: Users", "org: acme", "users:"]
    lines += [f"  user{number}@acme.example: {{role: member}}" for number in range(200_000)]
    (tmp_path / "hubcfg.yaml").write_text("hubcfg: 1\nproject: test\nplatform: onestack\n")
    (tmp_path / "users.yaml").write_text("\n".join(lines) + "\nkind: again\n")
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "hubcfg", "-C", str(tmp_path), "compile", "-o", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"HUBCFG_BASE": ""},
    )
    time.sleep(1.5)  # past the imports, and well before the end
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert b"Traceback" not in stderr
    assert not out.exists()


@pytest.mark.parametrize("command", ["--help", "--version"])
def test_help_loads_nothing_that_it_does_not_show(command: str) -> None:
    """Neither the parser nor the schemas, the templates or the cryptography are imported to print help."""
    script = f"import sys; from hubcfg.cli.main import run; run(['{command}']); print([*sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.replace("'", "").strip("[]\n").split(", "))
    assert not loaded & {
        "yaml",
        "jsonschema",
        "jsonschema_rs",
        "jinja2",
        "cryptography",
        "hubcfg.pipeline",
        "hubcfg.parser",
    }
