"""Runs a step of the GitHub action or of the GitLab template: `python -I -m hubcfg.ci summary|comment|fence`."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hubcfg.ci import github, gitlab
from hubcfg.ci.api import ApiError
from hubcfg.ci.sticky import Discussion, keep_comment, mark_for
from hubcfg.ci.summary import Check, Link, no_link, render_check, render_comment, render_fenced
from hubcfg.core.errors import HubcfgError

TOKEN = "HUBCFG_COMMENT_TOKEN"
Say = Callable[[str, str], None]


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs a step; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -I -m hubcfg.ci", description=(__doc__ or "").partition(":")[0])
    steps = parser.add_subparsers(required=True)
    summary = steps.add_parser("summary", help="write the summary of a check, and the text of its comment")
    summary.add_argument("folder", type=Path, help="where findings.json, tests.json and plan.md are, and the texts go")
    summary.add_argument("--project", default=".", help="the project's folder, from the top of the repository")
    summary.add_argument("--behind", type=int, default=0, help="how many commits have landed on the target meanwhile")
    summary.set_defaults(step=_summarize)
    comment = steps.add_parser("comment", help="write the comment, or bring it up to date")
    comment.add_argument("text", type=Path, help="the file with the comment's text")
    comment.add_argument("--project", default=".", help="the project's folder, from the top of the repository")
    comment.add_argument("--if-there", action="store_true", help="only bring one up to date that is there")
    comment.set_defaults(step=_comment)
    fence = steps.add_parser(
        "fence", help="print what a command printed as Markdown in which nothing of it means anything"
    )
    fence.add_argument("text", type=Path, help="the file with what the command printed")
    fence.add_argument("--title", required=True)
    fence.set_defaults(step=_fence)
    options = parser.parse_args(arguments)
    code: int = options.step(options, environment)
    return code


def _summarize(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    folder: Path = options.folder
    project = options.project.removeprefix("./").strip("/") or "."
    pull = github.read_pull_request(environment)
    plan = folder / "plan.md"
    check = Check(
        findings=_read_json(folder / "findings.json"),
        tests=_read_json(folder / "tests.json"),
        plan=plan.read_text("utf-8", errors="replace") if plan.is_file() else "",
        title="" if project == "." else project,
        behind=options.behind,
        foot=_foot(environment, pull),
        link=_link(environment, project, pull),
    )
    (folder / "summary.md").write_text(render_check(check), "utf-8")
    (folder / "comment.md").write_text(render_comment(check), "utf-8")
    return 0


def _fence(options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    print(render_fenced(options.title, options.text.read_text("utf-8", errors="replace")))
    return 0


def _read_json(path: Path) -> Any:
    """Returns what a command printed as JSON, or nothing where it was not run or ended before it printed anything."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}


def _foot(environment: Mapping[str, str], pull: github.PullRequest | None) -> str:
    """Returns the last line: which commit this is about, and where the run is."""
    commit = pull.head if pull is not None else environment.get("GITHUB_SHA") or _gitlab_commit(environment)
    run = environment.get("CI_PIPELINE_URL", "")
    if "GITHUB_RUN_ID" in environment:
        run = f"{_repository(environment)}/actions/runs/{environment['GITHUB_RUN_ID']}"
    parts = [f"commit {commit[:10]}"] * bool(commit) + [f'<a href="{run}">the run</a>'] * bool(run)
    return f"<sub>{' · '.join(parts)}</sub>" if parts else ""


def _link(environment: Mapping[str, str], project: str, pull: github.PullRequest | None) -> Link:
    """Returns what makes the address of a line, at the commit that the check is about."""
    if "GITHUB_REPOSITORY" in environment:
        start = f"{_repository(environment)}/blob/{pull.head if pull is not None else environment['GITHUB_SHA']}"
    elif "CI_PROJECT_URL" in environment:
        home = environment.get("CI_MERGE_REQUEST_SOURCE_PROJECT_URL") or environment["CI_PROJECT_URL"]
        start = f"{home}/-/blob/{_gitlab_commit(environment)}"
    else:
        return no_link

    def link(file: str, line: int | None) -> str | None:
        path = file if project == "." else f"{project}/{file}"
        return f"{start}/{quote(path, errors='replace')}{f'#L{line}' if line else ''}"

    return link


def _gitlab_commit(environment: Mapping[str, str]) -> str:
    """Returns the change's own last commit: the job's, unless GitLab has merged the change with its target for it."""
    return environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environment.get("CI_COMMIT_SHA", "")


def _repository(environment: Mapping[str, str]) -> str:
    return f"{environment['GITHUB_SERVER_URL']}/{environment['GITHUB_REPOSITORY']}"


def _comment(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    say = _say_in_workflow if "GITHUB_ACTIONS" in environment else _say
    token = environment.get(TOKEN, "")
    if not token:
        say("notice", f"no comment: `{TOKEN}` is not set; the job has the plan")
        return 0
    try:
        return _keep(options, environment, token, say)
    except HubcfgError as error:
        say("error", f"the comment could not be written, so one that is there may be out of date: {error.message}")
        return error.exit_code


def _keep(options: argparse.Namespace, environment: Mapping[str, str], token: str, say: Say) -> int:
    discussion: Discussion | None
    if "GITHUB_ACTIONS" in environment:
        pull = github.read_pull_request(environment)
        if pull is not None and pull.is_from_fork:
            say("notice", "no comment: a pull request from a fork may not write; the run's summary has all of it")
            return 0
        discussion = None if pull is None else github.open_discussion(environment, token, pull.number)
    else:
        discussion = gitlab.open_discussion(environment, token)
    if discussion is None:
        say("notice", "no comment: this run is for no pull request")
        return 0
    project = options.project.removeprefix("./").strip("/") or "."
    text = options.text.read_text("utf-8")
    try:
        outcome = keep_comment(discussion, mark_for(project), text, is_needed=not options.if_there)
    except ApiError as error:
        if not error.is_refusal:
            raise
        say("notice", f"no comment: the token may not write one ({error.message}); the run's summary has all of it")
        return 0
    print(outcome.value)
    return 0


def _say(kind: str, message: str) -> None:
    print(f"{kind}: {message}")


def _say_in_workflow(kind: str, message: str) -> None:
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{kind} title=hubcfg::{escaped}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
