"""What `hubcfg init` says when it has begun a project."""

import json
from collections.abc import Sequence
from pathlib import Path

from hubcfg.views.colors import paint
from hubcfg.views.counts import number

FORMAT = "hubcfg.init/1"


def render_begun(
    format: str,
    folder: Path,
    *,
    project: str,
    platform: str,
    org: str,
    owner: str,
    files: Sequence[str],
    is_repository: bool = False,
    use_color: bool = False,
) -> str:
    """Returns the files of a new project and what to do next, as text or JSON."""
    if format == "json":
        document = {
            "format": FORMAT,
            "folder": str(folder),
            "project": project,
            "platform": platform,
            "org": org,
            "owner": owner,
            "files": list(files),
        }
        return json.dumps(document, ensure_ascii=False, indent=2)
    where = "" if folder == Path() else f" -C {_quoted(folder)}"
    head = paint(f"began the project {project} on {platform}", "bold", use_color=use_color)
    here = "here" if folder == Path() else f"in {folder}"
    git = "" if folder == Path() else f" -C {_quoted(folder)}"
    begin = "" if is_repository else f"git{git} init && "
    steps = [
        (f"hubcfg{where} validate", "checks everything"),
        (f"hubcfg{where} show {owner}", "who may do what, and why"),
        (f"hubcfg{where} compile -o {_quoted(folder / 'build')}", "what would be deployed"),
        (f"{begin}git{git} add . && git{git} commit", "from then on every change is judged against this one"),
    ]
    width = max(len(command) for command, _ in steps)
    lines = [f"{head}: {number(len(files), 'file')} {here}", *(f"  {file}" for file in files), "", "next:"]
    lines += [f"  {command.ljust(width)}  # {why}" for command, why in steps]
    return "\n".join([*lines, "README.md in it says how to go on"])


def _quoted(folder: Path) -> str:
    import shlex

    return shlex.quote(str(folder))
