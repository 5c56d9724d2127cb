"""A Dask cluster does what one process does, also where one of its machines dies: a real scheduler and real workers."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from hubcfg.cli.workers import open_executor
from hubcfg.core.errors import OutsideError, UsageError
from hubcfg.core.instants import parse_instant
from hubcfg.emitter.folder import new_folder
from hubcfg.parts.compile import CompiledParts, compile_in_parts
from hubcfg.pipeline import compile_project
from tests.benchmarks.generate import write_orgs

HUBCFG = [sys.executable, "-m", "hubcfg"]
AS_OF = "2026-12-01T00:00:00Z"
DASK = [sys.executable, "-m", "dask"]


class Cluster:
    """A scheduler and its workers, as processes of their own."""

    def __init__(self, address: str, workers: list[subprocess.Popen[bytes]]) -> None:
        self.address = address
        self.workers = workers


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler with two workers that know nothing of the project's folder."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    place = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen([*DASK, *arguments, "--scheduler-file", str(file)], **place)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        alone = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
        workers = [start("worker", *alone) for _ in range(2)]
        wait_for(file.is_file)
        address = str(json.loads(file.read_text())["address"]).removeprefix("tcp://")
        yield Cluster(f"dask://{address}", workers)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty orgs of thirty people."""
    root = tmp_path_factory.mktemp("project")
    write_orgs(root, 1200, 40)
    return root


class Killing(Executor):
    """Hands on what it is given, and kills a worker of the cluster when that many tasks have been handed on."""

    def __init__(self, executor: Executor, worker: subprocess.Popen[bytes], after: int) -> None:
        self.tasks = 0
        self._executor = executor
        self._worker = worker
        self._after = after

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks += 1
        if self.tasks == self._after:
            self._worker.send_signal(signal.SIGKILL)
        return self._executor.submit(fn, *args, **kwargs)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_cluster_gives_the_same_bytes_when_a_worker_dies(cluster: Cluster, project: Path, tmp_path: Path) -> None:
    """The command, and then a run in the middle of which one of two workers is killed, give what one process gives."""
    as_of = parse_instant(AS_OF)
    assert as_of is not None
    whole = compile_project(project, as_of=as_of)
    expected = whole.emit()
    command = [*HUBCFG, "-C", str(project), "compile", "-o", str(tmp_path / "far"), "--as-of", AS_OF]
    subprocess.run([*command, "--executor", cluster.address], check=True, capture_output=True)
    assert files_of(tmp_path / "far") == expected
    with open_executor(None, cluster.address) as executor, new_folder(tmp_path / "killed") as folder:
        assert executor is not None
        killing = Killing(executor, cluster.workers[0], 90)
        done = compile_in_parts(project, killing, as_of=as_of, folder=folder)
        assert isinstance(done, CompiledParts)
        assert killing.tasks > 90
        folder.publish({"manifest.json": done.emit_manifest()})
    assert cluster.workers[0].wait() == -signal.SIGKILL
    assert done.findings == whole.findings
    assert files_of(tmp_path / "killed") == expected


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody answers the run ends with that, and not with a traceback."""
    monkeypatch.setattr("hubcfg.cli.workers.PATIENCE", 1)
    with pytest.raises(OutsideError, match="no Dask scheduler answers"), open_executor(None, "dask://127.0.0.1:9"):
        raise AssertionError(os.getpid())


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "dask://", "ray://here"])
def test_other_addresses(address: str) -> None:
    """What is no address of a scheduler is a usage error."""
    with pytest.raises(UsageError, match="is no executor"), open_executor(None, address):
        raise AssertionError(os.getpid())


def test_both_ways_at_once() -> None:
    """Processes here and a cluster are not used together."""
    with pytest.raises(UsageError, match="two ways"), open_executor(2, "dask://here:1"):
        raise AssertionError(os.getpid())


def test_without_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the Dask client is not installed the error says how to install it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError) as caught, open_executor(None, "dask://here:1"):
        raise AssertionError(os.getpid())
    assert caught.value.help == "`pip install 'hubcfg[dask]'`"
