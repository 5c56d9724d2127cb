"""Runs the cases of findings about deployments: a version is deployed to a folder, and another one applied after it."""

from contextlib import ExitStack, closing
from pathlib import Path

from msgspec.structs import replace

from hubcfg.applier.holder import describe_self
from hubcfg.applier.opening import choose_target, open_target
from hubcfg.applier.target import Writer
from hubcfg.applying import carry_out, check_saved, explain_error, find_obstacles, is_ready
from hubcfg.core.errors import HubcfgError
from hubcfg.core.finding import Finding
from hubcfg.core.instants import Instant, parse_instant
from hubcfg.deployment import Prepared, Request, prepare, read_targets
from hubcfg.pipeline import Compiled, compile_project
from hubcfg.planner.plan import Origin
from tests.approvals.histories import History
from tests.rule_cases import Case


def run_deployed(case: Case, root: Path) -> Compiled:
    """Returns what is compiled, with the findings of applying it beside its own."""
    return _Run(case, root).run()


class _Run:
    def __init__(self, case: Case, root: Path) -> None:
        instant = parse_instant(case.as_of)
        assert instant is not None
        self._case = case
        self._root = root
        self._instant: Instant = instant
        self._history = History(root)
        self._history.start()

    def run(self) -> Compiled:
        assert self._case.deployed is not None
        self._write(self._case.deployed)
        prepared, errors = self._apply(None)
        assert prepared is not None, errors
        assert errors == []
        self._find()
        saved = None
        if self._case.planned is not None:
            self._write(self._case.planned)
            saved = self._plan()
        self._write(self._case.files)
        prepared, errors = self._apply(saved)
        compiled = prepared.compiled if prepared is not None else compile_project(self._root, as_of=self._instant)
        return replace(compiled, findings=[*compiled.findings, *errors])

    def _write(self, files: dict[str, bytes]) -> None:
        for name in self._history.git("ls-files").split("\n"):
            if name and name not in files:
                (self._root / name).unlink(missing_ok=True)
        self._history.write({name: content.decode() for name, content in files.items()})
        self._history.git("add", "-A", "--", ".", ":!deploy")
        self._history.git("commit", "-q", "--allow-empty", "-m", "Change")

    def _find(self) -> None:
        """Puts into the target's folder what is to be found there."""
        for name, text in (self._case.found or {}).items():
            path = self._root / "deploy" / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")

    def _open(self) -> Writer:
        project = read_targets(self._root)
        assert project is not None
        return open_target(choose_target(project, None), self._root, {})

    def _plan(self) -> Origin:
        project = read_targets(self._root)
        assert project is not None
        with closing(self._open()) as writer:
            plan = prepare(self._request(), project, choose_target(project, None), writer).plan
        assert plan is not None
        return plan.origin

    def _request(self) -> Request:
        return Request(self._root, self._instant)

    def _apply(self, saved: Origin | None) -> tuple[Prepared | None, list[Finding]]:
        """Returns what was prepared, and what forbids to carry it out."""
        project = read_targets(self._root)
        assert project is not None
        target = choose_target(project, None)
        with ExitStack() as stack:
            writer = stack.enter_context(closing(self._open()))
            if self._case.locked and writer.read_status().serial:
                other = stack.enter_context(closing(self._open()))
                stack.enter_context(other.lock(describe_self("ada", self._case.as_of)))
            try:
                prepared = prepare(self._request(), project, target, writer)
                obstacles = [] if saved is None else check_saved(saved, prepared)
                obstacles += find_obstacles(prepared, allowed=(), bootstrap=False)
                if not obstacles and is_ready(prepared):
                    carry_out(self._request(), prepared, writer, allowed=(), has_waited=False)
                return prepared, obstacles
            except HubcfgError as error:
                finding = explain_error(error, project, target, lambda file: (self._root / file).read_text("utf-8"))
                if finding is None:
                    raise
                return None, [finding]
