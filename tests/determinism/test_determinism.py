"""Compiling is a function of the sources: the hash seed, the folder and the run make no difference, to the byte."""

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from hubcfg.core.instants import parse_instant
from hubcfg.pipeline import compile_project

EXAMPLES = Path(__file__).parents[2] / "examples"
AS_OF = "2026-12-01T00:00:00Z"
SCRIPT = """
import sys
from pathlib import Path
from hubcfg.core.instants import parse_instant
from hubcfg.pipeline import compile_project
from hubcfg.views.findings.json import render_json
compiled = compile_project(Path(sys.argv[1]), as_of=parse_instant(sys.argv[2]))
for path, content in sorted(compiled.files.items()):
    sys.stdout.buffer.write(path.encode() + content)
print(render_json(compiled.findings))
"""


def run(folder: Path, seed: str) -> bytes:
    environment = os.environ | {"PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", SCRIPT, str(folder), AS_OF]
    return subprocess.run(command, env=environment, check=True, capture_output=True).stdout


@pytest.mark.parametrize("name", ["onestack", "opspilot365"])
def test_hash_seeds(name: str, tmp_path: Path) -> None:
    """Bundles and findings are the same under different hash seeds, and from a folder elsewhere."""
    copy = tmp_path / "elsewhere"
    subprocess.run(["cp", "-r", str(EXAMPLES / name), str(copy)], check=True)
    outputs = {run(copy, seed) for seed in ("0", "1", "42")}
    assert len(outputs) == 1


def test_workers(tmp_path: Path) -> None:
    """Reading files in two processes gives the same bundles and findings, those of files with slips among them."""
    copy = tmp_path / "elsewhere"
    subprocess.run(["cp", "-r", str(EXAMPLES / "onestack"), str(copy)], check=True)
    instant = parse_instant(AS_OF)
    assert instant is not None
    alone = compile_project(copy, as_of=instant)
    with ProcessPoolExecutor(2) as pool:
        assert compile_project(copy, as_of=instant, executor=pool).files == alone.files
        (copy / "slips.yaml").write_text(
            "kind: Users\norg: tidewater\nusers:\n  a@b.example: {rol: *x, role: membr}\n---\n- 1\n"
        )
        spread = compile_project(copy, as_of=instant, executor=pool)
    assert spread.findings == compile_project(copy, as_of=instant).findings
    assert spread.has_errors


@pytest.mark.parametrize("name", ["onestack", "opspilot365"])
def test_any_number_of_workers(name: str, tmp_path: Path) -> None:
    """The command writes the same folder and says the same with one, two and three workers."""
    said = set()
    for workers in "123":
        out = tmp_path / workers
        command = [sys.executable, "-m", "hubcfg", "-C", str(EXAMPLES / name), "compile", "--as-of", AS_OF]
        done = subprocess.run([*command, "-o", str(out), "--workers", workers], check=True, capture_output=True)
        files = tuple(sorted((str(path.relative_to(out)), path.read_bytes()) for path in out.rglob("*.json")))
        said.add((files, done.stdout.replace(str(out).encode(), b""), done.stderr))
    assert len(said) == 1
