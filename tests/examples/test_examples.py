"""The examples compile without a finding, their tests hold, and their bundles are the golden ones."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from hubcfg.cli.main import cli
from hubcfg.core.instants import Instant, parse_instant
from hubcfg.pipeline import Compiled, compile_project
from tests.examples.sign import EXAMPLES, SIGNERS, sign_example

GOLDEN = Path(__file__).parents[1] / "golden" / "examples"

# The examples' approvals were signed on 2026-11-22 and count for a year; their windows lie around this day.
AS_OF = "2026-12-01T00:00:00Z"
NAMES = ["quickstart", "onestack", "msp-panel", "opspilot365"]


def compile_example(name: str, tmp_path: Path) -> Compiled:
    """Compiles a copy outside Git, so that what is judged does not depend on what this repository has committed."""
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    instant = parse_instant(AS_OF)
    assert instant is not None
    return compile_project(tmp_path / name, as_of=Instant(instant))


@pytest.mark.parametrize("name", NAMES)
def test_example_has_no_findings(name: str, tmp_path: Path) -> None:
    """Nothing is found but that the tree itself is the base."""
    compiled = compile_example(name, tmp_path)
    assert [finding.message for finding in compiled.findings if finding.name != "no-trusted-base"] == []
    assert compiled.verified is not None


@pytest.mark.parametrize("name", NAMES)
def test_example_gives_its_golden_bundles(name: str, tmp_path: Path, bless: bool) -> None:
    """The bundles are byte for byte those in tests/golden/examples."""
    compiled = compile_example(name, tmp_path)
    if bless:
        shutil.rmtree(GOLDEN / name, ignore_errors=True)
        for path, content in compiled.files.items():
            (GOLDEN / name / path).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / name / path).write_bytes(content)
    golden = {path.relative_to(GOLDEN / name).as_posix(): path.read_bytes() for path in (GOLDEN / name).rglob("*.json")}
    assert compiled.files.keys() == golden.keys()
    for path, content in compiled.files.items():
        assert json.loads(content) == json.loads(golden[path])
        assert content == golden[path]


@pytest.mark.parametrize("name", ["onestack", "msp-panel", "opspilot365"])
def test_example_tests_hold(name: str) -> None:
    """`hubcfg test` passes on the example as it stands in the repository."""
    result = CliRunner().invoke(cli, ["-C", str(EXAMPLES / name), "test", "--as-of", AS_OF], standalone_mode=False)
    assert result.return_value == 0, result.output


@pytest.mark.parametrize("name", sorted(SIGNERS))
def test_example_can_be_signed_anew(name: str, tmp_path: Path) -> None:
    """New keys and approvals, made by the people of the example, clear everything, on whatever day this runs."""
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    sign_example(name, tmp_path / name)
    result = CliRunner().invoke(cli, ["-C", str(tmp_path / name), "approvals", "verify"], standalone_mode=False)
    assert result.return_value == 0, result.output
